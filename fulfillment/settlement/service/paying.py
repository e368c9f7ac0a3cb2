"""Adjustments and payments of statements: beyond the limit by two persons."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from catalog.suppliers import queries as supplier_queries
from fulfillment.settlement import queries, rules
from fulfillment.settlement.models import SettlementStatement
from fulfillment.settlement.service import settlements
from fulfillment.settlement.service.settlements import Adjustment
from mall.approvals.rules import Kind, ProposedAct, Signer
from mall.approvals.service import values
from mall.approvals.service.values import ValueAct
from mall.kernel.ids import new_id
from mall.kernel.money import yuan
from mall.kernel.uow import UnitOfWork

ADJUST, PAY = "adjustment", "statement_payment"


def adjust(uow: UnitOfWork, by: Signer, made: Adjustment) -> ValueAct:
    """Adjust what a supplier is owed, or propose it; raises NotFound and Invalid."""
    name = supplier_queries.get_supplier(uow.session, made.supplier_id).name
    about = f"结算调整“{name}”{yuan(made.amount_fen)} 元：{made.note}"
    body = {**vars(made), "supplier_id": str(made.supplier_id)}
    # Two adjustments of one supplier are two things.
    wanted = ProposedAct(ADJUST, body, abs(made.amount_fen), str(new_id()), about)
    return values.apply_or_propose(uow, by, wanted)


def _made(body: Mapping[str, Any]) -> Adjustment:
    return Adjustment(UUID(body["supplier_id"]), body["amount_fen"], body["note"], body["order_no"])


def _check_adjustment(uow: UnitOfWork, body: Mapping[str, Any]) -> None:
    rules.check_adjustment(body["amount_fen"])
    supplier_queries.get_supplier(uow.session, UUID(body["supplier_id"]))


def _adjust(uow: UnitOfWork, body: Mapping[str, Any], by: str) -> dict[str, Any]:
    made = _made(body)
    return {"id": settlements.adjust(uow, made, by), "amount_fen": made.amount_fen}


def pay(
    uow: UnitOfWork, by: Signer, statement_id: UUID, bank_reference: str
) -> ValueAct | SettlementStatement:
    """Record that a confirmed statement was paid by bank, or propose it.

    One that was paid by the same reference is returned as it is. Raises WrongState, ReferenceUsed.
    """
    found = queries.any_statement(uow.session, statement_id)
    if found.state == rules.PAID and found.bank_reference == bank_reference:
        return found
    about = f"支付结算单 {found.number}：{yuan(found.net_fen)} 元，{bank_reference}"
    body = {"statement_id": str(statement_id), "bank_reference": bank_reference}
    return values.apply_or_propose(
        uow, by, ProposedAct(PAY, body, found.net_fen, str(statement_id), about)
    )


def _check_payment(uow: UnitOfWork, body: Mapping[str, Any]) -> None:
    found = settlements.lock(uow, UUID(body["statement_id"]))
    rules.STATES.check(found.state, rules.PAID)
    if queries.is_reference_used(uow.session, body["bank_reference"]):
        raise rules.ReferenceUsed("bank_reference")


def _pay(uow: UnitOfWork, body: Mapping[str, Any], by: str) -> SettlementStatement:
    return settlements.pay(uow, UUID(body["statement_id"]), body["bank_reference"], by)


KINDS = {
    ADJUST: Kind("结算调整", "an adjustment of what is owed", _check_adjustment, _adjust),
    PAY: Kind("支付结算单", "the payment of a statement", _check_payment, _pay),
}
