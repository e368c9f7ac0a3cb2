"""A sheet as full as it may be is read with time to spare, and read as openpyxl reads it."""

import io
from datetime import date, datetime, time, timedelta
from xml.sax.saxutils import escape

import openpyxl
import pytest

from mall.kernel.errors import DomainError
from mall.kernel.sandbox import building, pool
from mall.kernel.sheets import cells, making, reading
from mall.kernel.sheets.cells import Limits, SheetRefused
from tests.support.harmful import BOOK, KIND, KINDS, MAIN, Part, zipped
from tests.support.soak import long_or_short

# The short form takes a fifth of the sheet in a fifth of the time.
SHARE = long_or_short(1, 5)
ROWS, COLUMNS = 20_000 // SHARE, 32
RELATED = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def a_book(rows, strings):
    """Return a workbook of one sheet whose texts stand in the table of shared strings."""
    more = "".join(
        f'<Override PartName="/xl/{part}.xml" ContentType="{KIND.format(part)}"/>'
        for part in ("sharedStrings",)
    )
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    relations = (
        f'<Relationships xmlns="{package}"><Relationship Id="rId1" Type="{RELATED}/{{}}" '
        'Target="{}"/></Relationships>'
    )
    return zipped(
        Part("[Content_Types].xml", KINDS.format(more=more).encode()),
        Part("_rels/.rels", relations.format("officeDocument", "xl/workbook.xml").encode()),
        Part("xl/workbook.xml", BOOK.format(more="").encode()),
        Part(
            "xl/_rels/workbook.xml.rels",
            relations.format("worksheet", "worksheets/sheet1.xml").encode(),
        ),
        Part("xl/sharedStrings.xml", f'<sst xmlns="{MAIN}">{strings}</sst>'.encode()),
        Part(
            "xl/worksheets/sheet1.xml",
            f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'.encode(),
        ),
    )


def full():
    """Return a sheet in which every third cell is a number, and every other text a new one."""
    names = [cells.column_name(position) for position in range(COLUMNS)]
    rows, count = [], 0
    for number in range(1, ROWS + 1):
        row = []
        for position, name in enumerate(names):
            if position % 3:
                row.append(f'<c r="{name}{number}" t="s"><v>{count}</v></c>')
                count += 1
            else:
                row.append(f'<c r="{name}{number}"><v>{number}</v></c>')
        rows.append(f'<row r="{number}">{"".join(row)}</row>')
    strings = "".join(f"<si><t>徐闻良姜片 {number}</t></si>" for number in range(count))
    return a_book("".join(rows), strings)


def test_a_full_sheet_is_read_within_the_time_that_it_is_given(monkeypatch):
    """Case 30: it takes 0.4 of the time on a quiet machine; a busy one has room."""
    outcomes, real = [], pool._pool.read
    monkeypatch.setattr(
        pool._pool, "read", lambda *given: outcomes.append(real(*given)) or outcomes[-1]
    )
    assert sum(1 for _ in reading.read_rows(full(), Limits())) == ROWS
    assert outcomes[0].cpu_seconds <= reading.LARGE.cpu_seconds / SHARE + 0.3
    assert outcomes[0].peak_bytes <= 200 * 1024 * 1024


ODD = """
<row r="3" hidden="0"><c r="B3" t="s"><v>0</v></c><c r="D3" t="s"><v>1</v></c><c t="s"><v>2</v></c></row>
<row><c><v>7</v></c><c t="b"><v>1</v></c><c t="e"><v>#N/A</v></c><c t="str"><v>文</v></c></row>
<row r="6"><c r="A6" t="inlineStr"><is><r><t>甲</t></r><r><t>乙</t></r></is></c><c r="C6"><v>1.5E2</v></c>
<c r="D6" t="d"><v>2026-01-02T03:04:05</v></c><c r="E6"/><c r="F6" t="n"><v></v></c></row>
"""
STRINGS = """<si><t>一</t></si><si><r><t>二</t></r><r><t xml:space="preserve"> 三</t></r></si>
<si><t>湛江</t><rPh sb="0" eb="1"><t>ZHAN</t></rPh></si>"""


def told(value):
    if isinstance(value, (bool, int, float)) or value is None:
        return value
    return str(value)


def by_openpyxl(content):
    sheet = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]
    return {
        cell.coordinate: told(cell.value)
        for row in sheet.rows
        for cell in row
        if cell.value not in (None, "")
    }


def by_us(content):
    found = reading.read_rows(content, Limits())
    return {cell.address: cell.value for row in found for cell in row.cells.values()}


def of_values(epoch=None):
    book = openpyxl.Workbook()
    if epoch:
        book.epoch = epoch
    sheet = book.active
    sheet.append(["文", "a & <b>", 1, 1.25, True, False, date(2026, 1, 2)])
    sheet.append(
        [datetime.fromisoformat("1990-08-15T06:07:00"), time(8, 30), timedelta(hours=30), -3, 1e20]
    )
    sheet["Z9"] = "远"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.mark.parametrize(
    "content",
    [a_book(ODD, STRINGS), of_values(), of_values(openpyxl.utils.datetime.CALENDAR_MAC_1904)],
    ids=["odd", "values", "since 1904"],
)
def test_cells_are_read_as_the_library_reads_them(content):
    found = by_us(content)
    assert found == by_openpyxl(content)
    assert len(found) >= 8


@pytest.mark.parametrize(
    "rows",
    [
        '<row r="1"><c t="s"><v>-1</v></c></row>',
        '<row r="1"><c t="s"><v>9</v></c></row>',
        '<row r="1"><c><v>1_0</v></c></row>',
        '<row r="x"><c><v>1</v></c></row>',
        '<row r="1"><c r="1A"><v>1</v></c></row>',
        '<row r="1"><c r="CW1"><v>1</v></c></row>',
        '<row r="1"><c r="XFD1"><v>1</v></c></row>',
        '<row r="1"><c><v>1</v></row>',
    ],
)
def test_cells_that_mean_nothing_are_refused(rows):
    with pytest.raises(SheetRefused):
        by_us(a_book(rows, "<si><t>x</t></si>"))


def test_a_formula_is_told_from_its_value():
    rows = '<row r="1"><c r="A1"><f>B1+1</f><v>2</v></c><c r="B1"><f t="shared" si="0"/></c></row>'
    [row] = reading.read_rows(a_book(rows, ""), Limits())
    assert [(cell.kind, cell.value) for cell in row.cells.values()] == [
        (cells.FORMULA, "=B1+1"),
        (cells.FORMULA, "="),
    ]


def test_xml_that_declares_a_document_type_is_refused_in_every_encoding():
    sheet = f'<?xml version="1.0" encoding="utf-16"?><!DOCTYPE a><worksheet xmlns="{MAIN}"/>'
    content = a_book("", "")
    named = Part("xl/worksheets/sheet1.xml", sheet.encode("utf-16"))
    parts = [
        named if each.filename == named.name.decode() else Part(each.filename, book.read(each))
        for book in [openpyxl.reader.excel.ZipFile(io.BytesIO(content))]
        for each in book.infolist()
    ]
    with pytest.raises(SheetRefused):
        by_us(zipped(*parts))


def test_what_goes_out_is_what_was_given_and_a_text_too_long_for_a_cell_is_cut_visibly():
    made = making.xlsx("s", ["头", "二"], ([escape("<&>"), "长" * 40_000], [None, True]), [8, 8])
    sheet = openpyxl.load_workbook(io.BytesIO(made)).active
    assert [list(row) for row in sheet.values][0::2] == [["头", "二"], [None, True]]
    assert sheet["A2"].value == "&lt;&amp;&gt;"
    assert sheet["B2"].value == "长" * 32_766 + "…"


def test_what_is_too_much_for_one_file_is_refused(monkeypatch):
    monkeypatch.setattr(building, "MAX_BYTES", 1000)
    for rows in ([["x" * 2000]], (["x" * 10] for _ in range(10**9))):
        with pytest.raises(building.TooMuchToMake) as refused:
            making.xlsx("s", [], rows)
        assert isinstance(refused.value, DomainError)
