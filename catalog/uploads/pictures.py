"""Images of a sheet: out of zips, named by SKU code, or fetched from addresses."""

import io
import re
import zipfile
import zlib
from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert

from catalog.media.images import MAX_BYTES, ImageRefused, store_image
from catalog.uploads import queries
from catalog.uploads.columns import Problem, SheetRow
from catalog.uploads.models import Upload, UploadArchive, UploadImage
from mall.kernel.files import fetching
from mall.kernel.files.store import current_files
from mall.kernel.settings import current_settings
from mall.kernel.sheets.cells import SheetRefused
from mall.kernel.uow import reading, unit_of_work

MAX_ENTRIES, MAX_UNPACKED = 5_000, 1024 * 1024 * 1024
_NAME = re.compile(r"(?P<code>.+?)(?:[-_](?P<position>\d{1,2}))?\.(?:jpe?g|png|webp)", re.I)


def unpack(upload: Upload) -> None:
    """Store the images of every zip that is not unpacked; what is no image is noted.

    `CODE.jpg`, `CODE-2.png` or `CODE/1.webp`: the first image of a SKU or a product, the second.
    Raises SheetRefused for a zip that cannot be read or is too large when unpacked.
    """
    with reading() as session:
        waiting = [each for each in queries.archives(session, upload.id) if not each.is_unpacked]
        session.expunge_all()
    for archive in waiting:
        problems = _unpack(upload.id, current_files().get(archive.file_key))
        with unit_of_work() as uow:
            uow.session.execute(
                update(UploadArchive)
                .where(UploadArchive.upload_id == upload.id, UploadArchive.id == archive.id)
                .values(is_unpacked=True, problems=problems[:500])
            )


def _unpack(upload_id: UUID, content: bytes) -> list[dict[str, str]]:
    problems = []
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = [each for each in archive.infolist() if not each.is_dir()]
            if len(entries) > MAX_ENTRIES:
                raise SheetRefused(
                    f"压缩包里不能超过 {MAX_ENTRIES} 个文件。", f"At most {MAX_ENTRIES} files."
                )
            if sum(entry.file_size for entry in entries) > MAX_UNPACKED:
                raise SheetRefused("压缩包解压后过大。", "The archive is too large when unpacked.")
            for entry in sorted(entries, key=lambda each: each.filename):
                text = _store(upload_id, archive, entry)
                if text:
                    problems.append({"name": entry.filename[:200], "text": text})
    except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, NotImplementedError) as error:
        raise SheetRefused(
            "图片压缩包损坏或已加密，无法读取。", "The archive is broken or encrypted."
        ) from error
    return problems


def _store(upload_id: UUID, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> str | None:
    """Keep one image; return what is wrong with it, or None."""
    name = entry.filename.replace("\\", "/")
    if name.startswith("__MACOSX/") or name.rpartition("/")[2].startswith("."):
        return None
    place = _place(name)
    if place is None:
        return "文件名应为 SKU编码.jpg、SKU编码-2.png 等"
    if entry.file_size > MAX_BYTES:
        return "图片不能超过 10 MB"
    try:
        stored = store_image(current_files(), archive.read(entry))
    except ImageRefused as refused:
        return refused.sentence("zh")
    _keep(upload_id, f"zip:{name}", place, stored.large, None)
    return None


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


def fetch(upload: Upload, rows: Iterable[SheetRow]) -> None:
    """Fetch the images that rows name by address, each once; note what cannot be had at its cell.

    Off unless MALL_FETCH_IMAGES says otherwise: then every address is a problem of its cell.
    """
    is_on = current_settings().fetch_images
    with reading() as session:
        known = {image.source for image in queries.images(session, upload.id) if image.url}
    for row in rows:
        urls = row.values.get("image_urls", ())
        wrong = []
        for position, url in enumerate(urls, start=1):
            if not is_on:
                wrong.append("未开启按网址取图，请按 SKU 编码上传图片压缩包")
                break
            source = f"url:{row.number}:{url}"
            if source in known:
                continue
            try:
                stored = store_image(current_files(), fetching.fetch(url, MAX_BYTES))
            except (fetching.FetchRefused, ImageRefused) as refused:
                wrong.append(f"第 {position} 张图片无法获取：{refused.sentence('zh')}")
                continue
            place = (row.values.get("sku_code", ""), position)
            _keep(upload.id, source, place, stored.large, None)
        if wrong:
            text = "；".join(wrong)[:300]
            row.problems.append(Problem(row.addresses["image_urls"], "图片网址", text))
