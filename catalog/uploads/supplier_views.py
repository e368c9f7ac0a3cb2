"""A supplier sends sheets of products, sees what they would do, and lets them do it."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response

from catalog.suppliers.supplier_views import refuse_applicants
from catalog.uploads import papers, queries, service
from catalog.uploads.models import Upload
from catalog.uploads.schemas import (
    ApplyBody,
    ItemsPage,
    ItemsQuery,
    UploadPage,
    UploadQuery,
    UploadReply,
)
from mall.access.guard import current, current_scope_id, open_to_all
from mall.access.rules import SUPPLIER
from mall.approvals.rules import UPLOAD, Subject
from mall.approvals.service import authors
from mall.kernel.uow import UnitOfWork, reading, unit_of_work
from mall.web.fields import PageQuery, page
from mall.web.files import CSV, XLSX, ZIP, attachment, gives_file, sent_file, takes_file

bp = APIBlueprint("uploads", __name__, url_prefix="/v1/supplier", tag="Supplier")
_PLAIN = ("id", "file_name", "state", "total_rows", "done_rows", "problem", "is_submitted")
_TIMES = ("created_at", "checked_at", "applied_at")


def _sign(uow: UnitOfWork, upload_id: UUID) -> None:
    """Write down who touched a sheet: who reviews its products is another person."""
    authors.touch(uow, Subject(UPLOAD, upload_id), authors.signer(uow, current()))


def _summary(upload: Upload) -> dict[str, Any]:
    return {name: getattr(upload, name) for name in (*_PLAIN, *_TIMES)}


def _read(upload_id: UUID) -> dict[str, Any]:
    with reading() as session:
        upload = queries.own_upload(session, current_scope_id(), upload_id)
        return {
            **_summary(upload),
            "counts": queries.counts(session, upload_id),
            "image_problems": queries.image_problems(session, upload_id),
        }


@bp.get("/upload-template")
@gives_file(XLSX)
@bp.doc(summary="Download the product sheet: one row per SKU, drop-down lists, examples")
def read_template() -> Response:
    with reading() as session:
        content = papers.template(session, current_scope_id())
    return attachment(content, XLSX, "商品上传模板.xlsx")


@bp.get("/products.xlsx")
@gives_file(XLSX)
@bp.doc(summary="Download one's own products in the form of the template")
def export_products() -> Response:
    with reading() as session:
        content = papers.own_products(session, current_scope_id())
    return attachment(content, XLSX, "我的商品.xlsx")


@bp.get("/uploads")
@bp.input(PageQuery, location="query")
@bp.output(UploadPage)
@bp.doc(summary="List one's own uploads, newest first")
def list_uploads(query_data: dict[str, Any]) -> dict[str, Any]:
    with reading() as session:
        found = queries.own_uploads(
            session, current_scope_id(), query_data["cursor"], query_data["limit"]
        )
        return page(found, query_data["limit"], _summary)


@bp.post("/uploads")
@open_to_all(SUPPLIER)
@takes_file(XLSX, CSV)
@bp.input(UploadQuery, location="query")
@bp.output(UploadReply, 202)
@bp.doc(
    summary="Send a sheet in: the file as the body; a worker checks it within seconds",
    description="xlsx, or csv in UTF-8 or GB18030; up to 20 MB, 20,000 rows, 100 columns.",
)
def send_sheet(query_data: dict[str, str]) -> dict[str, Any]:
    refuse_applicants()
    content = sent_file(service.LIMITS.bytes)
    with unit_of_work() as uow:
        upload = service.receive(uow, current_scope_id(), query_data["name"], content)
        _sign(uow, upload.id)
        upload_id = upload.id
    return _read(upload_id)


@bp.get("/uploads/<uuid:upload_id>")
@bp.output(UploadReply)
@bp.doc(summary="Read how far an upload is, and what it would do")
def read_upload(upload_id: UUID) -> dict[str, Any]:
    return _read(upload_id)


@bp.get("/uploads/<uuid:upload_id>/items")
@bp.input(ItemsQuery, location="query")
@bp.output(ItemsPage)
@bp.doc(summary="Preview: each product with what would change, or what is wrong with its cells")
def list_items(upload_id: UUID, query_data: dict[str, Any]) -> dict[str, Any]:
    limit = query_data["limit"]
    with reading() as session:
        queries.own_upload(session, current_scope_id(), upload_id)
        found = queries.items(session, upload_id, query_data["action"], query_data["after"], limit)
        names = ("position", "product_code", "title", "row_count", "action", "state")
        more = ("product_id", "changes", "problems")
        shown = [{name: getattr(row, name) for name in (*names, *more)} for row in found[:limit]]
    return {"items": shown, "next_after": shown[-1]["position"] if len(found) > limit else None}


@bp.post("/uploads/<uuid:upload_id>/images")
@open_to_all(SUPPLIER)
@takes_file(ZIP)
@bp.output(UploadReply, 202)
@bp.doc(
    summary="Add a zip of images named by SKU code; the sheet is checked again with them",
    description="`CODE.jpg`, `CODE-2.png` or `CODE/1.webp`; up to 50 MB a zip, 20 zips.",
)
def add_images(upload_id: UUID) -> dict[str, Any]:
    refuse_applicants()
    content = sent_file(service.MAX_ARCHIVE_BYTES)
    with unit_of_work() as uow:
        service.add_images(uow, current_scope_id(), upload_id, content)
        _sign(uow, upload_id)
    return _read(upload_id)


@bp.post("/uploads/<uuid:upload_id>/apply")
@open_to_all(SUPPLIER)
@bp.input(ApplyBody)
@bp.output(UploadReply, 202)
@bp.doc(
    summary="Apply what was checked, each product in a transaction of its own",
    description="Repeating changes nothing; `done_rows` shows how far it is.",
)
def apply(upload_id: UUID, json_data: dict[str, Any]) -> dict[str, Any]:
    with unit_of_work() as uow:
        service.begin_applying(uow, current_scope_id(), upload_id, **json_data)
        _sign(uow, upload_id)
    return _read(upload_id)


@bp.get("/uploads/<uuid:upload_id>/report")
@gives_file(XLSX, CSV)
@bp.doc(summary="Download the uploaded file with a column of messages")
def read_report(upload_id: UUID) -> Response:
    with reading() as session:
        upload = queries.own_upload(session, current_scope_id(), upload_id)
        messages = papers.messages_of(session, upload)
        session.expunge(upload)
    content, kind, name = papers.report(upload, messages)
    return attachment(content, XLSX if kind == "xlsx" else CSV, name)
