"""What a supplier packs for a fulfillment order, as a paper."""

from sqlalchemy.orm import Session

from fulfillment.dispatch import queries as dispatch_queries
from fulfillment.dispatch import rules as dispatch_rules
from fulfillment.dispatch.models import FulfillmentOrder
from mall.kernel.clock import BEIJING
from mall.kernel.paper.document import Cell, Paper, Table
from orders.entitlements import queries as entitlement_queries
from orders.order import queries as order_queries

TITLE = "配货单"


def _supplier_name(session: Session, fulfillment_order: FulfillmentOrder) -> str:
    """Return what the supplier was called when it was ordered."""
    lines = order_queries.lines_of(session, [fulfillment_order.order_id])[
        fulfillment_order.order_id
    ]
    return next(
        line.supplier_name for line in lines if line.supplier_id == fulfillment_order.supplier_id
    )


def pick_list(session: Session, fulfillment_order: FulfillmentOrder) -> Paper:
    """Return what is to be packed, what has left already, where it goes and for which departments."""
    address = fulfillment_order.address or {}
    where = "，".join(
        str(address[name])
        for name in ("region", "detail", "recipient", "phone")
        if address.get(name)
    )
    facts: list[tuple[str, Cell]] = [
        ("履约单", fulfillment_order.number),
        ("订单", fulfillment_order.order_no),
        ("供应商", _supplier_name(session, fulfillment_order)),
        ("状态", dispatch_rules.STATES.names_zh[fulfillment_order.state]),
        ("下单时间", f"{fulfillment_order.created_at.astimezone(BEIJING):%Y-%m-%d %H:%M}"),
        ("收货", where),
        ("备注", fulfillment_order.note),
    ]
    lines = dispatch_queries.lines_of(session, [fulfillment_order.id])[fulfillment_order.id]
    rows: list[list[Cell]] = [
        [
            line.title,
            " ".join(each["value"] for each in line.options),
            line.quantity,
            line.dispatched_quantity,
            line.to_dispatch,
            "",
        ]
        for line in lines
    ]
    names = ("quantity", "dispatched_quantity", "to_dispatch")
    sums: list[Cell] = [sum(getattr(line, name) for line in lines) for name in names]
    total: list[Cell] = ["合计", "", *sums]
    heads = ("商品", "规格", "数量", "已发", "待发", "配货")
    tables = [Table(heads, (40, 24, 10, 10, 10, 14), rows, "商品", [*total, ""], is_tall=True)]
    departments = entitlement_queries.departments_of(session, fulfillment_order.order_id)
    if departments:
        counted: list[list[Cell]] = [[name or "—", count] for name, count in departments]
        heads_total: list[Cell] = ["合计", sum(count for _, count in departments)]
        tables.append(Table(("部门", "份数"), (60, 20), counted, "按部门分装", heads_total))
    return Paper(
        TITLE, facts, tables, signatures=["配货人", "复核人"], footer=fulfillment_order.number
    )
