"""Carriers and what a parcel's number looks like."""

import re

from mall.kernel.errors import Invalid

CARRIERS = {
    "sf": "顺丰速运",
    "ems": "中国邮政 EMS",
    "yto": "圆通速递",
    "zto": "中通快递",
    "sto": "申通快递",
    "yunda": "韵达速递",
    "jd": "京东物流",
    "self": "商家自送",
}
_TRACKING_NO = re.compile(r"[A-Za-z0-9-]{6,40}")


def check_parcel(carrier: str, tracking_no: str | None) -> None:
    """Raise Invalid unless the carrier is known and the number is like one of its own."""
    if carrier not in CARRIERS:
        raise Invalid("carrier", "没有这个快递公司。", "There is no such carrier.")
    if carrier != "self" and not _TRACKING_NO.fullmatch(tracking_no or ""):
        raise Invalid(
            "tracking_no",
            "快递单号须为 6 至 40 位字母、数字或横线。",
            "A tracking number has 6 to 40 letters, digits or dashes.",
        )
