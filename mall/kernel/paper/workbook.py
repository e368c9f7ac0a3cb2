"""Draw a paper as xlsx: amounts are numbers, so that they can be added up again."""

import io
from typing import Any, BinaryIO

from mall.kernel.paper.document import Cell, Fen, Paper, Table, unpacked
from mall.kernel.sandbox.nursery import Send
from mall.kernel.sheets import writing

CHARACTERS = 110


def send_workbook(file: BinaryIO, _: object, send: Send) -> None:
    """Send a paper as a workbook; a task of `making.draw`, in a child."""
    send(workbook(unpacked(file.read())))


def workbook(paper: Paper) -> bytes:
    """Return a paper as a workbook of one sheet that prints on A4, one page wide."""
    out = io.BytesIO()
    book = writing.new_book(out, keeps_rows=True)
    sheet = book.add_worksheet(paper.title[:31])
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    if paper.is_landscape:
        sheet.set_landscape()
    sheet.set_footer(f"&C{paper.footer.replace('&', '&&')}  &P / &N")
    styles = {
        "title": book.add_format({"bold": True, "font_size": 16}),
        "head": book.add_format({"bold": True, "border": 1, "bg_color": "#EBEBEB"}),
        "text": book.add_format({"border": 1, "text_wrap": True, "valign": "top"}),
        "money": book.add_format({"border": 1, "num_format": "#,##0.00", "valign": "top"}),
        "fact": book.add_format({"num_format": "#,##0.00", "align": "left"}),
    }
    writing.write_row(sheet, 0, [paper.title], styles["title"])
    at = 2
    for label, value in paper.facts:
        _write(sheet, at, 0, label, None)
        _write(sheet, at, 1, value, styles["fact"] if isinstance(value, Fen) else None)
        at += 1
    for table in paper.tables:
        at = _table(sheet, at + 1, table, styles)
    for note in paper.notes:
        at += 1
        _write(sheet, at, 0, note, None)
    for line in paper.lines_to_sign:
        at += 2
        _write(sheet, at, 0, line, None)
    book.close()
    return out.getvalue()


def _table(sheet: Any, at: int, table: Table, styles: dict[str, Any]) -> int:
    if table.caption:
        _write(sheet, at, 0, table.caption, None)
        at += 1
    share = CHARACTERS / sum(table.widths)
    for position, width in enumerate(table.widths):
        sheet.set_column(position, position, max(8, width * share))
    writing.write_row(sheet, at, table.heads, styles["head"])
    for row in table.all_rows:
        at += 1
        if table.is_tall:
            sheet.set_row(at, 28)
        for position, value in enumerate(row):
            _write(
                sheet, at, position, value, styles["money" if isinstance(value, Fen) else "text"]
            )
    return at + 1


def _write(sheet: Any, row: int, column: int, value: Cell, style: Any) -> None:
    if isinstance(value, Fen):
        sheet.write_number(row, column, value.fen / 100, style)
    elif isinstance(value, int):
        sheet.write_number(row, column, value, style)
    elif value:
        sheet.write_string(row, column, str(writing.safe(value)), style)
    else:
        sheet.write_blank(row, column, None, style)
