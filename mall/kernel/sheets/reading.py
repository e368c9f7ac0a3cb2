"""Sheets that somebody sent: what they are by their first bytes, and their rows, read by a child."""

import codecs
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from mall.kernel.sandbox import pool
from mall.kernel.sandbox.frames import MEMORY, STARVED, TIME, NotPlain, Outcome
from mall.kernel.sandbox.frames import Limits as Effort
from mall.kernel.sheets import cells
from mall.kernel.sheets.cells import Cell, Limits, Row, SheetRefused, Value, column_name

XLSX, CSV = "xlsx", "csv"
MEDIA_TYPES = {
    XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    CSV: "text/csv",
}
# Up to this size a sheet is read at once and not for long; a larger one waits for a worker.
SMALL_BYTES = 200 * 1024
SMALL = Effort(cpu_seconds=2, wall_seconds=6.0)
LARGE = Effort()
# While somebody waits for the answer.
AT_ONCE = Effort(cpu_seconds=4, wall_seconds=8.0, turn_seconds=1.0)
_MEGABYTE = 1024 * 1024
_TASK = "mall.kernel.sheets.parsing:send_rows"
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_KINDS: dict[str, Any] = {
    cells.TEXT: str,
    cells.FORMULA: str,
    cells.ERROR: str,
    cells.DATE: str,
    cells.BOOLEAN: bool,
    cells.NUMBER: (int, float),
}


class SheetTooDemanding(SheetRefused):
    """Reading it took more time or memory than it was given."""

    code = "sheet_too_demanding"


@dataclass(frozen=True)
class Sheet:
    """The rows of a sheet, and the encoding of its text where it is csv."""

    encoding: str
    rows: Iterator[Row]


def kind_of(content: bytes) -> str:
    """Return xlsx or csv by how a file begins; raise SheetRefused for any other."""
    if content.startswith(_ZIP):
        return XLSX
    if content.startswith(_OLE):
        raise SheetRefused("sheet_is_xls")
    if not content.strip():
        raise SheetRefused("file_empty")
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise SheetRefused("sheet_is_utf_sixteen")
    if b"\0" in content[:65536]:
        raise SheetRefused("sheet_kind_wrong")
    return CSV


def is_large(content: bytes) -> bool:
    """Tell whether a sheet is too large to be read at once."""
    return len(content) > SMALL_BYTES


def read_rows(
    content: bytes, limits: Limits, sheet: str = "", effort: Effort = LARGE
) -> Iterator[Row]:
    """Give every row that is not empty; see `read_sheet`."""
    return read_sheet(content, limits, sheet, effort).rows


def read_sheet(content: bytes, limits: Limits, sheet: str = "", effort: Effort = LARGE) -> Sheet:
    """Let a child read every row that is not empty, of the sheet of that name or else the first.

    Raises SheetRefused, SheetTooDemanding among them, and FilesBusy.
    """
    if len(content) > limits.bytes:
        size = limits.bytes // _MEGABYTE
        raise SheetRefused("sheet_too_large", size=size)
    kind_of(content)
    outcome = pool.read(_TASK, content, {"limits": asdict(limits), "sheet": sheet}, effort)
    _check(outcome)
    pieces = outcome.pieces()
    return Sheet(str(next(pieces, "")), _rows(pieces, limits))


def _check(outcome: Outcome) -> None:
    if outcome.refusal is not None:
        raise SheetRefused(outcome.refusal.reason, **outcome.refusal.details)
    if outcome.ending == STARVED:
        raise pool.FilesBusy()
    if outcome.ending in (MEMORY, TIME):
        raise SheetTooDemanding("sheet_too_complex")
    if not outcome.is_done:
        raise _unreadable()


def _unreadable() -> SheetRefused:
    return SheetRefused("sheet_unreadable")


def _rows(pieces: Iterator[Any], limits: Limits) -> Iterator[Row]:
    """Give what a child sent as rows; it is believed no more than the file."""
    try:
        for piece in pieces:
            for number, found in piece:
                yield Row(int(number), dict(_cell(int(number), each, limits) for each in found))
    except (NotPlain, TypeError, ValueError, KeyError) as error:
        raise _unreadable() from error


def _cell(number: int, sent: list[Any], limits: Limits) -> tuple[int, Cell]:
    position, kind, value = sent
    if not 0 <= position < limits.columns or not isinstance(value, _KINDS[kind]):
        raise ValueError(kind)
    found: Value = value
    return position, Cell(f"{column_name(position)}{number}", kind, found)
