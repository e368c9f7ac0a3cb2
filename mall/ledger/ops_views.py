"""Operators grant beans and read the ledger's accounts."""

from typing import Any

from apiflask import APIBlueprint
from flask import Response

from mall.access.guard import needs_duty
from mall.access.rules import FINANCE_ENTERS
from mall.kernel.errors import NotFound
from mall.kernel.uow import UnitOfWork, reading
from mall.ledger import queries, wallet
from mall.ledger.rules import Grant
from mall.ledger.schemas import AccountList, GrantBody, GrantReply, ScopeBody, ScopeReply
from mall.members import queries as members
from mall.web.replies import idempotently, takes_key

bp = APIBlueprint("beans_ops", __name__, url_prefix="/v1/ops/beans", tag="Operations")


accounts_bp = APIBlueprint("ledger_ops", __name__, url_prefix="/v1/ops/ledger", tag="Operations")


@accounts_bp.get("/accounts")
@accounts_bp.output(AccountList)
@accounts_bp.doc(
    summary="Read the balance of every system account",
    description=(
        "Positive: value arrived there; negative: it came from there, as `beans:issued` and "
        "`wechat:clearing`. With all lots and holds they sum to zero for each asset."
    ),
)
def list_accounts() -> dict[str, Any]:
    with reading() as session:
        return {"items": queries.system_accounts(session)}


@bp.post("/grants")
@needs_duty(FINANCE_ENTERS)
@takes_key
@bp.input(GrantBody)
@bp.output(GrantReply, 201)
@bp.doc(summary="Grant beans to up to 1000 members; needs an Idempotency-Key")
def grant(json_data: dict[str, Any]) -> Response:
    def work(uow: UnitOfWork) -> dict[str, Any]:
        member_ids = sorted(set(json_data["member_ids"]))
        if members.unknown_members(uow.session, member_ids):
            raise NotFound("member", "会员", field="member_ids")
        grants = [
            Grant(
                member_id=member_id,
                amount_fen=json_data["amount_fen"],
                expires_at=json_data["expires_at"],
                programme=json_data["programme"],
                reference=f"{json_data['reference']}:{member_id}",
                scope_id=json_data["scope_id"],
            )
            for member_id in member_ids
        ]
        lot_ids = wallet.grant(uow, grants)
        return {"lot_ids": lot_ids, "total_fen": sum(item.amount_fen for item in grants)}

    return idempotently(work)


@bp.post("/scopes")
@needs_duty(FINANCE_ENTERS)
@takes_key
@bp.input(ScopeBody)
@bp.output(ScopeReply, 201)
@bp.doc(summary="Freeze a selection of products that beans can be bound to")
def create_scope(json_data: dict[str, Any]) -> Response:
    return idempotently(
        lambda uow: {"id": wallet.create_scope(uow, json_data["name"], json_data["product_ids"])}
    )
