"""Which papers there are, and what they call things."""

from collections.abc import Sequence

from mall.kernel.errors import DomainError

# A part of a long paper; a year's roster of a county goes in several.
MAX_ROWS = 5000
PAPERS = {
    "purchase-list": "采购清单",
    "contract-appendix": "合同附件",
    "bill": "缴款通知单",
    "issue-list": "发放名册",
    "hand-out-sheet": "领取签收表",
    "acceptance-note": "验收单",
    "settlement": "结算单",
}
KINDS = {
    "fixed": "指定",
    "pick_one": "任选",
    "restricted": "限选",
    "open": "福利豆",
    "cake": "蛋糕券",
}
DELIVERIES = {"ship": "快递到家", "unit_delivery": "配送到单位", "store_pickup": "门店自提"}
LEFTOVERS = {"return": "退回工会", "lapse": "到期失效"}
FUNDINGS = {"transfer": "银行转账", "payout": "退回工会"}


class NoPaperYet(DomainError):
    code = "no_paper_yet"


def options_text(options: Sequence[dict[str, str]]) -> str:
    """Return a SKU's options as people read them."""
    return " ".join(each["value"] for each in options)
