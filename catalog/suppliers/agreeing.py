"""A commission is set by two persons: it moves value of everything that is sold after it."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from catalog.suppliers import queries, rules, service
from mall.approvals import values
from mall.approvals.rules import Kind, Signer, Wanted
from mall.approvals.values import ValueAct
from mall.kernel.clock import beijing_day
from mall.kernel.uow import UnitOfWork

COMMISSION = "commission"


def propose_commission(
    uow: UnitOfWork, by: Signer, supplier_id: UUID, from_on: date, commission_bps: int
) -> ValueAct:
    """Propose the commission of what a supplier sells from a day on; raises NotFound, NotFromThen."""
    name = queries.get_supplier(uow.session, supplier_id).name
    about = f"自 {from_on} 起“{name}”的平台服务费率为 {commission_bps / 100:g} %"
    body = {
        "supplier_id": str(supplier_id),
        "from_on": str(from_on),
        "commission_bps": commission_bps,
    }
    return values.do(uow, by, Wanted(COMMISSION, body, 0, f"{supplier_id}:{from_on}", about))


def _check(uow: UnitOfWork, body: Mapping[str, Any]) -> None:
    queries.get_supplier(uow.session, UUID(body["supplier_id"]))
    rules.check_from(date.fromisoformat(body["from_on"]), beijing_day(uow.now))


def _carry_out(uow: UnitOfWork, body: Mapping[str, Any], by: str) -> dict[str, Any]:
    from_on, bps = date.fromisoformat(body["from_on"]), body["commission_bps"]
    service.set_commission(uow, UUID(body["supplier_id"]), from_on, bps, by)
    return {"from_on": from_on, "commission_bps": bps}


KINDS = {
    COMMISSION: Kind("设定平台服务费率", "a commission", _check, _carry_out, is_alone_allowed=False)
}
