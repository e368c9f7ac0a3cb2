"""Apply what was checked, each product in a transaction of its own."""

from uuid import UUID

import psycopg
import structlog
from sqlalchemy import select, update

from catalog.products import rules as product_rules
from catalog.products.service import editing
from catalog.stock import service as stock_service
from catalog.uploads import queries
from catalog.uploads.models import Upload, UploadItem
from catalog.uploads.rules import sheet_rows
from catalog.uploads.service import keep, release
from mall.approvals.rules import PRODUCT, UPLOAD, Subject
from mall.approvals.service import authors
from mall.kernel import clock
from mall.kernel.errors import DomainError
from mall.kernel.text.wording import Wording, finding
from mall.kernel.together import DeferredWrite, WriteFragment
from mall.kernel.uow import UnitOfWork, reading, unit_of_work

log = structlog.get_logger(__name__)
# One run of a job; what is left waits for the next.
RUN_SECONDS = 40
CHUNK = 200

# Only whoever finds the item pending may do what it says.
_DONE = WriteFragment(
    "upload_item",
    """
    item_done AS (
        UPDATE upload_item SET state = 'done', product_id = :item_product_id
        WHERE upload_id = :item_upload_id AND position = :item_position AND state = 'pending'
        RETURNING 1
    )""",
    "(SELECT count(*) FROM item_done) = 1",
)


class AppliedElsewhere(DomainError):
    code = "upload_item_applied"


def apply(upload_id: UUID) -> None:
    """Apply an upload that this process has claimed, for as long as one run may take.

    Interrupted anywhere, the next run goes on; a product that cannot be applied is noted, and
    the others go on.
    """
    with reading() as session:
        upload = session.get_one(Upload, upload_id)
        session.expunge(upload)
        positions = queries.pending(session, upload_id, upload.skips_wrong)
    chunks = [positions[start : start + CHUNK] for start in range(0, len(positions), CHUNK)]
    for chunk in clock.within(RUN_SECONDS, chunks):
        with reading() as session:
            items = list(
                session.scalars(
                    select(UploadItem)
                    .where(UploadItem.upload_id == upload_id, UploadItem.position.in_(chunk))
                    .order_by(UploadItem.position)
                )
            )
            session.expunge_all()
        for item in items:
            _apply_one(upload, item)
        rows = sum(item.row_count for item in items)
        with unit_of_work() as uow:
            keep(uow, upload_id, done_rows=Upload.done_rows + rows)
    _end_run(upload)


def _apply_one(upload: Upload, item: UploadItem) -> None:
    try:
        with unit_of_work() as uow:
            if item.action == sheet_rows.CREATE:
                _create(uow, upload, item)
            elif item.action == sheet_rows.CHANGE:
                _change(uow, upload, item)
            else:
                assert item.product_id is not None
                _inherit(uow, item, item.product_id)
                uow.defer(_done(item, item.product_id))
    except AppliedElsewhere:
        return
    except psycopg.errors.UniqueViolation:
        _fail(item, finding("code_taken_meanwhile"))
    except DomainError as error:
        _fail(item, error.wording)


def _create(uow: UnitOfWork, upload: Upload, item: UploadItem) -> None:
    assert item.content is not None
    form = product_rules.form_of({**item.content, "source_id": item.product_code})
    prepared = editing.prepare(
        uow,
        upload.supplier_id,
        form,
        product_rules.IN_REVIEW if upload.is_submitted else product_rules.DRAFT,
    )
    quantities = {prepared.sku_ids[code]: count for code, count in item.stock.items()}
    _inherit(uow, item, prepared.product_id)
    uow.defer(prepared.write)
    if quantities:
        uow.defer(stock_service.stocking(quantities, _reference(upload), uow.now))
    uow.defer(_done(item, prepared.product_id))


def _change(uow: UnitOfWork, upload: Upload, item: UploadItem) -> None:
    assert item.content is not None and item.product_id is not None
    held = uow.session.scalars(
        select(UploadItem.state)
        .where(UploadItem.upload_id == item.upload_id, UploadItem.position == item.position)
        .with_for_update()
    ).one()
    if held != "pending":
        raise AppliedElsewhere()
    form = product_rules.form_of({**item.content, "source_id": item.product_code})
    editing.change_product(uow, upload.supplier_id, item.product_id, form, None)
    if upload.is_submitted:
        editing.submit_draft(uow, upload.supplier_id, item.product_id)
    skus = queries.sku_ids(uow.session, [item.product_id]) if item.stock else {}
    for code, count in sorted(item.stock.items()):
        # A new SKU of a product on sale is stocked once a reviewer lets it in.
        if code in skus:
            stock_service.set_on_hand(uow, skus[code], count, "import", _reference(upload))
    _inherit(uow, item, item.product_id)
    uow.defer(_done(item, item.product_id))


def _reference(upload: Upload) -> str:
    return f"upload:{upload.id}"


def _inherit(uow: UnitOfWork, item: UploadItem, product_id: UUID) -> None:
    """Who touched the upload touched the product."""
    authors.pass_on(uow, Subject(UPLOAD, item.upload_id), Subject(PRODUCT, product_id))


def _done(item: UploadItem, product_id: UUID) -> DeferredWrite:
    values = {
        "item_upload_id": item.upload_id,
        "item_position": item.position,
        "item_product_id": product_id,
    }
    return DeferredWrite(_DONE, values, AppliedElsewhere())


def _fail(item: UploadItem, why: Wording) -> None:
    problem = {"cell": "", "column": "", "text": why.zh}
    with unit_of_work() as uow:
        uow.session.execute(
            update(UploadItem)
            .where(
                UploadItem.upload_id == item.upload_id,
                UploadItem.position == item.position,
                UploadItem.state == "pending",
            )
            .values(state="failed", problems=[problem])
            .execution_options(synchronize_session=False)
        )


def _end_run(upload: Upload) -> None:
    with unit_of_work() as uow:
        is_done = not queries.pending(uow.session, upload.id, upload.skips_wrong)
        ends = {"state": sheet_rows.APPLIED, "applied_at": uow.now} if is_done else {}
        release(uow, upload.id, **ends)
    if is_done:
        log.info("upload_applied", upload_id=str(upload.id))
