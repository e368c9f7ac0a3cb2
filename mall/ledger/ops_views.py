"""Operators grant beans and read the ledger's accounts."""

from typing import Any

from apiflask import APIBlueprint
from flask import Response

from mall.access.guard import current, needs_duty
from mall.access.rules import FINANCE_ENTERS
from mall.approvals.replies import answer
from mall.approvals.service import authors
from mall.kernel.uow import UnitOfWork, reading
from mall.ledger import queries
from mall.ledger.schemas import AccountList, GrantBody, GrantReply, ScopeBody, ScopeReply
from mall.ledger.service import granting, wallet
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
@bp.doc(
    summary="Grant beans to up to 1000 members; needs an Idempotency-Key",
    description=(
        "Up to what an operator may move alone in a day it is done at once. Beyond, the answer is "
        "202 with a proposal that another operator confirms at /v1/ops/proposals."
    ),
    responses={202: "It waits for another operator", 409: "The reference was used before"},
)
def grant(json_data: dict[str, Any]) -> Response:
    who = current()

    def work(uow: UnitOfWork) -> Any:
        return answer(granting.grant(uow, authors.signer(uow, who), json_data))

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
