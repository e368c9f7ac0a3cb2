"""Cells, rows and refusals of spreadsheets, whatever file they come from."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from mall.kernel.errors import ReasonedError

TEXT, NUMBER, DATE, FORMULA, BOOLEAN, ERROR = (
    "text",
    "number",
    "date",
    "formula",
    "boolean",
    "error",
)
Value = str | int | float | bool | date | datetime | None
# The longest text of a cell, as Excel has it.
MAX_CHARACTERS = 32_767
# What a spreadsheet program may take for a formula when it opens a file.
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


@dataclass(frozen=True)
class Cell:
    """What stands in a cell and what the file says that it is; `A1` style address."""

    address: str
    kind: str
    value: Value


@dataclass(frozen=True)
class Row:
    """A row that is not empty, by its number in the file and the columns' positions."""

    number: int
    cells: dict[int, Cell]


@dataclass(frozen=True)
class Limits:
    """How large a sheet may be; beyond it is refused before it is read."""

    bytes: int = 20 * 1024 * 1024
    unpacked_bytes: int = 120 * 1024 * 1024
    # Twenty thousand rows of thirty cells have four million.
    tags: int = 6_000_000
    rows: int = 20_000
    columns: int = 100
    cell_characters: int = MAX_CHARACTERS


class SheetRefused(ReasonedError):
    code = "sheet_refused"

    def __init__(self, reason: str, /, **details: Any) -> None:
        super().__init__("body", reason, **details)


def column_name(position: int) -> str:
    """Return the letters of a column: 0 is A, 26 is AA."""
    name, number = "", position + 1
    while number:
        number, rest = divmod(number - 1, 26)
        name = chr(65 + rest) + name
    return name


def safe(value: Value) -> Value:
    """Return a value that no spreadsheet program takes for a formula."""
    if isinstance(value, str) and value.startswith(_DANGEROUS):
        return f"'{value}"
    return value


def plain(text: str) -> str:
    """Return what `safe` was given."""
    return text[1:] if text.startswith("'") and text[1:].startswith(_DANGEROUS) else text
