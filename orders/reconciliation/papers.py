"""The report of a span of days: what the bills say, what the clearing account has, what differs."""

from typing import Any

from mall.kernel.paper.document import Cell, Fen, Paper, Table
from mall.kernel.text import wording
from orders.reconciliation import rules
from orders.reconciliation.models import Bill, ReconciliationCase

KINDS = {rules.PAYMENT: "付款", rules.REFUND: "退款"}


def paper(figures: dict[str, Any], cases: list[ReconciliationCase]) -> Paper:
    """Return the report; its totals are those of the bills and of the ledger."""
    net = figures["paid_fen"] - figures["refunded_fen"]
    ours = figures["clearing_paid_fen"] - figures["clearing_refunded_fen"]
    facts: list[tuple[str, Cell]] = [
        ("商户", figures["merchant"]),
        ("账期", f"{figures['first']} 至 {figures['last']}"),
        ("账单行数", figures["line_count"]),
        ("账单收款（元）", Fen(figures["paid_fen"])),
        ("账单退款（元）", Fen(figures["refunded_fen"])),
        ("账单净额（元）", Fen(net)),
        ("账面清算净额（元）", Fen(ours)),
        ("差额（元）", Fen(net - ours)),
        ("其中：退款处理中（元）", Fen(-figures["under_way_fen"])),
        ("其中：所列差异合计（元）", Fen(figures["differences_fen"])),
        ("手续费（元）", Fen(figures["fee_fen"])),
        ("待核对差异", figures["open_cases"]),
        ("已说明差异", figures["explained_cases"]),
    ]
    return Paper(
        "微信支付对账表",
        facts,
        [_days(figures), _differences(cases)],
        ["账面清算净额取自分类账 wechat:clearing；差额应由所列差异逐笔说明。"],
        ["制表人", "复核人"],
        is_landscape=True,
    )


def _days(figures: dict[str, Any]) -> Table:
    bills: list[Bill] = figures["bills"]
    rows: list[list[Cell]] = [
        [
            str(bill.day),
            bill.line_count,
            Fen(bill.paid_fen),
            Fen(bill.refunded_fen),
            Fen(bill.fee_fen),
            "待下载" if bill.state == rules.WANTED else "已核对",
        ]
        for bill in bills
    ]
    sums = (figures["paid_fen"], figures["refunded_fen"], figures["fee_fen"])
    total: list[Cell] = ["合计", figures["line_count"], *map(Fen, sums), None]
    heads = ("日期", "行数", "收款（元）", "退款（元）", "手续费（元）", "状态")
    return Table(heads, (18, 10, 18, 18, 14, 12), rows, "每日账单", total)


def _side(case: ReconciliationCase, told: str) -> Cell:
    """Return what a side says: an amount as an amount, so that yuan and fen never mix."""
    return Fen(int(told)) if told and case.difference in rules.SAY_AMOUNTS else told


def _differences(cases: list[ReconciliationCase]) -> Table:
    rows: list[list[Cell]] = [
        [
            str(case.day),
            KINDS[case.kind],
            case.number,
            wording.name("difference", case.difference).zh,
            _side(case, case.at_wechat),
            _side(case, case.with_us),
            Fen(case.difference_fen),
            rules.CASE_STATES.names_zh[case.state],
            case.note,
        ]
        for case in cases
    ]
    heads = ("日期", "类别", "单号", "差异", "微信", "我方", "金额差（元）", "状态", "说明")
    return Table(heads, (14, 8, 26, 16, 26, 26, 12, 10, 24), rows, "差异")
