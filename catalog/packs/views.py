"""Operators and unions put packs together, each their own; unions see the operators' too."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint

from catalog.packs import queries, service
from catalog.packs.schemas import PackBody, PackPage, PackReply, form_of, reply_of
from mall.access.guard import current, needs_duty
from mall.access.rules import HANDLES, MERCHANDISING, OPS, UNION
from mall.approvals import authors
from mall.approvals.rules import PACK, Subject
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
            return page([reply_of(pack) for pack in found], limit)

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

    return bp


BLUEPRINTS = [
    _blueprint(OPS, "Operations", MERCHANDISING),
    _blueprint(UNION, "Union", HANDLES),
]
