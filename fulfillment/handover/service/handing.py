"""Record, person by person, what became of their share at the unit (docs/adr/0025)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from fulfillment.handover import queries, rules
from fulfillment.handover.models import HandOut
from fulfillment.handover.rules import HandOutShare
from fulfillment.shipments import rules as shipment_rules
from mall.kernel.clock import BEIJING
from mall.kernel.errors import NotFound
from mall.kernel.uow import UnitOfWork
from orders.entitlements import queries as entitlement_queries
from orders.entitlements import service as entitlement_service
from orders.programmes import queries as programme_queries
from orders.programmes import rules as programme_rules
from orders.programmes.service.lifecycle import Officer


@dataclass(frozen=True)
class HandOutEntry:
    """What became of one person's share."""

    entitlement_id: UUID
    state: str
    note: str = ""
    carrier: str | None = None
    tracking_no: str | None = None


def record(
    uow: UnitOfWork,
    officer: Officer,
    programme_id: UUID,
    ticks: Sequence[HandOutEntry],
    method: str,
) -> None:
    """Record what became of people's shares: all of them, or none.

    Doing it again changes nothing. Raises NotFound, NotForThem, AlreadyHandedOut and Invalid. Each
    entitlement is locked, so that two tablets record a person one after the other.
    """
    programme = programme_queries.programme_of_union(uow.session, officer.union_id, programme_id)
    places = {tick.entitlement_id: place for place, tick in enumerate(ticks)}
    for tick in sorted(ticks, key=lambda each: each.entitlement_id):
        entitlement = entitlement_queries.get_of_programme(
            uow.session, programme_id, tick.entitlement_id
        )
        entitlement_service.lock(uow, entitlement.id)
        if programme.delivery != programme_rules.UNIT or not entitlement.has_share:
            raise rules.NotForThem(name=entitlement.name)
        _record(uow, officer, entitlement, tick, _RecordedAs(method, places[tick.entitlement_id]))


@dataclass(frozen=True)
class _RecordedAs:
    """How somebody's share was recorded: by scan or tick, and at which place of the list."""

    method: str
    place: int


def _record(
    uow: UnitOfWork,
    officer: Officer,
    entitlement: HandOutShare,
    tick: HandOutEntry,
    way: _RecordedAs,
) -> None:
    number = None
    if tick.carrier is not None:
        number = shipment_rules.clean_number(tick.carrier, tick.tracking_no)
    found = uow.session.get(HandOut, entitlement.id, populate_existing=True)
    if found is not None:
        if found.state == tick.state:
            if tick.state == rules.HANDED_OUT and way.method == rules.SCAN:
                raise _refusal(found, entitlement, way.place)
            return
        if tick.state not in rules.HAND_OUTS.table[found.state]:
            raise _refusal(found, entitlement, way.place)
    else:
        found = HandOut(entitlement_id=entitlement.id, programme_id=entitlement.programme_id)
        uow.session.add(found)
    found.state, found.method, found.note = tick.state, way.method, tick.note
    found.recorded_at, found.recorded_by = uow.now, officer.signature.actor
    found.carrier, found.tracking_no = tick.carrier, number
    uow.session.flush()


def _refusal(found: HandOut, entitlement: HandOutShare, place: int) -> rules.AlreadyHandedOut:
    return rules.AlreadyHandedOut(
        f"items.{place}.recipient_id",
        name=entitlement.name,
        state=rules.HAND_OUTS.name(found.state),
        at=f"{found.recorded_at.astimezone(BEIJING):%Y-%m-%d %H:%M}",
        by=found.recorded_by,
    )


def scan(uow: UnitOfWork, officer: Officer, programme_id: UUID, code: str) -> HandOutShare:
    """Hand one person's share out by the code that they show; raises what recording raises."""
    entitlement_id = rules.read_code(code, uow.settings.secret_key)
    try:
        entitlement = entitlement_queries.get_of_programme(
            uow.session, programme_id, entitlement_id
        )
    except NotFound as error:
        raise rules.WrongHandOutCode("code") from error
    tick = HandOutEntry(entitlement_id, rules.HANDED_OUT)
    record(uow, officer, programme_id, [tick], rules.SCAN)
    return entitlement


def list_of(
    session: Session, programme_id: UUID, state: str | None, after: int, limit: int
) -> list[dict[str, Any]]:
    """Return who has a share at the unit and what became of it, one more than `limit` if more."""
    people = entitlement_queries.of_programme(
        session, programme_id, after, limit, queries.narrowed_to(state)
    )
    recorded = queries.hand_outs_of(session, [each.id for each in people])
    shown = ("state", "recorded_at", "recorded_by", "note", "carrier", "tracking_no")
    return [
        {
            "recipient_id": entitlement.id,
            "position": entitlement.position,
            "name": entitlement.name,
            "employee_no": entitlement.employee_no,
            "department": entitlement.department,
            **{name: getattr(recorded.get(entitlement.id), name, None) for name in shown},
        }
        for entitlement in people
    ]
