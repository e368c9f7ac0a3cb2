"""The witness of every unit of work, and what it saw of the rows that were changed."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import orjson
import structlog
from flask import Flask, Response, g, has_request_context, request
from sqlalchemy import ClauseElement, event, inspect
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import History

from mall.access.guard import READING, audience_of
from mall.access.rules import AUDIENCES, STORE, place_of
from mall.journal import service as journal_service
from mall.journal.rules import MAX_ROWS
from mall.journal.service import Act
from mall.kernel.uow import ActingPerson, UnitOfWork, set_witness, unit_of_work

log = structlog.get_logger(__name__)
STAFF = tuple(each for each in AUDIENCES if each != STORE)
MAX_GIVEN = 64 * 1024
_SEEN = "mall_journal_seen"
_by_command: ContextVar[Act | None] = ContextVar("journal_by_command", default=None)


@contextmanager
def commanded(user: str, words: str, command: str) -> Iterator[None]:
    """Let what happens within be somebody's at the command line."""
    doer = ActingPerson("cli", None, f"cli:{user}")
    before = _by_command.set(Act(doer, command, words))
    try:
        yield
    finally:
        _by_command.reset(before)


def _is_watched() -> bool:
    if _by_command.get() is not None:
        return True
    return (
        has_request_context()
        and request.method not in READING
        and audience_of(request.path) in STAFF
    )


def _given() -> Any:
    if (request.content_length or 0) == 0:
        return None
    if request.is_json and (request.content_length or 0) <= MAX_GIVEN:
        return request.get_json(silent=True)
    return f"{request.content_length} bytes, {(request.content_type or '?')[:80]}"


def _act(doer: ActingPerson | None) -> Act | None:
    """Return what is being done and by whom, or None where nobody of staff is known."""
    commanded_act = _by_command.get()
    if commanded_act is not None:
        doer = commanded_act.doer
        return Act(doer, commanded_act.operation, commanded_act.request)
    principal = g.get("principal")
    if doer is None and principal is not None:
        doer = ActingPerson(principal.audience, principal.subject_id, principal.display_name)
    if doer is None or doer.audience not in STAFF:
        return None
    return Act(
        doer,
        request.endpoint or "",
        f"{request.method} {request.path}",
        [str(each) for each in (request.view_args or {}).values()],
        _given(),
        place_of(request.remote_addr),
        g.get("request_id", ""),
    )


def _witness(uow: UnitOfWork) -> None:
    """Write the line of an act into its own transaction."""
    if not _is_watched() or (has_request_context() and g.get("journal_is_closing")):
        return
    act = _act(uow.doer)
    if act is None:
        return
    uow.session.flush()
    seen = uow.session.info.pop(_SEEN, None) or {}
    if _by_command.get() is not None and not seen and not uow.notes:
        # Most commands read, and a command may have many transactions.
        return
    act.objects += [name.partition(":")[2] for name in seen]
    before = {name: old for name, (old, _) in seen.items() if old}
    after = {name: new for name, (_, new) in seen.items() if new}
    for number, note in enumerate(uow.notes):
        for side, found in ((before, note["before"]), (after, note["after"])):
            if found is not None:
                side[f"note {number}"] = found
    journal_service.write(uow, act, before or None, after or None, uow.outcome)
    if has_request_context():
        g.journal_outcome = uow.outcome


def _old_and_new(row: Any, is_new: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    old: dict[str, Any] = {}
    new: dict[str, Any] = {}
    for attribute in inspect(row).mapper.column_attrs:
        history: History = inspect(row).attrs[attribute.key].history
        if not history.added and not history.deleted:
            continue
        if history.added and history.added[0] is not None:
            value = history.added[0]
            new[attribute.key] = "(computed)" if isinstance(value, ClauseElement) else value
        elif not is_new:
            new[attribute.key] = None
        if history.deleted:
            old[attribute.key] = history.deleted[0]
    return old, new


def _look(session: Session, _context: Any, _instances: Any) -> None:
    """Note what a flush changes, some rows of it: the first values and the last ones."""
    if not session.info.get("in_use_case") or not _is_watched():
        return
    seen: dict[str, tuple[dict[str, Any], dict[str, Any]]] = session.info.setdefault(_SEEN, {})
    rows = [(row, True) for row in session.new] + [(row, False) for row in session.dirty]
    for row, is_new in [*rows, *((row, False) for row in session.deleted)]:
        key = ",".join(str(each) for each in inspect(row).mapper.primary_key_from_instance(row))
        name = f"{type(row).__name__}:{key}"
        if name not in seen and len(seen) >= MAX_ROWS:
            continue
        old, new = _old_and_new(row, is_new)
        if row in session.deleted:
            new = {"deleted": True}
        if not old and not new:
            continue
        first, last = seen.get(name, ({}, {}))
        seen[name] = ({**old, **first}, {**last, **new})


def _forget(session: Session) -> None:
    session.info.pop(_SEEN, None)


def _close(response: Response) -> Response:
    """Write the line of what was refused, or had no transaction of its own."""
    principal = g.get("principal")
    if principal is None or principal.audience not in STAFF or not _is_watched():
        return response
    outcome = _outcome(response)
    known = g.get("journal_outcome")
    if known == outcome or (known is not None and outcome == "done"):
        return response
    act = _act(None)
    if act is not None:
        g.journal_is_closing = True
        try:
            with unit_of_work() as uow:
                journal_service.write(uow, act, None, None, outcome)
        except SQLAlchemyError:
            # Nothing was done, and the answer already says why.
            log.warning("journal_line_lost", request=act.request, outcome=outcome)
    return response


def _outcome(response: Response) -> str:
    if response.status_code < 400:
        return "replayed" if "Idempotency-Replayed" in response.headers else "done"
    try:
        return str(orjson.loads(response.get_data())["code"])
    except (ValueError, KeyError, TypeError):
        return str(response.status_code)


def install(app: Flask) -> None:
    """Watch every request of staff that is to change something."""
    set_witness(_witness)
    for moment, function in (("before_flush", _look), ("after_rollback", _forget)):
        if not event.contains(Session, moment, function):
            event.listen(Session, moment, function)
    app.after_request(_close)
