"""Read applications and qualifications."""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Executable, func, or_, select
from sqlalchemy.orm import Session

from catalog.onboarding import rules
from catalog.onboarding.models import Qualification, SupplierApplication, SupplierDocument
from catalog.suppliers import rules as supplier_rules
from catalog.suppliers.models import Supplier
from mall.kernel.clock import beijing_day
from mall.kernel.errors import NotFound


def is_valid(on: date) -> ColumnElement[bool]:
    """Return the condition that a qualification is approved and holds on a day."""
    q = Qualification
    return is_still_good(on) & (q.valid_from <= on)


def own_document(session: Session, supplier_id: UUID, document_id: UUID) -> SupplierDocument:
    """Return a supplier's own document; raises NotFound if it is someone else's."""
    row = session.get(SupplierDocument, document_id)
    if row is None or row.supplier_id != supplier_id:
        raise NotFound("document", field="document_id")
    return row


def files_in_force(session: Session, keys: Collection[str], now: datetime) -> set[str]:
    """Return which of these files are documents in force.

    Those are what waits for its review, and what proves something today of a supplier that is not
    closed.
    """
    q = Qualification
    query = (
        select(SupplierDocument.file_key)
        .join(q, q.document_id == SupplierDocument.id)
        .join(Supplier, Supplier.id == SupplierDocument.supplier_id)
        .where(
            SupplierDocument.file_key.in_(keys),
            Supplier.state != supplier_rules.CLOSED,
            or_(q.state == rules.IN_REVIEW, is_still_good(beijing_day(now))),
        )
    )
    return set(session.scalars(query))


def is_still_good(on: date) -> ColumnElement[bool]:
    """Return the condition that a qualification is approved and has not ended by a day."""
    q = Qualification
    return (q.state == rules.APPROVED) & (q.valid_until.is_(None) | (q.valid_until >= on))


def get_document(session: Session, document_id: UUID) -> SupplierDocument:
    """Return a document whoever sent it in; raise NotFound."""
    row = session.get(SupplierDocument, document_id)
    if row is None:
        raise NotFound("document")
    return row


def get_qualification(session: Session, qualification_id: UUID) -> Qualification:
    """Return a qualification, locked; raise NotFound."""
    row = session.get(Qualification, qualification_id, with_for_update=True)
    if row is None:
        raise NotFound("qualification")
    return row


def qualifications_of(session: Session, supplier_id: UUID) -> list[Qualification]:
    """Return every qualification of a supplier, the newest first."""
    query = select(Qualification).where(Qualification.supplier_id == supplier_id)
    return list(session.scalars(query.order_by(Qualification.id.desc()).limit(500)))


def holds(session: Session, supplier_id: UUID, kind: str, on: date) -> bool:
    """Tell whether a supplier has a valid qualification of a kind on a day."""
    query = select(Qualification.id).where(
        Qualification.supplier_id == supplier_id, Qualification.kind == kind, is_valid(on)
    )
    return session.scalars(query.limit(1)).first() is not None


def list_qualifications(
    session: Session,
    state: str | None,
    ending_by: date | None,
    after: UUID | None,
    limit: int,
) -> list[tuple[Qualification, str]]:
    """Return qualifications with their suppliers' names, one more than `limit` if there are more.

    `ending_by` keeps the approved ones that end by that day and have no successor that holds
    longer.
    """
    query = select(Qualification, Supplier.name).join(
        Supplier, Supplier.id == Qualification.supplier_id
    )
    if state is not None:
        query = query.where(Qualification.state == state)
    if ending_by is not None:
        query = query.where(_ends_by(ending_by))
    if after is not None:
        query = query.where(Qualification.id < after)
    rows = session.execute(query.order_by(Qualification.id.desc()).limit(limit + 1))
    return [(row[0], row[1]) for row in rows]


def _ends_by(day: date) -> ColumnElement[bool]:
    later = Qualification.__table__.alias("later")
    renewed = (
        select(later.c.id)
        .where(
            later.c.supplier_id == Qualification.supplier_id,
            later.c.kind == Qualification.kind,
            later.c.state == rules.APPROVED,
            or_(later.c.valid_until.is_(None), later.c.valid_until > Qualification.valid_until),
        )
        .exists()
    )
    return (Qualification.state == rules.APPROVED) & (Qualification.valid_until <= day) & ~renewed


def ending(session: Session, on: date, days: int) -> list[tuple[Qualification, str]]:
    """Return qualifications that end within so many days and are not renewed yet."""
    query = (
        select(Qualification, Supplier.name)
        .join(Supplier, Supplier.id == Qualification.supplier_id)
        .where(
            _ends_by(on + timedelta(days=days)),
            Qualification.valid_until >= on,
            Supplier.state.in_(["active", "suspended"]),
        )
        .order_by(Qualification.id)
        .limit(5000)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def applications(session: Session, cursor: UUID | None, limit: int) -> list[Supplier]:
    """Return applications that wait for a decision, newest first, one more than `limit`."""
    query = select(Supplier).where(Supplier.state == "applied", Supplier.submitted_at.is_not(None))
    if cursor is not None:
        query = query.where(Supplier.id < cursor)
    return list(session.scalars(query.order_by(Supplier.id.desc()).limit(limit + 1)))


def lock_application(what: str) -> Executable:
    """Return the statement that waits for whoever applies with the same network, phone or name."""
    return select(func.pg_advisory_xact_lock(func.hashtextextended(f"application:{what}", 0)))


def count_from(session: Session, source: str, since: datetime) -> int:
    """Return how many applications came from a network since then, whatever became of them."""
    row = SupplierApplication
    query = select(func.count()).select_from(row)
    return session.scalar(query.where(row.source == source, row.created_at > since)) or 0


def count_undecided(session: Session, about: str, value: str) -> int:
    """Return how many undecided applications have this `phone` or this `name`."""
    query = (
        select(func.count())
        .select_from(SupplierApplication)
        .join(Supplier, Supplier.id == SupplierApplication.supplier_id)
        .where(getattr(SupplierApplication, about) == value)
        .where(Supplier.state == supplier_rules.APPLIED)
    )
    return session.scalar(query) or 0


def never_handed_in(session: Session, before: datetime) -> list[Supplier]:
    """Return applications older than that which do not wait for a decision, locked."""
    query = (
        select(Supplier)
        .where(
            Supplier.state == supplier_rules.APPLIED,
            Supplier.submitted_at.is_(None),
            Supplier.created_at < before,
        )
        .order_by(Supplier.id)
        .limit(500)
    )
    return list(session.scalars(query.with_for_update(skip_locked=True)))


def as_reply(row: Qualification, on: date) -> dict[str, Any]:
    """Return a qualification as its supplier and operators see it."""
    names = ("id", "kind", "number", "valid_from", "valid_until", "region_code", "state")
    is_expired = row.valid_until is not None and row.valid_until < on
    return {
        **{name: getattr(row, name) for name in (*names, "document_id", "reasons", "created_at")},
        "is_expired": is_expired,
    }


PROFILE = (
    "id",
    "name",
    "state",
    "contact_name",
    "contact_phone",
    "contact_email",
    "settlement_account",
    "commission_bps",
    "origin_region_code",
    "story",
    "cover_url",
    "submitted_at",
    "review_reasons",
)


def profile(supplier: Supplier) -> dict[str, Any]:
    """Return a supplier as itself and operators see it."""
    return {name: getattr(supplier, name) for name in PROFILE}
