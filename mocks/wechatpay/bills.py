"""The bill of a day: every trade paid and every refund made, in WeChat's text."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from mocks.wechatpay.fixture_files import Merchant
from mocks.wechatpay.state import BEIJING, Refund, State, Trade
from mocks.wechatpay.trading import Refused

FEE_RATE = Decimal("0.006")
HEADER = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,"
    "货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,"
    "商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
)
TOTALS = (
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
)
KINDS = ("ALL", "SUCCESS", "REFUND")
STATES = {"SUCCESS": "SUCCESS", "PROCESSING": "PROCESSING", "ABNORMAL": "CHANGE", "CLOSED": "FAIL"}


def fee_fen(amount_fen: int) -> int:
    """Return what WeChat keeps of an amount, in fen."""
    return int((amount_fen * FEE_RATE).quantize(Decimal(1), ROUND_HALF_UP))


def _yuan(fen: int) -> str:
    return f"{Decimal(fen) / 100:.2f}"


def _row(trade: Trade, at: datetime, refund: Refund | None) -> list[str]:
    paid = trade.paid_fen if refund is None else 0
    back = refund.refund_fen if refund else 0
    fee = fee_fen(paid) - fee_fen(back)
    return [
        at.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S"),
        *(trade.appid, trade.mch_id, "0", "", trade.transaction_id or ""),
        *(trade.out_trade_no, trade.openid, trade.trade_type),
        *("REFUND" if refund else "SUCCESS", "OTHERS", "CNY", _yuan(paid), "0.00"),
        *((refund.refund_id, refund.out_refund_no) if refund else ("0", "0")),
        *(
            _yuan(back),
            "0.00",
            "ORIGINAL" if refund else "",
            STATES[refund.state] if refund else "",
        ),
        *(trade.description, trade.attach, f"{Decimal(fee) / 100:.5f}", "0.60%"),
        *(_yuan(paid), _yuan(back), ""),
    ]


def _is_on(moment: datetime, begins: datetime) -> bool:
    return begins <= moment < begins + timedelta(days=1)


def _rows(state: State, merchant: Merchant, begins: datetime, kind: str) -> list[list[str]]:
    found = []
    for trade in state.trades.values():
        own = trade.mch_id == merchant.mch_id and trade.paid_at is not None
        if own and trade.paid_at and _is_on(trade.paid_at, begins) and kind != "REFUND":
            found.append((trade.paid_at, _row(trade, trade.paid_at, None)))
    for refund in state.refunds.values():
        own = refund.mch_id == merchant.mch_id and refund.state != "CLOSED"
        if own and _is_on(refund.created_at, begins) and kind != "SUCCESS":
            trade = state.trades[refund.mch_id, refund.out_trade_no]
            found.append((refund.created_at, _row(trade, refund.created_at, refund)))
    return [row for _, row in sorted(found, key=lambda each: each[0])]


def render(rows: Iterable[list[str]]) -> bytes:
    """Return a bill of these rows, with its totals, as WeChat writes it."""
    lines, count = [HEADER], 0
    sums = [Decimal(0)] * 6
    for row in rows:
        lines.append(",".join(f"`{each.replace(',', '，')}" for each in row))
        count += 1
        for index, column in enumerate((12, 16, 17, 22, 24, 25)):
            sums[index] += Decimal(row[column])
    totals = [f"{each:.5f}" if index == 3 else f"{each:.2f}" for index, each in enumerate(sums)]
    lines += [TOTALS, ",".join(f"`{each}" for each in (str(count), *totals))]
    return ("\ufeff" + "\r\n".join(lines) + "\r\n").encode()


def of_day(state: State, merchant: Merchant, day: str, kind: str) -> bytes:
    """Return the bill of a day (yyyyMMdd, Beijing); Refused where there is none."""
    try:
        begins = datetime.strptime(f"{day}+0800", "%Y%m%d%z")
    except ValueError as error:
        raise Refused("parameter", "bill_date格式错误") from error
    if kind not in KINDS:
        raise Refused("parameter", "bill_type错误")
    rows = _rows(state, merchant, begins.astimezone(UTC), kind)
    if not rows:
        raise Refused("no_bill", "No Bill Exist")
    return render(rows)
