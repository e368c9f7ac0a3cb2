"""Take pictures out of a zip, inside a child that is thrown away.

Nothing here is called by the service itself: the uploads let a child do it. Nothing is written
anywhere, so that it does not matter where an entry's name leads.
"""

import io
import time
import zipfile
from typing import Any, BinaryIO

from catalog.media.child.decoding import sizes
from catalog.media.rules import MAX_BYTES, ImageRefused
from mall.kernel.sandbox.nursery import Send
from mall.kernel.sheets.cells import SheetRefused

MAX_ENTRIES, MAX_UNPACKED = 5_000, 1024 * 1024 * 1024
# One child begins no more pictures after so long.
SECONDS = 3.0
_LONGEST_NAME = 300


def send_entries(file: BinaryIO, options: dict[str, Any], send: Send) -> None:
    """Send place, name, checksum and size of every file in a zip; raises SheetRefused."""
    for place, entry in enumerate(_entries(file)):
        send([place, entry.filename[:_LONGEST_NAME], entry.CRC, entry.file_size])


def send_pictures(file: BinaryIO, options: dict[str, Any], send: Send) -> None:
    """Send the pictures at these places of a zip: the place, then each size, or what is wrong.

    Which one it begins is said before it is begun: should it be the end of this child, the next
    goes on behind it.
    """
    ends = time.monotonic() + SECONDS
    entries = _entries(file)
    with zipfile.ZipFile(file) as archive:
        for place in options["places"]:
            send({"begins": place})
            try:
                made = list(sizes(io.BytesIO(_content(archive, entries[place]))))
            except ImageRefused:
                send({"wrong": place})
            else:
                for each in made:
                    send(each)
                send({"done": place})
            if time.monotonic() > ends:
                return


def _entries(file: BinaryIO) -> list[zipfile.ZipInfo]:
    try:
        with zipfile.ZipFile(file) as archive:
            entries = [each for each in archive.infolist() if not each.is_dir()]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise _broken() from error
    if any(entry.flag_bits & 0x1 for entry in entries):
        raise _broken()
    if len(entries) > MAX_ENTRIES:
        raise SheetRefused("archive_too_many_files", limit=MAX_ENTRIES)
    if sum(entry.file_size for entry in entries) > MAX_UNPACKED:
        raise SheetRefused("archive_unpacks_too_large")
    return entries


def _broken() -> SheetRefused:
    return SheetRefused("archive_broken")


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """Return what an entry holds; raise ImageRefused for one that is broken or too large."""
    try:
        with archive.open(entry) as stream:
            content = stream.read(MAX_BYTES + 1)
    except Exception as error:
        raise ImageRefused("body") from error
    if len(content) > MAX_BYTES:
        raise ImageRefused("body")
    return content
