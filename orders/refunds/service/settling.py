"""A refund that was paid another way is recorded: beyond the limit by two persons."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from mall.approvals.rules import Kind, ProposedAct, Signer
from mall.approvals.service import values
from mall.approvals.service.values import ValueAct
from mall.kernel.money import yuan
from mall.kernel.uow import UnitOfWork
from orders.refunds import rules
from orders.refunds.models import Refund
from orders.refunds.rules import Settlement
from orders.refunds.service import refunding

SETTLE = "settle_refund"


def settle(uow: UnitOfWork, refund_id: UUID, by: Signer, how: Mapping[str, str]) -> ValueAct:
    """Record that a failed refund was paid another way, or propose it.

    Raises NotFound, WrongState, AlreadyProposed.
    """
    refund = refunding.lock(uow, refund_id)
    amount = refund.amount_fen
    about = f"退款 {refund.out_refund_no} 由其他渠道退回：{yuan(amount)} 元"
    body = {**how, "refund_id": str(refund_id)}
    return values.apply_or_propose(
        uow, by, ProposedAct(SETTLE, body, amount, str(refund_id), about)
    )


def _check(uow: UnitOfWork, body: Mapping[str, Any]) -> None:
    refund = refunding.lock(uow, UUID(body["refund_id"]))
    rules.STATES.check(refund.state, rules.SETTLED)


def _carry_out(uow: UnitOfWork, body: Mapping[str, Any], by: str) -> Refund:
    how = Settlement(body["channel"], body["channel_reference"], body["note"])
    return refunding.settle(uow, UUID(body["refund_id"]), by, how)


KINDS = {SETTLE: Kind("登记其他渠道退款", "a refund paid another way", _check, _carry_out)}
