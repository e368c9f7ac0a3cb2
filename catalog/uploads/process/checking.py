"""Read a sheet, find every problem, and write down what would become of each product."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert

from catalog.media import service as media_service
from catalog.products import rules as product_rules
from catalog.products.service import describing
from catalog.stock import queries as stock_queries
from catalog.uploads import queries
from catalog.uploads.models import Upload, UploadItem
from catalog.uploads.process import pictures
from catalog.uploads.rules import columns, sheet_rows
from catalog.uploads.rules.sheet_rows import Group
from catalog.uploads.service import LIMITS, fail, hand_on, keep, release
from mall.kernel.files.store import current_private_files
from mall.kernel.sandbox.pool import FilesBusy
from mall.kernel.sheets.cells import SheetRefused
from mall.kernel.sheets.reading import LARGE, SMALL, Effort, SheetTooDemanding, read_rows
from mall.kernel.uow import UnitOfWork, reading, unit_of_work

CHUNK = 500


def check(upload_id: UUID) -> None:
    """Check an upload that this process has claimed: it ends checked, or failed as a whole.

    What an interrupted check left behind is done anew.
    """
    with reading() as session:
        upload = session.get(Upload, upload_id)
        assert upload is not None
        session.expunge(upload)
    try:
        if not pictures.unpack(upload):
            return _go_on_later(upload_id)
        content = current_private_files().get(upload.file_key)
        rows = _read(content, LARGE if upload.is_large else SMALL)
        if not upload.is_large and pictures.needs_fetching(rows):
            return _hand_on(upload)
        if not pictures.fetch(upload, rows):
            return _go_on_later(upload_id)
    except FilesBusy:
        return _hand_on(upload)
    except SheetRefused as refused:
        if isinstance(refused, SheetTooDemanding) and not upload.is_large:
            return _hand_on(upload)
        with unit_of_work() as uow:
            held = uow.session.get_one(Upload, upload_id)
            fail(held, refused.wording)
        return
    groups = sheet_rows.group(rows)
    with reading() as session:
        known = queries.known(session, upload, groups)
    for found in groups:
        sheet_rows.build(found, known)
        _clean(found)
    _write(upload, groups, len(rows))


def _go_on_later(upload_id: UUID) -> None:
    """Leave the rest of the images to the next run, which may begin at once."""
    with unit_of_work() as uow:
        release(uow, upload_id)


def _hand_on(upload: Upload) -> None:
    with unit_of_work() as uow:
        hand_on(uow, upload)


def _read(content: bytes, effort: Effort) -> list[columns.SheetRow]:
    rows = read_rows(content, LIMITS, columns.SHEET, effort)
    head = next(rows, None)
    if head is None:
        raise SheetRefused("sheet_empty")
    found, unknown, missing = columns.heads(head)
    if missing:
        names = "、".join(missing)
        raise SheetRefused("columns_missing", names=names)
    if unknown:
        names = "、".join(unknown[:10])
        raise SheetRefused("columns_unknown", names=names)
    read = [columns.read_row(row, found) for row in rows]
    if not read:
        raise SheetRefused("sheet_without_products")
    return read


def _clean(found: Group) -> None:
    if found.form is not None and found.form.description:
        description = media_service.clean(found.form.description)
        found.form = product_rules.ProductForm(**{**vars(found.form), "description": description})


def _write(upload: Upload, groups: list[Group], total: int) -> None:
    with unit_of_work() as uow:
        uow.session.execute(delete(UploadItem).where(UploadItem.upload_id == upload.id))
        codes = {
            row.values["sku_code"] for g in groups for row in g.rows if "sku_code" in row.values
        }
        codes |= {found.product_code for found in groups}
        queries.note_unclaimed(uow.session, upload.id, codes)
        keep(uow, upload.id, total_rows=total, done_rows=0)
    with reading() as session:
        is_repeated = queries.is_applied_before(session, upload)
    done = 0
    for start in range(0, len(groups), CHUNK):
        chunk = groups[start : start + CHUNK]
        with unit_of_work() as uow:
            rows = _items(uow, upload.id, chunk, is_repeated)
            uow.session.execute(
                insert(UploadItem), [{**row, "position": start + n} for n, row in enumerate(rows)]
            )
            done += sum(len(found.rows) for found in chunk)
            keep(uow, upload.id, done_rows=done)
            uow.session.expunge_all()
    with unit_of_work() as uow:
        release(uow, upload.id, state=sheet_rows.CHECKED, checked_at=uow.now)


def _items(
    uow: UnitOfWork, upload_id: UUID, groups: list[Group], is_repeated: bool
) -> Iterator[dict[str, Any]]:
    ids = [found.product_id for found in groups if found.product_id is not None]
    live = describing.live_forms(uow.session, ids) if ids else {}
    skus = queries.sku_ids(uow.session, ids)
    levels = stock_queries.levels(uow.session, list(skus.values())) if skus else {}
    stocked = {code: levels[sku_id][0] for code, sku_id in skus.items() if sku_id in levels}
    for found in groups:
        yield {
            "upload_id": upload_id,
            "product_code": found.product_code[:64],
            "row_count": len(found.rows),
            "state": "pending",
            "product_id": found.product_id,
            "problems": [problem.shown() for problem in found.problems],
            **_plan(found, live, stocked, is_repeated),
        }


def _plan(
    found: Group, live: dict[UUID, Any], stocked: dict[str, int], is_repeated: bool
) -> dict[str, Any]:
    title = next((row.values["title"] for row in found.rows if "title" in row.values), "")
    plan: dict[str, Any] = {"title": title, "content": None, "stock": {}, "changes": []}
    form = found.form
    if form is None:
        return {**plan, "action": sheet_rows.WRONG}
    counted = {} if is_repeated else found.stocktakes
    first = {
        sku.code: sku.stock
        for sku in form.skus
        if sku.stock is not None and sku.code not in stocked
    }
    quantities = {
        **first,
        **{code: count for code, count in counted.items() if stocked.get(code) != count},
    }
    plan |= {"content": product_rules.content_of(form), "stock": quantities}
    if found.product_id is None:
        return {**plan, "action": sheet_rows.CREATE}
    before = live[found.product_id][1]
    wanted = sheet_rows.kept_images(form, before)
    plan["content"] = product_rules.content_of(wanted)
    changes = [
        asdict(c)
        for c in product_rules.differences(product_rules.content_of(before), plan["content"])
    ]
    changes += [
        {"field": f"skus.{code}.stock", "before": stocked.get(code), "after": count}
        for code, count in quantities.items()
    ]
    plan["changes"] = changes[: sheet_rows.MAX_SHOWN_CHANGES]
    return {**plan, "action": sheet_rows.CHANGE if changes else sheet_rows.SAME}
