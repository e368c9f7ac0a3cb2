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
class Tick:
    """What became of one person's share."""

    entitlement_id: UUID
    state: str
    note: str = ""
    carrier: str | None = None
    tracking_no: str | None = None


def record(
    uow: UnitOfWork, officer: Officer, programme_id: UUID, ticks: Sequence[Tick], method: str
) -> None:
    """Record what became of people's shares: all of them, or none.

    The same again changes nothing. Raises NotFound, NotForThem, AlreadyHandedOut and Invalid. Rights
    are locked in one order: two tablets record a person one after the other.
    """
    programme = programme_queries.programme_of_union(uow.session, officer.union_id, programme_id)
    places = {tick.entitlement_id: place for place, tick in enumerate(ticks)}
    for tick in sorted(ticks, key=lambda each: each.entitlement_id):
        right = entitlement_queries.get_of_programme(uow.session, programme_id, tick.entitlement_id)
        entitlement_service.lock(uow, right.id)
        if programme.delivery != programme_rules.UNIT or not right.has_share:
            raise rules.NotForThem(name=right.name)
        _record(uow, officer, right, tick, _Way(method, places[tick.entitlement_id]))


@dataclass(frozen=True)
class _Way:
    """How somebody's share was recorded: by scan or tick, and at which place of the list."""

    method: str
    place: int


def _record(uow: UnitOfWork, officer: Officer, right: HandOutShare, tick: Tick, way: _Way) -> None:
    number = None
    if tick.carrier is not None:
        number = shipment_rules.clean_number(tick.carrier, tick.tracking_no)
    found = uow.session.get(HandOut, right.id, populate_existing=True)
    if found is not None:
        if found.state == tick.state:
            if tick.state == rules.HANDED_OUT and way.method == rules.SCAN:
                raise _refusal(found, right, way.place)
            return
        if tick.state not in rules.HAND_OUTS.table[found.state]:
            raise _refusal(found, right, way.place)
    else:
        found = HandOut(entitlement_id=right.id, programme_id=right.programme_id)
        uow.session.add(found)
    found.state, found.method, found.note = tick.state, way.method, tick.note
    found.recorded_at, found.recorded_by = uow.now, officer.signature.actor
    found.carrier, found.tracking_no = tick.carrier, number
    uow.session.flush()


def _refusal(found: HandOut, right: HandOutShare, place: int) -> rules.AlreadyHandedOut:
    return rules.AlreadyHandedOut(
        f"items.{place}.recipient_id",
        name=right.name,
        state=rules.HAND_OUTS.name(found.state),
        at=f"{found.recorded_at.astimezone(BEIJING):%Y-%m-%d %H:%M}",
        by=found.recorded_by,
    )


def scan(uow: UnitOfWork, officer: Officer, programme_id: UUID, code: str) -> HandOutShare:
    """Hand one person's share out by the code that they show; raises what recording raises."""
    entitlement_id = rules.read_code(code, uow.settings.secret_key)
    try:
        right = entitlement_queries.get_of_programme(uow.session, programme_id, entitlement_id)
    except NotFound as error:
        raise rules.WrongHandOutCode("code") from error
    tick = Tick(entitlement_id, rules.HANDED_OUT)
    record(uow, officer, programme_id, [tick], rules.SCAN)
    return right


def list_of(
    session: Session, programme_id: UUID, state: str | None, after: int, limit: int
) -> list[dict[str, Any]]:
    """Return who has a share at the unit and what became of it, one more than `limit` if more."""
    people = entitlement_queries.of_programme(
        session, programme_id, after, limit, queries.narrowed_to(state)
    )
    recorded = queries.hand_outs_of(session, [right.id for right in people])
    shown = ("state", "recorded_at", "recorded_by", "note", "carrier", "tracking_no")
    return [
        {
            "recipient_id": right.id,
            "position": right.position,
            "name": right.name,
            "employee_no": right.employee_no,
            "department": right.department,
            **{name: getattr(recorded.get(right.id), name, None) for name in shown},
        }
        for right in people
    ]
