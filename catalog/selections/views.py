"""Operators and unions make selections, each their own."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint

from catalog.selections import service
from catalog.selections.schemas import (
    SelectionBody,
    SelectionPage,
    SelectionReply,
    VersionBody,
    VersionQuery,
    items_of,
)
from catalog.selections.service import SelectionEditor
from mall.access.guard import current, needs_duty
from mall.access.rules import HANDLES, MERCHANDISING, OPS, UNION
from mall.approvals.rules import SELECTION, Subject
from mall.approvals.service import authors
from mall.kernel.uow import UnitOfWork, reading, unit_of_work
from mall.web.fields import PageQuery, page


def _editor() -> SelectionEditor:
    return SelectionEditor(current().subject_id, current().scope_id)


def _sign(uow: UnitOfWork, selection_id: UUID) -> None:
    """Write down who touched a selection: a programme that freezes it has this maker."""
    authors.touch(uow, Subject(SELECTION, selection_id), authors.signer(uow, current()))


def _read(selection_id: UUID, number: int | None) -> dict[str, Any]:
    with reading() as session:
        selection = service.own_selection(session, current().scope_id, selection_id)
        found = service.get_version(session, selection_id, number or selection.version)
        names = ("items", "digest", "note", "created_at")
        return {
            "id": selection.id,
            "name": selection.name,
            "newest_version": selection.version,
            "version": found.number,
            **{name: getattr(found, name) for name in names},
        }


def _blueprint(audience: str, tag: str, duty: str) -> APIBlueprint:
    prefix = f"/v1/{audience}/selections"
    bp = APIBlueprint(f"selections_{audience}", __name__, url_prefix=prefix, tag=tag)

    @bp.get("")
    @bp.input(PageQuery, location="query")
    @bp.output(SelectionPage)
    @bp.doc(summary="List one's own selections, newest first")
    def list_selections(query_data: dict[str, Any]) -> dict[str, Any]:
        limit = query_data["limit"]
        with reading() as session:
            found = service.list_selections(
                session, current().scope_id, query_data["cursor"], limit
            )
            names = ("id", "name", "version", "created_at")
            rows = [{name: getattr(row, name) for name in names} for row in found]
        return page(rows, limit)

    @bp.post("")
    @needs_duty(duty)
    @bp.input(SelectionBody)
    @bp.output(SelectionReply, 201)
    @bp.doc(summary="Make a selection of up to 2000 products, with its first version")
    def add_selection(json_data: dict[str, Any]) -> dict[str, Any]:
        with unit_of_work() as uow:
            selection_id = service.add_selection(
                uow, _editor(), json_data["name"], items_of(json_data), json_data["note"]
            )
            _sign(uow, selection_id)
        return _read(selection_id, None)

    @bp.get("/<uuid:selection_id>")
    @bp.input(VersionQuery, location="query")
    @bp.output(SelectionReply)
    @bp.doc(summary="Read a selection, of any of its versions")
    def read_selection(selection_id: UUID, query_data: dict[str, Any]) -> dict[str, Any]:
        return _read(selection_id, query_data["version"])

    @bp.put("/<uuid:selection_id>")
    @needs_duty(duty)
    @bp.input(VersionBody)
    @bp.output(SelectionReply)
    @bp.doc(summary="Give a selection a new version; the same content makes none")
    def change_selection(selection_id: UUID, json_data: dict[str, Any]) -> dict[str, Any]:
        with unit_of_work() as uow:
            service.change_selection(
                uow, _editor(), selection_id, items_of(json_data), json_data["note"]
            )
            _sign(uow, selection_id)
        return _read(selection_id, None)

    return bp


BLUEPRINTS = [
    _blueprint(OPS, "Operations", MERCHANDISING),
    _blueprint(UNION, "Union", HANDLES),
]
