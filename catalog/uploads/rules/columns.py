"""The columns of the product sheet: what stands in each, and how a cell becomes a value."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from catalog.products import rules as product_rules
from mall.kernel.money import MAX_FEN
from mall.kernel.sheets import cells, numbers
from mall.kernel.sheets.cells import Cell, Row
from mall.kernel.text import canonical

SHEET = "商品"
MESSAGES = "错误信息"
YES, NO = "是", "否"
MODES = {"快递": "ship", "门店自提": "store_pickup", "配送到单位": "unit_delivery"}
_CODE = re.compile(r".{1,64}")
LISTED, LINES, COLONS, LEVELS = "、,，;；", "\n;；", ":：", "/／"
_URL = re.compile(r"https?://[^\s\"'<>]{4,480}")


WrongCell = numbers.WrongNumber
Read = Callable[[Cell], Any]


@dataclass(frozen=True)
class Column:
    """One column: its key, its head, how it is read, and what the template says of it."""

    key: str
    head: str
    read: Read
    about: str
    is_required: bool = False
    default: Any = None


@dataclass(frozen=True)
class Problem:
    """What is wrong with a cell, in Chinese."""

    cell: str
    column: str
    text: str


def _as_text(cell: Cell) -> str:
    if cell.kind == cells.TEXT:
        return str(cell.value)
    if cell.kind == cells.NUMBER:
        raise WrongCell("此处应为文本，却是数字（开头的 0 可能已丢失），请把单元格设为文本格式")
    if cell.kind == cells.DATE:
        raise WrongCell("此处应为文本，却是日期，请把单元格设为文本格式")
    raise WrongCell(_NOT_A_VALUE[cell.kind])


_NOT_A_VALUE = {
    cells.FORMULA: "不能使用公式，请粘贴为数值",
    cells.ERROR: "单元格是错误值，请改正",
    cells.BOOLEAN: "此处应为文本，却是逻辑值",
}


def text(limit: int) -> Read:
    """Return a reader of text of at most so many characters."""

    def read(cell: Cell) -> str:
        value = _as_text(cell)
        if len(value) > limit:
            raise WrongCell(f"不能超过 {limit} 个字")
        if any(ord(character) < 32 for character in value):
            raise WrongCell("不能含有换行或控制字符")
        return value

    return read


def long_text(cell: Cell) -> str:
    """Read a description, line breaks and all."""
    value = _as_text(cell)
    if len(value) > 20_000:
        raise WrongCell("不能超过 20000 个字")
    return value


def code(cell: Cell) -> str:
    """Read a code: anything that the API takes as one."""
    _as_text(cell)
    value = numbers.code(cell)
    if not _CODE.fullmatch(value):
        raise WrongCell("编码须为 1 至 64 个字符")
    return value


def barcode(cell: Cell) -> str:
    """Read a barcode."""
    _as_text(cell)
    value = numbers.code(cell)
    if not re.fullmatch(r"[0-9A-Za-z-]{4,32}", value):
        raise WrongCell("条码须为 4 至 32 位数字、字母或横线")
    return value


def money(cell: Cell) -> int:
    """Read an amount in yuan, and return it in fen."""
    fen = numbers.number(cell) * 100
    if fen != fen.to_integral_value():
        raise WrongCell("金额最多两位小数")
    if not 1 <= fen <= MAX_FEN:
        raise WrongCell("金额须大于 0 且不超过上限")
    return int(fen)


def whole(least: int, most: int) -> Read:
    """Return a reader of a whole number within bounds."""

    def read(cell: Cell) -> int:
        number = numbers.number(cell)
        if number != number.to_integral_value() or not least <= number <= most:
            raise WrongCell(f"应为 {least} 到 {most} 之间的整数")
        return int(number)

    return read


def yes_or_no(cell: Cell) -> bool:
    """Read yes or no."""
    value = str(cell.value) if cell.kind == cells.BOOLEAN else _as_text(cell)
    if value in (YES, "True"):
        return True
    if value in (NO, "False"):
        return False
    raise WrongCell(f"应填“{YES}”或“{NO}”")


def parts(separators: str, limit: int, each: int) -> Read:
    """Return a reader of a list with any of some separators; `\\` before one makes it a letter."""

    def read(cell: Cell) -> tuple[str, ...]:
        found = [canonical.prose(unescaped(part)) for part in split(_as_text(cell), separators)]
        kept = tuple(dict.fromkeys(part for part in found if part))
        if len(kept) > limit:
            raise WrongCell(f"最多 {limit} 项")
        if any(len(part) > each for part in kept):
            raise WrongCell(f"每项不能超过 {each} 个字")
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
        raise WrongCell(f"配送方式只能是：{'、'.join(MODES)}")
    return tuple(MODES[name] for name in names)


def urls(cell: Cell) -> tuple[str, ...]:
    """Read addresses of images."""
    found = parts(r"\s;；,，", product_rules.MAX_IMAGES, 500)(cell)
    if not all(_URL.fullmatch(each) for each in found):
        raise WrongCell("图片网址须以 http:// 或 https:// 开头")
    return found


def pairs(cell: Cell) -> tuple[tuple[str, str], ...]:
    """Read attributes: one `name：value` a line."""
    found = []
    for line in filter(str.strip, split(_as_text(cell), LINES)):
        first = split(line, COLONS)[0]
        name, value = unescaped(first).strip(), unescaped(line[len(first) + 1 :]).strip()
        if not name or not value or len(name) > 50 or len(value) > 1000:
            raise WrongCell("参数须写成“名称：内容”，每行一项")
        found.append((name, value))
    if len(found) > 50:
        raise WrongCell("最多 50 项")
    return tuple(found)


def anything(cell: Cell) -> None:
    """Read nothing: what stands there is for people."""


_QUANTITY = whole(1, product_rules.MAX_QUANTITY)
# As many as the API takes of a SKU.
OPTIONS = tuple(range(1, product_rules.MAX_OPTIONS + 1))
_EXAMPLES = {1: ("如 净含量", "如 500g"), 2: ("如 口味", "如 原味")}


def _of_option(number: int) -> tuple[Column, Column]:
    name, value = _EXAMPLES.get(number, ("", ""))
    return (
        Column(f"option_{number}", f"规格名{number}", text(50), name),
        Column(f"value_{number}", f"规格值{number}", text(1000), value),
    )


COLUMNS = (
    Column("product_code", "商品编码", code, "同一商品的各规格填同一编码", True),
    Column("title", "商品名称", text(100), "1 至 100 字；同一商品只需在首行填写", True),
    Column("category", "分类", text(100), "用 / 分级，如 饮食/海味；从下拉列表选", True),
    Column("sku_code", "SKU编码", code, "您自己的规格编码，决定是新增还是更新", True),
    *(column for number in OPTIONS for column in _of_option(number)),
    Column("list_price_fen", "市场价", money, "元，最多两位小数；不低于会员价", True),
    Column("price_fen", "会员价", money, "元，最多两位小数", True),
    Column("purchase_price_fen", "工会采购价", money, "元，仅工会集采可见"),
    Column("weight_grams", "重量克", whole(1, 1_000_000), "整数克，不填为 500", False, 500),
    Column("barcode", "条码", barcode, "4 至 32 位"),
    Column("min_per_order", "起订量", _QUANTITY, "不填为 1", False, 1),
    Column("max_per_order", "单次限购", _QUANTITY, "不填不限", False, product_rules.MAX_QUANTITY),
    Column("member_limit", "每人限购", _QUANTITY, "与限购天数一起填写"),
    Column("member_limit_days", "限购天数", whole(1, 366), "与每人限购一起填写"),
    Column("stock", "初始库存", whole(0, 10_000_000), "只在该规格从未入库时生效"),
    Column("stocktake", "盘点库存", whole(0, 10_000_000), "现有数量；同一文件只生效一次"),
    Column("low_stock_at", "库存预警", whole(0, 1_000_000), "不高于此数即提醒", False, 0),
    Column("brand", "品牌", text(50), ""),
    Column("unit", "单位", text(10), "不填为 件", False, "件"),
    Column("brief", "卖点", text(200), "一句话"),
    Column("keywords", "关键词", parts(LISTED, 20, 30), "用顿号分开", False, ()),
    Column("attributes", "参数", pairs, "名称：内容，每行一项", False, ()),
    Column("description", "图文描述", long_text, "可含简单 HTML"),
    Column("delivery_modes", "配送方式", modes, "、".join(MODES), False, ("ship",)),
    Column("template", "运费模板", text(80), "您的运费模板名称，不填包邮"),
    Column("origin_region_code", "产地代码", text(6), "六位行政区划代码，不填随供应商"),
    Column("is_pavilion", "乡村振兴馆", yes_or_no, "是 或 否", False, False),
    Column("image_urls", "图片网址", urls, "用空格分开；也可按 SKU 编码上传图片压缩包"),
    Column("current_stock", "当前库存", anything, "导出时的现有数量，仅供参考，导入时不读取"),
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
            problems.append(Problem(address, column.head, str(wrong)))
    return SheetRow(row.number, values, addresses, problems)
