"""Write xlsx and csv row by row; what is written never becomes a formula.

Large workbooks are written in a child: `making` asks for one.
"""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from typing import Any, BinaryIO

from mall.kernel.loading import late
from mall.kernel.sandbox.nursery import Send
from mall.kernel.sheets.cells import MAX_CHARACTERS, Value, safe

_OPTIONS = {
    "constant_memory": True,
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


def new_book(out: io.BytesIO, keeps_rows: bool = False) -> Any:
    """Return a workbook that writes to `out`; rows go there at once unless they are kept."""
    options = {**_OPTIONS, "constant_memory": not keeps_rows}
    return late("xlsxwriter").Workbook(out, options)


def write_row(sheet: Any, number: int, values: Iterable[Value], style: Any = None) -> None:
    """Write a row, counted from 0; text stays text."""
    for position, value in enumerate(values):
        value = safe(value)
        if value is None or value == "":
            continue
        if isinstance(value, bool):
            sheet.write_boolean(number, position, value, style)
        elif isinstance(value, (int, float)):
            sheet.write_number(number, position, value, style)
        else:
            sheet.write_string(number, position, _fitting(str(value)), style)


def _fitting(text: str) -> str:
    """Return what fits into a cell: the library drops a longer text without a word."""
    return text if len(text) <= MAX_CHARACTERS else f"{text[: MAX_CHARACTERS - 1]}…"


def send_book(file: BinaryIO, options: dict[str, Any], send: Send) -> None:
    """Send a workbook of the rows of a file, a line of JSON each; the task of `making.xlsx`."""
    rows = (json.loads(line) for line in file)
    send(xlsx(options["name"], options["heads"], rows, options["widths"]))


def xlsx(
    name: str, heads: Sequence[str], rows: Iterable[Sequence[Value]], widths: Sequence[int] = ()
) -> bytes:
    """Return a workbook of one sheet with a bold head that stays in view."""
    out = io.BytesIO()
    book = new_book(out)
    sheet = book.add_worksheet(name)
    sheet.freeze_panes(1, 0)
    for position, width in enumerate(widths):
        sheet.set_column(position, position, width)
    write_row(sheet, 0, heads, book.add_format({"bold": True}))
    for number, row in enumerate(rows, start=1):
        write_row(sheet, number, row)
    book.close()
    return out.getvalue()


def csv_text(rows: Iterable[Sequence[Value]], encoding: str) -> bytes:
    """Return rows as csv; what the encoding cannot say becomes a question mark."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    for row in rows:
        writer.writerow(["" if value is None else safe(value) for value in row])
    return out.getvalue().encode(encoding, "replace")
