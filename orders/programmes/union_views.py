"""A union writes its programmes and decides on them, four eyes at least."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response, make_response

from mall.access.guard import current, current_scope_id, needs_duty
from mall.access.rules import APPROVES, HANDLES
from mall.kernel.uow import reading, unit_of_work
from mall.web.fields import page, values_of
from mall.web.replies import if_match
from orders.programmes import queries
from orders.programmes.models import Programme
from orders.programmes.schemas import (
    ApproveBody,
    EventReply,
    HistoryReply,
    PolicyBody,
    ProgrammeBody,
    ProgrammePage,
    ProgrammeQuery,
    ProgrammeReply,
    ReasonBody,
    form_of,
)
from orders.programmes.service import lifecycle
from orders.programmes.service.lifecycle import Officer

bp = APIBlueprint("programmes", __name__, url_prefix="/v1/union/programmes", tag="Union")
policy_bp = APIBlueprint("union_policy", __name__, url_prefix="/v1/union/policy", tag="Union")


def officer() -> Officer:
    """Return who is asking, with the name that goes on record."""
    return Officer(current().subject_id, current().display_name, current_scope_id())


def reply_of(programme: Programme) -> dict[str, Any]:
    """Return a programme as officers and operators read it."""
    return values_of(programme, ProgrammeReply)


def _read(programme_id: UUID, status: int = 200) -> Response:
    with reading() as session:
        found = queries.programme_of_union(session, current_scope_id(), programme_id)
        response = make_response(ProgrammeReply().dump(reply_of(found)), status)
        response.set_etag(str(found.version))
    return response


@bp.get("")
@bp.input(ProgrammeQuery, location="query")
@bp.output(ProgrammePage)
@bp.doc(summary="List one's own programmes, newest first")
def list_programmes(query_data: dict[str, Any]) -> dict[str, Any]:
    with reading() as session:
        found = queries.list_programmes(session, current_scope_id(), **query_data)
        return page(found, query_data["limit"], reply_of)


@bp.post("")
@needs_duty(HANDLES)
@bp.input(ProgrammeBody)
@bp.output(ProgrammeReply, 201)
@bp.doc(
    summary="Write a programme; it begins as a draft",
    description=(
        "fixed: one pack for everybody; pick_one: a voucher for one of several packs; restricted: "
        "beans bound to a selection, or with `max_items` the right to choose so many of it; open: "
        "beans for anything; cake: beans for a selection that is collected at stores."
    ),
)
def add_programme(json_data: dict[str, Any]) -> Response:
    by = officer()
    with unit_of_work() as uow:
        programme_id = lifecycle.add_programme(uow, by, form_of(json_data)).id
    return _read(programme_id, 201)


@bp.get("/<uuid:programme_id>")
@bp.output(ProgrammeReply)
@bp.doc(summary="Read a programme; the ETag is its version")
def read_programme(programme_id: UUID) -> Response:
    return _read(programme_id)


@bp.put("/<uuid:programme_id>")
@needs_duty(HANDLES)
@bp.input(ProgrammeBody)
@bp.output(ProgrammeReply)
@bp.doc(
    summary="Change a draft, or what was rejected (If-Match honoured)",
    responses={412: "Somebody was faster"},
)
def change_programme(programme_id: UUID, json_data: dict[str, Any]) -> Response:
    by = officer()
    with unit_of_work() as uow:
        lifecycle.change_programme(uow, by, programme_id, form_of(json_data), if_match())
    return _read(programme_id)


@bp.post("/<uuid:programme_id>/submit")
@needs_duty(HANDLES)
@bp.output(ProgrammeReply)
@bp.doc(
    summary="Freeze roster and content, check stock, prices and the union's own rules",
    responses={422: "Something forbids it; see problems"},
)
def submit(programme_id: UUID) -> Response:
    by = officer()
    with unit_of_work() as uow:
        lifecycle.submit(uow, by, programme_id)
    return _read(programme_id)


@bp.post("/<uuid:programme_id>/approve")
@needs_duty(APPROVES)
@bp.input(ApproveBody)
@bp.output(ProgrammeReply)
@bp.doc(
    summary="Approve exactly the content that was looked at; never one's own",
    responses={409: "One's own, changed meanwhile, or a warning not acknowledged"},
)
def approve(programme_id: UUID, json_data: dict[str, Any]) -> Response:
    by = officer()
    with unit_of_work() as uow:
        lifecycle.approve(
            uow, by, programme_id, json_data["content_hash"], json_data["acknowledged_warnings"]
        )
    return _read(programme_id)


@bp.post("/<uuid:programme_id>/reject")
@needs_duty(APPROVES)
@bp.input(ReasonBody)
@bp.output(ProgrammeReply)
@bp.doc(summary="Send it back with a reason")
def reject(programme_id: UUID, json_data: dict[str, str]) -> Response:
    by = officer()
    with unit_of_work() as uow:
        lifecycle.reject(uow, by, programme_id, json_data["reason"])
    return _read(programme_id)


@bp.post("/<uuid:programme_id>/withdraw")
@needs_duty(HANDLES)
@bp.input(ReasonBody)
@bp.output(ProgrammeReply)
@bp.doc(
    summary="End a programme of which nothing was issued",
    responses={409: "Issued already, or money is still in it"},
)
def withdraw(programme_id: UUID, json_data: dict[str, str]) -> Response:
    by = officer()
    with unit_of_work() as uow:
        lifecycle.withdraw(uow, by, programme_id, json_data["reason"])
    return _read(programme_id)


@bp.get("/<uuid:programme_id>/history")
@bp.output(HistoryReply)
@bp.doc(summary="Export the signed history: every step with its hash, and how to compute it again")
def read_history(programme_id: UUID) -> dict[str, Any]:
    with reading() as session:
        programme = queries.programme_of_union(session, current_scope_id(), programme_id)
        return history_of(session, programme)


def history_of(session: Any, programme: Programme) -> dict[str, Any]:
    """Return the history of a programme as it is exported."""
    names = tuple(EventReply().fields)
    return {
        "programme_id": programme.id,
        "number": programme.number,
        "recipe": queries.RECIPE,
        "events": [
            {name: getattr(event, name) for name in names}
            for event in queries.events(session, programme.id)
        ],
    }


_NO_POLICY: dict[str, Any] = {"annual_member_fen": None, "festivals": [], "min_assistance_bps": 0}


@policy_bp.get("")
@policy_bp.output(PolicyBody)
@policy_bp.doc(summary="Read what the union allows itself")
def read_policy() -> dict[str, Any]:
    with reading() as session:
        policy = queries.policy_of(session, current_scope_id())
        return {name: getattr(policy, name) for name in _NO_POLICY} if policy else _NO_POLICY


@policy_bp.put("")
@needs_duty(APPROVES)
@policy_bp.input(PolicyBody)
@policy_bp.output(PolicyBody)
@policy_bp.doc(summary="Say what the union allows itself; approvers are warned beyond it")
def set_policy(json_data: dict[str, Any]) -> dict[str, Any]:
    with unit_of_work() as uow:
        lifecycle.set_policy(uow, current_scope_id(), json_data)
    return json_data
