"""Numbers in sheets: only what a person would read the same way is taken (docs/adr/0031)."""

import math
import re
import unicodedata
from datetime import date
from decimal import Decimal
from typing import Any

from mall.kernel.sheets import cells
from mall.kernel.sheets.cells import Cell
from mall.kernel.text import canonical, wording

# So many digits a spreadsheet keeps of a number; of more it has lost some.
EXACT_DIGITS = 15
# No amount or count of ours has so many before its point.
MAX_DIGITS = 12
_PLAIN = re.compile(
    r"(?P<sign>[-+]?)¥? ?(?P<whole>[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,12})(?P<part>\.[0-9]{1,6})? ?元?",
    re.ASCII,
)
_EXPONENT = re.compile(r"[0-9](?:\.[0-9]+)?[eE][+-][0-9]{1,4}", re.ASCII)
_RAISED = ("<super>", "<sub>", "<circle>", "<fraction>")
_DAY = re.compile(
    r"(?P<year>[0-9]{4})(?:"
    r"(?P<mark> ?[-./] ?)(?P<month>[0-9]{1,2})(?P=mark)(?P<day>[0-9]{1,2})"
    r"| ?年 ?(?P<han_month>[0-9]{1,2}) ?月 ?(?P<han_day>[0-9]{1,2}) ?日?"
    r"|(?P<two_month>[0-9]{2})(?P<two_day>[0-9]{2})"
    r")(?: 00:00(?::00)?)?",
    re.ASCII,
)


class WrongNumber(Exception):
    """Why a cell is no number, or no code."""

    def __init__(self, key: str, /, **details: Any) -> None:
        super().__init__(key)
        self.finding = wording.finding(key, **details)


def number(cell: Cell) -> Decimal:
    """Return what a cell says as a number; raise WrongNumber.

    Its length is looked at before anything is reckoned.
    """
    if cell.kind == cells.NUMBER:
        value = float(str(cell.value)) if abs(_real(cell)) < 10**MAX_DIGITS else math.inf
        if not math.isfinite(value):
            raise WrongNumber("number_too_large")
        return Decimal(str(round(value, 6)))
    if cell.kind == cells.DATE:
        raise WrongNumber("number_is_day")
    if cell.kind != cells.TEXT:
        raise WrongNumber("number_is_no_value")
    told = str(cell.value)[:100]
    found = _PLAIN.fullmatch(canonical.code(told))
    # 10² is not 102.
    if found is None or any(unicodedata.decomposition(c).startswith(_RAISED) for c in told):
        raise WrongNumber("not_a_number")
    whole = found["whole"].replace(",", "")
    if len(whole) > MAX_DIGITS:
        raise WrongNumber("number_too_large")
    return Decimal(f"{found['sign']}{whole}{found['part'] or ''}")


def _real(cell: Cell) -> int | float:
    value = cell.value
    assert isinstance(value, (int, float))
    return value


def code(cell: Cell) -> str:
    """Return what a cell says as a code: digits as they were typed, or else raise WrongNumber."""
    if cell.kind == cells.NUMBER:
        value = _real(cell)
        if abs(value) >= 10**EXACT_DIGITS:
            raise WrongNumber("digits_lost")
        if value != int(value):
            raise WrongNumber("code_is_fraction")
        return str(int(value))
    text = canonical.code(str(cell.value))
    if _EXPONENT.fullmatch(text):
        raise WrongNumber("code_is_exponent")
    return text


def day(cell: Cell) -> date | None:
    """Return what a cell says as a day; None where it says none, or could mean several."""
    text = str(cell.value)[:10] if cell.kind == cells.DATE else ""
    if cell.kind == cells.NUMBER and _real(cell) == int(min(abs(_real(cell)), 10**9)):
        text = str(int(_real(cell)))
    if cell.kind == cells.TEXT:
        text = canonical.code(str(cell.value)[:60])
    found = _DAY.fullmatch(text)
    if found is None:
        return None
    month = found["month"] or found["han_month"] or found["two_month"]
    on = found["day"] or found["han_day"] or found["two_day"]
    try:
        return date(int(found["year"]), int(month), int(on))
    except ValueError:
        return None
