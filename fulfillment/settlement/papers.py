"""A supplier's statement as a paper."""

from typing import Any

from sqlalchemy.orm import Session

from fulfillment.settlement import queries, rules
from fulfillment.settlement.models import SettlementItem, SettlementStatement
from mall.kernel.clock import BEIJING
from mall.kernel.errors import LimitReached
from mall.kernel.paper.document import Cell, Fen, Paper, Table
from mall.kernel.text import wording

TITLE = "供应商结算单"
# Drawn within a request; a month of a large supplier is a few thousand.
MAX_ROWS = 20_000


def statement(session: Session, found: SettlementStatement) -> Paper:
    """Return a statement with its sums and every item; raises LimitReached beyond 20,000."""
    items = queries.items_of(session, found.id, None, MAX_ROWS)
    if len(items) > MAX_ROWS:
        raise LimitReached(limit=MAX_ROWS)
    # Kept with it from its draft on: an account that comes later is another statement's.
    account: dict[str, Any] = found.account or {}
    facts: list[tuple[str, Cell]] = [
        ("供应商", found.supplier_name),
        ("结算单号", found.number),
        ("结算期", f"{found.begins_on} 至 {found.ends_on}"),
        ("状态", rules.STATES.names_zh[found.state]),
        ("收款账户", " ".join(str(value) for value in account.values() if value)),
        ("销售（元）", Fen(found.sales_fen)),
        ("运费（元）", Fen(found.freight_fen)),
        ("退款（元）", Fen(found.refunds_fen)),
        ("调整（元）", Fen(found.adjustments_fen)),
        ("佣金（元）", Fen(-found.commission_fen)),
        ("应付净额（元）", Fen(found.net_fen)),
    ]
    if found.bank_reference:
        facts.append(("银行流水号", found.bank_reference))
    heads = ("日期", "订单", "类型", "商品", "数量", "金额", "佣金", "净额")
    total: list[Cell] = ["合计", "", "", "", None]
    total += [Fen(sum(getattr(each, name) for each in items)) for name in _AMOUNTS]
    table = Table(
        heads, (12, 22, 10, 34, 8, 14, 12, 14), [_line(each) for each in items], "明细", total
    )
    return Paper(
        TITLE,
        facts,
        [table],
        signatures=["供应商（盖章）", "商城运营方（盖章）"],
        footer=f"{found.number}  {found.item_count} 笔",
        is_landscape=True,
    )


_AMOUNTS = ("amount_fen", "commission_fen", "net_fen")


def _line(item: SettlementItem) -> list[Cell]:
    amounts: list[Cell] = [Fen(getattr(item, name)) for name in _AMOUNTS]
    day = f"{item.happened_at.astimezone(BEIJING):%Y-%m-%d}"
    quantity = item.quantity or None
    kind = wording.name("settlement_item", item.kind).zh
    return [day, item.order_no, kind, item.title, quantity, *amounts]
