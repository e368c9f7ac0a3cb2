"""A union follows what comes to it, accepts it, and files the purchase."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint

from fulfillment.dispatch import queries as dispatch
from fulfillment.dispatch.schemas import FulfillmentOrderList
from fulfillment.handover import queries, service
from fulfillment.handover.schemas import AcceptanceBody, AcceptedReply
from mall.access.guard import current_scope_id, needs_duty
from mall.access.rules import AUDITS, HANDLES
from mall.kernel.uow import reading, unit_of_work
from orders.programmes import queries as programmes
from orders.programmes.union_views import officer

bp = APIBlueprint("handover", __name__, url_prefix="/v1/union/programmes", tag="Union")


def _state(programme_id: UUID) -> dict[str, Any]:
    with reading() as session:
        found = programmes.get_programme(session, current_scope_id(), programme_id)
        return {"id": found.id, "number": found.number, "state": found.state}


@bp.get("/<uuid:programme_id>/deliveries")
@bp.output(FulfillmentOrderList)
@bp.doc(summary="List what goes to the unit, by supplier, and how far it is")
def list_deliveries(programme_id: UUID) -> dict[str, Any]:
    with reading() as session:
        programmes.get_programme(session, current_scope_id(), programme_id)
        found = queries.unit_parts(session, programme_id)
        lines = dispatch.lines_of(session, [each.id for each in found])
        return {"items": [dispatch.reply(each, lines[each.id]) for each in found]}


@bp.post("/<uuid:programme_id>/accept")
@needs_duty(HANDLES)
@bp.input(AcceptanceBody)
@bp.output(AcceptedReply)
@bp.doc(
    summary="Accept what came for a closed programme; what went to the unit is then delivered",
    responses={409: "Not closed, or something has not arrived"},
)
def accept(programme_id: UUID, json_data: dict[str, str]) -> dict[str, Any]:
    by = officer()
    with unit_of_work() as uow:
        service.accept(uow, by, programme_id, json_data["note"])
    return _state(programme_id)


@bp.post("/<uuid:programme_id>/archive")
@needs_duty(AUDITS)
@bp.input(AcceptanceBody)
@bp.output(AcceptedReply)
@bp.doc(
    summary="File an accepted programme whose fund is empty; the auditor's act",
    responses={409: "Not accepted, or money is still in the fund or with members"},
)
def archive(programme_id: UUID, json_data: dict[str, str]) -> dict[str, Any]:
    by = officer()
    with unit_of_work() as uow:
        service.archive(uow, by, programme_id, json_data["note"])
    return _state(programme_id)
