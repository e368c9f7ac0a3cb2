"""Read uploads, their items and what rows refer to."""

from collections import Counter
from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import case, func, select, update
from sqlalchemy.orm import Session, aliased

from catalog.products.models import Product, Sku
from catalog.products.queries import products
from catalog.stock import queries as stock_queries
from catalog.suppliers import queries as supplier_queries
from catalog.uploads.models import Upload, UploadArchive, UploadImage, UploadItem
from catalog.uploads.rules import columns, sheet_rows
from mall.kernel.errors import NotFound
from mall.kernel.sheets.working import TURN
from mall.kernel.text import canonical
from mall.kernel.text.wording import finding
from mall.members import queries as member_queries


def own_upload(
    session: Session, supplier_id: UUID, upload_id: UUID, for_update: bool = False
) -> Upload:
    """Return a supplier's own upload; raises NotFound if it is someone else's."""
    query = select(Upload).where(Upload.id == upload_id, Upload.supplier_id == supplier_id)
    upload = session.scalars(query.with_for_update() if for_update else query).first()
    if upload is None:
        raise NotFound("upload")
    return upload


def own_uploads(
    session: Session, supplier_id: UUID, cursor: UUID | None, limit: int
) -> list[Upload]:
    """Return a supplier's uploads, newest first, one more than `limit` if there are more."""
    query = select(Upload).where(Upload.supplier_id == supplier_id)
    if cursor is not None:
        query = query.where(Upload.id < cursor)
    return list(session.scalars(query.order_by(Upload.id.desc()).limit(limit + 1)))


def open_count(session: Session, supplier_id: UUID) -> int:
    """Return how many uploads of a supplier are being worked on."""
    query = select(func.count()).select_from(Upload)
    query = query.where(Upload.supplier_id == supplier_id, Upload.state.in_(sheet_rows.OPEN))
    return session.scalar(query) or 0


def counts(session: Session, upload_id: UUID) -> dict[str, int]:
    """Return how many products of an upload are of each action, and how many failed to apply."""
    rows = session.execute(
        select(UploadItem.action, UploadItem.state, func.count())
        .where(UploadItem.upload_id == upload_id)
        .group_by(UploadItem.action, UploadItem.state)
    )
    found = dict.fromkeys((*sheet_rows.ACTIONS, "failed"), 0)
    for action, state, count in rows:
        found["failed" if state == "failed" else action] += count
    return found


def items(
    session: Session, upload_id: UUID, action: str | None, after: int | None, limit: int
) -> list[UploadItem]:
    """Return an upload's products in the order of the sheet, one more than `limit` if more."""
    query = select(UploadItem).where(UploadItem.upload_id == upload_id)
    if action == "failed":
        query = query.where(UploadItem.state == "failed")
    elif action is not None:
        query = query.where(UploadItem.action == action)
    if after is not None:
        query = query.where(UploadItem.position > after)
    return list(session.scalars(query.order_by(UploadItem.position).limit(limit + 1)))


def problems(session: Session, upload_id: UUID) -> list[dict[str, str]]:
    """Return every problem of an upload's cells."""
    query = select(UploadItem.problems).where(
        UploadItem.upload_id == upload_id, func.jsonb_array_length(UploadItem.problems) > 0
    )
    return [problem for found in session.scalars(query) for problem in found]


def archives(session: Session, upload_id: UUID) -> list[UploadArchive]:
    """Return an upload's zips of images, in the order in which they came."""
    query = select(UploadArchive).where(UploadArchive.upload_id == upload_id)
    return list(session.scalars(query.order_by(UploadArchive.id)))


def images(session: Session, upload_id: UUID) -> list[UploadImage]:
    """Return an upload's images by SKU code and place."""
    query = select(UploadImage).where(UploadImage.upload_id == upload_id)
    return list(session.scalars(query.order_by(UploadImage.sku_code, UploadImage.position)))


def image_problems(session: Session, upload_id: UUID, limit: int = 500) -> list[dict[str, str]]:
    """Return which files of an upload's zips are no images, and why."""
    query = (
        select(UploadImage.source, UploadImage.problem)
        .where(
            UploadImage.upload_id == upload_id,
            UploadImage.problem.is_not(None),
            UploadImage.source.startswith("zip:"),
        )
        .order_by(UploadImage.source)
        .limit(limit)
    )
    rows = session.execute(query)
    # The source is zip:checksum:name.
    return [{"name": row[0].split(":", 2)[2], "text": str(row[1])} for row in rows]


def is_applied_before(session: Session, upload: Upload) -> bool:
    """Tell whether the very same file was applied before."""
    query = select(Upload.id).where(
        Upload.supplier_id == upload.supplier_id,
        Upload.digest == upload.digest,
        Upload.state.in_([sheet_rows.APPLIED, sheet_rows.APPLYING]),
        Upload.id != upload.id,
    )
    return session.scalars(query.limit(1)).first() is not None


def category_paths(session: Session) -> dict[str, UUID]:
    """Return every category by its path of names."""
    found: dict[str, UUID] = {}

    def walk(nodes: list[dict[str, Any]], above: str) -> None:
        for node in nodes:
            path = f"{above}{columns.escaped(node['name'], columns.LEVELS)}"
            found[path] = node["id"]
            walk(node["children"], f"{path}/")

    walk(products.category_tree(session), "")
    return found


def template_names(session: Session, supplier_id: UUID) -> dict[UUID, str]:
    """Return how sheets name a supplier's freight templates: of namesakes, each with its number.

    Names are unique since they are compared by their key; older ones may look alike.
    """
    found = supplier_queries.templates_of(session, supplier_id)
    counts = Counter(canonical.key(each.name) for each in found)
    return {
        each.id: each.name
        if counts[canonical.key(each.name)] == 1
        else f"{each.name} #{str(each.id)[-12:]}"
        for each in found
    }


def known(
    session: Session, upload: Upload, groups: Collection[sheet_rows.Group]
) -> sheet_rows.Known:
    """Return what the rows of an upload refer to."""
    shown: dict[str, list[str]] = {}
    for image in images(session, upload.id):
        if image.url is not None:
            shown.setdefault(image.sku_code, []).append(image.url)
    sku_codes = [r.values["sku_code"] for g in groups for r in g.rows if "sku_code" in r.values]
    codes = [each.product_code for each in groups]
    by_sku: dict[str, UUID] = {}
    by_code: dict[str, UUID] = {}
    for start in range(0, max(len(sku_codes), len(codes)), 5000):
        part = sku_codes[start : start + 5000]
        query = select(Sku.code, Sku.product_id).where(
            Sku.supplier_id == upload.supplier_id, Sku.code.in_(part)
        )
        by_sku |= {row[0]: row[1] for row in session.execute(query)}
        owned = select(Product.source_id, Product.id).where(
            Product.supplier_id == upload.supplier_id,
            Product.source_id.in_(codes[start : start + 5000]),
        )
        by_code |= {str(row[0]): row[1] for row in session.execute(owned)}
    return sheet_rows.Known(
        categories={
            sheet_rows.path_key(path): each for path, each in category_paths(session).items()
        },
        templates={
            canonical.key(name): key
            for key, name in template_names(session, upload.supplier_id).items()
        },
        regions=member_queries.region_codes(session),
        images={code: tuple(urls) for code, urls in shown.items()},
        by_sku=by_sku,
        by_code=by_code,
    )


def on_hand(session: Session, product_ids: Collection[UUID]) -> dict[tuple[UUID, str], int]:
    """Return how many there are of each SKU of these products, by product and code."""
    query = select(Sku.id, Sku.product_id, Sku.code).where(Sku.product_id.in_(product_ids))
    rows = session.execute(query).all()
    levels = stock_queries.levels(session, [row.id for row in rows])
    return {(row.product_id, row.code): levels[row.id][0] for row in rows if row.id in levels}


def note_unclaimed(session: Session, upload_id: UUID, codes: Collection[str]) -> None:
    """Note which pictures of an upload's zips belong to no row of its sheet."""
    told = finding("image_unclaimed").zh
    session.execute(
        update(UploadImage)
        .where(
            UploadImage.upload_id == upload_id,
            UploadImage.url.is_not(None),
            UploadImage.source.startswith("zip:"),
        )
        .values(problem=case((UploadImage.sku_code.in_(codes), None), else_=told))
        .execution_options(synchronize_session=False)
    )


def due(session: Session, now: datetime, is_large: bool) -> Upload | None:
    """Return the upload whose turn it is, locked.

    Suppliers take turns: next is whoever was served longest ago, with what waits longest.
    """
    other = aliased(Upload)
    served = (
        select(func.max(other.begun_at))
        .where(other.supplier_id == Upload.supplier_id, other.begun_at > now - TURN)
        .scalar_subquery()
    )
    return session.scalars(
        select(Upload)
        .where(Upload.state.in_(sheet_rows.OPEN), Upload.due_at <= now, Upload.is_large == is_large)
        .order_by(served.nulls_first(), Upload.due_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).first()


def files_in_force(session: Session, keys: Collection[str], now: datetime) -> set[str]:
    """Return which of these files belong to an upload that is still to be worked on.

    One that nobody applied for a month waits for nobody.
    """
    is_open = Upload.state.in_((*sheet_rows.OPEN, sheet_rows.CHECKED))
    lately = Upload.created_at > now - sheet_rows.LEFT_LYING
    sheets = select(Upload.file_key).where(Upload.file_key.in_(keys), is_open, lately)
    zips = select(UploadArchive.file_key).join(Upload, Upload.id == UploadArchive.upload_id)
    zips = zips.where(UploadArchive.file_key.in_(keys), is_open, lately)
    return {*session.scalars(sheets), *session.scalars(zips)}


def pending(session: Session, upload_id: UUID, skips: bool) -> list[int]:
    """Return the positions of the products that are still to be applied."""
    query = select(UploadItem.position).where(
        UploadItem.upload_id == upload_id, UploadItem.state == "pending"
    )
    if skips:
        query = query.where(UploadItem.action != sheet_rows.WRONG)
    return list(session.scalars(query.order_by(UploadItem.position)))


def sku_ids(session: Session, product_ids: Collection[UUID]) -> dict[str, UUID]:
    """Return the SKUs of some products of one supplier, by code."""
    query = select(Sku.code, Sku.id).where(Sku.product_id.in_(product_ids))
    return {row[0]: row[1] for row in session.execute(query)}
