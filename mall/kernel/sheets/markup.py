"""The XML of a workbook's texts and rows, read as it comes: no tree, no object for each cell.

A full sheet has two million elements. What a general reader makes of each costs three times as much
as all that is wanted of it (docs/adr/0027). Runs inside a child only.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import IO, Any
from xml.parsers import expat

from openpyxl.utils import column_index_from_string
from openpyxl.utils.datetime import from_excel, from_ISO8601

from mall.kernel.sheets import cells
from mall.kernel.sheets.cells import SheetRefused, Value

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main "
_SI, _T, _PHONETIC = f"{_MAIN}si", f"{_MAIN}t", f"{_MAIN}rPh"
_ROW, _CELL, _VALUE, _FORMULA = f"{_MAIN}row", f"{_MAIN}c", f"{_MAIN}v", f"{_MAIN}f"
_ROWS = f"{_MAIN}sheetData"
_CHUNK = 256 * 1024
_DIGITS = "0123456789"
# A text within a cell stands eight elements deep; programs that write sheets add one or two.
MAX_DEPTH = 64
# A cell as it is written: its column from 0, what it is, and what stands in it.
Written = tuple[int, str, Value]


@dataclass(frozen=True)
class Styles:
    """Which styles of a book show a number as a day, or as a span of time, and since when it counts."""

    dates: frozenset[int]
    spans: frozenset[int]
    epoch: datetime


@dataclass
class WrittenRow:
    """A row as it is written; `is_hidden` also where it was filtered out."""

    number: int
    is_hidden: bool
    cells: list[Written]


def _refuse_doctype(*_: object) -> None:
    raise SheetRefused("sheet_declares_entities")


def _parser() -> Any:
    parser = expat.ParserCreate(namespace_separator=" ")
    # Whatever the encoding of the part: `parsing` looks for it in UTF-8 only.
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.buffer_text = True
    parser.buffer_size = 64 * 1024
    return parser


def shared_strings(source: IO[bytes]) -> list[str]:
    """Return the texts that cells refer to by number."""
    found: list[str] = []
    pieces: list[str] = []
    kept: list[str] = []
    parser, is_aside, depth = _parser(), False, 0

    def start(name: str, _: object) -> None:
        nonlocal is_aside, depth
        depth += 1
        if depth > MAX_DEPTH:
            raise SheetRefused("workbook_broken")
        if name == _T:
            pieces.clear()
        elif name == _SI:
            kept.clear()
        elif name == _PHONETIC:
            is_aside = True

    def end(name: str) -> None:
        nonlocal is_aside, depth
        depth -= 1
        if name == _T:
            if not is_aside:
                kept.extend(pieces)
        elif name == _SI:
            found.append("".join(kept).replace("x005F_", ""))
        elif name == _PHONETIC:
            is_aside = False

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = pieces.append
    while chunk := source.read(_CHUNK):
        parser.Parse(chunk)
    parser.Parse(b"", True)
    return found


def rows(source: IO[bytes], strings: list[str], styles: Styles) -> Iterator[WrittenRow]:
    """Give each row of a sheet with the cells that are not empty."""
    reader = _Rows(strings, styles)
    while not reader.is_over and (chunk := source.read(_CHUNK)):
        reader.parser.Parse(chunk)
        yield from reader.found
        reader.found.clear()
    if not reader.is_over:
        reader.parser.Parse(b"", True)


class _Rows:
    """What the parser calls for each element; finished rows gather in `found`."""

    def __init__(self, strings: list[str], styles: Styles) -> None:
        self.found: list[WrittenRow] = []
        # What comes after the rows is not read: `parsing` looked for merged cells there.
        self.is_over = False
        self._strings, self._styles = strings, styles
        self._row = WrittenRow(0, False, [])
        self._columns: dict[str, int] = {}
        self._position = -1
        self._kind, self._style = "n", "0"
        self._value = ""
        self._formula: str | None = None
        self._is_aside, self._depth = False, 0
        self._pieces: list[str] = []
        self._texts: list[str] = []
        self.parser = _parser()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._pieces.append

    def _start(self, name: str, about: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise SheetRefused("workbook_broken")
        if name in (_VALUE, _T, _FORMULA):
            self._pieces.clear()
        elif name == _CELL:
            self._kind, self._style = about.get("t", "n"), about.get("s", "0")
            self._value, self._formula = "", None
            self._texts.clear()
            place = about.get("r")
            self._position = self._position + 1 if not place else self._column(place)
        elif name == _ROW:
            number = about.get("r")
            self._row = WrittenRow(
                self._row.number + 1 if number is None else _whole(number),
                about.get("hidden") in ("1", "true"),
                [],
            )
            self._position = -1
        elif name == _PHONETIC:
            self._is_aside = True

    def _end(self, name: str) -> None:
        self._depth -= 1
        if name == _VALUE:
            self._value = "".join(self._pieces)
        elif name == _CELL:
            self._close()
        elif name == _T:
            if not self._is_aside:
                self._texts += self._pieces
        elif name == _FORMULA:
            self._formula = "".join(self._pieces)
        elif name == _ROW:
            self.found.append(self._row)
        elif name == _PHONETIC:
            self._is_aside = False
        elif name == _ROWS:
            self.is_over = True

    def _column(self, place: str) -> int:
        letters = place.rstrip(_DIGITS)
        position = self._columns.get(letters)
        if position is None:
            position = self._columns[letters] = column_index_from_string(letters) - 1
        return position

    def _close(self) -> None:
        kind, value = self._kind, self._value
        if self._formula is not None:
            self._row.cells.append((self._position, cells.FORMULA, f"={self._formula}"))
        elif kind == "inlineStr":
            self._row.cells.append((self._position, cells.TEXT, "".join(self._texts)))
        elif value:
            told = (cells.TEXT, self._shared(value)) if kind == "s" else self._told(kind, value)
            self._row.cells.append((self._position, *told))

    def _shared(self, value: str) -> str:
        number = int(value)
        if number < 0:
            raise ValueError(value)
        return self._strings[number]

    def _told(self, kind: str, value: str) -> tuple[str, Value]:
        if kind == "n":
            return self._number(value)
        if kind == "b":
            return cells.BOOLEAN, bool(int(value))
        if kind == "e":
            return cells.ERROR, value
        if kind == "d":
            return _day(from_ISO8601(value))
        return cells.TEXT, value

    def _number(self, value: str) -> tuple[str, Value]:
        if "_" in value:
            raise ValueError(value)
        is_broken = "." in value or "E" in value or "e" in value
        number = float(value) if is_broken else int(value)
        style = int(self._style)
        if style not in self._styles.dates:
            return cells.NUMBER, number
        try:
            return _day(
                from_excel(number, self._styles.epoch, timedelta=style in self._styles.spans)
            )
        except (OverflowError, ValueError):
            return cells.ERROR, "#VALUE!"


def _day(value: object) -> tuple[str, Value]:
    is_day = isinstance(value, (datetime, date, time))
    return cells.DATE if is_day else cells.TEXT, str(value)


def _whole(number: str) -> int:
    """Return the number of a row; some programs write 3.0."""
    try:
        return int(number)
    except ValueError:
        value = float(number)
        if not value.is_integer():
            raise
        return int(value)
