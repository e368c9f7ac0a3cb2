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


def of_fulfillment_orders(
    session: Session, fulfillment_order_ids: Sequence[UUID]
) -> list[PickupVoucher]:
    """Return the vouchers of fulfillment orders, in their order."""
    query = select(PickupVoucher).where(
        PickupVoucher.fulfillment_order_id.in_(fulfillment_order_ids)
    )
    return list(
        session.scalars(query.order_by(PickupVoucher.fulfillment_line_id, PickupVoucher.position))
    )


def allowed_stores(
    session: Session, fulfillment_order: FulfillmentOrder, line: FulfillmentLine
) -> list[tuple[UUID, str]]:
    """Return where a line is handed out: at the store that was chosen, else wherever it may be."""
    chosen = store_queries.choice_of(
        session, fulfillment_order.order_id, fulfillment_order.supplier_id
    )
    if chosen is not None:
        return [(chosen.store_id, chosen.place["name"])]
    product_id = order_queries.product_of(session, fulfillment_order.order_id, line.order_line_id)
    return store_queries.honouring(session, fulfillment_order.supplier_id, product_id)


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
    fulfillment_orders: dict[tuple[UUID, UUID], list[FulfillmentOrder]] = defaultdict(list)
    for fulfillment_order in dispatch_queries.collected_of(
        session, [choice.order_id for choice in chosen]
    ):
        fulfillment_orders[fulfillment_order.order_id, fulfillment_order.supplier_id].append(
            fulfillment_order
        )
    lines = dispatch_queries.lines_of(
        session,
        [
            fulfillment_order.id
            for found in fulfillment_orders.values()
            for fulfillment_order in found
        ],
    )
    return [
        {
            "order_no": fulfillment_order.order_no,
            "member_id": fulfillment_order.member_id,
            "slot_starts": choice.slot_starts,
            "slot_ends": choice.slot_ends,
            "note": fulfillment_order.note,
            "state": fulfillment_order.state,
            "lines": [
                {
                    "title": line.title,
                    "options": line.options,
                    "quantity": line.quantity - line.cancelled_quantity,
                    "handed_out": line.dispatched_quantity,
                }
                for line in lines[fulfillment_order.id]
            ],
        }
        for choice in chosen
        for fulfillment_order in fulfillment_orders[choice.order_id, choice.supplier_id]
    ]
