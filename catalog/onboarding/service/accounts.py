"""The account that a supplier is paid to: proposed by its users, put in force by an operator."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from catalog.suppliers import queries as supplier_queries
from catalog.suppliers import rules as supplier_rules
from mall.access.rules import SUPPLIER
from mall.approvals.rules import Kind, ProposedAct, Signer
from mall.approvals.service import values
from mall.kernel.uow import UnitOfWork
from mall.notification.rules import NewNotice
from mall.notification.service import staff_notices

ACCOUNT = "payout_account"
Account = Mapping[str, Any]


def change(uow: UnitOfWork, by: Signer, supplier_id: UUID, account: Account | None) -> None:
    """Set the account of an application that nobody handed in yet; later ones are proposed.

    None, and the account in force, change nothing. A newer proposal takes the place of one that
    waits.
    """
    supplier = supplier_queries.get_supplier(uow.session, supplier_id, for_update=True)
    if account is None or account == supplier.settlement_account:
        return
    if supplier.state == supplier_rules.APPLIED and supplier.submitted_at is None:
        supplier.settlement_account = dict(account)
        return
    earlier = values.waiting_of(uow.session, ACCOUNT, str(supplier_id), for_update=True)
    if earlier is not None and earlier.body["account"] == dict(account):
        return
    if earlier is not None:
        values.withdraw_proposal(uow, earlier, by)
    about = f"“{supplier.name}”的收款账户改为 {account['account_name']} {masked(account)}"
    body = {"supplier_id": str(supplier_id), "account": dict(account)}
    act = values.apply_or_propose(uow, by, ProposedAct(ACCOUNT, body, 0, str(supplier_id), about))
    zh = f"{by.display_name}提交了新的收款账户（{masked(account)}），运营确认后生效。"
    en = f"{by.display_name} proposed another payout account ({masked(account)}); it waits."
    _tell(uow, supplier_id, f"{act.id}:proposed", zh, en)


def masked(account: Account) -> str:
    """Return the bank and the end of a number, as notices show an account."""
    return f"{account['bank']} ****{account['account_number'][-4:]}"


def proposed(session: Session, supplier_id: UUID) -> dict[str, Any] | None:
    """Return the account that waits, as its supplier and operators read it."""
    found = values.waiting_of(session, ACCOUNT, str(supplier_id))
    return None if found is None else found.body["account"]


def _tell(uow: UnitOfWork, supplier_id: UUID, reference: str, zh: str, en: str) -> None:
    told = NewNotice(SUPPLIER, supplier_id, "payout_account", f"account:{reference}", zh, en)
    staff_notices.notify(uow, [told])


def _check(uow: UnitOfWork, body: Mapping[str, Any]) -> None:
    supplier_queries.get_supplier(uow.session, UUID(body["supplier_id"]))


def _carry_out(uow: UnitOfWork, body: Mapping[str, Any], by: str) -> dict[str, Any]:
    supplier = supplier_queries.get_supplier(
        uow.session, UUID(body["supplier_id"]), for_update=True
    )
    account = body["account"]
    supplier.settlement_account = dict(account)
    zh = f"新的收款账户（{masked(account)}）已生效，用于此后出具的结算单。"
    en = f"The payout account ({masked(account)}) is in force for statements from now on."
    _tell(uow, supplier.id, f"{supplier.id}:{uow.now.isoformat()}:in-force", zh, en)
    return {"supplier_id": supplier.id, "account": masked(account)}


def _refused(uow: UnitOfWork, body: Mapping[str, Any], note: str) -> None:
    supplier_id, account = UUID(body["supplier_id"]), body["account"]
    zh = f"新的收款账户（{masked(account)}）未被采用，原账户不变。{note}"
    en = f"The proposed payout account ({masked(account)}) was not accepted. {note}"
    _tell(uow, supplier_id, f"{supplier_id}:{uow.now.isoformat()}:refused", zh, en)


KINDS = {
    ACCOUNT: Kind(
        "变更收款账户", "another payout account", _check, _carry_out, False, on_refused=_refused
    )
}
