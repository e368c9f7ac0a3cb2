"""Suppliers apply, show their documents, and are reviewed."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from catalog.messages import QualificationsChanged, SupplierChanged
from catalog.onboarding import queries, rules
from catalog.onboarding.models import Qualification, SupplierApplication, SupplierDocument
from catalog.onboarding.rules import Application, Decision, QualificationForm
from catalog.onboarding.service import accounts
from catalog.suppliers import queries as supplier_queries
from catalog.suppliers import rules as supplier_rules
from catalog.suppliers.models import Supplier
from catalog.suppliers.service import commissions, supplying
from mall.access import service as access_service
from mall.approvals.rules import Signer
from mall.kernel.clock import beijing_day
from mall.kernel.db import check_limit
from mall.kernel.errors import Invalid
from mall.kernel.files import quotas
from mall.kernel.files.store import current_private_files
from mall.kernel.ids import new_id
from mall.kernel.rows.shown import each_shown
from mall.kernel.text import canonical, wording
from mall.kernel.uow import UnitOfWork
from mall.members import queries as member_queries
from mall.notification.rules import NewNotice
from mall.notification.service import staff_notices


def apply(uow: UnitOfWork, application: Application) -> UUID:
    """Open an application with its first user, who signs in to complete and submit it.

    Raises SupplierNameTaken, UsernameTaken, and TooManyApplications from one network or with one
    phone.
    """
    row = SupplierApplication(
        source=rules.source_of(application.address),
        phone=canonical.digits(application.contact_phone),
        name=canonical.key(application.name),
        created_at=uow.now,
    )
    _check_room(uow, row)
    supplier_id = supplying.open_supplier(uow, application.name, supplier_rules.APPLIED)
    supplier = supplier_queries.get_supplier(uow.session, supplier_id)
    supplier.contact_name = application.contact_name
    supplier.contact_phone = application.contact_phone
    user = access_service.NewStaff(
        application.username,
        application.contact_name,
        application.password,
        "supplier",
        supplier_id,
    )
    access_service.add_staff_account(uow, user)
    row.supplier_id = supplier_id
    uow.session.add(row)
    return supplier_id


def _check_room(uow: UnitOfWork, row: SupplierApplication) -> None:
    """Refuse what is too much of one stranger; two at the same instant wait for each other."""
    for what in sorted(filter(None, (row.source, row.phone, row.name))):
        uow.session.execute(queries.lock_application(what))
    since = uow.now - rules.SOURCE_PERIOD
    if row.source and queries.count_from(uow.session, row.source, since) >= rules.MAX_BY_SOURCE:
        raise rules.TooManyApplications(what=wording.name("applicant", "network"))
    if queries.count_undecided(uow.session, "phone", row.phone) >= rules.MAX_BY_PHONE:
        raise rules.TooManyApplications("contact_phone", what=wording.name("applicant", "phone"))
    if queries.count_undecided(uow.session, "name", row.name):
        raise supplying.SupplierNameTaken("name")


def give_up(uow: UnitOfWork) -> int:
    """Close applications that were not handed in for a month; their names are free again."""
    left = queries.never_handed_in(uow.session, uow.now - rules.GIVEN_UP_AFTER)
    for supplier in left:
        supplying.change_state(uow, supplier.id, supplier_rules.CLOSED)
        supplier.name = f"{supplier.name}（申请失效 {supplier.id.hex}）"
    return len(left)


def change_profile(
    uow: UnitOfWork, supplier_id: UUID, profile: Mapping[str, Any], by: Signer
) -> Supplier:
    """Set contacts, origin, story and cover; another payout account is proposed.

    Raises NotFound for an unknown region.
    """
    supplier = supplier_queries.get_supplier(uow.session, supplier_id, for_update=True)
    member_queries.check_region(
        uow.session, profile.get("origin_region_code"), "origin_region_code"
    )
    is_origin_new = supplier.origin_region_code != profile.get("origin_region_code")
    for name, value in profile.items():
        if name != "settlement_account":
            setattr(supplier, name, value)
    accounts.change(uow, by, supplier_id, profile.get("settlement_account"))
    if is_origin_new:
        uow.emit(SupplierChanged(str(supplier_id)))
    return supplier


def submit(uow: UnitOfWork, supplier_id: UUID) -> Supplier:
    """Hand an application in for review; handing it in again changes nothing."""
    supplier = supplier_queries.get_supplier(uow.session, supplier_id, for_update=True)
    if supplier.state != supplier_rules.APPLIED:
        raise supplier_rules.STATES.refusal(supplier.state, supplier_rules.ACTIVE)
    if supplier.submitted_at is None:
        supplier.submitted_at = uow.now
        supplier.review_reasons = []
        reference = f"application:{supplier_id}:{uow.now.isoformat()}"
        zh = f"“{supplier.name}”提交了入驻申请，请审核。"
        en = f"“{supplier.name}” has applied; please review."
        staff_notices.notify(uow, [NewNotice("ops", None, "supplier_applied", reference, zh, en)])
    return supplier


def review(
    uow: UnitOfWork,
    supplier_id: UUID,
    decision: Decision,
    commission_bps: int | None,
    by: Signer,
) -> Supplier:
    """Decide on an application: approved it may sell, else it goes back with the reasons.

    It begins with the platform's commission; another rate is proposed to a second person, as every
    change of it is. Raises NotSubmitted, WrongState, Invalid for a rate without an approval, and
    QualificationMissing without a valid business licence.
    """
    supplier = supplier_queries.get_supplier(uow.session, supplier_id, for_update=True)
    if supplier.state != supplier_rules.APPLIED:
        raise supplier_rules.STATES.refusal(supplier.state, supplier_rules.ACTIVE)
    if supplier.submitted_at is None:
        raise rules.NotSubmitted()
    if commission_bps is not None and not decision.is_approved:
        raise Invalid("commission_bps", "rejection_with_commission")
    if decision.is_approved:
        kind, on = rules.BUSINESS_LICENCE, beijing_day(uow.now)
        if not queries.holds(uow.session, supplier_id, kind, on):
            raise rules.QualificationMissing(name=rules.name_of(kind))
        supplier.commission_bps = uow.settings.default_commission_bps
        supplying.change_state(uow, supplier_id, supplier_rules.ACTIVE)
        if commission_bps is not None:
            commissions.propose_first(uow, by, supplier_id, commission_bps)
    else:
        supplier.submitted_at = None
    supplier.review_reasons = [asdict(reason) for reason in decision.reasons]
    _tell_decision(uow, supplier_id, f"application:{supplier_id}", "入驻申请", decision)
    return supplier


def add_document(uow: UnitOfWork, supplier_id: UUID, content: bytes) -> UUID:
    """Keep a document of a supplier; raise DocumentRefused for what is no PDF or image.

    Raises StorageFull where no room is left.
    """
    kind = rules.kind_of_document(content)
    if kind is None or len(content) > rules.MAX_DOCUMENT_BYTES:
        raise rules.DocumentRefused("body")
    _check_count(uow, SupplierDocument, supplier_id, rules.MAX_DOCUMENTS)
    document_id = new_id()
    key = f"documents/{supplier_id}/{document_id}.{kind[1]}"
    quotas.charge(uow, quotas.Owner(quotas.SUPPLIER, supplier_id), key, len(content))
    current_private_files().put(key, content, kind[0])
    uow.session.add(
        SupplierDocument(
            id=document_id,
            supplier_id=supplier_id,
            file_key=key,
            content_type=kind[0],
            size_bytes=len(content),
            created_at=uow.now,
        )
    )
    return document_id


def add_qualification(uow: UnitOfWork, supplier_id: UUID, form: QualificationForm) -> Qualification:
    """Hand a qualification in for review; a renewal is simply another one.

    Raises Invalid, NotFound and LimitReached.
    """
    rules.check(form, beijing_day(uow.now))
    queries.own_document(uow.session, supplier_id, form.document_id)
    member_queries.check_region(uow.session, form.region_code, "region_code")
    _check_count(uow, Qualification, supplier_id, rules.MAX_QUALIFICATIONS)
    row = Qualification(
        id=new_id(),
        supplier_id=supplier_id,
        state=rules.IN_REVIEW,
        created_at=uow.now,
        **asdict(form),
    )
    uow.session.add(row)
    uow.session.flush()
    return row


def review_qualification(
    uow: UnitOfWork, qualification_id: UUID, reviewer_id: UUID, decision: Decision
) -> Qualification:
    """Accept a qualification or send it back with reasons; deciding twice raises WrongState."""
    row = queries.get_qualification(uow.session, qualification_id)
    state = rules.APPROVED if decision.is_approved else rules.REJECTED
    rules.STATES.check(row.state, state)
    row.state = state
    row.reasons = [asdict(reason) for reason in decision.reasons]
    row.reviewed_at, row.reviewer_id = uow.now, reviewer_id
    uow.session.flush()
    if decision.is_approved:
        uow.emit(QualificationsChanged(str(row.supplier_id)))
    reference = f"qualification:{row.id}:decided"
    _tell_decision(uow, row.supplier_id, reference, rules.name_of(row.kind).zh, decision)
    return row


def announce_endings(uow: UnitOfWork) -> int:
    """Tell suppliers and operators of qualifications that end soon; each call is made once."""
    on = beijing_day(uow.now)
    first = uow.settings.qualification_notice_days
    ending = queries.ending(uow.session, on, first)
    calls = each_shown(lambda row: _calls(row[0], row[1], on, first), ending)
    return staff_notices.notify(uow, [notice for call in calls for notice in call])


def _calls(row: Qualification, name: str, on: date, first: int) -> list[NewNotice]:
    assert row.valid_until is not None
    call = rules.due_calls((row.valid_until - on).days, first)
    reference = f"qualification:{row.id}:ends:{call}"
    what = rules.name_of(row.kind).zh
    zh = f"“{name}”的{what}（{row.number}）将于 {row.valid_until} 到期，请及时更新。"
    en = f"{row.kind} {row.number} of “{name}” ends on {row.valid_until}; please renew it."
    return [
        NewNotice(audience, scope, "qualification_ending", reference, zh, en)
        for audience, scope in (("supplier", row.supplier_id), ("ops", None))
    ]


def _tell_decision(
    uow: UnitOfWork, supplier_id: UUID, reference: str, what: str, decision: Decision
) -> None:
    zh = f"{what}已通过审核。" if decision.is_approved else f"{what}未通过审核：{decision.words}"
    en = "Approved." if decision.is_approved else f"Sent back: {decision.words}"
    stamp = f"{reference}:{uow.now.isoformat()}"
    staff_notices.notify(uow, [NewNotice("supplier", supplier_id, "review_decided", stamp, zh, en)])


def _check_count(uow: UnitOfWork, model: Any, supplier_id: UUID, limit: int) -> None:
    query = select(func.count()).select_from(model).where(model.supplier_id == supplier_id)
    check_limit(uow.session, (model.__tablename__, supplier_id), query, limit)
