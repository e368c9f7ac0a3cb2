"""Operators look after vouchers."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint

from fulfillment.vouchers import queries, service
from fulfillment.vouchers.schemas import (
    ExtendBody,
    OpsVoucherList,
    OpsVoucherQuery,
    OpsVoucherReply,
)
from mall.access.guard import current, needs_duty
from mall.access.rules import SERVICE
from mall.kernel.rows.shown import each_shown
from mall.kernel.uow import reading, unit_of_work
from mall.web.fields import values_of

bp = APIBlueprint("ops_vouchers", __name__, url_prefix="/v1/ops/vouchers", tag="Operations")


@bp.get("")
@bp.input(OpsVoucherQuery, location="query")
@bp.output(OpsVoucherList)
@bp.doc(summary="List the vouchers of an order by its number; never their codes")
def list_vouchers(query_data: dict[str, str]) -> dict[str, Any]:
    with reading() as session:
        found = queries.of_order_no(session, query_data["order_no"])
        return {"items": each_shown(lambda each: values_of(each, OpsVoucherReply), found)}


@bp.post("/<uuid:voucher_id>/extend")
@needs_duty(SERVICE)
@bp.input(ExtendBody)
@bp.output(OpsVoucherReply)
@bp.doc(
    summary="Let a voucher that is still good be used for longer, with a note",
    responses={409: "Used, revoked or expired"},
)
def extend(voucher_id: UUID, json_data: dict[str, Any]) -> dict[str, Any]:
    with unit_of_work() as uow:
        found = service.extend(
            uow, voucher_id, json_data["expires_at"], current().name, json_data["note"]
        )
        return values_of(found, OpsVoucherReply)
