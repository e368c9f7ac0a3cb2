"""Do what moves value alone within the limit, or let it wait for another person."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from mall.approvals import rules
from mall.approvals.models import ValueAct
from mall.approvals.rules import Kind, Signer, Subject, Wanted
from mall.approvals.service import authors
from mall.kernel.clock import beijing_day
from mall.kernel.db import check_limit
from mall.kernel.errors import NotFound
from mall.kernel.ids import new_id
from mall.kernel.uow import UnitOfWork

__all__ = ["ValueAct", "Values"]


@dataclass(frozen=True)
class Values:
    """The kinds of acts that features hand in, and how those who may confirm hear of one."""

    kinds: Mapping[str, Kind]
    tell: Callable[[UnitOfWork, ValueAct, Kind], None]


_installed: Values | None = None


def install(found: Values) -> None:
    """Say which kinds there are; the shell does so once, when it wires the packages together."""
    global _installed
    _installed = found


def values() -> Values:
    """Return the kinds that were installed."""
    assert _installed is not None, "the shell installs the kinds of value acts"
    return _installed


# Within the limit it is added; beyond, nothing comes back and nothing is kept.
_ADD = text(
    """
    INSERT INTO alone_sum AS s (person, day, sum_fen, limit_fen)
    SELECT :person, :day, :fen, :limit WHERE CAST(:fen AS bigint) <= :limit
    ON CONFLICT (person, day) DO UPDATE
    SET sum_fen = s.sum_fen + excluded.sum_fen, limit_fen = excluded.limit_fen
    WHERE s.sum_fen + excluded.sum_fen <= excluded.limit_fen
    RETURNING 1
    """
)


def do(uow: UnitOfWork, by: Signer, wanted: Wanted) -> ValueAct:
    """Carry something out where one person may, else keep it for another one to confirm.

    Raises what the kind refuses, AlreadyProposed and LimitReached.
    """
    kind = values().kinds[wanted.kind]
    kind.check(uow, wanted.body)
    act = _new(uow, by, wanted, kind)
    if kind.is_alone_allowed and _is_within_limit(uow, by, wanted.amount_fen):
        act.state, act.decided_at = rules.ALONE, uow.now
        act.result = _plain(kind.encode(kind.carry_out(uow, wanted.body, by.name)))
        _keep(uow, act)
        return act
    waiting = select(func.count()).select_from(ValueAct).where(ValueAct.state == rules.PROPOSED)
    check_limit(uow.session, ("value_act", None), waiting, rules.MAX_WAITING)
    try:
        with uow.session.begin_nested():
            _keep(uow, act)
    except IntegrityError as error:
        raise rules.AlreadyProposed() from error
    authors.touch(uow, Subject(rules.VALUE, act.id), by)
    values().tell(uow, act, kind)
    return act


def _new(uow: UnitOfWork, by: Signer, wanted: Wanted, kind: Kind) -> ValueAct:
    limit = uow.settings.alone.limit_fen if kind.is_alone_allowed else None
    return ValueAct(
        id=new_id(),
        kind=wanted.kind,
        state=rules.PROPOSED,
        subject=wanted.subject,
        about=wanted.about,
        body=_plain(wanted.body),
        amount_fen=wanted.amount_fen,
        limit_fen=limit,
        proposed_by=by.name,
        proposer_id=by.account_id,
        proposer_name=by.display_name,
        proposed_at=uow.now,
        day=beijing_day(uow.now),
        ends_at=uow.now + timedelta(days=uow.settings.alone.proposal_days),
        note="",
    )


def _plain(value: Any) -> Any:
    """Return a value as JSON keeps it: what is checked now is what is carried out later."""
    return orjson.loads(orjson.dumps(value, default=str))


def _keep(uow: UnitOfWork, act: ValueAct) -> None:
    uow.session.add(act)
    uow.session.flush()


class _BeyondLimit(Exception):
    """One of the names that a person is known by has no room left today."""


def _is_within_limit(uow: UnitOfWork, by: Signer, amount_fen: int) -> bool:
    """Add an amount to what a person did alone today, unless that would be too much.

    All that the person is known by must have room; where one has none, nothing is added. Who has
    not proved to be that person may have more accounts, each with a limit: they do nothing alone.
    """
    if uow.settings.persons_confirmed and by.actor is not None and not by.actor.is_confirmed:
        return False
    shared = {"day": beijing_day(uow.now), "fen": amount_fen, "limit": uow.settings.alone.limit_fen}
    try:
        with uow.session.begin_nested():
            for person in by.keys:
                if uow.session.execute(_ADD, {**shared, "person": person}).first() is None:
                    raise _BeyondLimit()
    except _BeyondLimit:
        return False
    return True


def confirm(uow: UnitOfWork, act_id: UUID, by: Signer) -> ValueAct:
    """Carry out what another person proposed, exactly as it was; once.

    Raises SamePerson, WrongState, ProposalLapsed, and whatever forbids it by now.
    """
    act = _lock(uow, act_id)
    rules.STATES.check(act.state, rules.CONFIRMED)
    if act.ends_at <= uow.now:
        raise rules.ProposalLapsed(days=uow.settings.alone.proposal_days)
    authors.decide(uow, Subject(rules.VALUE, act.id), by)
    kind = values().kinds[act.kind]
    act.result = _plain(kind.encode(kind.carry_out(uow, act.body, act.proposed_by)))
    _decide(uow, act, rules.CONFIRMED, by)
    return act


def reject(uow: UnitOfWork, act_id: UUID, by: Signer, note: str) -> ValueAct:
    """Turn down what another person proposed; raises SamePerson and WrongState."""
    act = _lock(uow, act_id)
    rules.STATES.check(act.state, rules.REJECTED)
    authors.decide(uow, Subject(rules.VALUE, act.id), by)
    act.note = note
    _decide(uow, act, rules.REJECTED, by)
    _tell_refused(uow, act)
    return act


def _tell_refused(uow: UnitOfWork, act: ValueAct) -> None:
    tell = values().kinds[act.kind].on_refused
    if tell is not None:
        tell(uow, act.body, act.note)


def withdraw(uow: UnitOfWork, act_id: UUID, by: Signer) -> ValueAct:
    """Take back what oneself proposed; raises NotYours and WrongState."""
    act = _lock(uow, act_id)
    rules.STATES.check(act.state, rules.WITHDRAWN)
    if act.proposed_by != by.name:
        raise rules.NotYours()
    take_back(uow, act, by)
    return act


def take_back(uow: UnitOfWork, act: ValueAct, by: Signer) -> None:
    """Take back a locked proposal that waits, for whoever may: it decides nothing."""
    rules.STATES.check(act.state, rules.WITHDRAWN)
    _decide(uow, act, rules.WITHDRAWN, by)


def lapse(uow: UnitOfWork, limit: int = 500) -> int:
    """End what nobody confirmed in time; return how many."""
    query = select(ValueAct).where(ValueAct.state == rules.PROPOSED, ValueAct.ends_at <= uow.now)
    found = uow.session.scalars(query.limit(limit).with_for_update(skip_locked=True)).all()
    for act in found:
        act.state, act.decided_at = rules.LAPSED, uow.now
        _tell_refused(uow, act)
    uow.session.flush()
    return len(found)


def _lock(uow: UnitOfWork, act_id: UUID) -> ValueAct:
    act = uow.session.get(ValueAct, act_id, with_for_update=True, populate_existing=True)
    if act is None:
        raise NotFound("proposal")
    return act


def _decide(uow: UnitOfWork, act: ValueAct, state: str, by: Signer) -> None:
    act.state, act.decided_at = state, uow.now
    act.decided_by, act.decider_id, act.decider_name = by.name, by.account_id, by.display_name
    uow.session.flush()


def get_act(session: Session, act_id: UUID) -> ValueAct:
    """Return an act; raise NotFound."""
    found = session.get(ValueAct, act_id)
    if found is None:
        raise NotFound("proposal")
    return found


def waiting_of(
    session: Session, kind: str, subject: str, for_update: bool = False
) -> ValueAct | None:
    """Return what waits of a kind about a subject, if anything does."""
    query = select(ValueAct).where(
        ValueAct.kind == kind, ValueAct.subject == subject, ValueAct.state == rules.PROPOSED
    )
    if for_update:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).first()


def list_acts(
    session: Session, state: str | None, kind: str | None, cursor: UUID | None, limit: int
) -> list[ValueAct]:
    """Return acts, newest first, one more than `limit` if there are more."""
    query = select(ValueAct)
    if state is not None:
        query = query.where(ValueAct.state == state)
    if kind is not None:
        query = query.where(ValueAct.kind == kind)
    if cursor is not None:
        query = query.where(ValueAct.id < cursor)
    return list(session.scalars(query.order_by(ValueAct.id.desc()).limit(limit + 1)))


def seeded(uow: UnitOfWork, wanted: Wanted) -> None:
    """Write down what the demo or a measurement gave by itself: nobody did it, so nobody's limit."""
    system = Signer(None, "system", "系统")
    kind = values().kinds[wanted.kind]
    act = _new(uow, system, wanted, kind)
    act.state, act.decided_at, act.limit_fen = rules.ALONE, uow.now, wanted.amount_fen
    _keep(uow, act)
