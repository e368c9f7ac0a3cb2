"""Collected once against a code; what goes back is collected no more."""

from datetime import timedelta

import pytest

from fulfillment.vouchers import service as voucher_service
from mall.kernel import clock
from mall.kernel.ids import ALPHABET
from mall.kernel.uow import unit_of_work
from tests.support.database import execute_sql, select_rows
from tests.support.people import Person, new_member
from tests.support.selling import PARCEL, Counter
from tests.support.shop import new_store, new_supplier
from tests.support.working import run_outbox, run_sweep


@pytest.fixture
def counter(world):
    return Counter(world)


def test_each_unit_has_a_voucher_and_the_last_one_completes_the_order(world, counter, audited):
    codes = counter.codes()
    assert len(set(codes)) == 3
    assert all(len(code.replace("-", "")) == 16 for code in codes)
    assert counter.part()["state"] == "open"
    states = []
    for code in codes:
        done = counter.redeem(code)
        assert (done.status_code, done.get_json()["state"]) == (200, "redeemed")
        states.append(counter.part()["state"])
        audited()
    # So long as a hand-out can be taken back, nothing is completed by it.
    assert states == ["partly_dispatched", "partly_dispatched", "dispatched"]
    run_sweep(world, "confirm_silent_deliveries")
    assert counter.read()["state"] == "paid"
    execute_sql(world, "UPDATE fulfillment_order SET confirm_by = now()")
    run_sweep(world, "confirm_silent_deliveries")
    assert counter.read()["state"] == "completed"
    assert counter.codes() == []
    audited()


def test_a_code_is_read_as_people_type_it(counter):
    code = counter.codes()[0]
    typed = f" {code.lower().replace('-', ' ')} "
    assert counter.redeem(typed).status_code == 200


def test_case_35_a_second_time_says_when_it_was_used(counter, audited):
    code = counter.codes()[0]
    first = counter.redeem(code, key="k1")
    # The clerk's network failed and the same request comes again: the same answer.
    assert counter.redeem(code, key="k1").data == first.data
    again = counter.redeem(code)
    assert (again.status_code, again.get_json()["code"]) == (409, "voucher_used")
    audited()


def test_case_35_at_another_merchant_it_is_unknown(world, counter):
    other = counter.another_clerk(new_store(world, new_supplier(world)))
    reply = counter.redeem(counter.codes()[0], clerk=other)
    assert (reply.status_code, reply.get_json()["field"]) == (404, "code")
    made_up = "-".join([ALPHABET[:4]] * 4)
    assert counter.redeem(made_up).get_json() == reply.get_json()


def test_codes_are_kept_nowhere(world, counter):
    code = counter.codes()[0].replace("-", "")
    counter.redeem(code, key="k1")
    for table in ("pickup_voucher", "idempotency_record", "outbox_delivery"):
        for row in select_rows(world, f"SELECT to_jsonb(t) AS row FROM {table} t"):
            assert code not in str(row.row).replace("-", "").upper()


def test_a_member_sees_ones_own_vouchers_only(world, counter):
    assert new_member(world).get(f"{counter.path}/vouchers").status_code == 404
    assert Person(world.app).get(f"{counter.path}/vouchers").status_code == 401


def test_what_is_collected_is_not_dispatched(counter):
    path = f"/v1/supplier/fulfillment-orders/{counter.part()['id']}/shipments"
    reply = counter.supplier.post(path, PARCEL)
    assert (reply.status_code, reply.get_json()["code"]) == (409, "collected_by_voucher")


def test_a_cancelled_order_hands_out_nothing(counter, audited):
    code = counter.codes()[0]
    assert counter.member.post(f"{counter.path}/cancel").status_code == 200
    # At once, before any worker has marked the vouchers.
    assert counter.redeem(code).get_json()["code"] == "voucher_revoked"
    assert counter.codes() == []
    run_outbox(counter.world)
    assert {each["state"] for each in counter.vouchers()} == {"revoked"}
    audited()


def test_a_refund_revokes_as_many_vouchers_in_the_same_transaction(counter, audited):
    case = counter.asked(quantity=2, reason="no_longer_wanted")
    assert case["is_unsent"] is True
    codes = counter.codes()
    # One of three may still be collected while two are asked back.
    assert counter.redeem(codes[0]).status_code == 200
    held = counter.redeem(codes[1])
    assert (held.status_code, held.get_json()["code"]) == (409, "after_sales_pending")
    assert counter.supplier_does(case, "approve").get_json()["state"] == "refunded"
    assert sorted(each["state"] for each in counter.vouchers()) == ["redeemed"] + ["revoked"] * 2
    assert counter.redeem(codes[1]).get_json()["code"] == "voucher_revoked"
    assert counter.part()["state"] == "dispatched"
    audited()


def test_what_is_refused_may_be_collected_again(counter, audited):
    case = counter.asked(quantity=3, reason="no_longer_wanted")
    code = counter.codes()[0]
    assert counter.redeem(code).get_json()["code"] == "after_sales_pending"
    counter.supplier_does(case, "reject", {"note": "蛋糕已制作"})
    assert counter.redeem(code).status_code == 200
    audited()


def test_issuing_again_gives_no_second_voucher(world, counter, audited):
    execute_sql(world, "UPDATE outbox_delivery SET state = 'pending' WHERE topic = 'PickupOpened'")
    assert run_outbox(world) >= 1
    assert len(counter.vouchers()) == 3
    audited()


@pytest.mark.parametrize(("microseconds", "is_over"), [(-1, False), (0, True)])
def test_a_voucher_ends_at_its_instant_and_not_before(world, counter, microseconds, is_over):
    counter.codes()
    voucher = select_rows(world, "SELECT id, expires_at FROM pickup_voucher LIMIT 1")[0]
    clock.freeze(voucher.expires_at + timedelta(microseconds=microseconds))
    with world.app.app_context(), unit_of_work() as uow:
        assert voucher_service.expire(uow, voucher.id) is is_over
