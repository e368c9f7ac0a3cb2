"""Operators see to refunds that WeChat could not pay."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response

from mall.access.guard import current, needs_duty
from mall.access.rules import FINANCE_ENTERS, SERVICE
from mall.approvals.replies import answer
from mall.approvals.service import authors
from mall.kernel.uow import UnitOfWork, reading, unit_of_work
from mall.web.fields import page, values_of
from mall.web.replies import idempotently, takes_key
from orders.refunds import queries
from orders.refunds.models import Refund
from orders.refunds.schemas import RefundPage, RefundQuery, RefundReply, SettleBody
from orders.refunds.service import refunding, settling

bp = APIBlueprint("refunds_ops", __name__, url_prefix="/v1/ops/refunds", tag="Operations")


def _reply(refund: Refund) -> dict[str, Any]:
    return values_of(refund, RefundReply)


@bp.get("")
@bp.input(RefundQuery, location="query")
@bp.output(RefundPage)
@bp.doc(summary="List refunds, newest first; `state=failed`: what somebody must see to")
def list_refunds(query_data: dict[str, Any]) -> dict[str, Any]:
    with reading() as session:
        found = queries.list_refunds(session, **query_data)
        return page(found, query_data["limit"], _reply)


@bp.post("/<uuid:refund_id>/retry")
@needs_duty(SERVICE)
@bp.output(RefundReply)
@bp.doc(
    summary="Ask WeChat again for a refund that it refused, under the same number",
    responses={409: "It did not fail, or WeChat took it on: settle it another way"},
)
def retry(refund_id: UUID) -> dict[str, Any]:
    with unit_of_work() as uow:
        return _reply(refunding.retry(uow, refund_id))


@bp.post("/<uuid:refund_id>/settle")
@needs_duty(FINANCE_ENTERS)
@takes_key
@bp.input(SettleBody)
@bp.output(RefundReply)
@bp.doc(
    summary="Record that a failed refund was paid another way; needs an Idempotency-Key",
    description="Beyond what an operator moves alone in a day it waits at /v1/ops/proposals: 202.",
    responses={202: "It waits for another operator", 409: "It did not fail, or waits already"},
)
def settle(refund_id: UUID, json_data: dict[str, str]) -> Response:
    who = current()

    def work(uow: UnitOfWork) -> Any:
        by = authors.signer(uow, who)
        return answer(settling.settle(uow, refund_id, by, json_data), 200)

    return idempotently(work, status=200)
