"""Images of a sheet: out of zips, named by SKU code, or fetched from addresses."""

import io
import re
import time
import zipfile
import zlib
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert

from catalog.media.images import MAX_BYTES, ImageRefused, store_image
from catalog.uploads import queries
from catalog.uploads.columns import Problem, SheetRow
from catalog.uploads.models import Upload, UploadArchive, UploadImage
from mall.kernel.files import fetching
from mall.kernel.files.store import current_private_files, current_public_files
from mall.kernel.settings import current_settings
from mall.kernel.sheets.cells import SheetRefused
from mall.kernel.uow import reading, unit_of_work

# One run of a job; what is left waits for the next.
RUN_SECONDS = 25
MAX_ENTRIES, MAX_UNPACKED = 5_000, 1024 * 1024 * 1024
_NAME = re.compile(r"(?P<code>.+?)(?:[-_](?P<position>\d{1,2}))?\.(?:jpe?g|png|webp)", re.I)


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
        if not _unpack(upload.id, current_private_files().get(archive.file_key), ends):
            return False
        with unit_of_work() as uow:
            uow.session.execute(
                update(UploadArchive)
                .where(UploadArchive.upload_id == upload.id, UploadArchive.id == archive.id)
                .values(is_unpacked=True)
            )
    return True


def _unpack(upload_id: UUID, content: bytes, ends: float) -> bool:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = [each for each in archive.infolist() if not each.is_dir()]
            if len(entries) > MAX_ENTRIES:
                raise SheetRefused(
                    f"压缩包里不能超过 {MAX_ENTRIES} 个文件。", f"At most {MAX_ENTRIES} files."
                )
            if sum(entry.file_size for entry in entries) > MAX_UNPACKED:
                raise SheetRefused("压缩包解压后过大。", "The archive is too large when unpacked.")
            return _store_all(upload_id, archive, entries, ends)
    except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, NotImplementedError) as error:
        raise SheetRefused(
            "图片压缩包损坏或已加密，无法读取。", "The archive is broken or encrypted."
        ) from error


def _store_all(
    upload_id: UUID, archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], ends: float
) -> bool:
    with reading() as session:
        known = {image.source for image in queries.images(session, upload_id)}
    for entry in sorted(entries, key=lambda each: each.filename):
        if _source(entry) in known:
            continue
        if time.monotonic() > ends:
            return False
        _store(upload_id, archive, entry)
    return True


def _source(entry: zipfile.ZipInfo) -> str:
    # A corrected image of the same name is another one.
    return f"zip:{entry.CRC:08x}:{entry.filename}"[:600]


def _store(upload_id: UUID, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    """Keep one image, or note what is wrong with it."""
    name = entry.filename.replace("\\", "/")
    if name.startswith("__MACOSX/") or name.rpartition("/")[2].startswith("."):
        return
    place, url, problem = _place(name), None, None
    if place is None:
        problem = "文件名应为 SKU编码.jpg、SKU编码-2.png 等"
    elif entry.file_size > MAX_BYTES:
        problem = "图片不能超过 10 MB"
    else:
        try:
            url = store_image(current_public_files(), archive.read(entry)).large
        except ImageRefused as refused:
            problem = refused.sentence("zh")
    _keep(upload_id, _source(entry), place or ("", 0), url, problem)


def _place(name: str) -> tuple[str, int] | None:
    """Return the SKU code and the place that a name stands for."""
    folder, _, last = name.rpartition("/")
    inside = re.fullmatch(r"(\d{1,2})\.(?:jpe?g|png|webp)", last, re.I)
    if folder and inside:
        return folder.rpartition("/")[2], int(inside.group(1))
    match = _NAME.fullmatch(last)
    if match is None:
        return None
    return match.group("code"), int(match.group("position") or 1)


def _keep(
    upload_id: UUID, source: str, place: tuple[str, int], url: str | None, problem: str | None
) -> None:
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


def fetch(upload: Upload, rows: Sequence[SheetRow]) -> bool:
    """Fetch the images that rows name by address, each once; note what cannot be had at its cell.

    Off unless MALL_FETCH_IMAGES says otherwise: then every address is a problem of its cell.
    Returns False where the time of one run was over first: the next goes on.
    """
    if not current_settings().fetch_images:
        for row in rows:
            if row.values.get("image_urls"):
                _complain(row, "未开启按网址取图，请按 SKU 编码上传图片压缩包")
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
                known[source] = _fetch(upload.id, source, url, place)
            if known[source]:
                _complain(row, f"第 {position} 张图片无法获取：{known[source]}")
    return True


def _fetch(upload_id: UUID, source: str, url: str, place: tuple[str, int]) -> str | None:
    """Keep one image; return what is wrong with it, or None."""
    try:
        stored = store_image(current_public_files(), fetching.fetch(url, MAX_BYTES))
    except (fetching.FetchRefused, ImageRefused) as refused:
        problem = refused.sentence("zh")
        _keep(upload_id, source, place, None, problem)
        return problem
    _keep(upload_id, source, place, stored.large, None)
    return None


def _complain(row: SheetRow, text: str) -> None:
    row.problems.append(Problem(row.addresses["image_urls"], "图片网址", text[:300]))
