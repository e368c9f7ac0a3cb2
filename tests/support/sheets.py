"""Product sheets for the tests, as a supplier's spreadsheet program would write them."""

import io
import zipfile

from openpyxl import Workbook, load_workbook
from PIL import Image

from catalog.uploads.rules.columns import COLUMNS, SHEET
from mall.kernel.sheets import cells, writing

HEADS = [column.head for column in COLUMNS]
BY_KEY = {column.key: column.head for column in COLUMNS}


def at(key, row):
    """Return the address of a column's cell in a row."""
    return f"{cells.column_name(HEADS.index(BY_KEY[key]))}{row}"


def row_of(number=1, **change):
    """Return a right row of a product with one SKU, by column."""
    row = {
        "product_code": f"P{number}",
        "title": f"商品 {number}",
        "category": "饮食/海味",
        "sku_code": f"S{number}",
        "list_price_fen": 20,
        "price_fen": 15.5,
        "stock": 10,
    }
    return row | change


def sheet(rows, heads=None, change=None):
    """Return an xlsx of these rows; `change` may spoil the worksheet first."""
    book = Workbook()
    page = book.active
    page.title = SHEET
    page.append(heads or HEADS)
    for row in rows:
        page.append([row.get(column.key) for column in COLUMNS])
    if change:
        change(page)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def csv_sheet(rows, encoding):
    """Return a csv of these rows."""
    lines = [HEADS] + [[row.get(column.key) for column in COLUMNS] for row in rows]
    return writing.csv_text(lines, encoding)


def large_sheet(count, start=0):
    """Return an xlsx of so many products with one SKU each, written as fast as may be."""
    out = io.BytesIO()
    book = writing.new_book(out)
    page = book.add_worksheet(SHEET)
    writing.write_row(page, 0, HEADS)
    for number in range(count):
        row = row_of(start + number, brief="一句话卖点", keywords="海味、干货", weight_grams=500)
        writing.write_row(page, number + 1, [row.get(column.key) for column in COLUMNS])
    book.close()
    return out.getvalue()


def opened(content):
    """Return every row of the first sheet of an xlsx."""
    return [list(row) for row in load_workbook(io.BytesIO(content)).worksheets[0].values]


def archive(names, content=None):
    """Return a zip of images of these names, each another one."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as target:
        for number, name in enumerate(names):
            other = io.BytesIO()
            Image.new("RGB", (300, 200 + number), "red").save(other, "PNG")
            target.writestr(name, other.getvalue() if content is None else content)
    return out.getvalue()
