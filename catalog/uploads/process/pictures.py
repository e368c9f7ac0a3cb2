"""Images of a sheet: out of zips, named by SKU code, or fetched from addresses."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert

from catalog.media.process import keep_sizes, store_image
from catalog.media.rules import MAX_BYTES, ImageRefused
from catalog.uploads import queries
from catalog.uploads.models import Upload, UploadArchive, UploadImage
from catalog.uploads.rules.columns import HEADS, Problem, SheetRow
from mall.kernel.files import fetching
from mall.kernel.files.quotas import SUPPLIER, Owner, StorageFull
from mall.kernel.files.store import current_private_files, current_public_files
from mall.kernel.sandbox import pool
from mall.kernel.sandbox.frames import STARVED, Limits
from mall.kernel.settings import current_settings
from mall.kernel.sheets.cells import SheetRefused
from mall.kernel.text import canonical
from mall.kernel.text.wording import Wording, finding
from mall.kernel.uow import reading, unit_of_work

# One run of a job; what is left waits for the next.
RUN_SECONDS = 25
# Pictures that one child is given; it stops sooner when they take long.
BATCH = 20
_EFFORT = Limits(cpu_seconds=8, wall_seconds=20.0)
_ENTRIES = "catalog.media.child.unpacking:send_entries"
_PICTURES = "catalog.media.child.unpacking:send_pictures"
_NAME = re.compile(r"(?P<code>.+?)(?:[-_](?P<position>\d{1,2}))?\.(?:jpe?g|png|webp)", re.I)


@dataclass(frozen=True)
class Entry:
    """A file in a zip: where it stands there, its name, checksum and size."""

    place: int
    name: str
    checksum: int
    size: int

    @property
    def source(self) -> str:
        """Return what it is known by: a corrected image of the same name is another one."""
        return f"zip:{self.checksum:08x}:{self.name}"[:600]

    @property
    def is_by_the_way(self) -> bool:
        """Tell whether it is something that a machine put there by itself."""
        return self.name.startswith("__MACOSX/") or self.name.rpartition("/")[2].startswith(".")

    @property
    def stands_for(self) -> tuple[str, int] | None:
        return _place(self.name)


def unpack(upload: Upload) -> bool:
    """Store the images of every zip that is not unpacked; what is no image is noted.

    `CODE.jpg`, `CODE-2.png` or `CODE/1.webp`: the first image of a SKU or a product, the second.
    Returns False where the time of one run was over first: the next goes on. Raises SheetRefused
    for a zip that cannot be read or is too large when unpacked.
    """
    with reading() as session:
        waiting = [each for each in queries.archives(session, upload.id) if not each.is_unpacked]
        session.expunge_all()
    ends = time.monotonic() + RUN_SECONDS
    for archive in waiting:
        if not _unpack(upload, current_private_files().get(archive.file_key), ends):
            return False
        with unit_of_work() as uow:
            uow.session.execute(
                update(UploadArchive)
                .where(UploadArchive.upload_id == upload.id, UploadArchive.id == archive.id)
                .values(is_unpacked=True)
            )
    return True


def _unpack(upload: Upload, content: bytes, ends: float) -> bool:
    outcome = pool.read(_ENTRIES, content, {}, _EFFORT)
    if outcome.refusal is not None:
        raise SheetRefused(outcome.refusal.reason, **outcome.refusal.details)
    if outcome.ending == STARVED:
        raise pool.FilesBusy()
    if not outcome.is_done:
        raise SheetRefused("archive_unreadable")
    waiting = _sorted_out(upload.id, [_entry(piece) for piece in outcome.pieces()])
    while waiting:
        if time.monotonic() > ends:
            return False
        waiting = waiting[_store(upload, content, waiting[:BATCH]) :]
    return True


def _entry(piece: Any) -> Entry:
    place, name, checksum, size = piece
    return Entry(int(place), str(name).replace("\\", "/"), int(checksum), int(size))


def _sorted_out(upload_id: UUID, entries: list[Entry]) -> list[Entry]:
    """Return the pictures that are still to be read; note what cannot be one by its name or size."""
    with reading() as session:
        known = {image.source for image in queries.images(session, upload_id)}
    waiting = []
    for entry in sorted(entries, key=lambda each: each.name):
        if entry.source in known or entry.is_by_the_way:
            continue
        if entry.stands_for is None:
            _keep(upload_id, entry, None, finding("image_name_wrong"))
        elif entry.size > MAX_BYTES:
            _keep(upload_id, entry, None, finding("image_too_large"))
        else:
            waiting.append(entry)
    return waiting


def _store(upload: Upload, content: bytes, batch: list[Entry]) -> int:
    """Keep the images that a child makes of these entries; return of how many something is known."""
    by_place = {entry.place: entry for entry in batch}
    options = {"places": list(by_place)}
    outcome = pool.read(_PICTURES, content, options, _EFFORT)
    if outcome.ending == STARVED:
        raise pool.FilesBusy()
    begun, done, made = None, 0, list[bytes]()
    for piece in outcome.pieces():
        if isinstance(piece, bytes):
            made.append(piece)
            continue
        [(what, place)] = piece.items()
        begun = by_place[place] if what == "begins" else None
        if what != "begins":
            done += 1
            _keep_or_note(upload, by_place[place], made if what == "done" else [])
        made = []
    if not outcome.is_done:
        # The child ended over this one.
        begun = begun or batch[done] if done < len(batch) else None
        if begun is not None:
            done += 1
            _keep(upload.id, begun, None, finding("image_too_complex"))
    return max(done, 1)


def _keep_or_note(upload: Upload, entry: Entry, made: list[bytes]) -> None:
    try:
        if not made:
            raise ImageRefused("body")
        url = keep_sizes(current_public_files(), made, _owner(upload)).large
    except (ImageRefused, StorageFull) as refused:
        _keep(upload.id, entry, None, refused.wording)
    else:
        _keep(upload.id, entry, url, None)


def _owner(upload: Upload) -> Owner:
    return Owner(SUPPLIER, upload.supplier_id)


def _place(name: str) -> tuple[str, int] | None:
    """Return the SKU code and the place that a name stands for."""
    folder, _, last = name.rpartition("/")
    inside = re.fullmatch(r"(\d{1,2})\.(?:jpe?g|png|webp)", last, re.I)
    if folder and inside:
        return canonical.code(folder.rpartition("/")[2]), int(inside.group(1))
    match = _NAME.fullmatch(last)
    if match is None:
        return None
    return canonical.code(match.group("code")), int(match.group("position") or 1)


def _keep(upload_id: UUID, entry: Entry, url: str | None, problem: Wording | None) -> None:
    told = problem.zh if problem else None
    _write(upload_id, entry.source, entry.stands_for or ("", 0), (url, told))


def _write(
    upload_id: UUID, source: str, place: tuple[str, int], found: tuple[str | None, str | None]
) -> None:
    url, problem = found
    row = {
        "upload_id": upload_id,
        "source": source[:600],
        "sku_code": place[0][:64],
        "position": place[1],
        "url": url,
        "problem": problem,
    }
    with unit_of_work() as uow:
        statement = insert(UploadImage).values(row)
        uow.session.execute(
            statement.on_conflict_do_update(
                index_elements=["upload_id", "source"], set_={"url": url, "problem": problem}
            )
        )


def needs_fetching(rows: Sequence[SheetRow]) -> bool:
    """Tell whether images are to be fetched from addresses, which takes as long as their hosts do."""
    return current_settings().fetch_images and any(row.values.get("image_urls") for row in rows)


def fetch(upload: Upload, rows: Sequence[SheetRow]) -> bool:
    """Fetch the images that rows name by address, each once; note what cannot be had at its cell.

    Off unless MALL_FETCH_IMAGES says otherwise: then every address is a problem of its cell.
    Returns False where the time of one run was over first: the next goes on.
    """
    if not current_settings().fetch_images:
        for row in rows:
            if row.values.get("image_urls"):
                _complain(row, finding("image_urls_off"))
        return True
    with reading() as session:
        known = {image.source: image.problem for image in queries.images(session, upload.id)}
    ends = time.monotonic() + RUN_SECONDS
    for row in rows:
        for position, url in enumerate(row.values.get("image_urls", ()), start=1):
            source = f"url:{row.number}:{url}"[:600]
            if source not in known:
                if time.monotonic() > ends:
                    return False
                place = (row.values.get("sku_code", "")[:64], position)
                known[source] = _fetch(upload, source, url, place)
            if known[source]:
                _complain(row, finding("image_not_fetched", position=position, why=known[source]))
    return True


def _fetch(upload: Upload, source: str, url: str, place: tuple[str, int]) -> str | None:
    """Keep one image; return what is wrong with it, or None."""
    try:
        stored = store_image(current_public_files(), fetching.fetch(url, MAX_BYTES), _owner(upload))
    except (fetching.FetchRefused, ImageRefused, StorageFull) as refused:
        problem = refused.sentence("zh")
        _write(upload.id, source, place, (None, problem))
        return problem
    _write(upload.id, source, place, (stored.large, None))
    return None


def _complain(row: SheetRow, told: Wording) -> None:
    [head] = HEADS["image_urls"]
    row.problems.append(Problem(row.addresses["image_urls"], head, told))
