"""The sheet of tracking numbers: its columns, and what each row asks for."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fulfillment.shipments.rules import code_of
from mall.kernel.sheets import numbers
from mall.kernel.sheets.cells import Limits, Row, SheetRefused
from mall.kernel.text import canonical, wording
from mall.kernel.text.wording import Finding, Wording, finding

LIMITS = Limits(
    bytes=2 * 1024 * 1024,
    unpacked_bytes=20 * 1024 * 1024,
    rows=500,
    columns=20,
    cell_characters=200,
)
SHEET = wording.name("sheet", "parcels").zh
HEADS = tuple(words[0] for words in wording.heads("parcels").values())
NUMBER, CARRIER, TRACKING, QUANTITY = HEADS[:4]
NEEDED = (NUMBER, CARRIER, TRACKING)
MAX_OPEN = LIMITS.rows


@dataclass(frozen=True)
class Problem:
    """What is wrong with a row, for a person."""

    row: int
    code: str
    wording: Wording


@dataclass(frozen=True)
class Wanted:
    """A row that can be tried: which fulfillment order leaves with whom, under which number."""

    row: int
    number: str
    carrier: str
    tracking_no: str
    # None: all that is left.
    quantity: int | None


def heads_of(row: Row) -> dict[str, int]:
    """Return where each column stands; raises SheetRefused where one is missing."""
    found = {canonical.code(str(cell.value)): at for at, cell in row.cells.items() if cell.value}
    missing = [name for name in NEEDED if name not in found]
    if missing:
        names = "、".join(missing)
        raise SheetRefused("head_columns_missing", names=names)
    return found


def texts_of(row: Row, heads: Mapping[str, int]) -> dict[str, str]:
    """Return the texts of a row by column; numbers as they are written without a fraction."""
    texts = {}
    for name, at in heads.items():
        texts[name] = numbers.code(row.cells[at]) if at in row.cells else ""
    return texts


def read(row: Row, heads: Mapping[str, int]) -> Wanted | Problem | None:
    """Return what a row asks for, what is wrong with it, or None where nothing is filled in."""
    try:
        texts = texts_of(row, heads)
    except numbers.WrongNumber as wrong:
        return _problem(row, finding("number_changed", why=wrong.finding))
    carrier, tracking_no = texts[CARRIER], texts[TRACKING]
    if not carrier and not tracking_no:
        return None
    if not texts[NUMBER]:
        return _problem(row, finding("no_number"))
    code = code_of(carrier)
    if code is None:
        return _problem(row, finding("carrier_unknown", carrier=carrier))
    quantity = texts.get(QUANTITY, "")
    if quantity and not re.fullmatch(r"[1-9]\d{0,3}", quantity):
        return _problem(row, finding("quantity_wrong"))
    number = texts[NUMBER].upper()
    return Wanted(row.number, number, code, tracking_no, int(quantity) if quantity else None)


def _problem(row: Row, found: Finding) -> Problem:
    return Problem(row.number, found.code, found)


def rows_of(rows: Iterator[Row]) -> list[Wanted | Problem]:
    """Return what the rows of a sheet ask for, in their order; raises SheetRefused."""
    head = next(rows, None)
    if head is None:
        raise SheetRefused("file_empty")
    heads = heads_of(head)
    return [found for row in rows if (found := read(row, heads)) is not None]
