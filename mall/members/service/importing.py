"""Import the list of unions: wholly, or with its problems told not at all."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert

from mall.kernel.errors import DomainError
from mall.kernel.ids import new_id
from mall.kernel.sheets import numbers
from mall.kernel.sheets.cells import Limits, Row, SheetRefused
from mall.kernel.sheets.reading import AT_ONCE, read_rows
from mall.kernel.text import canonical, wording
from mall.kernel.text.wording import Finding, finding
from mall.kernel.uow import UnitOfWork
from mall.members.models import TradeUnion
from mall.members.service import unions

SHEET = "工会"
LIMITS = Limits(rows=10_000, columns=20, cell_characters=500)
MAX_SHOWN = 100
NAMES = "uq_trade_union_parent_id_name_key"
HEADS = wording.heads("unions")
_CODE = re.compile(r"[0-9A-Za-z-]{1,32}")


class UnionListWrong(DomainError):
    code = "union_list_wrong"


@dataclass
class Line:
    """A row of the list."""

    number: int
    code: str
    name: str
    parent_code: str


def read_list(content: bytes) -> list[Line]:
    """Return the lines of a sheet; raise SheetRefused and FilesBusy."""
    return _read(read_rows(content, LIMITS, SHEET, AT_ONCE))


def import_unions(uow: UnitOfWork, lines: list[Line]) -> dict[str, int]:
    """Add and change the unions of a list, parents in any order; return how many of each.

    Raises UnionListWrong with every problem; nothing is kept then. The same list again changes
    nothing.
    """
    unions.hold_names(uow)
    known = {
        row.code: row
        for row in uow.session.execute(
            select(TradeUnion.id, TradeUnion.code, TradeUnion.name, TradeUnion.parent_id)
        )
    }
    ids: dict[str, UUID] = {code: row.id for code, row in known.items()}
    codes_by_id = {row.id: code for code, row in known.items()}
    parents = {code: codes_by_id.get(row.parent_id, "") for code, row in known.items()}
    problems = _problems(lines, set(known), parents)
    problems = problems or _twins(lines, {code: row.name for code, row in known.items()}, parents)
    if problems:
        raise UnionListWrong("body", count=len(problems), problems=problems[:MAX_SHOWN])
    for line in lines:
        ids.setdefault(line.code, new_id())
    rows: list[dict[str, Any]] = []
    added = changed = 0
    for line in _parents_first(lines):
        parent_id = ids[line.parent_code] if line.parent_code else None
        old = known.get(line.code)
        if old is not None and (old.name, old.parent_id) == (line.name, parent_id):
            continue
        added, changed = added + (old is None), changed + (old is not None)
        rows.append(
            {
                "id": ids[line.code],
                "code": line.code,
                "name": line.name,
                "name_key": canonical.key(line.name),
                "parent_id": parent_id,
                "created_at": uow.now,
                "claims_by_employee": False,
            }
        )
    if rows:
        # Two names may be swapped: what counts is how it stands in the end.
        uow.session.execute(text(f"SET CONSTRAINTS {NAMES} DEFERRED"))
        statement = insert(TradeUnion)
        changes = {name: statement.excluded[name] for name in ("name", "name_key", "parent_id")}
        uow.session.execute(
            statement.on_conflict_do_update(index_elements=["code"], set_=changes), rows
        )
        uow.session.execute(text(f"SET CONSTRAINTS {NAMES} IMMEDIATE"))
    return {"added": added, "changed": changed, "unchanged": len(lines) - len(rows)}


def _read(rows: Iterable[Row]) -> list[Line]:
    iterator = iter(rows)
    head = next(iterator, None)
    if head is None:
        raise SheetRefused("sheet_empty")
    names = {alias: key for key, aliases in HEADS.items() for alias in aliases}
    found = {
        names.get(canonical.code(str(cell.value))): position
        for position, cell in head.cells.items()
    }
    if not {"code", "name"} <= set(found):
        raise SheetRefused("union_head_wrong")

    def written(row: Row, key: str) -> str:
        cell = row.cells.get(found.get(key, -1))
        if cell is None:
            return ""
        try:
            return numbers.code(cell)
        except numbers.WrongNumber:
            # It is no code, and is told so with all other problems.
            return str(cell.value)

    return [
        Line(row.number, written(row, "code"), written(row, "name"), written(row, "parent_code"))
        for row in iterator
    ]


def _problems(lines: list[Line], known: set[str], parents: dict[str, str]) -> list[dict[str, Any]]:
    problems: list[dict[str, Any]] = []

    def note(line: Line, found: Finding) -> None:
        problems.append({"row": line.number, "text": found.zh})

    first: dict[str, int] = {}
    codes = known | {line.code for line in lines}
    for line in lines:
        if not _CODE.fullmatch(line.code):
            note(line, finding("union_code_wrong", code=line.code[:40]))
        elif first.setdefault(line.code, line.number) != line.number:
            note(line, finding("union_code_repeated", code=line.code, row=first[line.code]))
        if not 1 <= len(line.name) <= 100 or not line.name.isprintable():
            note(line, finding("union_name_wrong"))
        if line.parent_code and line.parent_code not in codes:
            note(line, finding("parent_unknown", code=line.parent_code[:40]))
    if not problems:
        tree = {**parents, **{line.code: line.parent_code for line in lines}}
        for line in lines:
            if _is_in_ring(line.code, tree):
                note(line, finding("union_ring", code=line.code))
    return problems


def _twins(
    lines: list[Line], names: dict[str, str], parents: dict[str, str]
) -> list[dict[str, Any]]:
    """Return a problem for each line whose name another union under the same one has, in the end."""
    names = {**names, **{line.code: line.name for line in lines}}
    tree = {**parents, **{line.code: line.parent_code for line in lines}}
    sharing: dict[tuple[str, str], list[str]] = defaultdict(list)
    for code, name in names.items():
        sharing[tree.get(code, ""), canonical.key(name)].append(code)
    problems = []
    for line in lines:
        codes = sharing[line.parent_code, canonical.key(line.name)]
        others = "、".join(code for code in codes[:5] if code != line.code)
        if len(codes) > 1:
            found = finding("union_namesakes", others=others)
            problems.append({"row": line.number, "text": found.zh})
    return problems


def _is_in_ring(code: str, tree: dict[str, str]) -> bool:
    seen, at = {code}, tree.get(code, "")
    while at:
        if at == code:
            return True
        if at in seen:
            return False
        seen.add(at)
        at = tree.get(at, "")
    return False


def _parents_first(lines: list[Line]) -> list[Line]:
    """Order lines so that every parent comes before its children."""
    by_code = {line.code: line for line in lines}
    done: set[str] = set()
    ordered: list[Line] = []
    for line in lines:
        chain = []
        at: Line | None = line
        while at is not None and at.code not in done:
            done.add(at.code)
            chain.append(at)
            at = by_code.get(at.parent_code)
        ordered += reversed(chain)
    return ordered
