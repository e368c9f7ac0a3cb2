"""What a payment may become, and when to ask again."""

from dataclasses import dataclass
from datetime import timedelta

from mall.kernel.errors import DomainError
from mall.kernel.states import Transitions

JSAPI, NATIVE = "JSAPI", "NATIVE"
TRADE_TYPES = (JSAPI, NATIVE)
OPEN, PAID, CLOSED = "open", "paid", "closed"
# A closed payment can still turn out paid: the notice was under way when it was closed.
STATES = Transitions(
    {OPEN: {PAID, CLOSED}, CLOSED: {PAID}, PAID: set()},
    {OPEN: "待支付", PAID: "已支付", CLOSED: "已关闭"},
)
FOR_ORDER, FOR_FUND = "order", "fund"
KEEP_MESSAGES = timedelta(days=180)
MAX_BODY_BYTES = 127
FIRST_QUERY, MAX_QUERY = timedelta(seconds=10), timedelta(minutes=10)


class PaymentNotNeeded(DomainError):
    code = "payment_not_needed"
    zh = "该订单无需支付或已支付。"
    en = "This order needs no payment, or has it already."


class PaymentOpen(DomainError):
    code = "payment_open"
    zh = "已有一笔 {amount_fen} 分的付款等待支付，请先支付或等待其失效。"
    en = "A payment of {amount_fen} fen is open; pay it or wait until it lapses."


class PaymentWindowClosed(DomainError):
    code = "payment_window_closed"
    zh = "支付时间已过，请重新下单。"
    en = "The time to pay is over; please order again."


class GatewayUnavailable(DomainError):
    code = "payment_gateway_unavailable"
    status = 503
    zh = "微信支付暂时没有应答，请稍后重试；不会重复扣款。"
    en = "WeChat Pay does not answer at the moment; retry shortly, nothing is charged twice."


class GatewayRefused(DomainError):
    code = "payment_gateway_refused"
    status = 502
    zh = "微信支付拒绝了请求：{reason}。"
    en = "WeChat Pay refused the request: {reason}."


class ForgedNotice(DomainError):
    code = "forged_notice"
    status = 400
    zh = "支付通知验证失败。"
    en = "The payment notice did not pass verification: {reason}."


class UnknownMerchant(DomainError):
    code = "unknown_merchant"
    status = 404
    zh = "没有名为 {name} 的商户配置。"
    en = "No merchant is configured under the name {name}."


class BillRefused(DomainError):
    code = "bill_refused"
    status = 502
    zh = "微信对账单无法使用：{reason}。"
    en = "WeChat's bill cannot be used: {reason}."


class AlreadyPaid(DomainError):
    code = "already_paid"
    zh = "该订单已支付，不能取消；可申请售后。"
    en = "The order was paid meanwhile and cannot be cancelled; ask for after-sales."


@dataclass(frozen=True)
class Paid:
    """What WeChat confirmed: whose merchant's payment, under which numbers, how much."""

    merchant: str
    out_trade_no: str
    transaction_id: str
    amount_fen: int


def query_delay(attempts: int) -> timedelta:
    """Return how long to wait before asking WeChat again: 10 s, doubling, 10 minutes at most."""
    return min(FIRST_QUERY * 2 ** min(attempts, 10), MAX_QUERY)


def goods_text(titles: list[str]) -> str:
    """Return what the payer reads at WeChat: no XML breakers, at most 127 bytes of UTF-8."""
    text = titles[0] if titles else "福利商城订单"
    if len(titles) > 1:
        text = f"{text} 等{len(titles)}件"
    kept = "".join(c for c in text.replace("]]>", "") if c.isprintable() and ord(c) <= 0xFFFF)
    return kept.encode()[:MAX_BODY_BYTES].decode(errors="ignore") or "福利商城订单"
