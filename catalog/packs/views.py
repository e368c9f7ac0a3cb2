"""Operators and unions put packs together, each their own; unions see the operators' too."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint

from catalog.packs import queries, service
from catalog.packs.schemas import (
    PackBody,
    PackPage,
    PackReply,
    PriceAskBody,
    PriceRequestList,
    UnionPriceList,
    form_of,
    reply_of,
)
from catalog.stock import queries as stock_queries
from mall.access.guard import current, needs_duty
from mall.access.rules import HANDLES, MERCHANDISING, OPS, UNION
from mall.approvals.rules import PACK, Subject
from mall.approvals.service import authors
from mall.kernel.uow import UnitOfWork, reading, unit_of_work
from mall.web.fields import PageQuery, page


def _read(pack_id: UUID) -> dict[str, Any]:
    with reading() as session:
        [found] = queries.packs_of(session, current().scope_id, [pack_id])
        return reply_of(found)


def _sign(uow: UnitOfWork, pack_id: UUID) -> None:
    """Write down who touched a pack: a programme that freezes it has this author."""
    authors.touch(uow, Subject(PACK, pack_id), authors.signer(uow, current()))


def _blueprint(audience: str, tag: str, duty: str) -> APIBlueprint:
    prefix = f"/v1/{audience}/packs"
    bp = APIBlueprint(f"packs_{audience}", __name__, url_prefix=prefix, tag=tag)

    @bp.get("")
    @bp.input(PageQuery, location="query")
    @bp.output(PackPage)
    @bp.doc(summary="List packs with what stock allows, newest first")
    def list_packs(query_data: dict[str, Any]) -> dict[str, Any]:
        limit = query_data["limit"]
        with reading() as session:
            found = queries.visible_packs(session, current().scope_id, query_data["cursor"], limit)
            return page(found, limit, reply_of)

    @bp.post("")
    @needs_duty(duty)
    @bp.input(PackBody)
    @bp.output(PackReply, 201)
    @bp.doc(summary="Put a pack together: SKUs, quantities, and the price of one in the pack")
    def add_pack(json_data: dict[str, Any]) -> dict[str, Any]:
        with unit_of_work() as uow:
            pack_id = service.add_pack(uow, current().scope_id, form_of(json_data))
            _sign(uow, pack_id)
        return _read(pack_id)

    @bp.get("/<uuid:pack_id>")
    @bp.output(PackReply)
    @bp.doc(summary="Read a pack")
    def read_pack(pack_id: UUID) -> dict[str, Any]:
        return _read(pack_id)

    @bp.put("/<uuid:pack_id>")
    @needs_duty(duty)
    @bp.input(PackBody)
    @bp.output(PackReply)
    @bp.doc(summary="Change a pack; programmes that froze it keep what they froze")
    def change_pack(pack_id: UUID, json_data: dict[str, Any]) -> dict[str, Any]:
        with unit_of_work() as uow:
            service.change_pack(uow, current().scope_id, pack_id, form_of(json_data))
            _sign(uow, pack_id)
        return _read(pack_id)

    _add_price_requests(bp, duty)
    return bp


def _add_price_requests(bp: APIBlueprint, duty: str) -> None:
    @bp.get("/<uuid:pack_id>/price-requests")
    @bp.output(PriceRequestList)
    @bp.doc(summary="List what suppliers were asked about one's own pack's prices, newest first")
    def list_price_requests(pack_id: UUID) -> dict[str, Any]:
        with reading() as session:
            queries.own_pack(session, current().scope_id, pack_id)
            return {"items": queries.requests_of_pack(session, pack_id)}

    @bp.post("/<uuid:pack_id>/price-requests")
    @needs_duty(duty)
    @bp.input(PriceAskBody)
    @bp.output(PriceRequestList, 201)
    @bp.doc(
        summary="Ask suppliers for the prices in a pack that are not theirs for unions",
        responses={409: "Nothing to ask for"},
    )
    def ask_for_prices(pack_id: UUID, json_data: dict[str, str]) -> dict[str, Any]:
        by = current().name
        with unit_of_work() as uow:
            made = service.ask_for_prices(uow, current().scope_id, pack_id, by, json_data["note"])
            return {"items": made}


prices_bp = APIBlueprint("union_prices", __name__, url_prefix="/v1/union/products", tag="Union")


@prices_bp.get("/<uuid:product_id>/prices")
@prices_bp.output(UnionPriceList)
@prices_bp.doc(summary="Read what a product on sale costs unions (工会采购价), by SKU")
def read_prices(product_id: UUID) -> dict[str, Any]:
    with reading() as session:
        return {"items": stock_queries.offers_of_product(session, product_id)}


BLUEPRINTS = [
    prices_bp,
    _blueprint(OPS, "Operations", MERCHANDISING),
    _blueprint(UNION, "Union", HANDLES),
]
