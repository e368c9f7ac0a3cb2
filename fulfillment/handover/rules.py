"""When a union may accept what came for a programme, and when its books may be closed."""

from collections.abc import Iterable
from dataclasses import dataclass

from fulfillment.dispatch import rules as dispatch
from mall.kernel.errors import DomainError


class NotArrived(DomainError):
    code = "not_arrived"
    zh = "暂不能验收：还有 {missing} 个履约单未送达，其中 {unsent} 个未发货。"
    en = "It cannot be accepted yet: parts still to arrive: {missing}, of these not sent: {unsent}."


class FundNotEmpty(DomainError):
    code = "fund_not_empty"
    zh = "方案资金尚余 {balance_fen} 分，须先由运营退回后才能归档。"
    en = "The fund still holds {balance_fen} fen; an operator must pay them back first."


class ValueStillOut(DomainError):
    code = "value_still_out"
    zh = "还有 {out_fen} 分在职工手中或被待付款订单占用，待其使用、到期或释放后才能归档。"
    en = "Members or unpaid orders still hold {out_fen} fen; file it once they are used or lapsed."


@dataclass(frozen=True)
class Parts:
    """How many parts of a programme's orders are delivered this way and in this state."""

    delivery_mode: str
    state: str
    count: int


def check_arrived(parts: Iterable[Parts], unsplit: int) -> None:
    """Raise NotArrived unless everything is there.

    What goes to the unit counts as there once all of it is dispatched: accepting it delivers it.
    `unsplit` orders were paid an instant ago and have no parts yet.
    """
    unsent = missing = unsplit
    for each in parts:
        there = (dispatch.DISPATCHED,) if each.delivery_mode == dispatch.UNIT else ()
        if each.state in (dispatch.DELIVERED, dispatch.CANCELLED, *there):
            continue
        missing += each.count
        if each.state in (dispatch.OPEN, dispatch.PARTLY):
            unsent += each.count
    if missing:
        raise NotArrived(missing=missing, unsent=unsent)
