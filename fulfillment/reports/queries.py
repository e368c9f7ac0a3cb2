"""What became of a programme: its people, its money, its goods, each read where it is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from fulfillment.dispatch import rules as dispatch_rules
from fulfillment.handover import queries as handover_queries
from mall.ledger import queries as ledger_queries
from orders.entitlements import queries as entitlement_queries
from orders.programmes.models import Programme

# Draws of lots of one programme, of a line or of a freight.
_DRAWN = """
    SELECT coalesce(sum(CAST(d->>'amount_fen' AS bigint)), 0) AS fen
    FROM jsonb_array_elements({draws}) d
    JOIN bean_lot b ON b.id = CAST(d->>'lot_id' AS uuid) AND b.programme_id = :programme_id
"""
_PAID = """
    FROM order_programme c
    JOIN shop_order o ON o.id = c.order_id AND o.state IN ('paid', 'completed')
"""
_BOUGHT = text(
    f"""
    SELECT l.supplier_id, l.supplier_name, l.title, l.options, l.delivery_mode, l.price_fen,
           sum(l.quantity) AS quantity, sum(l.amount_fen) AS amount_fen, sum(x.fen) AS paid_fen
    {_PAID} JOIN order_line l ON l.order_id = o.id
    CROSS JOIN LATERAL ({_DRAWN.format(draws="l.bean_lots")}) x
    WHERE c.programme_id = :programme_id
    GROUP BY l.supplier_id, l.supplier_name, l.title, l.options, l.delivery_mode, l.price_fen,
             l.sku_id
    ORDER BY l.supplier_name, l.supplier_id, l.title, l.sku_id, l.price_fen
    """
)
_FREIGHT = text(
    f"""
    SELECT coalesce(sum(CAST(f->>'fee_fen' AS bigint)), 0) AS amount_fen,
           coalesce(sum(x.fen), 0) AS paid_fen
    {_PAID} CROSS JOIN LATERAL jsonb_array_elements(o.freight) f
    CROSS JOIN LATERAL ({_DRAWN.format(draws="f->'bean_lots'")}) x
    WHERE c.programme_id = :programme_id
    """
)
_SPENT = text(
    f"""
    SELECT coalesce(sum(c.amount_fen - c.returned_fen), 0) AS spent_fen,
           coalesce(sum(c.returned_fen), 0) AS reimbursed_fen,
           coalesce(sum(o.wechat_fen - o.refunded_wechat_fen), 0) AS topped_up_fen,
           count(*) AS orders
    {_PAID} WHERE c.programme_id = :programme_id
    """
)
_CHOSEN = text(
    """
    SELECT pack_id, count(*) AS count FROM entitlement
    WHERE programme_id = :programme_id AND pack_id IS NOT NULL AND order_id IS NOT NULL
    GROUP BY pack_id
    """
)


@dataclass(frozen=True)
class PurchasedSku:
    """So many of a SKU that a programme's orders bought at one price, in fen.

    `paid_fen` is what the programme itself paid of `amount_fen`; the rest are other beans and
    WeChat.
    """

    supplier_id: UUID
    supplier_name: str
    title: str
    options: list[dict[str, str]]
    delivery_mode: str
    price_fen: int
    quantity: int
    amount_fen: int
    paid_fen: int


def bought(session: Session, programme_id: UUID) -> list[PurchasedSku]:
    """Return what the paid orders of a programme bought, by supplier and SKU."""
    rows = session.execute(_BOUGHT, {"programme_id": programme_id})
    numbers = ("quantity", "amount_fen", "paid_fen")
    return [
        PurchasedSku(**{**row._mapping, **{name: int(getattr(row, name)) for name in numbers}})
        for row in rows
    ]


def freight(session: Session, programme_id: UUID) -> tuple[int, int]:
    """Return the freight of a programme's orders, and what of it the programme paid, in fen."""
    row = session.execute(_FREIGHT, {"programme_id": programme_id}).one()
    return int(row.amount_fen), int(row.paid_fen)


def delivery_of(session: Session, programme_id: UUID) -> dict[str, int]:
    """Return how many fulfillment orders of a programme are on their way, and how many arrived."""
    counts: dict[str, int] = {}
    for each in handover_queries.fulfillment_counts(session, programme_id):
        counts[each.state] = counts.get(each.state, 0) + each.count
    signed = counts.get(dispatch_rules.DELIVERED, 0)
    waiting = counts.get(dispatch_rules.OPEN, 0) + counts.get(dispatch_rules.PARTLY, 0)
    on_the_way = counts.get(dispatch_rules.DISPATCHED, 0)
    return {
        "parts": waiting + on_the_way + signed,
        "waiting": waiting,
        "shipped": on_the_way + signed,
        "signed": signed,
    }


def money_of(session: Session, programme: Programme) -> dict[str, int]:
    """Return the settlement of a programme, in fen; its terms add up, each from its own rows."""
    return _money(session, programme, _spent(session, programme.id))


def _spent(session: Session, programme_id: UUID) -> dict[str, int]:
    """Return what paid orders took of a programme, what went back, what members added, how many."""
    row = session.execute(_SPENT, {"programme_id": programme_id}).one()
    return {name: int(value) for name, value in row._mapping.items()}


def _money(session: Session, programme: Programme, spent: Mapping[str, int]) -> dict[str, int]:
    return {
        "budget_fen": programme.budget_fen,
        **vars(ledger_queries.fund_figures(session, programme.id)),
        **{name: value for name, value in spent.items() if name != "orders"},
    }


def dashboard_of(session: Session, programme: Programme) -> dict[str, Any]:
    """Return all that the union's dashboard shows of a programme."""
    figures = entitlement_queries.figures(session, programme.id)
    people = {name: figures[name] for name in figures if name != "issued_fen"}
    issued = figures["recipients"] - figures["listed"]
    spent = _spent(session, programme.id)
    values = {"programme_id": programme.id}
    chosen = {str(row.pack_id): row.count for row in session.execute(_CHOSEN, values)}
    return {
        "programme_id": programme.id,
        "number": programme.number,
        "name": programme.name,
        "kind": programme.kind,
        "state": programme.state,
        "people": {
            **people,
            "issued": issued,
            "not_chosen": entitlement_queries.count_not_chosen(session, programme.id),
        },
        "money": _money(session, programme, spent),
        "orders": spent["orders"],
        "delivery": delivery_of(session, programme.id),
        "packs": [
            {
                "pack_id": pack["pack_id"],
                "title": pack["title"],
                "price_fen": pack["price_fen"],
                "chosen": chosen.get(pack["pack_id"], 0),
                "amount_fen": chosen.get(pack["pack_id"], 0) * pack["price_fen"],
            }
            for pack in (programme.content or {}).get("packs", ())
        ],
        "suppliers": _by_supplier(bought(session, programme.id)),
    }


def _by_supplier(rows: list[PurchasedSku]) -> list[dict[str, Any]]:
    found: dict[UUID, dict[str, Any]] = {}
    for row in rows:
        supplier = found.setdefault(
            row.supplier_id,
            {
                "supplier_id": row.supplier_id,
                "name": row.supplier_name,
                "units": 0,
                "amount_fen": 0,
                "paid_fen": 0,
            },
        )
        supplier["units"] += row.quantity
        supplier["amount_fen"] += row.amount_fen
        supplier["paid_fen"] += row.paid_fen
    return list(found.values())
