"""Files that would harm whoever reads them without limits; for tests and measurements."""

import io
import zipfile
from collections.abc import Callable


def zip_of(name: str) -> bytes:
    """Return a zip that holds a file of that name."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as target:
        target.writestr(name, b"x")
    return out.getvalue()


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


def relation(kind: str, target: str) -> str:
    """Return a file of one relationship."""
    return (
        f'<Relationships xmlns="{_PACKAGE}"><Relationship Id="rId1" '
        f'Type="{_REL}/{kind}" Target="{target}"/></Relationships>'
    )


def text_cell(text: str = "x") -> str:
    """Return a cell of text."""
    return f'<c t="inlineStr"><is><t>{text}</t></is></c>'


def book(rows: str, before: str = "", after: str = "", **parts: str) -> bytes:
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


def rows_of(count: int, inside: str) -> str:
    """Return so many equal rows."""
    return "".join(f'<row r="{n}">{inside}</row>' for n in range(1, count + 1))


def lying() -> bytes:
    """Return a bomb whose directory says that it is small."""
    content = bytearray(book(rows_of(1, text_cell()), after=" " * 300_000_000))
    at = content.rfind(b"xl/worksheets/sheet1.xml") - 46
    content[at + 24 : at + 28] = (1000).to_bytes(4, "little")
    return bytes(content)


LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9)
)
BOMBS: dict[str, Callable[[], bytes]] = {
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
