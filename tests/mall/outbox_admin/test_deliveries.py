"""What failed too often is seen, mended, run again, or given up."""

from threading import Thread

import pytest
from click.testing import CliRunner
from redis import Redis

from mall.shell.background import relay
from mall.shell.commands import jobs
from tests.support.database import execute_sql, findings_of, select_rows
from tests.support.people import new_member, new_staff, order_body
from tests.support.shop import new_sku
from tests.support.working import run_outbox

DELIVERIES = "/v1/ops/deliveries"
UNKNOWN = "019a3c5e-0000-7000-8000-000000000001"


@pytest.fixture
def operator(world):
    return new_staff(world, "operator")


@pytest.fixture
def order(world):
    _, sku = new_sku(world, 100, 10)
    member = new_member(world, beans_fen=1000)
    return member.post("/v1/store/orders", order_body([sku], "beans", 100)).get_json()


@pytest.fixture
def parked(world, order):
    """An order's delivery with a payload nobody can read, tried as often as it may be."""
    execute_sql(world, 'UPDATE outbox_delivery SET payload = \'{"order_id": "x"}\'')
    for _ in range(8):
        assert run_outbox(world) == 0
    [row] = select_rows(world, "SELECT id FROM outbox_delivery WHERE state = 'parked'")
    return str(row.id)


@pytest.fixture
def run(world, monkeypatch):
    """Run `mall jobs` within this process, on this test's application."""
    monkeypatch.setattr("mall.shell.commands.environment.application", lambda: world.app)

    def run(*arguments):
        done = CliRunner().invoke(jobs.jobs, arguments)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done

    return run


def listed(operator, state=None):
    query = f"?state={state}" if state else ""
    return operator.get(DELIVERIES + query).get_json()["items"]


def mend(world, order):
    execute_sql(
        world,
        "UPDATE outbox_delivery SET payload = jsonb_build_object('order_id', CAST(:id AS text))",
        id=order["order_id"],
    )


def decide(operator, delivery_id, what, note="看过了"):
    return operator.post(f"{DELIVERIES}/{delivery_id}/{what}", {"note": note})


def sweep(world):
    """Run what the scheduler's sweep would enqueue now."""
    with world.app.app_context():
        due = relay.claim_due(["payments", "fulfillment", "index", "sheets", "bulk", "notify"])
        return relay.deliver([str(each) for _, each in due]) if due else 0


def test_a_poisoned_delivery_is_listed_with_its_error_and_runs_again_once_mended(
    world, operator, order, parked, audited
):
    [found] = listed(operator)
    assert (found["id"], found["topic"], found["attempts"]) == (parked, "OrderPaid", 8)
    assert found["last_error"]
    assert sweep(world) == 0
    mend(world, order)
    reply = decide(operator, parked, "retry", "数据已修正")
    assert reply.status_code == 200
    assert (reply.get_json()["state"], reply.get_json()["attempts"]) == ("pending", 0)
    assert sweep(world) == 1
    assert listed(operator) == []
    [done] = listed(operator, "done")
    assert (done["id"], done["note"]) == (parked, "数据已修正")
    assert done["decided_by"] not in (None, "", "console")
    audited()


def test_what_is_dropped_stays_on_record_is_missed_by_the_audit_and_can_still_be_retried(
    world, operator, order, parked, audited
):
    assert decide(operator, parked, "drop", "测试订单").get_json()["state"] == "dropped"
    mend(world, order)
    assert sweep(world) == 0
    assert [each["note"] for each in listed(operator, "dropped")] == ["测试订单"]
    assert set(findings_of(world)) == {"paid_orders_fulfilled_once"}
    assert decide(operator, parked, "retry").status_code == 200
    assert sweep(world) == 1
    audited()


def test_what_waits_is_taken_out_of_the_way_and_put_back(world, operator, order, audited):
    [waiting] = listed(operator, "pending")
    assert decide(operator, waiting["id"], "park").get_json()["state"] == "parked"
    assert (run_outbox(world), sweep(world)) == (0, 0)
    assert decide(operator, waiting["id"], "retry").status_code == 200
    assert sweep(world) == 1
    audited()


def test_what_is_done_or_unknown_is_left_alone(world, operator, order):
    run_outbox(world)
    [done] = listed(operator, "done")
    for what in ("retry", "park", "drop"):
        refused = decide(operator, done["id"], what)
        assert (refused.status_code, refused.get_json()["code"]) == (409, "wrong_state")
        assert "已完成" in refused.get_json()["detail"]
        assert decide(operator, UNKNOWN, what).status_code == 404
    no_reason = operator.post(f"{DELIVERIES}/{done['id']}/retry", {})
    assert (no_reason.status_code, no_reason.get_json()["errors"][0]["field"]) == (422, "note")


def test_a_decision_waits_for_whoever_runs_the_delivery(world, operator, order, monkeypatch):
    """Parked while its reaction runs: it is done by then, and the operator is told so."""
    [waiting] = listed(operator, "pending")
    [reaction] = relay.registry.reactions_to("OrderPaid")
    replies = []
    decision = Thread(target=lambda: replies.append(decide(operator, waiting["id"], "park")))

    def handle(uow, messages):
        decision.start()
        decision.join(timeout=0.5)
        assert decision.is_alive()
        reaction.handle(uow, messages)

    monkeypatch.setitem(relay.registry._by_name, reaction.name, reaction.__class__(handle))
    assert run_outbox(world) == 1
    decision.join(timeout=10)
    assert [each.status_code for each in replies] == [409]
    assert len(listed(operator, "done")) == 1


def test_the_console_does_the_same(world, run, operator, order, parked):
    shown = run("list")
    assert shown.exit_code == 0, shown.stderr
    assert parked in shown.stdout
    assert "OrderPaid" in shown.stdout
    assert "1 parked" in shown.stdout
    figures = run("stats").stdout
    assert "payments" in figures
    assert "0 workers" in figures
    assert "dropped" in run("drop", parked, "--note", "x").stdout
    again = run("drop", parked, "--note", "x")
    assert (again.exit_code, "cannot be done in state" in again.stderr) == (1, True)
    assert run("retry").exit_code == 2
    assert "1 will run again" in run("retry", parked).stdout
    assert "parked" in run("park", parked, "--note", "y").stdout
    mend(world, order)
    assert "1 will run again" in run("retry", "--all", "--note", "z").stdout
    assert sweep(world) == 1
    assert [each["decided_by"] for each in listed(operator, "done")] == ["console"]


def test_queues_tell_what_waits_and_since_when(world, operator, order):
    execute_sql(world, "UPDATE outbox_delivery SET created_at = created_at - interval '90 seconds'")
    found = operator.get(f"{DELIVERIES}/queues").get_json()
    assert [each["queue"] for each in found["items"]] == [
        "payments",
        "fulfillment",
        "index",
        "sheets",
        "bulk",
        "notify",
    ]
    default = found["items"][1]
    assert (default["pending"], default["parked"], default["failed"]) == (1, 0, 0)
    assert 90 <= default["oldest_seconds"] < 150
    assert found["workers"] == 0


def test_queues_answer_without_valkey_what_the_database_knows(world, operator, order):
    nobody = Redis(port=1, socket_connect_timeout=1)
    kept = world.app.extensions["mall_quick_redis"]
    world.app.extensions["mall_quick_redis"] = nobody
    try:
        found = operator.get(f"{DELIVERIES}/queues").get_json()
    finally:
        world.app.extensions["mall_quick_redis"] = kept
    assert (found["items"][1]["pending"], found["items"][1]["queued"]) == (1, None)
    assert found["workers"] is None
