"""The sheets that go out: the template, a supplier's own products, and a file with its problems."""

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from catalog.products.queries import products
from catalog.products.rules import ProductForm, SkuForm
from catalog.products.service import describing
from catalog.uploads import queries
from catalog.uploads.models import Upload
from catalog.uploads.rules import columns
from catalog.uploads.rules.columns import COLUMNS, MESSAGES, SHEET
from catalog.uploads.service import LIMITS
from mall.kernel.files.store import current_private_files
from mall.kernel.sandbox import building
from mall.kernel.sheets import making, writing
from mall.kernel.sheets.cells import Value

EXAMPLES: tuple[Mapping[str, Value], ...] = (
    {
        "product_code": "LJ",
        "title": "徐闻良姜片",
        "category": "乡村振兴/香料药材",
        "sku_code": "LJ-500",
        "option_1": "净含量",
        "value_1": "500g",
        "list_price_fen": 68,
        "price_fen": 56,
        "purchase_price_fen": 52,
        "weight_grams": 550,
        "stock": 200,
        "brand": "徐闻味道",
        "unit": "袋",
        "brief": "火山红土，姜香浓郁",
        "keywords": "良姜、高良姜",
        "attributes": "产地：广东省湛江市徐闻县\n保质期：12 个月",
        "delivery_modes": "快递、配送到单位",
        "origin_region_code": "440825",
        "is_pavilion": "是",
    },
    {
        "product_code": "LJ",
        "title": "徐闻良姜片",
        "category": "乡村振兴/香料药材",
        "sku_code": "LJ-1000",
        "option_1": "净含量",
        "value_1": "1kg",
        "list_price_fen": 128,
        "price_fen": 99,
        "weight_grams": 1050,
        "stock": 100,
    },
    {
        "product_code": "SH",
        "title": "官渡生蚝 2 斤装",
        "category": "海鲜水产/冰鲜冻品",
        "sku_code": "SH-2",
        "list_price_fen": 59.9,
        "price_fen": 49.9,
        "weight_grams": 1200,
        "stock": 50,
    },
)
_REPORT = "mall.kernel.sheets.annotating:send_report"
_MODE_NAMES = {mode: name for name, mode in columns.MODES.items()}
_IN_NAME = columns.LINES + columns.COLONS
_MONEY = {"list_price_fen", "price_fen", "purchase_price_fen"}
_NUMBERS = _MONEY | {
    *("weight_grams", "min_per_order", "max_per_order", "member_limit", "member_limit_days"),
    *("stock", "current_stock", "stocktake", "low_stock_at"),
}


def template(session: Session, supplier_id: UUID) -> bytes:
    """Return the empty sheet: heads, drop-down lists, examples and an explanation of each column."""
    out = io.BytesIO()
    book = writing.new_book(out, keeps_rows=True)
    sheet = book.add_worksheet(SHEET)
    _heads(book, sheet)
    shown = book.add_worksheet("示例")
    writing.write_row(shown, 0, [column.head for column in COLUMNS])
    for number, example in enumerate(EXAMPLES, start=1):
        writing.write_row(shown, number, [example.get(column.key) for column in COLUMNS])
    about = book.add_worksheet("填写说明")
    writing.write_row(about, 0, ["列", "必填", "说明"])
    for number, column in enumerate(COLUMNS, start=1):
        words = [column.head, columns.YES if column.is_required else "", column.about]
        writing.write_row(about, number, words)
    lists = book.add_worksheet("列表")
    lists.hide()
    templates = sorted(queries.template_names(session, supplier_id).values())
    _choices(sheet, lists, "category", sorted(queries.category_paths(session)))
    _choices(sheet, lists, "delivery_modes", [*columns.MODES, "快递、配送到单位"])
    _choices(sheet, lists, "is_pavilion", [columns.YES, columns.NO])
    _choices(sheet, lists, "template", templates)
    book.close()
    return out.getvalue()


def _heads(book: Any, sheet: Any) -> None:
    bold, needed = book.add_format({"bold": True}), book.add_format({"bold": True, "color": "red"})
    text = book.add_format({"num_format": "@"})
    sheet.freeze_panes(1, 0)
    for position, column in enumerate(COLUMNS):
        style = None if column.key in _NUMBERS else text
        sheet.set_column(position, position, 24 if column.key == "title" else 13, style)
        head = f"{column.head}*" if column.is_required else column.head
        writing.write_row(sheet, 0, [None] * position + [head], needed if head[-1] == "*" else bold)
        if column.about:
            sheet.write_comment(0, position, column.about)


def _choices(sheet: Any, lists: Any, key: str, choices: Sequence[str]) -> None:
    if not choices:
        return
    position = next(n for n, column in enumerate(COLUMNS) if column.key == key)
    for number, choice in enumerate(choices):
        lists.write_string(number, position, choice)
    letter = columns.cells.column_name(position)
    rule = {
        "validate": "list",
        "source": f"=列表!${letter}$1:${letter}${len(choices)}",
        # Several delivery modes may be combined; what cannot be is found by the check.
        "error_type": "warning",
    }
    sheet.data_validation(1, position, LIMITS.rows, position, rule)


def own_products(session: Session, supplier_id: UUID) -> bytes:
    """Return a supplier's products in the form in which they can be changed and sent back."""
    heads = [column.head for column in COLUMNS]
    return making.xlsx(SHEET, heads, _product_rows(session, supplier_id), [13] * len(heads))


def _product_rows(session: Session, supplier_id: UUID) -> Iterator[list[Value]]:
    paths = {key: path for path, key in queries.category_paths(session).items()}
    names = queries.template_names(session, supplier_id)
    ids = products.ids_of(session, supplier_id, LIMITS.rows)
    count = 0
    for start in range(0, len(ids), 500):
        found = describing.live_forms(session, ids[start : start + 500])
        stocked = queries.on_hand(session, ids[start : start + 500])
        for product_id in ids[start : start + 500]:
            _, form = found[product_id]
            for sku in form.skus:
                count += 1
                if count > LIMITS.rows:
                    return
                on_hand = stocked.get((product_id, sku.code))
                yield _product_row(form, sku, paths, names, on_hand)
        session.expunge_all()


def _product_row(
    form: ProductForm,
    sku: SkuForm,
    paths: Mapping[UUID, str],
    names: Mapping[UUID, str],
    on_hand: int | None,
) -> list[Value]:
    options = dict(enumerate(sku.options, start=1))
    values: dict[str, Any] = {
        **vars(form),
        **{name: getattr(sku, name) for name in _NUMBERS if hasattr(sku, name)},
        "product_code": form.source_id or sku.code,
        "category": paths.get(form.category_id),
        "sku_code": sku.code,
        "barcode": sku.barcode,
        "keywords": "、".join(columns.escaped(each, columns.LISTED) for each in form.keywords),
        "attributes": "\n".join(
            f"{columns.escaped(name, _IN_NAME)}：{columns.escaped(value, columns.LINES)}"
            for name, value in form.attributes
        ),
        "delivery_modes": "、".join(_MODE_NAMES[mode] for mode in form.delivery_modes),
        "template": names.get(form.shipping_template_id) if form.shipping_template_id else None,
        "is_pavilion": columns.YES if form.is_pavilion else columns.NO,
        # The images are kept where a sheet names none; its stock is no content.
        "image_urls": None,
        "stock": None,
        "current_stock": on_hand,
    }
    for number, (name, value) in options.items():
        values |= {f"option_{number}": name, f"value_{number}": value}
    for name in _MONEY:
        values[name] = values[name] / 100 if values.get(name) is not None else None
    return [values.get(column.key) for column in COLUMNS]


Messages = dict[int, list[str]]


def messages_of(session: Session, upload: Upload) -> Messages:
    """Return what is wrong with an upload, by row; of the file as a whole at its head."""
    messages: Messages = {}
    for problem in queries.problems(session, upload.id):
        digits = "".join(filter(str.isdigit, problem["cell"]))
        text = f"{problem['cell']} {problem['column']}：{problem['text']}"
        messages.setdefault(int(digits or 0), []).append(text)
    if upload.problem:
        messages.setdefault(1, []).append(upload.problem["detail_zh"])
    return messages


def report(upload: Upload, messages: Messages) -> tuple[bytes, str, str]:
    """Return an upload's own file with a column of messages, its format and its name.

    A child reads the one and writes the other: it is as large as the limits allow.
    """
    content = b"" if upload.problem else current_private_files().get(upload.file_key)
    options = {
        "limits": asdict(LIMITS),
        "sheet": SHEET,
        "head": MESSAGES,
        "messages": [[number, "；".join(told)] for number, told in messages.items()],
        "format": upload.format,
    }
    name = f"错误报告-{upload.file_name.rpartition('.')[0] or upload.file_name}.{upload.format}"
    return building.make(_REPORT, content, options), upload.format, name
