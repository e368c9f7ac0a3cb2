"""Read xlsx and csv row by row, inside a child that is thrown away (docs/adr/0027).

Nothing here is called by the service itself: `reading` lets a child do it. What a cell means is
decided by whoever asked; here is said only what stands in it.
"""

import codecs
import csv
import io
import math
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any, BinaryIO

from openpyxl.reader.excel import ExcelReader
from openpyxl.styles.stylesheet import apply_stylesheet
from openpyxl.xml.constants import SHARED_STRINGS

from mall.kernel.sandbox.nursery import Send
from mall.kernel.sheets import cells, markup
from mall.kernel.sheets.cells import Limits, SheetRefused, Value, column_name
from mall.kernel.text import canonical

# So many empty rows in a row end a sheet: formatted emptiness goes on for a million of them.
MAX_EMPTY_ROWS = 1000
MAX_PARTS = 1000
MAX_NAMED = 10
# Rows that are sent in one piece.
_BATCH = 200
_CHUNK = 1024 * 1024
_ZIP = b"PK\x03\x04"
_ENCRYPTED = 0x1
# No number of a sheet is so large; as a number, nobody could say it in JSON.
_MAX_WHOLE = 10**300


# A row as it is sent: its number, and its cells by column, what they are and their value.
Sent = list[tuple[int, str, Value]]
_lines = lru_cache(20_000)(canonical.lines)


def send_rows(file: BinaryIO, options: dict[str, Any], send: Send) -> None:
    """Send the encoding of a sheet, then its rows; the task of `reading.read_sheet`."""
    encoding, rows = read_rows(file, Limits(**options["limits"]), options["sheet"])
    send(encoding)
    while batch := list(islice(rows, _BATCH)):
        send(batch)


def read_rows(
    file: BinaryIO, limits: Limits, wanted: str
) -> tuple[str, Iterator[tuple[int, Sent]]]:
    """Return the encoding of a sheet where it is csv, and its rows with their numbers."""
    begins = file.read(len(_ZIP))
    file.seek(0)
    if begins == _ZIP:
        return "", _counted(_xlsx(file, limits, wanted), limits)
    encoding = _encoding(file)
    return encoding, _counted(_csv(file, limits, encoding), limits)


def _counted(rows: Iterator[tuple[int, Sent]], limits: Limits) -> Iterator[tuple[int, Sent]]:
    for count, row in enumerate(rows, start=1):
        if count > limits.rows + 1:
            raise SheetRefused("sheet_too_many_rows", rows=limits.rows)
        yield row


# xlsx


@dataclass(frozen=True)
class _Sheet:
    title: str
    is_visible: bool
    part: str


class _Reader(ExcelReader):
    """Reads what a workbook is made of; its texts are read apart, and what nobody asks for is not."""

    def read_strings(self) -> None:
        part = self.package.find(SHARED_STRINGS)
        if part is not None:
            with self.archive.open(part.PartName[1:]) as source:
                self.shared_strings = markup.shared_strings(source)

    def read(self) -> None:
        """Read what tells of the sheets; none of them is opened here.

        The library looks for the size of each by a tree of it, however deep that is.
        """
        self.read_manifest()
        self.read_strings()
        self.read_workbook()
        apply_stylesheet(self.archive, self.wb)

    def sheets(self) -> list[_Sheet]:
        """Return the sheets of rows, in their order."""
        return [
            _Sheet(sheet.name, sheet.state == "visible", rel.target)
            for sheet, rel in self.parser.find_sheets()
            if rel.target in self.valid_files and "chartsheet" not in rel.Type
        ]


def _xlsx(file: BinaryIO, limits: Limits, wanted: str) -> Iterator[tuple[int, Sent]]:
    with zipfile.ZipFile(file) as archive:
        _check_archive(archive, limits)
    file.seek(0)
    reader = _Reader(file, read_only=True, keep_links=False)
    reader.read()
    book: Any = reader.wb
    shown = [sheet for sheet in reader.sheets() if sheet.is_visible]
    if not shown:
        raise SheetRefused("workbook_shows_nothing")
    sheet = next((each for each in shown if each.title == wanted), shown[0])
    spans = frozenset(book._timedelta_formats)
    styles = markup.Styles(frozenset(book._date_formats), spans, book.epoch)
    with reader.archive.open(sheet.part) as source:
        yield from _sheet_rows(markup.rows(source, reader.shared_strings, styles), limits)


def _too_large() -> SheetRefused:
    return SheetRefused("sheet_unpacks_too_large")


def _check_archive(archive: zipfile.ZipFile, limits: Limits) -> None:
    """Refuse what is too much before the library reads it: of all parts, whatever they are called."""
    parts = archive.infolist()
    names = {part.filename for part in parts}
    if "[Content_Types].xml" not in names or "xl/workbook.xml" not in names:
        raise SheetRefused("sheet_no_workbook")
    if len(names) != len(parts) or any(part.flag_bits & _ENCRYPTED for part in parts):
        raise SheetRefused("workbook_broken")
    if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > limits.unpacked_bytes:
        raise _too_large()
    unpacked = tags = 0
    for part in parts:
        is_xml = False
        for number, text in enumerate(_windows(archive, part)):
            is_xml = is_xml or (number == 0 and b"<" in text[:8])
            unpacked += len(text)
            tags += text.count(b"<")
            if unpacked > limits.unpacked_bytes or tags > limits.tags:
                raise _too_large()
            # One text or attribute of a megabyte: no cell has it, and XML readers choke on it.
            if is_xml and len(text) > _CHUNK and b"<" not in text:
                raise _too_large()
            _check_text(text)


def _windows(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> Iterator[bytes]:
    """Give a part piece by piece, each with the end of the piece before it."""
    before = b""
    with archive.open(part) as stream:
        while chunk := stream.read(_CHUNK):
            yield before + chunk
            before = chunk[-200:]


def _check_text(text: bytes) -> None:
    """Refuse entities and merged cells, which come after the rows that they are about."""
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise SheetRefused("sheet_declares_entities")
    if merged := re.search(rb'<mergeCell\s[^>]*ref="([A-Z0-9:]{1,40})"', text):
        where = merged.group(1).decode()
        raise SheetRefused("cells_merged", where=where)


def _sheet_rows(rows: Iterator[markup.WrittenRow], limits: Limits) -> Iterator[tuple[int, Sent]]:
    last, hidden = 0, list[int]()
    for row in rows:
        found: dict[int, tuple[int, str, Value]] = {}
        for position, kind, value in row.cells:
            told = _told(kind, value, position, row.number, limits)
            # What nobody sees is no value.
            if told[1] != "":
                found[position] = (position, *told)
        if row.number - last > MAX_EMPTY_ROWS:
            break
        if found:
            last = row.number
            if max(found) >= limits.columns:
                raise _too_wide(limits)
            if row.is_hidden:
                hidden.append(row.number)
            yield row.number, list(found.values())
    if hidden:
        raise _hidden(hidden)


def _hidden(rows: list[int]) -> SheetRefused:
    """What nobody sees is neither taken nor dropped without a word."""
    if len(rows) > MAX_NAMED:
        return SheetRefused("rows_hidden_more", rows=rows[:MAX_NAMED], count=len(rows))
    return SheetRefused("rows_hidden", rows=rows, count=len(rows))


def _too_wide(limits: Limits) -> SheetRefused:
    return SheetRefused("sheet_too_wide", columns=limits.columns)


def _told(kind: str, value: Value, position: int, number: int, limits: Limits) -> tuple[str, Value]:
    if isinstance(value, str):
        if kind == cells.TEXT:
            return _text(value, position, number, limits)
        return kind, value[:100]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return kind, value
    is_number = abs(value) < _MAX_WHOLE and math.isfinite(value)
    return (cells.NUMBER, value) if is_number else (cells.TEXT, str(value)[:400])


def _text(value: str, position: int, number: int, limits: Limits) -> tuple[str, Value]:
    if len(value) > limits.cell_characters:
        address = f"{column_name(position)}{number}"
        raise SheetRefused("cell_too_long", address=address)
    if value.startswith("="):
        return cells.FORMULA, value[:100]
    return cells.TEXT, _lines(cells.plain(value))


# csv


def _encoding(file: BinaryIO) -> str:
    """Return the encoding of a csv file: UTF-8, with or without BOM, or GB18030."""
    has_mark = file.read(3) == codecs.BOM_UTF8
    for encoding in ("utf-8", "gb18030"):
        # Some programs put UTF-8's mark before GBK text.
        file.seek(3 if has_mark else 0)
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            while chunk := file.read(_CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        return "utf-8-sig" if has_mark and encoding == "utf-8" else encoding
    raise SheetRefused("sheet_encoding_unknown")


def _csv(file: BinaryIO, limits: Limits, encoding: str) -> Iterator[tuple[int, Sent]]:
    file.seek(0)
    file.seek(3 if file.read(3) == codecs.BOM_UTF8 else 0)
    begins = file.tell()
    plain = encoding.removesuffix("-sig")
    first = file.readline(_CHUNK).decode(plain, "replace")
    delimiter = "\t" if first.count("\t") > first.count(",") else ","
    file.seek(begins)
    text = io.TextIOWrapper(file, plain, newline="")
    # Not what the csv module takes for a field too long, but what a cell can hold.
    csv.field_size_limit(1_000_000)
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    try:
        for number, fields in enumerate(reader, start=1):
            if len(fields) > limits.columns:
                if any(fields[limits.columns :]):
                    raise _too_wide(limits)
                fields = fields[: limits.columns]
            found = [
                (position, *_text(value, position, number, limits))
                for position, value in enumerate(fields)
                if value.strip()
            ]
            if found:
                yield number, found
    except csv.Error as error:
        raise SheetRefused("csv_quotes_wrong", line=reader.line_num) from error
