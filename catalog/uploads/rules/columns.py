"""The columns of the product sheet: what stands in each, and how a cell becomes a value."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from catalog.products import rules as product_rules
from mall.kernel.money import MAX_FEN
from mall.kernel.sheets import cells, numbers
from mall.kernel.sheets.cells import Cell, Row
from mall.kernel.text import canonical, wording
from mall.kernel.text.wording import Finding, Wording

HEADS, HINTS = wording.heads("products"), wording.hints("products")
SHEET = wording.name("sheet", "products").zh
MESSAGES = wording.name("sheet", "messages").zh
YES, NO = wording.name("cell", "yes").zh, wording.name("cell", "no").zh
MODES = {wording.name("cell", mode).zh: mode for mode in product_rules.DELIVERY_MODES}
_CODE = re.compile(r".{1,64}")
LISTED, LINES, COLONS, LEVELS = "、,，;；", "\n;；", ":：", "/／"
_URL = re.compile(r"https?://[^\s\"'<>]{4,480}")


WrongCell = numbers.WrongNumber
Read = Callable[[Cell], Any]


@dataclass(frozen=True)
class Column:
    """One column: its key and how it is read; its head and what the template says are texts."""

    key: str
    read: Read
    is_required: bool = False
    default: Any = None

    @property
    def head(self) -> str:
        return HEADS[self.key][0]

    @property
    def about(self) -> str:
        return HINTS.get(self.key, "")


@dataclass(frozen=True)
class Problem:
    """What is wrong with a cell."""

    cell: str
    column: str
    found: Wording

    def shown(self) -> dict[str, str]:
        """Return it as it is kept and shown, in Chinese like the sheet."""
        text = self.found.zh if isinstance(self.found, Finding) else self.found.zh.rstrip("。")
        return {"cell": self.cell, "column": self.column, "text": text[:300]}


def _as_text(cell: Cell) -> str:
    if cell.kind == cells.TEXT:
        return str(cell.value)
    if cell.kind == cells.NUMBER:
        raise WrongCell("text_is_number")
    if cell.kind == cells.DATE:
        raise WrongCell("text_is_day")
    raise WrongCell(_NOT_A_VALUE[cell.kind])


_NOT_A_VALUE = {
    cells.FORMULA: "text_is_formula",
    cells.ERROR: "text_is_error",
    cells.BOOLEAN: "text_is_truth",
}


def text(limit: int) -> Read:
    """Return a reader of text of at most so many characters."""

    def read(cell: Cell) -> str:
        value = _as_text(cell)
        if len(value) > limit:
            raise WrongCell("text_too_long", limit=limit)
        if any(ord(character) < 32 for character in value):
            raise WrongCell("text_has_controls")
        return value

    return read


def long_text(cell: Cell) -> str:
    """Read a description, line breaks and all."""
    value = _as_text(cell)
    if len(value) > 20_000:
        raise WrongCell("text_too_long", limit=20_000)
    return value


def code(cell: Cell) -> str:
    """Read a code: anything that the API takes as one."""
    _as_text(cell)
    value = numbers.code(cell)
    if not _CODE.fullmatch(value):
        raise WrongCell("code_length_wrong")
    return value


def barcode(cell: Cell) -> str:
    """Read a barcode."""
    _as_text(cell)
    value = numbers.code(cell)
    if not re.fullmatch(r"[0-9A-Za-z-]{4,32}", value):
        raise WrongCell("barcode_wrong")
    return value


def money(cell: Cell) -> int:
    """Read an amount in yuan, and return it in fen."""
    fen = numbers.number(cell) * 100
    if fen != fen.to_integral_value():
        raise WrongCell("amount_has_decimals")
    if not 1 <= fen <= MAX_FEN:
        raise WrongCell("amount_out_of_bounds")
    return int(fen)


def whole(least: int, most: int) -> Read:
    """Return a reader of a whole number within bounds."""

    def read(cell: Cell) -> int:
        number = numbers.number(cell)
        if number != number.to_integral_value() or not least <= number <= most:
            raise WrongCell("whole_out_of_bounds", least=least, most=most)
        return int(number)

    return read


def yes_or_no(cell: Cell) -> bool:
    """Read yes or no."""
    value = str(cell.value) if cell.kind == cells.BOOLEAN else _as_text(cell)
    if value in (YES, "True"):
        return True
    if value in (NO, "False"):
        return False
    raise WrongCell("yes_or_no", yes=YES, no=NO)


def parts(separators: str, limit: int, each: int) -> Read:
    """Return a reader of a list with any of some separators; `\\` before one makes it a letter."""

    def read(cell: Cell) -> tuple[str, ...]:
        found = [canonical.prose(unescaped(part)) for part in split(_as_text(cell), separators)]
        kept = tuple(dict.fromkeys(part for part in found if part))
        if len(kept) > limit:
            raise WrongCell("too_many_parts", limit=limit)
        if any(len(part) > each for part in kept):
            raise WrongCell("part_too_long", limit=each)
        return kept

    return read


def split(told: str, separators: str) -> list[str]:
    """Split at separators that no backslash stands before."""
    parts, start = [], 0
    for mark in re.finditer(rf"\\.|[{separators}]", told, re.DOTALL):
        if not mark[0].startswith("\\"):
            parts.append(told[start : mark.start()])
            start = mark.end()
    return [*parts, told[start:]]


def unescaped(told: str) -> str:
    """Return what `escaped` was given."""
    return re.sub(r"\\(.)", r"\1", told, flags=re.DOTALL)


def escaped(told: str, separators: str) -> str:
    """Return a part of a list so that it stays one."""
    return re.sub(rf"[\\{separators}]", lambda found: f"\\{found[0]}", told)


def modes(cell: Cell) -> tuple[str, ...]:
    """Read delivery modes by their Chinese names."""
    names = parts("、,，;；/", 3, 10)(cell)
    unknown = [name for name in names if name not in MODES]
    if unknown or not names:
        raise WrongCell("modes_unknown", modes=list(MODES))
    return tuple(MODES[name] for name in names)


def urls(cell: Cell) -> tuple[str, ...]:
    """Read addresses of images."""
    found = parts(r"\s;；,，", product_rules.MAX_IMAGES, 500)(cell)
    if not all(_URL.fullmatch(each) for each in found):
        raise WrongCell("image_url_wrong")
    return found


def pairs(cell: Cell) -> tuple[tuple[str, str], ...]:
    """Read attributes: one `name：value` a line."""
    found = []
    for line in filter(str.strip, split(_as_text(cell), LINES)):
        first = split(line, COLONS)[0]
        name, value = unescaped(first).strip(), unescaped(line[len(first) + 1 :]).strip()
        if not name or not value or len(name) > 50 or len(value) > 1000:
            raise WrongCell("attributes_wrong")
        found.append((name, value))
    if len(found) > 50:
        raise WrongCell("too_many_parts", limit=50)
    return tuple(found)


def anything(cell: Cell) -> None:
    """Read nothing: what stands there is for people."""


_QUANTITY = whole(1, product_rules.MAX_QUANTITY)
# As many as the API takes of a SKU.
OPTIONS = tuple(range(1, product_rules.MAX_OPTIONS + 1))


def _of_option(number: int) -> tuple[Column, Column]:
    return (
        Column(f"option_{number}", text(50)),
        Column(f"value_{number}", text(1000)),
    )


COLUMNS = (
    Column("product_code", code, is_required=True),
    Column("title", text(100), is_required=True),
    Column("category", text(100), is_required=True),
    Column("sku_code", code, is_required=True),
    *(column for number in OPTIONS for column in _of_option(number)),
    Column("list_price_fen", money, is_required=True),
    Column("price_fen", money, is_required=True),
    Column("purchase_price_fen", money),
    Column("weight_grams", whole(1, 1_000_000), default=500),
    Column("barcode", barcode),
    Column("min_per_order", _QUANTITY, default=1),
    Column("max_per_order", _QUANTITY, default=product_rules.MAX_QUANTITY),
    Column("member_limit", _QUANTITY),
    Column("member_limit_days", whole(1, 366)),
    Column("stock", whole(0, 10_000_000)),
    Column("stocktake", whole(0, 10_000_000)),
    Column("low_stock_at", whole(0, 1_000_000), default=0),
    Column("brand", text(50)),
    Column("unit", text(10), default=product_rules.UNIT),
    Column("brief", text(200)),
    Column("keywords", parts(LISTED, 20, 30), default=()),
    Column("attributes", pairs, default=()),
    Column("description", long_text),
    Column("delivery_modes", modes, default=("ship",)),
    Column("template", text(80)),
    Column("origin_region_code", text(6)),
    Column("is_pavilion", yes_or_no, default=False),
    Column("image_urls", urls),
    Column("current_stock", anything),
)
BY_HEAD = {column.head: column for column in COLUMNS}
# What a product has once: its first row that says it counts, and other rows must not contradict.
OF_PRODUCT = (
    *("title", "category", "brand", "unit", "brief", "keywords", "attributes", "description"),
    *("delivery_modes", "template", "origin_region_code", "is_pavilion"),
)


@dataclass
class SheetRow:
    """A row read: its values by key, where each stands, and what is wrong with it."""

    number: int
    values: Mapping[str, Any]
    addresses: Mapping[str, str]
    problems: list[Problem]


def heads(row: Row) -> tuple[dict[int, Column], list[str], list[str]]:
    """Return which column stands where, which heads are unknown, and which required are missing."""
    found: dict[int, Column] = {}
    unknown = []
    for position, cell in row.cells.items():
        head = canonical.code(str(cell.value)).rstrip("*")
        if head == MESSAGES:
            continue
        if head in BY_HEAD and BY_HEAD[head] not in found.values():
            found[position] = BY_HEAD[head]
        else:
            unknown.append(head[:20])
    missing = [c.head for c in COLUMNS if c.is_required and c not in found.values()]
    return found, unknown, missing


def read_row(row: Row, columns: Mapping[int, Column]) -> SheetRow:
    """Read every cell of a row; all problems of it are found at once."""
    values: dict[str, Any] = {}
    addresses, problems = {}, []
    for position, column in columns.items():
        address = f"{cells.column_name(position)}{row.number}"
        addresses[column.key] = address
        cell = row.cells.get(position)
        if cell is None:
            continue
        try:
            values[column.key] = column.read(cell)
        except WrongCell as wrong:
            problems.append(Problem(address, column.head, wrong.finding))
    return SheetRow(row.number, values, addresses, problems)
