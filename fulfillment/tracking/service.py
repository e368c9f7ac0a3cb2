"""Follow parcels: write down who is to be asked, and take in what is told (docs/adr/0023)."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from fulfillment.messages import ParcelSent
from fulfillment.shipments import service as shipment_service
from fulfillment.shipments.models import Shipment
from fulfillment.shipments.rules import SELF
from fulfillment.tracking import gateway, queries, rules
from fulfillment.tracking.gateway import Outcome
from fulfillment.tracking.models import TrackedParcel, TrackingEvent
from fulfillment.tracking.rules import Report
from mall.kernel.ids import new_id
from mall.kernel.uow import UnitOfWork

BY_CARRIER = "carrier"


def follow(uow: UnitOfWork, messages: Sequence[ParcelSent]) -> None:
    """Begin to follow parcels, or begin anew under a corrected number; again changes nothing."""
    for shipment_id in sorted({UUID(message.shipment_id) for message in messages}):
        shipment = shipment_service.get_shipment(uow.session, shipment_id)
        found = _lock(uow, shipment_id)
        if found is not None and (found.carrier, found.tracking_no) == (
            shipment.carrier,
            shipment.tracking_no,
        ):
            continue
        is_watched = shipment.carrier != SELF and uow.settings.kuaidi100.is_configured
        values = {
            "carrier": shipment.carrier,
            "tracking_no": shipment.tracking_no,
            "state": rules.SENT,
            "last_event_at": None,
            "watch": rules.WANTED if is_watched else rules.ENDED,
            "attempts": 0,
            "due_at": uow.now,
            "last_error": None,
        }
        uow.session.execute(
            insert(TrackedParcel)
            .values(shipment_id=shipment_id, **values)
            .on_conflict_do_update(index_elements=["shipment_id"], set_=values)
        )
        uow.session.expire_all()


def _lock(uow: UnitOfWork, shipment_id: UUID) -> TrackedParcel | None:
    return uow.session.scalars(
        select(TrackedParcel)
        .where(TrackedParcel.shipment_id == shipment_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()


def claim(uow: UnitOfWork, shipment_id: UUID, watches: Sequence[str]) -> TrackedParcel | None:
    """Take a parcel that is due, for this worker alone for a while; None where another has it."""
    found = _lock(uow, shipment_id)
    if found is None or found.watch not in watches or found.due_at > uow.now:
        return None
    found.due_at = rules.next_try(found.attempts, uow.now)
    uow.session.flush()
    return found


def note_subscription(uow: UnitOfWork, shipment_id: UUID, outcome: Outcome) -> None:
    """Note what became of a subscription; after too many tries a parcel is asked about instead."""
    found = _lock(uow, shipment_id)
    if found is None or found.watch != rules.WANTED:
        return
    found.attempts += 1
    found.last_error = outcome.reason or None
    if outcome.state == gateway.ACCEPTED:
        found.watch, found.attempts = rules.WATCHED, 0
        found.due_at = uow.now + rules.SILENT_AFTER
    elif outcome.state == gateway.REFUSED or found.attempts >= rules.MAX_ATTEMPTS:
        found.watch, found.attempts = rules.ASKED, 0
        found.due_at = uow.now + rules.SILENT_AFTER
    uow.session.flush()


def note_asked(uow: UnitOfWork, shipment_id: UUID) -> None:
    """Note that somebody was asked about a parcel: the next time is later."""
    found = _lock(uow, shipment_id)
    if found is not None and found.watch in (rules.WATCHED, rules.ASKED):
        found.due_at = uow.now + rules.SILENT_AFTER
        uow.session.flush()


def take_update(uow: UnitOfWork, shipment_id: UUID, news: gateway.TrackingUpdate) -> int:
    """Take in what the aggregator tells of a parcel; return how much of it was new.

    News of another number, and events of an earlier parcel under the same number, are left out.
    """
    shipment = shipment_service.get_shipment(uow.session, shipment_id)
    if (news.carrier, news.tracking_no) != (shipment.carrier, shipment.tracking_no):
        return 0
    reports = [
        each for each in news.reports if rules.belongs(each, shipment.dispatched_at, uow.now)
    ]
    new = _record(uow, shipment, reports, BY_CARRIER)
    found = _lock(uow, shipment_id)
    if found is not None and found.watch == rules.WATCHED:
        if news.is_lost:
            # They found nothing for days and gave up: subscribe again, later.
            found.watch, found.due_at = rules.WANTED, uow.now + rules.SILENT_AFTER
        elif news.is_over:
            found.watch = rules.ENDED
        else:
            found.due_at = uow.now + rules.SILENT_AFTER
        uow.session.flush()
    return new


def report(uow: UnitOfWork, shipment_id: UUID, told: Report, by: str) -> None:
    """Record what a person reports of a parcel; raises NotFound, Invalid and TooManyEvents."""
    shipment = shipment_service.get_shipment(uow.session, shipment_id)
    rules.check_by_hand(told, shipment.dispatched_at, uow.now)
    known = queries.events_of(uow.session, shipment_id, shipment.tracking_no)
    if len(known) >= rules.MAX_EVENTS:
        raise rules.TooManyEvents()
    follow(uow, [ParcelSent(str(shipment_id))])
    _record(uow, shipment, [told], by)


def _record(uow: UnitOfWork, shipment: Shipment, reports: Iterable[Report], source: str) -> int:
    """Keep events that are not known yet, and let the parcel be where the latest says.

    Locks order and fulfillment order before the parcel, as whoever delivers does.
    """
    fulfillment_order = shipment_service.lock_fulfillment_order(uow, shipment)
    found = _lock(uow, shipment.id)
    if found is None or (found.carrier, found.tracking_no) != (
        shipment.carrier,
        shipment.tracking_no,
    ):
        return 0
    number = shipment.tracking_no or ""
    known = queries.events_of(uow.session, shipment.id, number)
    room = rules.MAX_EVENTS - len(known)
    rows = [
        {
            "id": new_id(),
            "shipment_id": shipment.id,
            "tracking_no": number,
            "digest": rules.digest(each),
            "source": source,
            "received_at": uow.now,
            **vars(each),
        }
        for each in reports
    ]
    fresh = {row["digest"]: row for row in rows}
    for event in known:
        fresh.pop(event.digest, None)
    kept = list(fresh.values())[:room]
    if not kept:
        return 0
    uow.session.execute(insert(TrackingEvent).values(kept).on_conflict_do_nothing())
    events = queries.events_of(uow.session, shipment.id, number)
    found.state = rules.state_of(events)
    found.last_event_at = max(each.happened_at for each in events)
    uow.session.flush()
    if found.state == rules.DELIVERED:
        shipment_service.arrive(uow, fulfillment_order, shipment, BY_CARRIER)
        found.watch = rules.ENDED
        uow.session.flush()
    return len(kept)
