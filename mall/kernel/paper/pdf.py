"""Draw a paper as PDF, in pure Python with the font beside this file (docs/adr/0015)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

from fpdf import FPDF

from mall.kernel.paper.document import Cell, Fen, Paper, Table, unpacked
from mall.kernel.sandbox.nursery import Send

FONT = Path(__file__).with_name("font") / "NotoSansSC-Regular.woff"
LINE, TALL, PADDING = 6.5, 10.0, 1.5
TITLE_SIZE, TEXT_SIZE, SMALL = 16, 9, 7


def send_pdf(file: BinaryIO, _: object, send: Send) -> None:
    """Send a paper as PDF; a task of `making.draw`, in a child."""
    send(pdf(unpacked(file.read())))


def pdf(paper: Paper) -> bytes:
    """Return a paper as A4 pages: heads repeat on each of them, the footer counts them."""
    sheet = _blank(paper)
    sheet.set_font("noto", size=TITLE_SIZE)
    sheet.multi_cell(0, 10, paper.title, align="C", new_x="LMARGIN", new_y="NEXT")
    sheet.set_font("noto", size=TEXT_SIZE)
    for label, value in paper.facts:
        sheet.cell(32, LINE, label)
        sheet.multi_cell(0, LINE, _shown(value), new_x="LMARGIN", new_y="NEXT")
    for table in paper.tables:
        _table(sheet, table)
    for note in paper.notes:
        sheet.ln(1)
        sheet.multi_cell(0, LINE, note, new_x="LMARGIN", new_y="NEXT")
    for line in paper.lines_to_sign:
        if sheet.will_page_break(14):
            sheet.add_page()
        sheet.ln(10)
        sheet.cell(0, 8, line)
    return bytes(sheet.output())


def _blank(paper: Paper) -> Any:
    sheet = FPDF(orientation="L" if paper.is_landscape else "P", format="A4")
    sheet.footer = lambda: _footer(sheet, paper.footer)
    sheet.set_title(paper.title)
    sheet.set_auto_page_break(True, margin=16)
    sheet.add_font("noto", fname=str(FONT))
    sheet.set_font("noto", size=TEXT_SIZE)
    sheet.add_page()
    return sheet


def _footer(sheet: Any, text: str) -> None:
    sheet.set_y(-12)
    sheet.set_font("noto", size=SMALL)
    sheet.cell(0, 4, f"{text}    第 {sheet.page_no()} 页，共 {{nb}} 页", align="C")
    sheet.set_font("noto", size=TEXT_SIZE)


def _shown(value: Cell) -> str:
    return "" if value is None else str(value)


def _table(sheet: Any, table: Table) -> None:
    sheet.ln(3)
    if table.caption:
        sheet.cell(0, LINE, table.caption, new_x="LMARGIN", new_y="NEXT")
    unit = sheet.epw / sum(table.widths)
    widths = [unit * share for share in table.widths]
    _head(sheet, table.heads, widths)
    height = TALL if table.is_tall else LINE
    for row in table.all_rows:
        lines = [
            _lines(sheet, _shown(value), width) for value, width in zip(row, widths, strict=True)
        ]
        needed = max(height, max(map(len, lines)) * LINE)
        if sheet.will_page_break(needed):
            sheet.add_page()
            _head(sheet, table.heads, widths)
        _draw(sheet, row, lines, widths, needed)


def _head(sheet: Any, heads: Sequence[str], widths: Sequence[float]) -> None:
    sheet.set_fill_color(235)
    for text, width in zip(heads, widths, strict=True):
        sheet.cell(width, LINE, text, border=1, align="C", fill=True)
    sheet.ln(LINE)


def _lines(sheet: Any, value: str, width: float) -> list[str]:
    room = width - 2 * PADDING
    if sheet.get_string_width(value) <= room:
        return [value]
    found: list[str] = sheet.multi_cell(room, LINE, value, dry_run=True, output="LINES")
    return found


def _draw(
    sheet: Any,
    row: Sequence[Cell],
    lines: Sequence[Sequence[str]],
    widths: Sequence[float],
    height: float,
) -> None:
    left, top = sheet.get_x(), sheet.get_y()
    for value, texts, width in zip(row, lines, widths, strict=True):
        align = "R" if isinstance(value, (int, Fen)) else "L"
        if len(texts) == 1:
            sheet.set_xy(left, top)
            sheet.cell(width, height, texts[0], border=1, align=align)
        else:
            sheet.rect(left, top, width, height)
            for number, text in enumerate(texts):
                sheet.set_xy(left, top + number * LINE)
                sheet.cell(width, LINE, text, align=align)
        left += width
    sheet.set_xy(sheet.l_margin, top + height)
