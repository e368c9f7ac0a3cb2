"""Understand a roster's sheet, row by row and all together."""

from typing import Any
from uuid import UUID

from mall.kernel import clock
from mall.kernel.files.store import current_private_files
from mall.kernel.sandbox.pool import FilesBusy
from mall.kernel.sheets.cells import SheetRefused
from mall.kernel.sheets.reading import LARGE, SMALL, Effort, SheetTooDemanding, read_rows
from mall.kernel.text.wording import finding
from mall.kernel.uow import reading, unit_of_work
from mall.members.rosters import queries, rules
from mall.members.rosters.models import Roster
from mall.members.rosters.rules import Person
from mall.members.rosters.service import keeping

SHEET = "名册"


def check(roster_id: UUID) -> None:
    """Understand the sheet of a roster that this process has claimed, and apply it if all is right.

    What an interrupted check left behind is done anew.
    """
    with reading() as session:
        roster = session.get_one(Roster, roster_id)
        file_key, is_large = roster.file_key, roster.is_large
    assert file_key is not None
    try:
        people = _read(current_private_files().get(file_key), LARGE if is_large else SMALL)
    except FilesBusy:
        return _hand_on(roster_id)
    except SheetRefused as refused:
        if isinstance(refused, SheetTooDemanding) and not is_large:
            return _hand_on(roster_id)
        with unit_of_work() as uow:
            roster = uow.session.get_one(Roster, roster_id, with_for_update=True)
            keeping.fail(roster, refused.wording)
        return
    with unit_of_work() as uow:
        roster = uow.session.get_one(Roster, roster_id, with_for_update=True)
        if roster.state != rules.CHECKING:
            return
        _warn_of_others(uow.session, roster, people)
        keeping.rows_of(uow, roster_id, [_row(roster_id, person) for person in people])
        roster.total_rows = len(people)
        roster.wrong_rows = sum(1 for person in people if person.problems)
        roster.state = rules.CHECKED
        if roster.wrong_rows == 0:
            keeping.apply(uow, roster)


def apply(roster_id: UUID) -> None:
    """Apply the rows that are right."""
    with unit_of_work() as uow:
        roster = uow.session.get_one(Roster, roster_id, with_for_update=True)
        if roster.state == rules.APPLYING:
            keeping.apply(uow, roster)


def _hand_on(roster_id: UUID) -> None:
    with unit_of_work() as uow:
        keeping.hand_on(uow, roster_id)


def _read(content: bytes, effort: Effort) -> list[Person]:
    rows = read_rows(content, keeping.LIMITS, SHEET, effort)
    head = next(rows, None)
    if head is None:
        raise SheetRefused("sheet_empty")
    found, today = rules.columns(head), clock.beijing_day(clock.now())
    people = [rules.read(row, found, today) for row in rows]
    if not people:
        raise SheetRefused("sheet_without_people")
    rules.compare(people)
    return people


def _warn_of_others(session: Any, roster: Roster, people: list[Person]) -> None:
    """Note who belongs to another union too: allowed, and worth a look."""
    others = queries.members_elsewhere(
        session, roster.union_id, [person.phone for person in people if person.phone]
    )
    for person in people:
        if person.phone in others:
            person.warnings.append(finding("member_elsewhere", union=others[person.phone]))


def _row(roster_id: UUID, person: Person) -> dict[str, Any]:
    names = ("number", "name", "phone", "employee_no", "department", "born_on")
    values = {name: getattr(person, name) for name in names}
    told = {name: [each.zh for each in getattr(person, name)] for name in ("problems", "warnings")}
    return {"roster_id": roster_id, **values, **told}
