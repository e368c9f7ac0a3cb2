"""A refund beside an exchange: whatever is under way, nobody gets the goods and their money."""

from datetime import timedelta

import pytest

from mall.kernel import clock
from tests.support.selling import PARCEL, Sale
from tests.support.shop import stock_of

PRICE = 2500
KINDS = ("refund_only", "return_and_refund", "exchange")


class Exchanged:
    """One unit that was delivered, sent back and exchanged, and what became of its replacement."""

    def __init__(self, world):
        self.sale = Sale(world, quantity=1, price=PRICE, beans=PRICE).deliver()
        self.world = world
        self.exchange()

    def exchange(self):
        case = self.sale.returned("exchange", 1, reason="bad_quality")
        assert self.sale.supplier_does(case, "accept-goods").get_json()["state"] == "replaced"

    def replacement(self):
        parts = self.sale.member.get(f"{self.sale.path}/fulfillment-orders").get_json()["items"]
        return next(part for part in reversed(parts) if part["case_id"])

    def dispatch(self):
        path = f"/v1/supplier/fulfillment-orders/{self.replacement()['id']}/shipments"
        return self.sale.supplier.post(path, PARCEL)

    def deliver(self):
        assert self.dispatch().status_code == 201
        path = f"/v1/store/fulfillment-orders/{self.replacement()['id']}/confirm"
        assert self.sale.member.post(path).status_code == 200

    def refund(self):
        case = self.sale.asked("refund_only", 1, "no_longer_wanted")
        done = self.sale.supplier_does(case, "approve").get_json()
        assert (done["state"], done["refunded_fen"]) == ("refunded", PRICE)


def nothing(_):
    """The replacement waits to be sent."""


def asked(found):
    """A refund of the replacement that has not left is being decided."""
    found.sale.asked("refund_only", 1, "no_longer_wanted")


UNDER_WAY = {
    "waits": nothing,
    "is asked back": asked,
    "went back": Exchanged.refund,
    "is on its way": Exchanged.dispatch,
    "has arrived": Exchanged.deliver,
}
# What is answered to a further request, by what became of the replacement and the kind.
ANSWERS = {
    ("waits", "refund_only"): "requested",
    ("waits", "return_and_refund"): "not_sent_yet",
    ("waits", "exchange"): "not_sent_yet",
    **{("is asked back", kind): "nothing_to_ask" for kind in KINDS},
    **{("went back", kind): "nothing_to_ask" for kind in KINDS},
    **{("is on its way", kind): "requested" for kind in KINDS},
    **{("has arrived", kind): "requested" for kind in KINDS},
}


@pytest.mark.parametrize(("state", "kind"), ANSWERS)
def test_what_may_be_asked_beside_an_exchange(world, audited, state, kind):
    found = Exchanged(world)
    UNDER_WAY[state](found)
    reply = found.sale.ask(kind, 1, "no_longer_wanted").get_json()
    assert reply.get("code", reply.get("state")) == ANSWERS[state, kind]
    audited()


def test_a_refund_takes_the_replacement_that_has_not_left_out_of_dispatch(world, audited):
    found = Exchanged(world)
    on_hand, _ = stock_of(world, found.sale.sku)
    case = found.sale.asked("refund_only", 1, "no_longer_wanted")
    # While it is decided the supplier cannot send it.
    assert found.dispatch().status_code in (409, 422)
    found.sale.supplier_does(case, "approve")
    assert found.sale.beans() == PRICE
    assert found.replacement()["state"] == "cancelled"
    assert found.dispatch().status_code == 409
    assert stock_of(world, found.sale.sku)[0] == on_hand + 1
    assert found.sale.read()["state"] == "completed"
    audited()


def test_a_refused_refund_lets_the_replacement_leave(world, audited):
    found = Exchanged(world)
    case = found.sale.asked("refund_only", 1, "no_longer_wanted")
    found.sale.supplier_does(case, "reject", {"note": "已打包"})
    assert found.dispatch().status_code == 201
    # The operator grants it all the same: the money, for goods that have left.
    found.sale.member_does(case, "appeal", {"note": "等了很久"})
    assert found.sale.operator_decides(case).get_json()["state"] == "refunded"
    assert found.sale.ask("exchange").get_json()["code"] == "nothing_to_ask"
    audited()


def test_a_unit_that_left_after_its_refund_was_refused_is_not_exchanged_as_well(world, audited):
    """The same hole without a replacement: of two units one is refunded, both cannot be exchanged."""
    sale = Sale(world, quantity=2, price=PRICE, beans=2 * PRICE)
    case = sale.asked("refund_only", 1, "no_longer_wanted")
    sale.supplier_does(case, "reject", {"note": "已出库"})
    sale.deliver()
    sale.member_does(case, "appeal", {"note": "早就申请了"})
    assert sale.operator_decides(case).get_json()["refunded_fen"] == PRICE
    assert sale.ask("exchange", 2).get_json()["code"] == "nothing_to_ask"
    assert sale.ask("exchange", 1).status_code == 201
    audited()


def test_exchanges_of_exchanges_never_give_more_than_was_bought(world, audited):
    found = Exchanged(world)
    for _ in range(2):
        found.deliver()
        found.exchange()
    found.refund()
    assert found.sale.beans() == PRICE
    assert found.sale.ask("refund_only").get_json()["code"] == "nothing_to_ask"
    audited()


def test_what_came_instead_has_a_time_of_its_own_from_its_own_arrival(world, audited):
    window = world.app.extensions["mall_settings"].after_sales.window
    found = Exchanged(world)
    clock.shift(window - timedelta(minutes=5))
    found.deliver()
    clock.shift(window + timedelta(minutes=5))
    assert found.sale.ask("return_and_refund").status_code == 201
    audited()
