"""Write lines of the journal, and seal them into a chain."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import text

from mall.journal.queries import CANONICAL
from mall.journal.rules import MAX_ROWS, MAX_TEXT, storable, written
from mall.kernel.ids import new_id
from mall.kernel.uow import ActingPerson, UnitOfWork

LOCK = 7_203_115_001
BATCH = 2_000
_WRITE = text("""
    WITH l AS (
        INSERT INTO journal_line (id, at, audience, actor_id, actor_name, operation, request,
                                  objects, given, before, after, address, request_id, outcome)
        VALUES (:id, :at, :audience, :actor_id, :actor_name, :operation, :request, :objects,
                CAST(:given AS jsonb), CAST(:before AS jsonb), CAST(:after AS jsonb), :address,
                :request_id, :outcome)
        RETURNING id)
    INSERT INTO journal_pending (line_id) SELECT id FROM l
    """)
_LOCK = text("SELECT pg_try_advisory_xact_lock(:lock)")
_HEAD = text("SELECT position, hash FROM journal_seal ORDER BY position DESC LIMIT 1")
_WAITING = text(f"""
    SELECT l.id, {CANONICAL} AS line FROM journal_line l
    JOIN journal_pending w ON w.line_id = l.id ORDER BY l.id LIMIT :batch
    """)
_SEAL = text("""
    INSERT INTO journal_seal (position, line_id, hash, sealed_at)
    VALUES (:position, :line_id, :hash, :sealed_at)
    """)
_SEALED = text("DELETE FROM journal_pending WHERE line_id = ANY(:ids)")


@dataclass
class Act:
    """What somebody asked for, from where."""

    doer: ActingPerson
    operation: str
    request: str
    objects: list[str] = field(default_factory=list)
    given: Any = None
    address: str = ""
    request_id: str = ""


def write(uow: UnitOfWork, act: Act, before: Any, after: Any, outcome: str) -> None:
    """Write one line in the transaction of the act."""
    uow.session.execute(
        _WRITE,
        {
            "id": new_id(),
            "at": uow.now,
            "audience": act.doer.audience,
            "actor_id": act.doer.id,
            "actor_name": storable(act.doer.name[:MAX_TEXT]),
            "operation": act.operation,
            "request": storable(act.request[:MAX_TEXT]),
            "objects": [storable(each) for each in dict.fromkeys(act.objects)][: 2 * MAX_ROWS],
            "given": _json(act.given),
            "before": _json(before),
            "after": _json(after),
            "address": act.address,
            "request_id": act.request_id,
            "outcome": outcome,
        },
    )


def _json(value: Any) -> str:
    return orjson.dumps(written(value)).decode()


def seal(uow: UnitOfWork) -> int:
    """Chain what was committed and waits; return how many lines. One process at a time does so."""
    if not uow.session.scalar(_LOCK, {"lock": LOCK}):
        return 0
    last = uow.session.execute(_HEAD).first()
    position, previous = (last.position, bytes(last.hash)) if last else (0, b"")
    seals = []
    for line_id, line in uow.session.execute(_WAITING, {"batch": BATCH}):
        position += 1
        previous = hashlib.sha256(previous + line.encode()).digest()
        about = {"position": position, "line_id": line_id, "hash": previous}
        seals.append({**about, "sealed_at": uow.now})
    if seals:
        uow.session.execute(_SEAL, seals)
        uow.session.execute(_SEALED, {"ids": [each["line_id"] for each in seals]})
    return len(seals)
