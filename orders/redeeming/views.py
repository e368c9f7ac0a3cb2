"""A member sees what the union gives, and takes it."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response

from mall.access.guard import current_member_id
from mall.kernel import clock
from mall.kernel.db import current_pool
from mall.kernel.together import read_together
from mall.kernel.uow import UnitOfWork, reading, unit_of_work
from mall.web.fields import PageQuery, page
from mall.web.replies import idempotently, takes_key
from orders.entitlements import queries as entitlement_queries
from orders.entitlements import rules as entitlement_rules
from orders.entitlements.models import Entitlement
from orders.programmes import queries as programme_queries
from orders.programmes import rules as programme_rules
from orders.programmes.models import Programme
from orders.redeeming import queries, rules, service
from orders.redeeming.rules import Plan
from orders.redeeming.schemas import (
    ChoiceBody,
    CodeBody,
    CodeChoiceBody,
    EntitlementPage,
    EntitlementReply,
    RedeemedReply,
    VoucherReply,
    choice_of,
)

bp = APIBlueprint("entitlements", __name__, url_prefix="/v1/store", tag="Store: welfare")


def _item(right: Entitlement, programme: Programme) -> dict[str, Any]:
    names = ("id", "programme_id", "state", "amount_fen", "order_id", "pack_id", "redeemed_at")
    about = ("kind", "delivery", "opens_on", "closes_on", "expires_on")
    return {
        **{name: getattr(right, name) for name in names},
        **{name: getattr(programme, name) for name in about},
        "programme_name": programme.name,
        "is_redeemable": right.state == entitlement_rules.OPEN and _has_vouchers(programme),
    }


def _has_vouchers(programme: Programme) -> bool:
    return programme_rules.has_vouchers(programme.kind, programme.max_items, programme.delivery)


@bp.get("/entitlements")
@bp.input(PageQuery, location="query")
@bp.output(EntitlementPage)
@bp.doc(summary="List what one's unions give, newest first")
def list_entitlements(query_data: dict[str, Any]) -> dict[str, Any]:
    with reading() as session:
        found = entitlement_queries.of_member(session, current_member_id(), **query_data)
        known = programme_queries.by_ids(session, {right.programme_id for right in found})
        return page(
            found, query_data["limit"], lambda right: _item(right, known[right.programme_id])
        )


@bp.get("/entitlements/<uuid:entitlement_id>")
@bp.output(EntitlementReply)
@bp.doc(summary="Read one, with its packs and what stock allows of each, or its selection")
def read_entitlement(entitlement_id: UUID) -> dict[str, Any]:
    with reading() as session:
        right = entitlement_queries.own_entitlement(session, current_member_id(), entitlement_id)
        programme = programme_queries.any_programme(session, right.programme_id)
        shows_code = programme.allows_codes and right.state == entitlement_rules.OPEN
        return {
            **_item(right, programme),
            "lot_id": None if _has_vouchers(programme) else right.lot_id,
            "code": grouped(right.code) if shows_code else None,
            "max_items": programme.max_items,
            "packs": service.packs_to_choose(session, programme),
            "selection": programme_queries.content_of(programme)["selection"],
        }


def grouped(code: str | None) -> str | None:
    """Return a code in groups of four, as people read it."""
    return "-".join(code[at : at + 4] for at in range(0, len(code), 4)) if code else None


def _redeem(member_id: UUID, made: Plan, address_id: UUID | None) -> Response:
    def work(uow: UnitOfWork, offers: Any, destination: Any) -> dict[str, Any]:
        return vars(service.redeem(uow, member_id, made, offers, destination))

    return idempotently(work, ahead=service.reads(member_id, made, address_id))


@bp.post("/entitlements/<uuid:entitlement_id>/redeem")
@takes_key
@bp.input(ChoiceBody)
@bp.output(RedeemedReply, 201)
@bp.doc(
    summary="Take a pack, or choose items; needs an Idempotency-Key",
    description="An order at the approved prices that costs the member nothing.",
    responses={409: "Redeemed already, not open, off sale or sold out", 422: "Bad input"},
)
def redeem(entitlement_id: UUID, json_data: dict[str, Any]) -> Response:
    member_id, choice = current_member_id(), choice_of(json_data)
    wanted = queries.reading_given(member_id, entitlement_id, choice.pack_id)
    [given] = read_together(current_pool(), wanted)
    if given.state == entitlement_rules.REDEEMED:
        return _replay()
    if given.state != entitlement_rules.OPEN:
        raise entitlement_rules.AlreadyRedeemed()
    made = rules.plan(given, choice, clock.now())
    return _redeem(member_id, made, choice.address_id)


def _replay() -> Response:
    """Give the same request its first answer; to any other say that it is redeemed already."""

    def refuse(uow: UnitOfWork) -> dict[str, Any]:
        raise entitlement_rules.AlreadyRedeemed()

    return idempotently(refuse)


@bp.post("/entitlements/<uuid:entitlement_id>/change")
@takes_key
@bp.input(ChoiceBody)
@bp.output(RedeemedReply, 201)
@bp.doc(
    summary="Choose anew, until the first parcel has left or the window closes",
    description="The order is cancelled and another placed at once; needs an Idempotency-Key.",
    responses={409: "Dispatched, not open, off sale or sold out: the first choice stands"},
)
def change(entitlement_id: UUID, json_data: dict[str, Any]) -> Response:
    member_id, choice = current_member_id(), choice_of(json_data)

    def work(uow: UnitOfWork) -> dict[str, Any]:
        return vars(service.change(uow, member_id, entitlement_id, choice))

    return idempotently(work)


@bp.post("/vouchers/check")
@bp.input(CodeBody)
@bp.output(VoucherReply)
@bp.doc(
    summary="Show what a voucher code can be redeemed for; ten wrong codes an hour",
    responses={422: "The code is wrong", 429: "Too many wrong codes"},
)
def check_voucher(json_data: dict[str, str]) -> dict[str, Any]:
    with unit_of_work() as uow:
        right = service.right_of_code(uow, current_member_id(), json_data["code"])
        if right is not None:
            programme = programme_queries.any_programme(uow.session, right.programme_id)
            about = ("opens_on", "closes_on", "delivery", "max_items")
            return {
                **{name: getattr(programme, name) for name in about},
                "programme_name": programme.name,
                "state": right.state,
                "amount_fen": right.amount_fen,
                "packs": service.packs_to_choose(uow.session, programme),
            }
    raise entitlement_rules.WrongCode("code")


@bp.post("/vouchers/redeem")
@takes_key
@bp.input(CodeChoiceBody)
@bp.output(RedeemedReply, 201)
@bp.doc(
    summary="Redeem by code, also for somebody else; needs an Idempotency-Key",
    description="Where the union allows it; the order belongs to whoever redeems.",
    responses={409: "Redeemed already, not open or short", 429: "Too many wrong codes"},
)
def redeem_by_code(json_data: dict[str, Any]) -> Response:
    member_id, choice = current_member_id(), choice_of(json_data)
    made = None
    with unit_of_work() as uow:
        right = service.right_of_code(uow, member_id, json_data["code"])
        if right is not None and right.state != entitlement_rules.REDEEMED:
            made = service.plan_by_code(uow.session, right, choice, uow.now)
    if right is None:
        raise entitlement_rules.WrongCode("code")
    return _replay() if made is None else _redeem(member_id, made, choice.address_id)
