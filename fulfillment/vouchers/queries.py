"""Read vouchers; and their invariants."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from fulfillment.vouchers.models import PickupVoucher
from mall.kernel.audit import Invariant


def find(session: Session, code_hash: str, supplier_id: UUID) -> PickupVoucher | None:
    """Return the voucher of a code at this merchant; another's is as unknown as none."""
    query = select(PickupVoucher).where(
        PickupVoucher.code_hash == code_hash, PickupVoucher.supplier_id == supplier_id
    )
    return session.scalars(query).first()


def of_parts(session: Session, fulfillment_order_ids: Sequence[UUID]) -> list[PickupVoucher]:
    """Return the vouchers of fulfillment orders, in their order."""
    query = select(PickupVoucher).where(
        PickupVoucher.fulfillment_order_id.in_(fulfillment_order_ids)
    )
    return list(
        session.scalars(query.order_by(PickupVoucher.fulfillment_line_id, PickupVoucher.position))
    )


INVARIANTS = [
    Invariant(
        "vouchers_match_units",
        "each unit to collect has one voucher: used ones were handed out, revoked ones taken back",
        """
        SELECT f.id, f.quantity, f.dispatched_quantity, f.cancelled_quantity,
               v.count, v.redeemed, v.revoked
        FROM fulfillment_line f
        JOIN fulfillment_order o ON o.id = f.fulfillment_order_id
        CROSS JOIN LATERAL (
            SELECT count(*) AS count, count(*) FILTER (WHERE state = 'redeemed') AS redeemed,
                   count(*) FILTER (WHERE state = 'revoked') AS revoked
            FROM pickup_voucher WHERE fulfillment_line_id = f.id) v
        WHERE o.delivery_mode = 'store_pickup' AND o.state <> 'cancelled' AND v.count > 0
          AND (v.count <> f.quantity OR v.redeemed <> f.dispatched_quantity
               OR v.revoked <> f.cancelled_quantity)
        """,
    ),
    Invariant(
        "vouchers_of_cancelled_revoked",
        "no voucher of a cancelled order can be used",
        """
        SELECT v.id, v.state, o.state AS order_state FROM pickup_voucher v
        JOIN fulfillment_order f ON f.id = v.fulfillment_order_id
        JOIN shop_order o ON o.id = f.order_id
        WHERE v.state <> 'revoked' AND o.state = 'cancelled'
          AND NOT EXISTS (SELECT 1 FROM outbox_delivery d
                          WHERE d.topic = 'OrderCancelled' AND d.state = 'pending'
                            AND d.payload->>'order_id' = CAST(o.id AS text))
        """,
    ),
]
