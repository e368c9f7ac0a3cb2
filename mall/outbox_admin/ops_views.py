"""Operators see what waits and what failed, and decide."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import current_app

from mall.access.guard import current, needs_duty
from mall.access.rules import SERVICE
from mall.kernel.outbox import OutboxDelivery
from mall.kernel.uow import UnitOfWork, reading, unit_of_work
from mall.outbox_admin import process, queries, service
from mall.outbox_admin.schemas import (
    DecisionBody,
    DeliveryPage,
    DeliveryQuery,
    DeliveryReply,
    QueueList,
)
from mall.web.fields import page, values_of

bp = APIBlueprint("deliveries_ops", __name__, url_prefix="/v1/ops/deliveries", tag="Operations")

Decision = Callable[[UnitOfWork, UUID, str, str], OutboxDelivery]


def _decide(decision: Decision, delivery_id: UUID, note: str) -> dict[str, Any]:
    with unit_of_work() as uow:
        return values_of(decision(uow, delivery_id, current().name, note), DeliveryReply)


@bp.get("")
@bp.input(DeliveryQuery, location="query")
@bp.output(DeliveryPage)
@bp.doc(
    summary="List deliveries of events, newest first; parked ones unless another state is asked for"
)
def list_deliveries(query_data: dict[str, Any]) -> dict[str, Any]:
    with reading() as session:
        found = queries.list_deliveries(session, **query_data)
        return page(found, query_data["limit"], lambda row: values_of(row, DeliveryReply))


@bp.get("/queues")
@bp.output(QueueList)
@bp.doc(summary="Read how much waits in each queue, since when, and how many workers there are")
def list_queues() -> dict[str, Any]:
    with reading() as session:
        return process.read(session, current_app.extensions["mall_quick_redis"])


@bp.post("/<uuid:delivery_id>/retry")
@needs_duty(SERVICE)
@bp.input(DecisionBody)
@bp.output(DeliveryReply)
@bp.doc(
    summary="Let a delivery run again, within seconds",
    responses={409: "It is done already"},
)
def retry(delivery_id: UUID, json_data: dict[str, str]) -> dict[str, Any]:
    return _decide(service.retry, delivery_id, json_data["note"])


@bp.post("/<uuid:delivery_id>/park")
@needs_duty(SERVICE)
@bp.input(DecisionBody)
@bp.output(DeliveryReply)
@bp.doc(
    summary="Take a waiting delivery out of the way",
    responses={409: "It does not wait"},
)
def park(delivery_id: UUID, json_data: dict[str, str]) -> dict[str, Any]:
    return _decide(service.park, delivery_id, json_data["note"])


@bp.post("/<uuid:delivery_id>/drop")
@needs_duty(SERVICE)
@bp.input(DecisionBody)
@bp.output(DeliveryReply)
@bp.doc(
    summary="Give a parked delivery up; it stays on record and can be retried",
    responses={409: "It is not parked"},
)
def drop(delivery_id: UUID, json_data: dict[str, str]) -> dict[str, Any]:
    return _decide(service.drop, delivery_id, json_data["note"])
