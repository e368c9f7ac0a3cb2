"""By when something has to leave, and what happens when it did not."""

from datetime import timedelta

from mall.kernel import clock
from tests.support.people import new_staff
from tests.support.selling import Sale
from tests.support.working import run_sweep


def late(sale, person, audience):
    path = f"/v1/{audience}/fulfillment-orders?overdue=true"
    return [each["id"] for each in person.get(path).get_json()["items"]]


def test_what_is_late_is_listed_and_its_supplier_reminded_once(world, audited):
    sale, operator = Sale(world), new_staff(world, "operator")
    part = sale.part()
    assert late(sale, sale.supplier, "supplier") == []
    clock.freeze(clock.now() + timedelta(hours=47))
    assert run_sweep(world, "remind_overdue") == 0
    clock.freeze(clock.now() + timedelta(hours=2))
    assert late(sale, sale.supplier, "supplier") == [part["id"]] == late(sale, operator, "ops")
    assert [run_sweep(world, "remind_overdue") for _ in range(2)] == [1, 0]
    told = sale.supplier.get("/v1/supplier/notices").get_json()["items"]
    assert "dispatch_overdue" in {each["kind"] for each in told}
    assert sale.dispatch().status_code == 201
    assert late(sale, operator, "ops") == []
    audited()


def test_money_for_what_is_late_goes_back_without_asking(world, audited):
    sale = Sale(world, quantity=2)
    sale.dispatch(1)
    in_time = sale.asked(reason="no_longer_wanted")
    assert in_time["state"] == "requested"
    sale.member_does(in_time, "withdraw")
    clock.freeze(clock.now() + timedelta(hours=49))
    case = sale.asked(reason="no_longer_wanted")
    assert (case["state"], case["refunded_fen"]) == ("refunded", 2500)
    assert sale.part()["state"] == "dispatched"
    # What has left is another matter: there the supplier is asked.
    assert sale.asked(reason="damaged")["state"] == "requested"
    audited()
