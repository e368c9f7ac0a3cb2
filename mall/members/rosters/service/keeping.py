"""Keep rosters, take their sheets in, and apply what was understood."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text

from mall.kernel.db import check_limit
from mall.kernel.errors import DomainError
from mall.kernel.files import quotas
from mall.kernel.files.store import current_private_files
from mall.kernel.ids import new_id
from mall.kernel.sheets import reading
from mall.kernel.sheets.cells import Limits
from mall.kernel.sheets.working import PUT_OFF
from mall.kernel.text import canonical, wording
from mall.kernel.text.wording import Wording
from mall.kernel.together import document
from mall.kernel.uow import UnitOfWork
from mall.members.rosters import queries, rules, statements
from mall.members.rosters.models import Roster
from mall.members.service import unions

LIMITS = Limits(rows=rules.MAX_ROWS, columns=30, cell_characters=1000)
LEASE, MAX_ATTEMPTS = timedelta(seconds=90), 4
CHUNK = 2000


class RosterNameTaken(DomainError):
    code = "roster_name_taken"


def open_roster(uow: UnitOfWork, union_id: UUID, name: str) -> Roster:
    """Open an empty roster; raise RosterNameTaken, LimitReached, and NotFound without the union."""
    unions.get_union(uow.session, union_id)
    mine = select(func.count()).select_from(Roster).where(Roster.union_id == union_id)
    check_limit(uow.session, ("roster", union_id), mine, rules.MAX_ROSTERS)
    if uow.session.scalar(mine.where(Roster.name_key == canonical.key(name))):
        raise RosterNameTaken("name")
    roster = Roster(
        id=new_id(),
        union_id=union_id,
        name=name,
        state=rules.EMPTY,
        is_large=False,
        due_at=uow.now,
        created_at=uow.now,
    )
    uow.session.add(roster)
    uow.session.flush()
    return roster


def receive(uow: UnitOfWork, union_id: UUID, roster_id: UUID, name: str, content: bytes) -> Roster:
    """Take a sheet in; a worker understands it within seconds.

    Raises SheetRefused for what is neither xlsx nor csv, RosterBusy, and StorageFull.
    """
    kind = reading.kind_of(content)
    roster = queries.own_roster(uow.session, union_id, roster_id, for_update=True)
    if roster.state in rules.BUSY:
        raise rules.RosterBusy()
    rules.STATES.check(roster.state, rules.WAITING)
    key = f"rosters/{union_id}/{roster_id}-{new_id()}.{kind}"
    quotas.charge(uow, quotas.Owner(quotas.UNION, union_id), key, len(content))
    current_private_files().put(key, content, reading.MEDIA_TYPES[kind])
    roster.file_key, roster.file_name = key, name
    roster.is_large = reading.is_large(content)
    roster.state, roster.due_at, roster.attempts = rules.WAITING, uow.now, 0
    roster.total_rows, roster.wrong_rows = 0, 0
    roster.problem = roster.changes = None
    return roster


def begin_applying(uow: UnitOfWork, union_id: UUID, roster_id: UUID, skips_wrong: bool) -> Roster:
    """Let a worker apply what was checked; repeating changes nothing.

    Raises RosterBusy, WrongState, and RosterHasProblems unless wrong rows are to be skipped.
    """
    roster = queries.own_roster(uow.session, union_id, roster_id, for_update=True)
    if roster.state in (rules.APPLYING, rules.READY):
        return roster
    if roster.state in rules.BUSY:
        raise rules.RosterBusy()
    rules.STATES.check(roster.state, rules.APPLYING)
    if not skips_wrong:
        raise rules.RosterHasProblems("skips_wrong", wrong_rows=roster.wrong_rows)
    roster.state, roster.due_at, roster.attempts = rules.APPLYING, uow.now, 0
    return roster


def claim(uow: UnitOfWork, is_large: bool) -> tuple[UUID, str] | None:
    """Take the small or large roster whose turn it is and lease it; return its id and state."""
    roster = queries.due(uow.session, uow.now, is_large)
    if roster is None:
        return None
    roster.attempts += 1
    roster.begun_at, roster.due_at = uow.now, uow.now + LEASE
    if roster.attempts > MAX_ATTEMPTS:
        fail(roster, wording.finding("failed_too_often"))
    elif roster.state == rules.WAITING:
        roster.state = rules.CHECKING
    return roster.id, roster.state


def hand_on(uow: UnitOfWork, roster_id: UUID) -> None:
    """Let a small roster go on among the large ones, and a large one when there is time for it."""
    roster = uow.session.get_one(Roster, roster_id, with_for_update=True)
    if roster.is_large:
        roster.due_at = uow.now + PUT_OFF
    else:
        roster.is_large, roster.due_at, roster.attempts = True, uow.now, 0


def fail(roster: Roster, why: Wording) -> None:
    """End the work on a sheet with the reason why it as a whole cannot be used."""
    roster.state = rules.FAILED
    roster.problem = {"code": "sheet_refused", "detail_zh": why.zh, "detail_en": why.en}


def apply(uow: UnitOfWork, roster: Roster) -> None:
    """Make the roster what its sheet says, in one transaction: add, change, deactivate.

    People whose phone a member has verified are that member's at once. Doing it again changes
    nothing.
    """
    people = queries.good_people(uow.session, roster.id)
    known = queries.entry_keys(uow.session, roster.id)
    found = rules.match(people, known)
    rows = [
        {
            "id": found.get(person.number) or new_id(),
            "position": person.number,
            "name": person.name,
            "phone": person.phone,
            "employee_no": person.employee_no,
            "department": person.department,
            "born_on": person.born_on,
            "is_new": person.number not in found,
        }
        for person in people
    ]
    kept = {"roster_id": roster.id, "now": uow.now}
    gone = uow.session.execute(
        statements.DEACTIVATE, {**kept, "kept_ids": [row["id"] for row in rows]}
    )
    counted = {"added": len(rows) - len(found), "changed": 0, "removed": gone.rowcount}  # type: ignore[attr-defined]
    for start in range(0, len(rows), CHUNK):
        part: dict[str, Any] = {**kept, "rows": document(rows[start : start + CHUNK])}
        counted["changed"] += uow.session.execute(statements.CHANGE, part).rowcount  # type: ignore[attr-defined]
        uow.session.execute(statements.ADD, part)
    uow.session.execute(statements.LINK, kept)
    uow.session.execute(statements.JOIN, {**kept, "union_id": roster.union_id})
    roster.entry_count = len(rows)
    roster.changes = counted
    roster.state, roster.applied_at = rules.READY, uow.now


def rows_of(uow: UnitOfWork, roster_id: UUID, rows: list[dict[str, Any]]) -> None:
    """Replace what is known of the last sheet's rows."""
    uow.session.execute(text("DELETE FROM roster_row WHERE roster_id = :id"), {"id": roster_id})
    for start in range(0, len(rows), CHUNK):
        uow.session.execute(statements.ROWS, {"rows": document(rows[start : start + CHUNK])})
