"""A clerk hands out against vouchers, at the counter of one store."""

from functools import lru_cache
from typing import Any
from uuid import UUID

import structlog
from apiflask import APIBlueprint
from flask import Response, request
from prometheus_client import Counter

from fulfillment.dispatch import queries as dispatch_queries
from fulfillment.stores import service as store_service
from fulfillment.vouchers import queries, service
from fulfillment.vouchers.models import PickupVoucher
from fulfillment.vouchers.schemas import (
    DayList,
    DayQuery,
    HandOutReply,
    RedeemCodeBody,
    UndoBody,
)
from fulfillment.vouchers.service import StoreDesk
from mall.access.guard import current, current_scope_id, needs_duty, open_to_all
from mall.access.rules import MANAGES, PICKUP, TooManyTries
from mall.kernel.clock import beijing_day, now
from mall.kernel.errors import NotFound
from mall.kernel.uow import UnitOfWork, reading, unit_of_work
from mall.members import queries as member_queries
from mall.members.rules import mask_name
from mall.web.replies import idempotently, takes_key

bp = APIBlueprint("clerk_vouchers", __name__, url_prefix="/v1/pickup", tag="Pickup")
log = structlog.get_logger(__name__)
GUESSES = Counter("mall_pickup_codes_refused_total", "Codes at counters refused", ["why"])


def _desk(uow: UnitOfWork, request_key: str | None = None) -> StoreDesk:
    store = store_service.counter_of(uow, current_scope_id())
    return StoreDesk(store, current().subject_id, current().name, request_key)


def _voucher_of(code: str) -> UUID:
    """Return the voucher of a code; what is wrong is counted, and too much of it raises an alarm."""
    try:
        with unit_of_work() as uow:
            desk = _desk(uow)
            found = service.look_up(uow, desk, code)
            voucher_id = found.id if found is not None else None
    except TooManyTries:
        GUESSES.labels("blocked").inc()
        _raise_alarm(now().strftime("%Y%m%d%H"), current_scope_id())
        raise
    if voucher_id is None:
        GUESSES.labels("unknown").inc()
        raise NotFound("voucher", field="code")
    return voucher_id


@lru_cache(1024)
def _raise_alarm(_hour: str, store_id: UUID) -> None:
    """Raise the alarm about a store; this process need not do so again within the hour."""
    with unit_of_work() as uow:
        is_news = service.alarm(uow, _desk(uow))
    if is_news:
        log.error("pickup_guessing", store_id=str(store_id), by=current().name)


def _shown(uow: UnitOfWork, voucher: PickupVoucher) -> dict[str, Any]:
    part = dispatch_queries.any_fulfillment_order(uow.session, voucher.fulfillment_order_id)
    lines = dispatch_queries.lines_of(uow.session, [part.id])[part.id]
    [line] = [each for each in lines if each.id == voucher.fulfillment_line_id]
    names = member_queries.display_names(uow.session, [voucher.member_id])
    return {
        "id": voucher.id,
        "title": line.title,
        "options": line.options,
        "quantity": 1,
        "order_no": part.order_no,
        "member": mask_name(names.get(voucher.member_id, "")),
        "note": part.note,
        "state": voucher.state,
        "expires_at": voucher.expires_at,
        "redeemed_at": voucher.redeemed_at,
    }


@bp.post("/vouchers/check")
@open_to_all(PICKUP)
@bp.input(RedeemCodeBody)
@bp.output(HandOutReply)
@bp.doc(
    summary="Show what a voucher of one's own merchant is for, without using it",
    responses={404: "No such voucher here", 429: "Too many wrong codes"},
)
def check(json_data: dict[str, str]) -> dict[str, Any]:
    voucher_id = _voucher_of(json_data["code"])
    with unit_of_work() as uow:
        return _shown(uow, queries.get_voucher(uow.session, voucher_id))


@bp.post("/vouchers/redeem")
@open_to_all(PICKUP)
@takes_key
@bp.input(RedeemCodeBody)
@bp.output(HandOutReply)
@bp.doc(
    summary="Redeem a voucher at one's own store; needs an Idempotency-Key",
    description="Repeated with its key, by a clerk whose network failed, it answers the same. Ten"
    " wrong codes in ten minutes close the counter to a clerk, thirty an hour to a store.",
    responses={
        404: "No such voucher here",
        409: "Used, revoked, expired, another store's, or a refund is asked for",
        429: "Too many wrong codes",
    },
)
def redeem(json_data: dict[str, str]) -> Response:
    voucher_id = _voucher_of(json_data["code"])

    def work(uow: UnitOfWork) -> dict[str, Any]:
        desk = _desk(uow, request.headers.get("Idempotency-Key"))
        reply: dict[str, Any] = HandOutReply().dump(
            _shown(uow, service.redeem(uow, desk, voucher_id))
        )
        return reply

    return idempotently(work, status=200)


@bp.post("/vouchers/<uuid:voucher_id>/undo")
@needs_duty(MANAGES)
@bp.input(UndoBody)
@bp.output(HandOutReply)
@bp.doc(
    summary="Take a hand-out of one's own store back; the manager's act, within ten minutes",
    responses={409: "Not used, too late, or confirmed by the member"},
)
def undo(voucher_id: UUID, json_data: dict[str, str]) -> dict[str, Any]:
    with unit_of_work() as uow:
        return _shown(uow, service.undo(uow, _desk(uow), voucher_id, json_data["reason"]))


@bp.get("/day")
@bp.input(DayQuery, location="query")
@bp.output(DayList)
@bp.doc(summary="List what is to be handed out at one's own store on a day, by time")
def list_day(query_data: dict[str, Any]) -> dict[str, Any]:
    day = query_data["day"] or beijing_day(now())
    with reading() as session:
        items = queries.day_list(session, current_scope_id(), day)
        names = member_queries.display_names(session, [each["member_id"] for each in items])
    for each in items:
        each["member"] = mask_name(names.get(each.pop("member_id"), ""))
    return {"items": items}
