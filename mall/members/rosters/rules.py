"""How the rows of a roster are understood, whatever a spreadsheet did to them."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from mall.kernel.errors import DomainError
from mall.kernel.sheets import cells, numbers
from mall.kernel.sheets.cells import Cell, Row, SheetRefused
from mall.kernel.sheets.numbers import WrongNumber
from mall.kernel.states import Transitions
from mall.kernel.text import canonical, wording
from mall.kernel.text.wording import Finding, finding

EMPTY, WAITING, CHECKING, CHECKED = "empty", "waiting", "checking", "checked"
APPLYING, READY, FAILED = "applying", "ready", "failed"
BUSY = (WAITING, CHECKING, APPLYING)
STATES = Transitions(
    "roster",
    {
        EMPTY: {WAITING},
        WAITING: {CHECKING},
        CHECKING: {CHECKED, READY, FAILED, WAITING},
        CHECKED: {WAITING, APPLYING},
        APPLYING: {READY},
        READY: {WAITING},
        FAILED: {WAITING},
    },
)
MAX_ROSTERS, MAX_ROWS = 200, 60_000
MAX_NAME, MAX_TEXT = 50, 50
HEADS = wording.heads("roster")
_NUMBER = re.compile(r"[0-9A-Za-z_/-]{1,32}")


class RosterBusy(DomainError):
    code = "roster_busy"


class RosterNotReady(DomainError):
    code = "roster_not_ready"


class RosterHasProblems(DomainError):
    code = "roster_has_problems"


class NoSuchPerson(DomainError):
    code = "no_such_person"


@dataclass
class Person:
    """A row of the sheet as it was understood."""

    number: int
    name: str = ""
    phone: str | None = None
    employee_no: str | None = None
    department: str = ""
    born_on: date | None = None
    problems: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)
    # A number cell: a spreadsheet may have eaten its leading zeros.
    is_numeric: bool = False


@dataclass(frozen=True)
class Listed:
    """A person of a roster as other packages see it."""

    id: UUID
    position: int
    name: str
    phone: str | None
    employee_no: str | None
    department: str
    born_on: date | None
    member_id: UUID | None


@dataclass(frozen=True)
class Known:
    """An entry that the roster has already."""

    id: UUID
    phone: str | None
    employee_no: str | None


def columns(head: Row) -> dict[str, int]:
    """Return which column holds what; raise SheetRefused where name and a claim are missing."""
    names = {alias: key for key, aliases in HEADS.items() for alias in aliases}
    found: dict[str, int] = {}
    for position, cell in head.cells.items():
        key = names.get(canonical.squeezed(str(cell.value)).rstrip("*"))
        if key is not None and key not in found:
            found[key] = position
    if "name" not in found or not {"phone", "employee_no"} & set(found):
        raise SheetRefused("roster_head_wrong")
    return found


def read(row: Row, found: Mapping[str, int], today: date) -> Person:
    """Understand one row; what cannot be is noted with its cell."""
    person = Person(row.number)
    given = {key: row.cells[at] for key, at in found.items() if at in row.cells}
    for key, cell in given.items():
        if cell.kind in (cells.FORMULA, cells.ERROR, cells.BOOLEAN):
            person.problems.append(finding("cell_is_no_value", cell=cell.address))
        elif key == "name":
            person.name = _name(cell, person)
        elif key == "phone":
            person.phone = _phone(cell, person)
        elif key == "employee_no":
            person.employee_no = _employee_no(cell, person)
        elif key == "department":
            person.department = canonical.prose(canonical.code(str(cell.value)))[:MAX_TEXT]
        else:
            person.born_on = _born_on(cell, person, today)
    if not person.problems and not person.name:
        person.problems.append(finding("name_missing"))
    if not person.problems and person.phone is None and person.employee_no is None:
        person.problems.append(finding("claim_missing"))
    return person


def _name(cell: Cell, person: Person) -> str:
    name = canonical.person(str(cell.value))
    if len(name) > MAX_NAME:
        person.problems.append(finding("name_too_long", cell=cell.address, limit=MAX_NAME))
        return name[:MAX_NAME]
    if cell.kind != cells.TEXT or not any(letter.isalpha() for letter in name):
        person.problems.append(finding("name_unlike", cell=cell.address, name=name[:20]))
    return name


def _phone(cell: Cell, person: Person) -> str | None:
    try:
        text = numbers.code(cell)
    except WrongNumber as wrong:
        person.problems.append(finding("phone_unread", cell=cell.address, why=wrong.finding))
        return None
    found = canonical.mobile(text)
    if found is None:
        person.problems.append(finding("phone_unlike", cell=cell.address, text=text[:20]))
    return found


def _employee_no(cell: Cell, person: Person) -> str | None:
    try:
        text = numbers.code(cell).replace(" ", "")
    except WrongNumber as wrong:
        person.problems.append(finding("employee_no_unread", cell=cell.address, why=wrong.finding))
        return None
    if not _NUMBER.fullmatch(text):
        person.problems.append(finding("employee_no_unlike", cell=cell.address))
        return None
    person.is_numeric = cell.kind == cells.NUMBER
    return text


def _born_on(cell: Cell, person: Person, today: date) -> date | None:
    born = numbers.day(cell)
    if born is None or not date(1900, 1, 1) <= born <= today:
        person.problems.append(finding("not_a_day", cell=cell.address, text=str(cell.value)[:20]))
        return None
    return born


def compare(people: Sequence[Person]) -> None:
    """Find what only shows when rows are seen together: doubles, names alike, lost zeros."""
    _give_zeros_back(people)
    for attribute, told in (("phone", "phone_repeated"), ("employee_no", "employee_no_repeated")):
        first: dict[str, Person] = {}
        for person in people:
            value = getattr(person, attribute)
            if value is None or person.problems:
                continue
            twin = first.setdefault(value, person)
            if twin is not person:
                person.problems.append(finding(told, value=value, row=twin.number))
    names = Counter(person.name for person in people if not person.problems)
    for person in people:
        if not person.problems and names[person.name] > 1:
            person.warnings.append(finding("namesakes", count=names[person.name], name=person.name))


def _give_zeros_back(people: Sequence[Person]) -> None:
    """Pad numbers that lost their zeros, where the text cells of the column show the length."""
    widths = {
        len(person.employee_no)
        for person in people
        if person.employee_no and not person.is_numeric and person.employee_no.startswith("0")
    }
    if len(widths) != 1:
        return
    [width] = widths
    for person in people:
        if person.is_numeric and person.employee_no and len(person.employee_no) < width:
            whole = person.employee_no.zfill(width)
            person.warnings.append(
                finding("zeros_given_back", told=person.employee_no, whole=whole)
            )
            person.employee_no = whole


def match(people: Iterable[Person], known: Sequence[Known]) -> dict[int, UUID]:
    """Return which entry each row is: by phone first, then by employee number."""
    rows = list(people)
    by_phone = {each.phone: each.id for each in known if each.phone}
    by_number = {each.employee_no: each.id for each in known if each.employee_no}
    found = {person.number: by_phone[person.phone] for person in rows if person.phone in by_phone}
    taken = set(found.values())
    for person in rows:
        entry_id = by_number.get(person.employee_no) if person.employee_no else None
        if person.number not in found and entry_id is not None and entry_id not in taken:
            found[person.number] = entry_id
            taken.add(entry_id)
    return found
