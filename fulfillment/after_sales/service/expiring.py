"""Units whose pickup voucher expired unused are refunded without a request (docs/adr/0022)."""

from uuid import UUID

from fulfillment.dispatch import service as dispatch_service
from fulfillment.dispatch.models import FulfillmentLine
from fulfillment.vouchers import queries as voucher_queries
from fulfillment.vouchers import service as voucher_service
from mall.access.rules import STORE
from mall.kernel.money import yuan
from mall.kernel.uow import UnitOfWork
from mall.notification.rules import NewNotice
from mall.notification.service import staff_notices
from orders.order import queries as order_queries
from orders.order import rules as order_rules
from orders.refunds.service import reimbursing
from orders.refunds.service.reimbursing import ReimbursementRequest


def lapse(uow: UnitOfWork, voucher_id: UUID) -> bool:
    """Lapse a pickup voucher that expired unused and reimburse its unit; False if it was used.

    The money goes to the tenders it came from, beans by the rules of their programme. While a
    refund of the unit is being decided, that decides.
    """
    voucher = voucher_queries.get_voucher(uow.session, voucher_id)
    fulfillment_order = dispatch_service.lock_with_order(uow, voucher.fulfillment_order_id)
    line = uow.session.get_one(FulfillmentLine, voucher.fulfillment_line_id, populate_existing=True)
    if line.to_dispatch < 1 or not voucher_service.lapse(uow, voucher_id):
        return False
    order_id = fulfillment_order.order_id
    sold = order_queries.sold_line(uow.session, order_id, line.order_line_id)
    left, _ = reimbursing.left_of_line(uow.session, order_id, sold.id)
    amount_fen = min(sold.price_fen, left)
    line.held_quantity += 1
    if amount_fen:
        back = ReimbursementRequest(sold.id, amount_fen, f"expired:{voucher_id}", unsent=1, units=1)
        reimbursing.reimburse(uow, order_id, back, order_rules.SYSTEM)
    dispatch_service.cancel_units(uow, fulfillment_order, line, 1)
    notice = NewNotice(
        STORE,
        voucher.member_id,
        "voucher_expired",
        f"expired:{voucher_id}",
        f"提货券“{sold.title}”已到期未使用，{yuan(amount_fen)} 元按原支付方式退回。",
        f"The voucher for {sold.title} ended unused; ¥{yuan(amount_fen)} goes back.",
    )
    staff_notices.notify(uow, [notice])
    return True
