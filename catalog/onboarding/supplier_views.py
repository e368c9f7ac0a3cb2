"""A supplier keeps its profile, documents and users."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response
from sqlalchemy.orm import Session

from catalog.onboarding import queries, rules
from catalog.onboarding.schemas import (
    DocumentReply,
    InvitedUser,
    ProfileBody,
    ProfileReply,
    QualificationBody,
    QualificationList,
    QualificationReply,
    UserBody,
    UserList,
    UserReply,
)
from catalog.onboarding.service import accounts, applications
from catalog.suppliers import queries as supplier_queries
from catalog.suppliers.models import Supplier
from catalog.suppliers.service import commissions
from mall.access import queries as access_queries
from mall.access import service as access_service
from mall.access.guard import current, current_scope_id, open_to_all
from mall.access.rules import SUPPLIER
from mall.access.staff.schemas import InvitationReply
from mall.access.staff.service import invitations
from mall.approvals.rules import APPLICATION, QUALIFICATION, Subject
from mall.approvals.service import authors
from mall.kernel.clock import beijing_day, now
from mall.kernel.files.store import current_private_files
from mall.kernel.rows.shown import each_shown
from mall.kernel.uow import reading, unit_of_work
from mall.web.fields import values_of
from mall.web.files import IMAGES, PDF, attachment, gives_file, sent_file, takes_file

bp = APIBlueprint("supplier_onboarding", __name__, url_prefix="/v1/supplier", tag="Supplier")


def _profile(session: Session, supplier: Supplier) -> dict[str, Any]:
    waiting = accounts.proposed(session, supplier.id)
    rate = commissions.proposed_first(session, supplier.id)
    found = queries.profile(supplier)
    return {**found, "proposed_account": waiting, "proposed_commission_bps": rate}


@bp.get("/profile")
@bp.output(ProfileReply)
@bp.doc(summary="Read one's own profile, state and the reasons of the last review")
def read_profile() -> dict[str, Any]:
    with reading() as session:
        return _profile(session, supplier_queries.get_supplier(session, current_scope_id()))


@bp.put("/profile")
@open_to_all(SUPPLIER)
@bp.input(ProfileBody)
@bp.output(ProfileReply)
@bp.doc(
    summary="Set contacts, place of origin, story and cover; propose another settlement account",
    description=(
        "Once the application is handed in, another settlement account waits for an operator "
        "(`proposed_account`); every user of the supplier is told. Without one it stays."
    ),
)
def change_profile(json_data: dict[str, Any]) -> dict[str, Any]:
    with unit_of_work() as uow:
        by = authors.signer(uow, current())
        changed = applications.change_profile(uow, current_scope_id(), json_data, by)
        authors.touch(uow, Subject(APPLICATION, changed.id), by)
        return _profile(uow.session, changed)


@bp.post("/profile/submit")
@open_to_all(SUPPLIER)
@bp.output(ProfileReply)
@bp.doc(summary="Hand the application in for review; repeating changes nothing")
def submit() -> dict[str, Any]:
    with unit_of_work() as uow:
        handed_in = applications.submit(uow, current_scope_id())
        by = authors.signer(uow, current())
        authors.touch(uow, Subject(APPLICATION, handed_in.id), by)
        return queries.profile(handed_in)


@bp.post("/documents")
@open_to_all(SUPPLIER)
@takes_file(PDF, *IMAGES)
@bp.output(DocumentReply, 201)
@bp.doc(summary="Send a document in: the file as the body; PDF or image up to 10 MB")
def add_document() -> dict[str, Any]:
    content = sent_file(rules.MAX_DOCUMENT_BYTES)
    with unit_of_work() as uow:
        return {"id": applications.add_document(uow, current_scope_id(), content)}


@bp.get("/documents/<uuid:document_id>")
@gives_file(PDF, *IMAGES)
@bp.doc(summary="Read one's own document")
def read_document(document_id: UUID) -> Response:
    with reading() as session:
        row = queries.own_document(session, current_scope_id(), document_id)
    name = row.file_key.rpartition("/")[2]
    return attachment(current_private_files().get(row.file_key), row.content_type, name)


@bp.get("/qualifications")
@bp.output(QualificationList)
@bp.doc(summary="List one's own qualifications, newest first")
def list_qualifications() -> dict[str, Any]:
    on = beijing_day(now())
    with reading() as session:
        found = queries.qualifications_of(session, current_scope_id())
        return {"items": each_shown(lambda row: queries.as_reply(row, on), found)}


@bp.post("/qualifications")
@open_to_all(SUPPLIER)
@bp.input(QualificationBody)
@bp.output(QualificationReply, 201)
@bp.doc(summary="Hand a qualification in for review; a renewal is another one")
def add_qualification(json_data: dict[str, Any]) -> dict[str, Any]:
    form = rules.QualificationForm(**json_data)
    with unit_of_work() as uow:
        row = applications.add_qualification(uow, current_scope_id(), form)
        authors.touch(uow, Subject(QUALIFICATION, row.id), authors.signer(uow, current()))
        return queries.as_reply(row, beijing_day(uow.now))


@bp.get("/users")
@bp.output(UserList)
@bp.doc(summary="List the users of one's own supplier")
def list_users() -> dict[str, Any]:
    with reading() as session:
        return {"items": access_queries.staff_of(session, rules.USER_ROLE, current_scope_id())}


@bp.post("/users")
@open_to_all(SUPPLIER)
@bp.input(UserBody)
@bp.output(InvitedUser, 201)
@bp.doc(
    summary="Add a user of one's own supplier (50 at most), by invitation",
    description="Whoever is invited chooses the password at /v1/supplier/password/invitation.",
)
def add_user(json_data: dict[str, Any]) -> dict[str, Any]:
    name = json_data["username"]
    shown, scope_id = json_data["display_name"] or name, current_scope_id()
    with unit_of_work() as uow:
        new = access_service.NewStaff(name, shown, None, rules.USER_ROLE, scope_id)
        account = access_service.add_colleague(uow, new, rules.MAX_USERS)
        return values_of(account, UserReply) | {
            "invitation": invitations.issue(uow, account, current().name)
        }


@bp.post("/users/<uuid:user_id>/invitation")
@open_to_all(SUPPLIER)
@bp.output(InvitationReply, 201)
@bp.doc(summary="Invite another user again, to a new password")
def invite_user(user_id: UUID) -> Any:
    with unit_of_work() as uow:
        account = access_service.colleague(uow, current().subject_id, current_scope_id(), user_id)
        return invitations.issue(uow, account, current().name)


@bp.delete("/users/<uuid:user_id>")
@open_to_all(SUPPLIER)
@bp.output({}, 204)
@bp.doc(summary="Close another user's account; its sessions end at once")
def close_user(user_id: UUID) -> tuple[str, int]:
    with unit_of_work() as uow:
        access_service.close_colleague(uow, current().subject_id, current_scope_id(), user_id)
    return "", 204
