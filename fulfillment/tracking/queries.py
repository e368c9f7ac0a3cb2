"""Read where parcels are; and their invariants."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from fulfillment.tracking.models import TrackedParcel, TrackingEvent


def parcel_of(session: Session, shipment_id: UUID) -> TrackedParcel | None:
    """Return where a parcel is; None before its announcement was worked off."""
    return session.get(TrackedParcel, shipment_id)


def events_of(session: Session, shipment_id: UUID, tracking_no: str | None) -> list[TrackingEvent]:
    """Return what was reported of a parcel under its number of today, oldest first."""
    query = select(TrackingEvent).where(
        TrackingEvent.shipment_id == shipment_id,
        TrackingEvent.tracking_no == (tracking_no or ""),
    )
    return list(session.scalars(query.order_by(TrackingEvent.happened_at, TrackingEvent.id)))


def due(session: Session, watches: Sequence[str], now: datetime, limit: int) -> list[UUID]:
    """Return parcels of which somebody is to be asked by now."""
    query = select(TrackedParcel.shipment_id).where(
        TrackedParcel.watch.in_(watches), TrackedParcel.due_at <= now
    )
    return list(session.scalars(query.order_by(TrackedParcel.due_at).limit(limit)))
