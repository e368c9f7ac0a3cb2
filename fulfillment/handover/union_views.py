"""A union follows what comes to it, accepts it, and files the purchase."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response

from fulfillment.after_sales.service import asking
from fulfillment.dispatch import queries as dispatch_queries
from fulfillment.dispatch.schemas import FulfillmentOrderList
from fulfillment.handover import queries, rules
from fulfillment.handover.schemas import (
    AcceptanceBody,
    AcceptedReply,
    ClaimList,
    ClaimNoteBody,
    ClaimReply,
    HandOutBody,
    HandOutCounts,
    LoadList,
    ReceiptBody,
    ReceivedReply,
    ScanBody,
    ScanReply,
    SharePage,
    ShareQuery,
)
from fulfillment.handover.service import accepting, handing, receiving
from fulfillment.handover.service.receiving import LoadCount
from mall.access.guard import current_scope_id, needs_duty
from mall.access.rules import AUDITS, HANDLES
from mall.kernel.rows.shown import each_shown
from mall.kernel.uow import UnitOfWork, reading, unit_of_work
from mall.web.replies import idempotently, takes_key
from orders.programmes import queries as programme_queries
from orders.programmes.union_views import officer

bp = APIBlueprint("handover", __name__, url_prefix="/v1/union/programmes", tag="Union")


def _state(programme_id: UUID) -> dict[str, Any]:
    with reading() as session:
        found = programme_queries.programme_of_union(session, current_scope_id(), programme_id)
        return {"id": found.id, "number": found.number, "state": found.state}


@bp.get("/<uuid:programme_id>/deliveries")
@bp.output(FulfillmentOrderList)
@bp.doc(summary="List what goes to the unit, by supplier, and how far it is")
def list_deliveries(programme_id: UUID) -> dict[str, Any]:
    with reading() as session:
        programme_queries.programme_of_union(session, current_scope_id(), programme_id)
        found = queries.unit_fulfillment_orders(session, programme_id)
        lines = dispatch_queries.lines_of(session, [each.id for each in found])
        return {
            "items": each_shown(lambda each: dispatch_queries.reply(each, lines[each.id]), found)
        }


@bp.get("/<uuid:programme_id>/loads")
@bp.output(LoadList)
@bp.doc(summary="List the parcels that go to the unit: what was sent, and what came")
def list_loads(programme_id: UUID) -> dict[str, Any]:
    with reading() as session:
        programme_queries.programme_of_union(session, current_scope_id(), programme_id)
        return {"items": receiving.loads_of(session, programme_id)}


@bp.post("/<uuid:programme_id>/receipts")
@needs_duty(HANDLES)
@takes_key
@bp.input(ReceiptBody)
@bp.output(ReceivedReply, 201)
@bp.doc(
    summary="Record that a load came; what is short or broken is claimed; needs an Idempotency-Key",
    responses={409: "Received already", 422: "More than was sent"},
)
def receive(programme_id: UUID, json_data: LoadCount) -> Response:
    by = officer()

    def work(uow: UnitOfWork) -> dict[str, Any]:
        cases = receiving.receive(uow, by, programme_id, json_data)
        return {"shipment_id": json_data.shipment_id, "case_ids": cases}

    return idempotently(work)


@bp.get("/<uuid:programme_id>/claims")
@bp.output(ClaimList)
@bp.doc(summary="List what was claimed of what went to the unit, and what became of it")
def list_claims(programme_id: UUID) -> dict[str, Any]:
    with reading() as session:
        programme_queries.programme_of_union(session, current_scope_id(), programme_id)
        return {"items": queries.claims_of(session, programme_id)}


@bp.post("/<uuid:programme_id>/claims/<uuid:case_id>/appeal")
@needs_duty(HANDLES)
@bp.input(ClaimNoteBody)
@bp.output(ClaimReply)
@bp.doc(summary="Let an operator decide about a claim that was refused", responses={409: "Not so"})
def appeal(programme_id: UUID, case_id: UUID, json_data: dict[str, str]) -> Any:
    with unit_of_work() as uow:
        accepting.touch_claim(uow, officer(), programme_id, case_id)
        return asking.appeal(uow, current_scope_id(), case_id, json_data["note"])


@bp.post("/<uuid:programme_id>/claims/<uuid:case_id>/withdraw")
@needs_duty(HANDLES)
@bp.output(ClaimReply)
@bp.doc(summary="Give a claim up", responses={409: "It is decided"})
def withdraw(programme_id: UUID, case_id: UUID) -> Any:
    with unit_of_work() as uow:
        accepting.touch_claim(uow, officer(), programme_id, case_id)
        return asking.withdraw(uow, current_scope_id(), case_id)


@bp.get("/<uuid:programme_id>/hand-outs")
@bp.input(ShareQuery, location="query")
@bp.output(SharePage)
@bp.doc(summary="List who has a share at the unit, and what became of it")
def list_hand_outs(programme_id: UUID, query_data: dict[str, Any]) -> dict[str, Any]:
    limit = query_data["limit"]
    with reading() as session:
        programme_queries.programme_of_union(session, current_scope_id(), programme_id)
        found = handing.list_of(
            session, programme_id, query_data["state"], query_data["after"], limit
        )
        counts = queries.hand_out_counts(session, programme_id)
    shown = found[:limit]
    following = shown[-1]["position"] if len(found) > limit else None
    return {"items": shown, "counts": counts, "next_after": following}


@bp.post("/<uuid:programme_id>/hand-outs")
@needs_duty(HANDLES)
@bp.input(HandOutBody)
@bp.output(HandOutCounts)
@bp.doc(
    summary="Tick what became of people's shares: handed out, kept, forwarded; all or none",
    description="The same again changes nothing.",
    responses={409: "Handed out or forwarded already, or not handed out at the unit"},
)
def tick(programme_id: UUID, json_data: dict[str, Any]) -> dict[str, int]:
    by = officer()
    with unit_of_work() as uow:
        handing.record(uow, by, programme_id, json_data["items"], rules.TICK)
        return queries.hand_out_counts(uow.session, programme_id)


@bp.post("/<uuid:programme_id>/hand-outs/scan")
@needs_duty(HANDLES)
@bp.input(ScanBody)
@bp.output(ScanReply)
@bp.doc(
    summary="Hand one person's share out by the code on their telephone",
    responses={409: "Signed for already: by whom and when", 422: "The code is wrong"},
)
def scan(programme_id: UUID, json_data: dict[str, str]) -> dict[str, Any]:
    by = officer()
    with unit_of_work() as uow:
        entitlement = handing.scan(uow, by, programme_id, json_data["code"])
        return {
            "recipient_id": entitlement.id,
            "name": entitlement.name,
            "department": entitlement.department,
            "counts": queries.hand_out_counts(uow.session, programme_id),
        }


@bp.post("/<uuid:programme_id>/accept")
@needs_duty(HANDLES)
@bp.input(AcceptanceBody)
@bp.output(AcceptedReply)
@bp.doc(
    summary="Accept what came for a closed programme; what went to the unit is then delivered",
    description="Whoever recorded a receipt, a claim or a transfer of it leaves that to another.",
    responses={409: "Not closed, not arrived, a claim is not settled, or recorded by oneself"},
)
def accept(programme_id: UUID, json_data: dict[str, str]) -> dict[str, Any]:
    by = officer()
    with unit_of_work() as uow:
        accepting.accept(uow, by, programme_id, json_data["note"])
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
        accepting.archive(uow, by, programme_id, json_data["note"])
    return _state(programme_id)
