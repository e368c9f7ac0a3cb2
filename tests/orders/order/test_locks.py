"""What was read before it was locked is read again: whoever was faster is seen."""

from uuid import UUID

from mall.kernel.uow import unit_of_work
from orders.order import service as order_service
from orders.order.models import Order
from orders.payments import service as payment_service
from orders.payments.models import Payment
from tests.support.database import select_rows
from tests.support.people import new_member, order_body
from tests.support.shop import new_sku
from tests.support.wechat import pay_at_wechat
from tests.support.working import in_another_thread


def placed(world):
    """Return a member's order that awaits its payment: who, its path and its id."""
    member = new_member(world)
    order = member.post("/v1/store/orders", order_body([new_sku(world, 1000)[1]], "wechat", 1000))
    key = order.get_json()["order_id"]
    return member, f"/v1/store/orders/{key}", UUID(key)


def test_an_order_that_was_cancelled_after_it_was_read_is_cancelled_once_it_is_locked(world):
    member, path, key = placed(world)
    with world.app.app_context(), unit_of_work() as uow:
        # Held on to: what nobody holds is forgotten, and read anew in any case.
        read = uow.session.get_one(Order, key)
        assert read.state == "awaiting_payment"
        in_another_thread(lambda: member.post(f"{path}/cancel"))
        assert order_service.lock(uow, key) is read
        assert read.state == "cancelled"


def test_a_payment_that_was_paid_after_it_was_read_is_not_closed(world):
    member, path, _ = placed(world)
    payment = member.post(f"{path}/payments", {}).get_json()
    with world.app.app_context(), unit_of_work() as uow:
        [read] = uow.session.query(Payment).all()
        assert read.state == "open"
        in_another_thread(lambda: pay_at_wechat(world, payment))
        payment_service.record_closed(uow, payment["out_trade_no"])
        assert read.state == "paid"
    assert [row.state for row in select_rows(world, "SELECT state FROM payment")] == ["paid"]
