"""Operators review applications and qualifications."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response
from sqlalchemy.orm import Session

from catalog.onboarding import queries
from catalog.onboarding.models import Qualification
from catalog.onboarding.schemas import (
    DecisionBody,
    ProfilePage,
    ProfileReply,
    QualificationList,
    QualificationPage,
    QualificationQuery,
    QualificationReply,
    ReviewBody,
    decision_of,
)
from catalog.onboarding.service import accounts, applications
from catalog.suppliers import queries as supplier_queries
from catalog.suppliers.models import Supplier
from catalog.suppliers.service import commissions
from mall.access.guard import current, needs_duty
from mall.access.rules import REVIEWS
from mall.approvals.rules import APPLICATION, QUALIFICATION, Subject
from mall.approvals.service import authors
from mall.kernel.clock import beijing_day, now
from mall.kernel.files.store import current_private_files
from mall.kernel.rows.shown import each_shown
from mall.kernel.uow import reading, unit_of_work
from mall.web.fields import PageQuery, page
from mall.web.files import IMAGES, PDF, attachment, gives_file

bp = APIBlueprint("onboarding_ops", __name__, url_prefix="/v1/ops", tag="Operations")


def _row(row: Qualification, name: str) -> dict[str, Any]:
    on = beijing_day(now())
    return {
        **queries.as_reply(row, on),
        "supplier_id": row.supplier_id,
        "supplier_name": name,
    }


def _profile(session: Session, supplier: Supplier) -> dict[str, Any]:
    return {
        **queries.profile(supplier),
        "proposed_account": accounts.proposed(session, supplier.id),
        "proposed_commission_bps": commissions.proposed_first(session, supplier.id),
    }


@bp.get("/supplier-applications")
@bp.input(PageQuery, location="query")
@bp.output(ProfilePage)
@bp.doc(summary="List applications that wait for a decision, newest first")
def list_applications(query_data: dict[str, Any]) -> dict[str, Any]:
    with reading() as session:
        found = queries.applications(session, query_data["cursor"], query_data["limit"])
        return page(found, query_data["limit"], queries.profile)


@bp.get("/suppliers/<uuid:supplier_id>")
@bp.output(ProfileReply)
@bp.doc(summary="Read a supplier's profile")
def read_supplier(supplier_id: UUID) -> dict[str, Any]:
    with reading() as session:
        return _profile(session, supplier_queries.get_supplier(session, supplier_id))


@bp.post("/suppliers/<uuid:supplier_id>/review")
@needs_duty(REVIEWS)
@bp.input(ReviewBody)
@bp.output(ProfileReply)
@bp.doc(
    summary="Approve an application, or send it back with reasons",
    description="Approval needs a valid business licence. The platform's commission holds; another"
    " rate that is given here waits for a second person and begins on the day after.",
)
def review(supplier_id: UUID, json_data: dict[str, Any]) -> dict[str, Any]:
    decision = decision_of(json_data)
    with unit_of_work() as uow:
        by = authors.signer(uow, current())
        supplier = applications.review(uow, supplier_id, decision, json_data["commission_bps"], by)
        authors.decide(uow, Subject(APPLICATION, supplier_id), by)
        return _profile(uow.session, supplier)


@bp.get("/suppliers/<uuid:supplier_id>/qualifications")
@bp.output(QualificationList)
@bp.doc(summary="List a supplier's qualifications, newest first")
def list_of_supplier(supplier_id: UUID) -> dict[str, Any]:
    on = beijing_day(now())
    with reading() as session:
        supplier_queries.get_supplier(session, supplier_id)
        found = queries.qualifications_of(session, supplier_id)
        return {"items": each_shown(lambda row: queries.as_reply(row, on), found)}


@bp.get("/qualifications")
@bp.input(QualificationQuery, location="query")
@bp.output(QualificationPage)
@bp.doc(summary="List qualifications: to be reviewed, or ending soon, newest first")
def list_qualifications(query_data: dict[str, Any]) -> dict[str, Any]:
    days, ending_by = query_data["ending_within_days"], None
    if days is not None:
        ending_by = beijing_day(now()) + timedelta(days=days)
    with reading() as session:
        found = queries.list_qualifications(
            session, query_data["state"], ending_by, query_data["cursor"], query_data["limit"]
        )
        return page(found, query_data["limit"], lambda row: _row(*row))


@bp.post("/qualifications/<uuid:qualification_id>/review")
@needs_duty(REVIEWS)
@bp.input(DecisionBody)
@bp.output(QualificationReply)
@bp.doc(
    summary="Accept a qualification, or send it back with reasons",
    description="An accepted renewal brings withheld products back within moments.",
)
def review_qualification(qualification_id: UUID, json_data: dict[str, Any]) -> dict[str, Any]:
    decision = decision_of(json_data)
    with unit_of_work() as uow:
        row = applications.review_qualification(
            uow, qualification_id, current().subject_id, decision
        )
        authors.decide(uow, Subject(QUALIFICATION, row.id), authors.signer(uow, current()))
        return queries.as_reply(row, beijing_day(uow.now))


@bp.get("/documents/<uuid:document_id>")
@gives_file(PDF, *IMAGES)
@bp.doc(summary="Read a supplier's document")
def read_document(document_id: UUID) -> Response:
    with reading() as session:
        row = queries.get_document(session, document_id)
    name = row.file_key.rpartition("/")[2]
    return attachment(current_private_files().get(row.file_key), row.content_type, name)
