"""Real threads on real connections: nothing is sold, spent or done twice."""

import secrets
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import text

from mall.kernel.uow import unit_of_work
from tests.support.database import select_rows
from tests.support.people import new_member, order_body, same_person
from tests.support.shop import new_sku, stock_of
from tests.support.wechat import ask_mock, due_queries_now, mock_status
from tests.support.working import in_another_thread, run_sweep


def together(count, act):
    """Run `act(index)` in so many threads at the same instant and return what each got."""
    barrier, results = threading.Barrier(count), [None] * count

    def run(index):
        barrier.wait(10)
        results[index] = act(index)

    threads = [threading.Thread(target=run, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    return results


def test_32_clients_for_20_units_make_exactly_20_orders(world, audited):
    """Case 1."""
    _, sku = new_sku(world, 1000, 20)
    members = [new_member(world, beans_fen=1000) for _ in range(32)]
    body = order_body([sku], "beans", 1000)
    replies = together(32, lambda n: members[n].post("/v1/store/orders", body))
    assert Counter(reply.status_code for reply in replies) == {201: 20, 409: 12}
    codes = {reply.get_json()["code"] for reply in replies if reply.status_code == 409}
    assert codes <= {"out_of_stock", "lines_unavailable"}
    assert stock_of(world, sku) == (0, 0)
    audited()


def test_reservations_race_as_sales_do(world, audited):
    """Case 1, for orders that wait for WeChat."""
    _, sku = new_sku(world, 1000, 5)
    members = [new_member(world) for _ in range(16)]
    body = order_body([sku], "wechat", 1000)
    replies = together(16, lambda n: members[n].post("/v1/store/orders", body))
    assert Counter(reply.status_code for reply in replies) == {201: 5, 409: 11}
    assert stock_of(world, sku) == (5, 5)
    audited()


def test_one_lot_spent_from_16_connections_never_goes_below_zero(world, audited):
    """Case 2."""
    skus = [new_sku(world, 1000)[1] for _ in range(4)]
    member = new_member(world, beans_fen=5000)
    phones = [same_person(world, member) for _ in range(16)]
    replies = together(
        16,
        lambda n: phones[n].post("/v1/store/orders", order_body([skus[n % 4]], "beans", 1000)),
    )
    assert Counter(reply.status_code for reply in replies) == {201: 5, 409: 11}
    codes = {reply.get_json()["code"] for reply in replies if reply.status_code == 409}
    assert codes == {"not_enough_beans"}
    assert member.get("/v1/store/beans").get_json()["balance_fen"] == 0
    audited()


def test_one_key_50_times_at_once_makes_one_order(world, audited):
    """Case 10."""
    _, sku = new_sku(world, 1000)
    member = new_member(world, beans_fen=100_000)
    phones = [same_person(world, member) for _ in range(50)]
    key, body = secrets.token_hex(16), order_body([sku], "beans", 1000)
    replies = together(50, lambda n: phones[n].post("/v1/store/orders", body, key))
    assert {reply.status_code for reply in replies} <= {201, 409}
    answers = {reply.data for reply in replies if reply.status_code == 201}
    assert len(answers) == 1
    codes = {r.get_json()["code"] for r in replies if r.status_code == 409}
    assert codes <= {"idempotency_in_progress"}
    assert len(member.get("/v1/store/orders").get_json()["items"]) == 1
    again = member.post("/v1/store/orders", body, key)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert {again.data} == answers
    audited()


def test_while_the_first_waits_for_a_row_the_second_is_told_at_once(world, audited):
    """Case 10: the first order waits for its stock; its twin does not wait behind it."""
    _, sku = new_sku(world, 1000)
    member = new_member(world, beans_fen=100_000)
    phones = [same_person(world, member) for _ in range(2)]
    key, body = secrets.token_hex(16), order_body([sku], "beans", 1000)
    with ThreadPoolExecutor(1) as pool:
        with world.app.app_context(), unit_of_work() as uow:
            lock = "SELECT 1 FROM stock_level WHERE sku_id = :id FOR UPDATE"
            uow.session.execute(text(lock), {"id": sku})
            first = pool.submit(lambda: phones[0].post("/v1/store/orders", body, key))
            waits = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            deadline = time.monotonic() + 4
            while not in_another_thread(lambda: select_rows(world, waits)):
                assert time.monotonic() < deadline
                time.sleep(0.02)
            began = time.monotonic()
            second = in_another_thread(lambda: phones[1].post("/v1/store/orders", body, key))
            assert second.get_json()["code"] == "idempotency_in_progress"
            assert time.monotonic() - began < 2
        assert first.result(20).status_code == 201
    again = member.post("/v1/store/orders", body, key)
    assert again.data == first.result().data
    audited()


def test_two_skus_in_opposite_order_never_deadlock(world, audited):
    """Rows are locked in SKU order whatever the order of the lines."""
    skus = [new_sku(world, 500)[1] for _ in range(2)]
    members = [new_member(world, beans_fen=10_000) for _ in range(12)]

    def act(n):
        lines = skus if n % 2 else skus[::-1]
        body = order_body(lines, "beans", 1000)
        return [members[n].post("/v1/store/orders", body).status_code for _ in range(5)]

    assert together(12, act) == [[201] * 5] * 12
    audited()


def test_the_same_notice_from_eight_connections_pays_once(world, audited):
    """Case 11: repeated at the same instant."""
    _, sku = new_sku(world, 1000)
    member = new_member(world)
    order = member.post("/v1/store/orders", order_body([sku], "wechat", 1000)).get_json()
    path = f"/v1/store/orders/{order['order_id']}"
    payment = member.post(f"{path}/payments", {}).get_json()
    notice = ask_mock(world, "notice", {"out_trade_no": payment["out_trade_no"]})["body"].encode()
    replies = together(
        8, lambda n: world.app.test_client().post("/v1/webhooks/wechat/pay", data=notice).data
    )
    assert all(b"SUCCESS" in reply for reply in replies)
    assert member.get(path).get_json()["state"] == "paid"
    audited()


def test_paying_races_with_cancelling_and_one_of_them_wins(world, audited):
    """Case 12."""
    _, sku = new_sku(world, 1000)
    member = new_member(world)
    other = same_person(world, member)
    for _ in range(6):
        order = member.post("/v1/store/orders", order_body([sku], "wechat", 1000)).get_json()
        path = f"/v1/store/orders/{order['order_id']}"
        payment = member.post(f"{path}/payments", {}).get_json()

        def act(n, payment=payment, path=path):
            if n == 0:
                return other.post(f"{path}/cancel").status_code
            order = {"out_trade_no": payment["out_trade_no"], "notify": False}
            return mock_status(world, "pay", order)

        cancelled, paid = together(2, act)
        if paid == 200:
            due_queries_now(world)
            run_sweep(world, "query_open_payments")
        state = member.get(path).get_json()["state"]
        assert (state, cancelled, paid) in {("paid", 409, 200), ("cancelled", 200, 409)}
        audited()
