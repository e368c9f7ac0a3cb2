"""Each invariant is broken on purpose and must be found; the command says so and exits 1."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from mall.kernel import clock, invariants
from mall.kernel.uow import reading_one_instant
from mall.shell import wiring
from orders.reconciliation import rules as reconciliation_rules
from tests.support.breaches import (
    AFTER_SALES_BREACHES,
    APPROVAL_BREACHES,
    BILL_BREACHES,
    GIVING_BREACHES,
    JOURNAL_BREACHES,
    SETTLEMENT_BREACHES,
    UNIT_BREACHES,
    VOUCHER_BREACHES,
)
from tests.support.database import break_rules, findings_of
from tests.support.giving import Union
from tests.support.people import confirmed_by_second, new_member, new_staff, order_body
from tests.support.selling import Counter, Sale
from tests.support.shop import new_sku, new_supplier
from tests.support.unit import Unit
from tests.support.wechat import pay_at_wechat
from tests.support.working import in_another_thread, run_outbox, run_sweep

# What a breach looks like in SQL, by the invariant that must find it. Statements run with the
# append-only triggers and foreign keys off, as only a superuser could.
BREACHES = {
    "ledger_balanced": "UPDATE ledger_entry SET amount_fen = amount_fen + 1"
    " WHERE account = 'beans:issued'",
    "lot_balance": "UPDATE bean_lot SET balance_fen = balance_fen + 1",
    "grace_is_what_came_back": "UPDATE bean_lot SET came_from_id = id",
    "hold_balance": "UPDATE bean_hold SET amount_fen = amount_fen + 1 WHERE state = 'held'",
    "entries_have_accounts": "UPDATE ledger_entry SET member_id = NULL WHERE account LIKE 'lot:%'",
    "snapshots_add_up": "UPDATE ledger_snapshot SET balance_fen = balance_fen + 1"
    " WHERE account = 'sales:beans'",
    "stock_reserved": "UPDATE stock_level SET reserved = reserved + 1",
    "stock_on_hand": "UPDATE stock_level SET on_hand = on_hand + 1",
    "order_totals": "UPDATE order_line SET quantity = 2, amount_fen = 2 * price_fen,"
    " wechat_fen = 2 * price_fen - beans_fen",
    "order_beans": "UPDATE shop_order SET beans_fen = beans_fen + 1, wechat_fen = wechat_fen - 1"
    " WHERE beans_fen > 0 AND wechat_fen > 0",
    "order_reservations": "DELETE FROM reservation",
    "order_sales": "DELETE FROM stock_movement WHERE cause = 'sale'",
    "payments_accounted": "UPDATE payment SET is_late = NOT is_late WHERE state = 'paid'",
    "payments_posted": "DELETE FROM ledger_transfer WHERE reference LIKE 'payment:%'",
    "no_payment_waits_for_nothing": "UPDATE payment SET state = 'open', transaction_id = NULL"
    " WHERE order_id IN (SELECT id FROM shop_order WHERE state = 'cancelled')",
    "refunds_within_payment": "UPDATE refund SET amount_fen = amount_fen + 1",
    "refunds_posted": "DELETE FROM ledger_transfer WHERE reference LIKE 'refund:%'",
    "late_payments_go_back": "DELETE FROM refund",
    "refunds_owed": "UPDATE refund SET purpose = 'cancelled', state = 'accepted'",
    "paid_orders_fulfilled_once": "DELETE FROM fulfillment_line",
    "unpaid_orders_not_fulfilled": "UPDATE shop_order SET state = 'cancelled' WHERE state = 'paid'",
    "dispatched_quantities": "DELETE FROM shipment_line",
    "completed_means_delivered": "UPDATE fulfillment_order SET state = 'open'"
    " WHERE state = 'delivered'",
    "nothing_parked": "UPDATE outbox_delivery SET state = 'parked'",
    "ended_files_go": "INSERT INTO ended_file (key, found_at, ends_at)"
    " VALUES ('rosters/u/r.xlsx', now(), now() - interval '2 days')",
    "storage_adds_up": "INSERT INTO storage_use (owner_kind, owner_id, files, bytes)"
    " VALUES ('member', gen_random_uuid(), 1, 1)",
}


@pytest.fixture
def generous(world):
    """A union whose programme was issued to two people; one of them has chosen."""
    union = Union(world)
    rows = union.people(2)
    packs = [union.pack(30_000)[0] for _ in range(2)]
    programme_id = union.issued(roster_id=union.roster(rows), pack_ids=packs)
    assert union.redeem(union.members[rows[0][1]], programme_id, packs[0]).status_code == 201
    run_outbox(world)
    assert findings_of(world) == {}
    return world


@pytest.fixture
def busy(world):
    """A mall in which everything has happened once: nothing to find, and something to break."""
    supplier_id = new_supplier(world)
    supplier = new_staff(world, "supplier", supplier_id)
    _, sku = new_sku(world, 1000, 50, supplier_id)
    member = new_member(world, beans_fen=3500)
    # Paid by beans, split, dispatched, confirmed; another only paid and split.
    for finished in (True, False):
        order = member.post("/v1/store/orders", order_body([sku], "beans", 1000)).get_json()
        run_outbox(world)
        [part] = member.get(f"/v1/store/orders/{order['order_id']}/fulfillment-orders").get_json()[
            "items"
        ]
        if finished:
            parcel = {"carrier": "sf", "tracking_no": "SF1234567890123"}
            supplier.post(f"/v1/supplier/fulfillment-orders/{part['id']}/shipments", parcel)
            member.post(f"/v1/store/fulfillment-orders/{part['id']}/confirm")
    # Paid by WeChat; cancelled and paid too late, so that the money went back; still waiting.
    for fate in ("paid", "late", "waiting"):
        cap = 500 if fate == "waiting" else 0
        body = order_body([sku], "mixed", 1000, max_beans_fen=cap)
        path = f"/v1/store/orders/{member.post('/v1/store/orders', body).get_json()['order_id']}"
        payment = member.post(f"{path}/payments", {}).get_json()
        if fate == "late":
            member.post(f"{path}/cancel")
        if fate != "waiting":
            pay_at_wechat(world, payment, force=True)
    run_outbox(world)
    run_sweep(world, "send_due_refunds")
    clock.freeze(clock.now() + timedelta(hours=3))
    run_sweep(world, "roll_up_accounts")
    assert findings_of(world) == {}
    return world


def test_every_invariant_has_a_breach_to_find():
    known = {*BREACHES, *GIVING_BREACHES, *AFTER_SALES_BREACHES, *VOUCHER_BREACHES}
    known |= {*BILL_BREACHES, *SETTLEMENT_BREACHES, *UNIT_BREACHES, *JOURNAL_BREACHES}
    known |= {*APPROVAL_BREACHES}
    assert known == {each.name for each in wiring.INVARIANTS}


@pytest.mark.parametrize("name", BREACHES)
def test_a_breach_is_found(busy, name):
    break_rules(busy, BREACHES[name])
    assert findings_of(busy).get(name, 0) > 0


@pytest.mark.parametrize("name", JOURNAL_BREACHES)
def test_a_breach_of_the_journal_is_found(busy, name):
    run_sweep(busy, "seal_journal")
    assert findings_of(busy) == {}
    break_rules(busy, JOURNAL_BREACHES[name])
    assert findings_of(busy).get(name, 0) > 0


@pytest.fixture
def decided(generous):
    """Beans beyond the limit, an adjustment alone, a transfer, a refund: each by who may."""
    operator, member = new_staff(generous, "operator"), new_member(generous)
    body = {"member_ids": [str(member.id)], "amount_fen": 200_000, "reference": "G1"}
    body |= {"expires_at": "2030-12-31T16:00:00Z", "programme": "慰问"}
    confirmed_by_second(generous, operator.post("/v1/ops/beans/grants", body))
    adjustment = {"supplier_id": str(new_supplier(generous)), "amount_fen": 100, "note": "补"}
    assert operator.post("/v1/ops/settlement/adjustments", adjustment).status_code == 201
    sale = Sale(generous)
    assert sale.member.post(f"{sale.path}/cancel").status_code == 200
    assert findings_of(generous) == {}
    return generous


@pytest.mark.parametrize("name", APPROVAL_BREACHES)
def test_a_breach_of_two_persons_is_found(decided, name):
    break_rules(decided, APPROVAL_BREACHES[name])
    assert findings_of(decided).get(name, 0) > 0


@pytest.mark.parametrize("name", GIVING_BREACHES)
def test_a_breach_of_a_programme_is_found(generous, name):
    break_rules(generous, GIVING_BREACHES[name])
    assert findings_of(generous).get(name, 0) > 0


@pytest.fixture
def regretful(world):
    """One unit refunded, one replaced, one taken back before it left, one asked back."""
    sale = Sale(world, quantity=2).deliver()
    sale.supplier_does(sale.asked(), "approve")
    sale.supplier_does(sale.returned("exchange"), "accept-goods")
    other = Sale(world, quantity=3)
    other.supplier_does(other.asked(reason="no_longer_wanted"), "approve")
    other.asked(reason="no_longer_wanted")
    run_outbox(world)
    assert findings_of(world) == {}
    return world


@pytest.mark.parametrize("name", AFTER_SALES_BREACHES)
def test_a_breach_of_after_sales_is_found(regretful, name):
    break_rules(regretful, AFTER_SALES_BREACHES[name])
    assert findings_of(regretful).get(name, 0) > 0


@pytest.fixture
def collected(world):
    """Three cakes of which one was collected."""
    counter = Counter(world)
    assert counter.choose().status_code == 200
    assert counter.redeem(counter.codes()[0]).status_code == 200
    assert findings_of(world) == {}
    return world


@pytest.mark.parametrize("name", VOUCHER_BREACHES)
def test_a_breach_of_vouchers_is_found(collected, name):
    break_rules(collected, VOUCHER_BREACHES[name])
    assert findings_of(collected).get(name, 0) > 0


@pytest.fixture
def settled(world):
    """A parcel with freight that was reported as delivered, on its supplier's statement."""
    sale = Sale(world, freight=800)
    sale.dispatch()
    shipment = sale.member.get(f"{sale.path}/shipments").get_json()["items"][0]["id"]
    report = {"state": "delivered", "text": "门卫签收"}
    sale.supplier.post(f"/v1/supplier/shipments/{shipment}/events", report)
    run_outbox(world)
    clock.shift(timedelta(days=32))
    assert run_sweep(world, "draft_month") == 1
    assert findings_of(world) == {}
    return world


@pytest.mark.parametrize("name", SETTLEMENT_BREACHES)
def test_a_breach_of_settlement_is_found(settled, name):
    break_rules(settled, SETTLEMENT_BREACHES[name])
    assert findings_of(settled).get(name, 0) > 0


@pytest.fixture
def handed(world):
    """A load with one short at a unit, and one person who signed."""
    unit = Unit(Union(world))
    assert unit.receive(unit.send(), received=3).status_code == 201
    unit.tick((unit.people()["items"][0]["recipient_id"], "handed_out", {}))
    assert findings_of(world) == {}
    return world


@pytest.mark.parametrize("name", UNIT_BREACHES)
def test_a_breach_at_a_unit_is_found(handed, name):
    break_rules(handed, UNIT_BREACHES[name])
    assert findings_of(handed).get(name, 0) > 0


@pytest.fixture
def reconciled(world):
    """A payment whose day's bill was fetched and matched."""
    Sale(world)
    tomorrow = clock.beijing_day(clock.now()) + timedelta(days=1)
    clock.freeze(reconciliation_rules.begins(tomorrow) + timedelta(hours=11))
    run_sweep(world, "want_bills")
    assert run_sweep(world, "check_bills") >= 1
    assert findings_of(world) == {}
    return world


@pytest.mark.parametrize("name", BILL_BREACHES)
def test_a_breach_of_a_bill_is_found(reconciled, name):
    break_rules(reconciled, BILL_BREACHES[name])
    assert findings_of(reconciled).get(name, 0) > 0


def test_a_double_spend_would_be_found(busy):
    """One lot pays twice: the copy of an entry shows as a lot that does not add up."""
    break_rules(
        busy,
        "INSERT INTO ledger_entry (transfer_id, id, account, member_id, amount_fen)"
        " SELECT transfer_id, gen_random_uuid(), account, member_id, amount_fen FROM ledger_entry WHERE account LIKE 'lot:%' AND amount_fen < 0",
    )
    assert {"ledger_balanced", "lot_balance"} <= set(findings_of(busy))


def test_the_command_prints_a_line_for_each_and_exits_by_the_outcome(busy, command):
    clean = command("audit")
    lines = clean.stdout.splitlines()
    assert (clean.returncode, lines[-1]) == (
        0,
        f"audit: {len(wiring.INVARIANTS)} invariants, 0 broken",
    )
    assert [line.split()[1].rstrip(":") for line in lines[:-1]] == [
        each.name for each in wiring.INVARIANTS
    ]
    break_rules(busy, BREACHES["lot_balance"])
    broken = command("audit")
    assert broken.returncode == 1
    assert "✗ lot_balance" in broken.stdout
    assert "1 breaches" in broken.stdout


def test_the_daily_check_counts_what_is_broken(busy):
    assert run_sweep(busy, "check_invariants") == 0
    break_rules(busy, BREACHES["lot_balance"])
    assert run_sweep(busy, "check_invariants") == 1


def test_the_audit_reads_one_instant(busy):
    """What is ordered while it runs does not show as a breach: it is one snapshot."""
    member, (_, sku) = new_member(busy, beans_fen=1000), new_sku(busy, 1000)
    half = len(wiring.INVARIANTS) // 2
    with busy.app.app_context(), reading_one_instant() as session:
        findings = invariants.check(session, wiring.INVARIANTS[:half])
        body = order_body([sku], "beans", 1000)
        reply = in_another_thread(lambda: member.post("/v1/store/orders", body))
        assert reply.status_code == 201
        findings += invariants.check(session, wiring.INVARIANTS[half:])
        assert session.scalar(text("SELECT count(*) FROM shop_order")) == 5
    assert [each.invariant.name for each in findings if not each.is_kept] == []
