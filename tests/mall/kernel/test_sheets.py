"""Whatever somebody sends for a sheet ends in a clear error, soon and in bounded memory."""

import io
import subprocess
import sys
import zipfile

import pytest

from mall.kernel.sheets import cells, reading, writing
from mall.kernel.sheets.cells import Limits, SheetRefused

KIND = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument'
    '.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType='
    '"application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>'
)
_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
BOOK = (
    f'<workbook xmlns="{_MAIN}" xmlns:r="{_REL}"><sheets>'
    '<sheet name="s" sheetId="1" r:id="rId1"/></sheets></workbook>'
)


def relation(kind, target):
    return (
        f'<Relationships xmlns="{_PACKAGE}"><Relationship Id="rId1" '
        f'Type="{_REL}/{kind}" Target="{target}"/></Relationships>'
    )


def text_cell(text="x"):
    return f'<c t="inlineStr"><is><t>{text}</t></is></c>'


def book(rows, before="", after="", **parts):
    """Return an xlsx whose sheet has these rows of XML."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("[Content_Types].xml", KIND)
        target.writestr("_rels/.rels", relation("officeDocument", "xl/workbook.xml"))
        target.writestr("xl/workbook.xml", BOOK)
        target.writestr(
            "xl/_rels/workbook.xml.rels", relation("worksheet", "worksheets/sheet1.xml")
        )
        sheet = (
            f'{before}<worksheet xmlns="{_MAIN}"><sheetData>{rows}</sheetData>{after}</worksheet>'
        )
        target.writestr("xl/worksheets/sheet1.xml", sheet)
        for name, content in parts.items():
            target.writestr(f"xl/{name}.xml", content)
    return out.getvalue()


def rows_of(count, inside):
    return "".join(f'<row r="{n}">{inside}</row>' for n in range(1, count + 1))


def lying():
    """Return a bomb whose directory says that it is small."""
    content = bytearray(book(rows_of(1, text_cell()), after=" " * 300_000_000))
    at = content.rfind(b"xl/worksheets/sheet1.xml") - 46
    content[at + 24 : at + 28] = (1000).to_bytes(4, "little")
    return bytes(content)


LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9)
)
BOMBS = {
    "a zip bomb": lambda: book(rows_of(1, text_cell()), after=" " * 1_000_000_000),
    "a zip bomb that lies": lying,
    "a million rows": lambda: book(rows_of(1_000_000, text_cell())),
    "a million rows of nothing": lambda: book(rows_of(1, text_cell()) + rows_of(999_999, "")[20:]),
    "16,384 columns": lambda: book(rows_of(3, text_cell() * 16_384)),
    "a cell of 50 MB": lambda: book(rows_of(1, text_cell("x" * 50_000_000))),
    "100 MB of strings": lambda: book(rows_of(1, text_cell()), sharedStrings=" " * 100_000_000),
    "entities": lambda: book(rows_of(1, text_cell("&j;")), before=LAUGHS + "]>"),
    "merged cells": lambda: book(
        rows_of(1, text_cell()), after='<mergeCells count="1"><mergeCell ref="A1:B2"/></mergeCells>'
    ),
    "broken XML": lambda: book("<row><c>"),
    "a zip of something else": lambda: zip_of("photo.jpg"),
    "half a file": lambda: book(rows_of(10, text_cell()))[:400],
    "a csv with a field without end": lambda: b'"' + b"x" * 15_000_000,
    "a csv of 16,384 columns": lambda: b"x," * 16_384,
    "a csv of a million rows": lambda: b"x\n" * 1_000_000,
}
# What reading a sheet may take, given to a process of its own: memory in bytes, and patience.
LIMIT = 400 * 1024 * 1024
READ = f"""
import resource, sys
from mall.kernel.sheets import reading, cells
content = sys.stdin.buffer.read()
resource.setrlimit(resource.RLIMIT_DATA, ({LIMIT}, {LIMIT}))
try:
    count = sum(1 for _ in reading.read_rows(content, cells.Limits()))
    print("read", count)
except cells.SheetRefused as refused:
    print("refused", refused.sentence("zh"))
"""


def zip_of(name):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as target:
        target.writestr(name, b"x")
    return out.getvalue()


@pytest.mark.parametrize("make", BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_refused_within_400_megabytes(make):
    """Case 30."""
    done = subprocess.run(
        [sys.executable, "-c", READ], input=make(), capture_output=True, timeout=60
    )
    said = done.stdout.decode()
    assert said.startswith("refused") or said == "read 1\n", said + done.stderr.decode()[-500:]


def test_endless_empty_rows_end_a_sheet():
    content = book(rows_of(5, text_cell()) + "".join(f'<row r="{n}"/>' for n in range(6, 500_000)))
    assert len(list(reading.read_rows(content, Limits()))) == 5


def test_kinds_of_cells_are_told_apart_with_their_addresses():
    made = writing.xlsx("s", ["头"], [["文本", 1.5, True, None, "'=x"]])
    _, row = reading.read_rows(made, Limits())
    found = [(cell.address, cell.kind, cell.value) for cell in row.cells.values()]
    assert found == [
        ("A2", cells.TEXT, "文本"),
        ("B2", cells.NUMBER, 1.5),
        ("C2", cells.BOOLEAN, True),
        ("E2", cells.TEXT, "=x"),
    ]


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\tx", "\rx"])
def test_what_is_written_is_no_formula_and_reads_back_as_it_was(text):
    assert cells.safe(text) == f"'{text}"
    assert cells.plain(f"'{text}") == text
    assert writing.csv_text([[text]], "utf-8").decode().lstrip('"').startswith("'")


@pytest.mark.parametrize(("position", "name"), [(0, "A"), (25, "Z"), (26, "AA"), (16_383, "XFD")])
def test_columns_have_letters(position, name):
    assert cells.column_name(position) == name


def test_more_rows_than_allowed_are_refused_while_reading():
    with pytest.raises(SheetRefused):
        list(reading.read_rows(b"a\n" * 12, Limits(rows=10)))
    assert len(list(reading.read_rows(b"a\n" * 11, Limits(rows=10)))) == 11
