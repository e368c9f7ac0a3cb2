"""Read xlsx and csv row by row, in bounded time and memory."""

import codecs
import csv
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time
from importlib import import_module
from typing import Any
from xml.etree.ElementTree import ParseError

from mall.kernel.sheets import cells
from mall.kernel.sheets.cells import Cell, Limits, Row, SheetRefused, column_name

XLSX, CSV = "xlsx", "csv"
MEDIA_TYPES = {
    XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    CSV: "text/csv",
}
# So many empty rows in a row end a sheet: formatted emptiness goes on for a million of them.
MAX_EMPTY_ROWS = 1000
# Read whole into memory by the library.
MAX_SHARED_STRINGS = 40 * 1024 * 1024
_CHUNK = 1024 * 1024
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"


def kind_of(content: bytes) -> str:
    """Return xlsx or csv by how a file begins; raise SheetRefused for any other."""
    if content.startswith(_ZIP):
        return XLSX
    if content.startswith(_OLE):
        raise SheetRefused(
            "这是旧版 .xls 或加密的文件，请另存为 .xlsx 后上传。",
            "This is an old .xls or an encrypted file; save it as .xlsx.",
        )
    if not content.strip():
        raise SheetRefused("文件是空的。", "The file is empty.")
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise SheetRefused(
            "不支持 UTF-16 文本，请另存为 .xlsx 或 UTF-8 的 .csv。",
            "UTF-16 text is not read; save it as .xlsx or as .csv in UTF-8.",
        )
    if b"\0" in content[:65536]:
        raise SheetRefused(
            "文件类型不对，请上传 .xlsx 或 .csv。", "Upload an .xlsx or a .csv file."
        )
    return CSV


def read_rows(content: bytes, limits: Limits, sheet: str = "") -> Iterator[Row]:
    """Give every row that is not empty, of the sheet of that name or else the first.

    Raises SheetRefused, sooner or later while rows are given: nothing may be kept before the end.
    """
    if len(content) > limits.bytes:
        size = limits.bytes // _CHUNK
        raise SheetRefused(f"文件不能超过 {size} MB。", f"A file has at most {size} MB.")
    rows = _xlsx(content, limits, sheet) if kind_of(content) == XLSX else _csv(content, limits)
    for count, row in enumerate(rows, start=1):
        if count > limits.rows + 1:
            raise SheetRefused(
                f"数据行不能超过 {limits.rows} 行。", f"A sheet has at most {limits.rows} rows."
            )
        yield row


# xlsx


def _xlsx(content: bytes, limits: Limits, wanted: str) -> Iterator[Row]:
    unreadable = SheetRefused("文件损坏，无法按 .xlsx 读取。", "The file cannot be read as .xlsx.")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_archive(archive, limits)
        # Named, not imported: 30 MB that only whoever reads a workbook needs.
        book = import_module("openpyxl").load_workbook(
            io.BytesIO(content), read_only=True, data_only=False, keep_links=False
        )
        try:
            sheet = book[wanted] if wanted in book.sheetnames else book.worksheets[0]
            sheet.reset_dimensions()
            # One column more than allowed shows whether there are more.
            yield from _sheet_rows(sheet.iter_rows(max_col=limits.columns + 1), limits)
        finally:
            book.close()
    except SheetRefused:
        raise
    except (zipfile.BadZipFile, zlib.error, ParseError) as error:
        raise unreadable from error
    except Exception as error:
        # Whatever a broken file does to the library, it is no workbook.
        raise unreadable from error


def _check_archive(archive: zipfile.ZipFile, limits: Limits) -> None:
    parts = {part.filename: part for part in archive.infolist()}
    if "[Content_Types].xml" not in parts or "xl/workbook.xml" not in parts:
        raise SheetRefused(
            "这不是 .xlsx 工作簿，请上传 .xlsx 或 .csv。", "This is no .xlsx workbook."
        )
    # The sizes that a file declares are the most that can come out of it.
    unpacked = sum(part.file_size for part in parts.values())
    strings = parts.get("xl/sharedStrings.xml")
    if unpacked > limits.unpacked_bytes or (strings and strings.file_size > MAX_SHARED_STRINGS):
        raise SheetRefused(
            "文件解压后过大，请减少内容后重试。", "The file is too large when unpacked."
        )
    for name, part in parts.items():
        if name.endswith((".xml", ".rels")):
            _check_part(archive, part, is_sheet=name.startswith("xl/worksheets/"))


def _check_part(archive: zipfile.ZipFile, part: zipfile.ZipInfo, is_sheet: bool) -> None:
    """Refuse entities and merged cells, which come after the rows that they are about."""
    before = b""
    with archive.open(part) as stream:
        while chunk := stream.read(_CHUNK):
            text = before + chunk
            if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
                raise SheetRefused("文件含有不允许的 XML 声明。", "The file declares XML entities.")
            if is_sheet and (merged := re.search(rb'<mergeCell\s[^>]*ref="([A-Z0-9:]+)"', text)):
                where = merged.group(1).decode()
                raise SheetRefused(
                    f"单元格 {where} 是合并单元格，请取消合并后上传。",
                    f"Cells {where} are merged; unmerge them.",
                )
            before = text[-200:]


def _sheet_rows(rows: Any, limits: Limits) -> Iterator[Row]:
    empty = 0
    for number, row in enumerate(rows, start=1):
        found = {}
        for position, cell in enumerate(row):
            if cell.value is not None and cell.value != "":
                found[position] = _cell(cell, position, number, limits)
        empty = 0 if found else empty + 1
        if empty > MAX_EMPTY_ROWS:
            return
        if found:
            if max(found) >= limits.columns:
                raise _too_wide(limits)
            yield Row(number, found)


def _too_wide(limits: Limits) -> SheetRefused:
    return SheetRefused(
        f"列数不能超过 {limits.columns} 列，请使用模板。",
        f"A sheet has at most {limits.columns} columns; use the template.",
    )


def _cell(cell: Any, position: int, number: int, limits: Limits) -> Cell:
    address, value = f"{column_name(position)}{number}", cell.value
    if cell.data_type == "f":
        return Cell(address, cells.FORMULA, str(value)[:100])
    if cell.data_type == "e":
        return Cell(address, cells.ERROR, str(value))
    if isinstance(value, bool):
        return Cell(address, cells.BOOLEAN, value)
    if isinstance(value, (datetime, date, time)):
        return Cell(address, cells.DATE, str(value))
    if isinstance(value, (int, float)):
        return Cell(address, cells.NUMBER, value)
    return _text(address, str(value), limits)


def _text(address: str, value: str, limits: Limits) -> Cell:
    if len(value) > limits.cell_characters:
        raise SheetRefused(f"单元格 {address} 的内容过长。", f"Cell {address} is too long.")
    if value.startswith("="):
        return Cell(address, cells.FORMULA, value[:100])
    return Cell(address, cells.TEXT, cells.plain(value).strip())


# csv


def decode(content: bytes) -> tuple[str, str]:
    """Return the text of a csv file and its encoding: UTF-8, with or without BOM, or GB18030."""
    # Some programs put UTF-8's mark before GBK text.
    has_mark = content.startswith(codecs.BOM_UTF8)
    bare = content.removeprefix(codecs.BOM_UTF8)
    for encoding in ("utf-8", "gb18030"):
        try:
            text = bare.decode(encoding)
        except UnicodeDecodeError:
            continue
        return text, "utf-8-sig" if has_mark and encoding == "utf-8" else encoding
    raise SheetRefused(
        "文字编码无法识别，请另存为 UTF-8 或 GB18030 的 .csv，或 .xlsx。",
        "The encoding is neither UTF-8 nor GB18030.",
    )


def _csv(content: bytes, limits: Limits) -> Iterator[Row]:
    text, _ = decode(content)
    first = text.partition("\n")[0]
    delimiter = "\t" if first.count("\t") > first.count(",") else ","
    # Not what the csv module takes for a field too long, but what a cell can hold.
    csv.field_size_limit(1_000_000)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for number, fields in enumerate(reader, start=1):
            if len(fields) > limits.columns:
                if any(fields[limits.columns :]):
                    raise _too_wide(limits)
                fields = fields[: limits.columns]
            found = {
                position: _text(f"{column_name(position)}{number}", value, limits)
                for position, value in enumerate(fields)
                if value.strip()
            }
            if found:
                yield Row(number, found)
    except csv.Error as error:
        raise SheetRefused(
            f"第 {reader.line_num} 行附近的引号或分隔符有误。",
            f"Quotes or separators are wrong near line {reader.line_num}.",
        ) from error
