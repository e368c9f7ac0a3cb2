"""Take sheets and images in, say what would happen, and begin to apply it."""

import hashlib
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update

from catalog.uploads import queries
from catalog.uploads.models import Upload, UploadArchive
from catalog.uploads.rules import sheet_rows
from mall.kernel.db import hold_turn
from mall.kernel.errors import LimitReached
from mall.kernel.files import quotas
from mall.kernel.files.store import current_private_files
from mall.kernel.ids import new_id
from mall.kernel.sheets import reading
from mall.kernel.sheets.cells import Limits, SheetRefused
from mall.kernel.sheets.working import PUT_OFF
from mall.kernel.text import wording
from mall.kernel.text.wording import Wording
from mall.kernel.uow import UnitOfWork

LIMITS = Limits()
MAX_ARCHIVES, MAX_ARCHIVE_BYTES = 20, 50 * 1024 * 1024
LEASE = timedelta(seconds=90)
MAX_ATTEMPTS = 4


def receive(uow: UnitOfWork, supplier_id: UUID, name: str, content: bytes) -> Upload:
    """Take a sheet in; a worker checks it within seconds.

    Raises SheetRefused for what is neither xlsx nor csv, and LimitReached while 20 are open,
    StorageFull.
    """
    kind = reading.kind_of(content)
    hold_turn(uow.session, "upload", supplier_id)
    if queries.open_count(uow.session, supplier_id) >= sheet_rows.MAX_OPEN_UPLOADS:
        raise LimitReached(limit=sheet_rows.MAX_OPEN_UPLOADS)
    upload_id = new_id()
    key = f"uploads/{supplier_id}/{upload_id}.{kind}"
    quotas.charge(uow, quotas.Owner(quotas.SUPPLIER, supplier_id), key, len(content))
    current_private_files().put(key, content, reading.MEDIA_TYPES[kind])
    upload = Upload(
        id=upload_id,
        supplier_id=supplier_id,
        file_key=key,
        file_name=name,
        digest=hashlib.sha256(content).hexdigest(),
        format=kind,
        state=sheet_rows.WAITING,
        is_large=reading.is_large(content),
        due_at=uow.now,
        created_at=uow.now,
    )
    uow.session.add(upload)
    uow.session.flush()
    return upload


def add_images(uow: UnitOfWork, supplier_id: UUID, upload_id: UUID, content: bytes) -> Upload:
    """Add a zip of images named by SKU code; the sheet is checked again with them.

    Raises UploadBusy, WrongState once it is being applied, SheetRefused, LimitReached, StorageFull.
    """
    if not content.startswith(b"PK\x03\x04"):
        raise SheetRefused("archive_not_zip")
    upload = queries.own_upload(uow.session, supplier_id, upload_id, for_update=True)
    if upload.state == sheet_rows.CHECKING:
        raise sheet_rows.UploadBusy()
    if upload.state != sheet_rows.WAITING:
        sheet_rows.STATES.check(upload.state, sheet_rows.WAITING)
    count = uow.session.scalar(
        select(func.count()).select_from(UploadArchive).where(UploadArchive.upload_id == upload_id)
    )
    if (count or 0) >= MAX_ARCHIVES:
        raise LimitReached(limit=MAX_ARCHIVES)
    archive_id = new_id()
    key = f"uploads/{supplier_id}/{upload_id}-{archive_id}.zip"
    quotas.charge(uow, quotas.Owner(quotas.SUPPLIER, supplier_id), key, len(content))
    current_private_files().put(key, content, "application/zip")
    uow.session.add(UploadArchive(upload_id=upload_id, id=archive_id, file_key=key))
    upload.state, upload.due_at, upload.attempts = sheet_rows.WAITING, uow.now, 0
    upload.is_large = True
    return upload


def begin_applying(
    uow: UnitOfWork, supplier_id: UUID, upload_id: UUID, skips_wrong: bool, is_submitted: bool
) -> Upload:
    """Let a worker apply what was checked, product by product; repeating changes nothing.

    Raises UploadBusy, WrongState, and UploadHasProblems unless what is wrong is to be skipped.
    """
    upload = queries.own_upload(uow.session, supplier_id, upload_id, for_update=True)
    if upload.state in (sheet_rows.APPLYING, sheet_rows.APPLIED):
        return upload
    if upload.state in (sheet_rows.WAITING, sheet_rows.CHECKING):
        raise sheet_rows.UploadBusy()
    sheet_rows.STATES.check(upload.state, sheet_rows.APPLYING)
    wrong = queries.counts(uow.session, upload_id)[sheet_rows.WRONG]
    if wrong and not skips_wrong:
        raise sheet_rows.UploadHasProblems(wrong_count=wrong)
    upload.state, upload.due_at, upload.attempts = sheet_rows.APPLYING, uow.now, 0
    upload.is_large = upload.total_rows > sheet_rows.SMALL_ROWS
    upload.skips_wrong, upload.is_submitted, upload.done_rows = skips_wrong, is_submitted, 0
    return upload


def claim(uow: UnitOfWork, is_large: bool) -> tuple[UUID, str] | None:
    """Take the small or large upload whose turn it is and lease it; return its id and state.

    One that was begun too often without success is given up. None: there is nothing to do.
    """
    upload = queries.due(uow.session, uow.now, is_large)
    if upload is None:
        return None
    upload.attempts += 1
    upload.begun_at, upload.due_at = uow.now, uow.now + LEASE
    if upload.attempts > MAX_ATTEMPTS:
        fail(upload, wording.finding("failed_too_often"))
        return upload.id, sheet_rows.FAILED
    if upload.state == sheet_rows.WAITING:
        upload.state = sheet_rows.CHECKING
    return upload.id, upload.state


def keep(uow: UnitOfWork, upload_id: UUID, **values: Any) -> None:
    """Extend the lease of an upload and note how far it is."""
    _note(uow, upload_id, due_at=uow.now + LEASE, **values)


def release(uow: UnitOfWork, upload_id: UUID, **values: Any) -> None:
    """End the lease of an upload: whoever looks next goes on with it, if anything is left."""
    _note(uow, upload_id, due_at=uow.now, attempts=0, **values)


def hand_on(uow: UnitOfWork, upload: Upload) -> None:
    """Let a small upload go on among the large ones, and a large one when there is time for it."""
    if upload.is_large:
        _note(uow, upload.id, due_at=uow.now + PUT_OFF)
    else:
        release(uow, upload.id, is_large=True)


def _note(uow: UnitOfWork, upload_id: UUID, **values: Any) -> None:
    uow.session.execute(
        update(Upload)
        .where(Upload.id == upload_id)
        .values(**values)
        .execution_options(synchronize_session=False)
    )


def fail(upload: Upload, why: Wording) -> None:
    """End an upload with the reason why its file as a whole cannot be used."""
    upload.state = sheet_rows.FAILED
    upload.problem = {"code": "sheet_refused", "detail_zh": why.zh, "detail_en": why.en}
