"""Operators grant beans: alone within the limit, beyond it by two persons."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from mall.approvals.models import ValueAct
from mall.approvals.rules import Kind, Signer, Wanted
from mall.approvals.service import values
from mall.kernel.errors import NotFound
from mall.kernel.money import yuan
from mall.kernel.uow import UnitOfWork
from mall.ledger.rules import Grant
from mall.ledger.service import wallet
from mall.members import queries as member_queries

GRANT = "grant"


def give(uow: UnitOfWork, by: Signer, body: Mapping[str, Any]) -> ValueAct:
    """Grant beans to members, or propose it; raises NotFound, Invalid, UnknownScope, AlreadyProposed.

    The reference grants once to each member.
    """
    return values.do(uow, by, _wanted(body))


def _wanted(body: Mapping[str, Any]) -> Wanted:
    ids = sorted({str(each) for each in body["member_ids"]})
    total = len(ids) * body["amount_fen"]
    about = f"发放福利豆“{body['programme']}”：{len(ids)} 人，共 {yuan(total)} 元"
    return Wanted(GRANT, {**body, "member_ids": ids}, total, body["reference"], about)


def _grants(body: Mapping[str, Any]) -> list[Grant]:
    expires_at, scope_id = body["expires_at"], body["scope_id"]
    if isinstance(expires_at, str):
        expires_at = datetime.fromisoformat(expires_at)
    return [
        Grant(
            member_id=UUID(str(member_id)),
            amount_fen=body["amount_fen"],
            expires_at=expires_at,
            programme=body["programme"],
            reference=f"{body['reference']}:{member_id}",
            scope_id=UUID(str(scope_id)) if scope_id else None,
        )
        for member_id in body["member_ids"]
    ]


def _check(uow: UnitOfWork, body: Mapping[str, Any]) -> None:
    member_ids = [UUID(str(each)) for each in body["member_ids"]]
    if member_queries.unknown_members(uow.session, member_ids):
        raise NotFound("member", field="member_ids")
    wallet.check_grants(uow, _grants(body))


def _carry_out(uow: UnitOfWork, body: Mapping[str, Any], by: str) -> dict[str, Any]:
    lot_ids = wallet.grant(uow, _grants(body))
    return {"lot_ids": lot_ids, "total_fen": len(lot_ids) * body["amount_fen"]}


def seed(uow: UnitOfWork, grants: Iterable[Grant]) -> list[UUID]:
    """Give what the demo and measurements begin with; it stands on record as nobody's."""
    lot_ids = []
    for each in grants:
        body = {
            "member_ids": [str(each.member_id)],
            "amount_fen": each.amount_fen,
            "expires_at": each.expires_at.isoformat(),
            "programme": each.programme,
            "reference": each.reference,
            "scope_id": each.scope_id and str(each.scope_id),
        }
        lot_ids += _carry_out(uow, body, "system")["lot_ids"]
        values.seeded(uow, _wanted(body))
    return lot_ids


KINDS = {GRANT: Kind("发放福利豆", "a grant of beans", _check, _carry_out)}
