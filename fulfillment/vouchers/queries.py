"""Read vouchers; and their invariants."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from fulfillment.dispatch import queries as dispatch_queries
from fulfillment.dispatch.models import FulfillmentLine, FulfillmentOrder
from fulfillment.stores import queries as store_queries
from fulfillment.vouchers import rules
from fulfillment.vouchers.models import PickupVoucher
from mall.kernel.errors import NotFound
from mall.kernel.invariants import Invariant
from orders.order import queries as order_queries

MAX_NAMED = 3


def find(session: Session, text: str, supplier_id: UUID, secret: str) -> PickupVoucher | None:
    """Return the voucher of a code, whole or short, at this merchant; another's is unknown.

    Raises ShortCodeAmbiguous.
    """
    query = select(PickupVoucher).where(PickupVoucher.supplier_id == supplier_id)
    digits = rules.plain_short(text)
    if digits is None:
        query = query.where(PickupVoucher.code_hash == rules.hash_of(text))
        return session.scalars(query).first()
    hashed = rules.short_hash(digits, secret)
    found = session.scalars(query.where(PickupVoucher.short_hash == hashed).limit(3)).all()
    valid = [each for each in found if each.state == rules.VALID]
    if len(valid) > 1:
        raise rules.ShortCodeAmbiguous("code")
    return next(iter(valid or found), None)


def get_voucher(session: Session, voucher_id: UUID) -> PickupVoucher:
    """Return a voucher or raise NotFound."""
    found = session.get(PickupVoucher, voucher_id)
    if found is None:
        raise NotFound("voucher")
    return found


def of_parts(session: Session, fulfillment_order_ids: Sequence[UUID]) -> list[PickupVoucher]:
    """Return the vouchers of fulfillment orders, in their order."""
    query = select(PickupVoucher).where(
        PickupVoucher.fulfillment_order_id.in_(fulfillment_order_ids)
    )
    return list(
        session.scalars(query.order_by(PickupVoucher.fulfillment_line_id, PickupVoucher.position))
    )


def allowed_stores(
    session: Session, part: FulfillmentOrder, line: FulfillmentLine
) -> list[tuple[UUID, str]]:
    """Return where a line is handed out: at the store that was chosen, else wherever it may be."""
    chosen = store_queries.choice_of(session, part.order_id, part.supplier_id)
    if chosen is not None:
        return [(chosen.store_id, chosen.place["name"])]
    product_id = order_queries.product_of(session, part.order_id, line.order_line_id)
    return store_queries.honouring(session, part.supplier_id, product_id)


def expiring(session: Session, now: datetime, limit: int) -> list[PickupVoucher]:
    """Return valid vouchers that end soon and whose members were not told; locked."""
    query = (
        select(PickupVoucher)
        .where(
            PickupVoucher.state == rules.VALID,
            PickupVoucher.expires_at <= now + rules.REMIND_BEFORE,
            PickupVoucher.expires_at > now,
            PickupVoucher.reminded_at.is_(None),
        )
        .order_by(PickupVoucher.expires_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(session.scalars(query))


def expired(session: Session, now: datetime, limit: int) -> list[UUID]:
    """Return vouchers that ended unused and have not gone back."""
    query = select(PickupVoucher.id).where(
        PickupVoucher.state == rules.VALID, PickupVoucher.expires_at <= now
    )
    return list(session.scalars(query.order_by(PickupVoucher.expires_at).limit(limit)))


def of_order_no(session: Session, order_no: str) -> list[PickupVoucher]:
    """Return the vouchers of an order by its number."""
    query = (
        select(PickupVoucher)
        .join(FulfillmentOrder, FulfillmentOrder.id == PickupVoucher.fulfillment_order_id)
        .where(FulfillmentOrder.order_no == order_no)
        .order_by(PickupVoucher.id)
    )
    return list(session.scalars(query.limit(500)))


def day_list(session: Session, store_id: UUID, day: date) -> list[dict[str, Any]]:
    """Return what is to be handed out at a store on a day, by time: what, how many, how far."""
    chosen = store_queries.of_day(session, store_id, day)
    parts: dict[tuple[UUID, UUID], list[FulfillmentOrder]] = defaultdict(list)
    for part in dispatch_queries.collected_of(session, [choice.order_id for choice in chosen]):
        parts[part.order_id, part.supplier_id].append(part)
    lines = dispatch_queries.lines_of(
        session, [part.id for found in parts.values() for part in found]
    )
    return [
        {
            "order_no": part.order_no,
            "member_id": part.member_id,
            "slot_starts": choice.slot_starts,
            "slot_ends": choice.slot_ends,
            "note": part.note,
            "state": part.state,
            "lines": [
                {
                    "title": line.title,
                    "options": line.options,
                    "quantity": line.quantity - line.cancelled_quantity,
                    "handed_out": line.dispatched_quantity,
                }
                for line in lines[part.id]
            ],
        }
        for choice in chosen
        for part in parts[choice.order_id, choice.supplier_id]
    ]


INVARIANTS = [
    Invariant(
        "vouchers_match_units",
        "each unit to collect has one voucher: used ones were handed out, others taken back",
        """
        SELECT f.id, f.quantity, f.dispatched_quantity, f.cancelled_quantity,
               v.count, v.redeemed, v.gone
        FROM fulfillment_line f
        JOIN fulfillment_order o ON o.id = f.fulfillment_order_id
        CROSS JOIN LATERAL (
            SELECT count(*) AS count, count(*) FILTER (WHERE state = 'redeemed') AS redeemed,
                   count(*) FILTER (WHERE state IN ('revoked', 'expired')) AS gone
            FROM pickup_voucher WHERE fulfillment_line_id = f.id) v
        WHERE o.delivery_mode = 'store_pickup' AND o.state <> 'cancelled' AND v.count > 0
          AND (v.count <> f.quantity OR v.redeemed <> f.dispatched_quantity
               OR v.gone <> f.cancelled_quantity)
        """,
    ),
    Invariant(
        "vouchers_of_cancelled_revoked",
        "no voucher of a cancelled order can be used",
        """
        SELECT v.id, v.state, o.state AS order_state FROM pickup_voucher v
        JOIN fulfillment_order f ON f.id = v.fulfillment_order_id
        JOIN shop_order o ON o.id = f.order_id
        WHERE v.state NOT IN ('revoked', 'expired') AND o.state = 'cancelled'
          AND NOT EXISTS (SELECT 1 FROM outbox_delivery d
                          WHERE d.topic = 'OrderCancelled' AND d.state = 'pending'
                            AND d.payload->>'order_id' = CAST(o.id AS text))
        """,
    ),
    Invariant(
        "vouchers_used_at_their_merchant",
        "a voucher was used at a store of the merchant who issued it",
        """
        SELECT v.id, v.store_id FROM pickup_voucher v JOIN store s ON s.id = v.store_id
        WHERE s.supplier_id <> v.supplier_id
        """,
    ),
]
