"""Money of a union arrives for a programme, and what is left goes back."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from mall.approvals.rules import ACCEPTANCE, FUNDING, Signer, Subject
from mall.approvals.service import authors
from mall.kernel.errors import NotFound
from mall.kernel.ids import new_id
from mall.kernel.uow import UnitOfWork
from mall.ledger.service import funds, posting
from orders.collective import queries, rules
from orders.collective.models import Funding
from orders.messages import FundPaid
from orders.payments import service as payment_service
from orders.payments.models import Payment
from orders.payments.service import Begun
from orders.programmes import queries as programme_queries
from orders.programmes import rules as programme_rules
from orders.programmes.models import Programme
from orders.programmes.rules import Signature
from orders.programmes.service import history, lifecycle
from orders.programmes.service.history import Step

SYSTEM = Signature("system", "系统")


@dataclass(frozen=True)
class Transfer:
    """What a bank statement says of a transfer."""

    amount_fen: int
    bank_reference: str
    payer: str
    note: str = ""


def record(uow: UnitOfWork, programme_id: UUID, by: Signer, transfer: Transfer) -> Funding:
    """Record a bank transfer to any union's programme, as operators do; another person confirms it.

    Raises NotFundable and BankReferenceUsed.
    """
    return _record(uow, programme_queries.lock_any(uow, programme_id), by, transfer)


def record_of_union(
    uow: UnitOfWork, union_id: UUID, programme_id: UUID, by: Signer, transfer: Transfer
) -> Funding:
    """Record a union's bank transfer to its own programme; raises what `record` raises."""
    programme = programme_queries.lock_of_union(uow, union_id, programme_id)
    return _record(uow, programme, by, transfer)


def _record(uow: UnitOfWork, programme: Programme, by: Signer, transfer: Transfer) -> Funding:
    rules.check_fundable(programme.state)
    return _add(uow, programme.id, by, rules.TRANSFER, transfer)


def _add(uow: UnitOfWork, programme_id: UUID, by: Signer, kind: str, transfer: Transfer) -> Funding:
    row = Funding(
        id=new_id(),
        programme_id=programme_id,
        kind=kind,
        state=rules.RECORDED,
        recorded_by=by.name,
        recorded_at=uow.now,
        **vars(transfer),
    )
    try:
        with uow.session.begin_nested():
            uow.session.add(row)
    except IntegrityError as error:
        raise rules.BankReferenceUsed("bank_reference") from error
    authors.touch(uow, Subject(FUNDING, row.id), by)
    authors.touch(uow, Subject(ACCEPTANCE, programme_id), by)
    return row


def confirm(uow: UnitOfWork, programme_id: UUID, funding_id: UUID, by: Signer) -> Funding:
    """Confirm that a transfer is in the bank: it is posted into the fund, once.

    Partial and excess amounts are fine: the programme is funded once its budget is covered. Raises
    SamePerson for whoever recorded it.
    """
    programme = programme_queries.lock_any(uow, programme_id)
    row = _of_kind(uow, programme_id, funding_id, rules.TRANSFER)
    _decide(uow, row, rules.CONFIRMED, by)
    reference = f"bank:{row.id}"
    funds.deposit(uow, programme.id, row.amount_fen, posting.BANK_CLEARING, reference)
    _sign(uow, programme, row, by, "money_confirmed")
    settle(uow, programme)
    return row


def reject(
    uow: UnitOfWork, programme_id: UUID, funding_id: UUID, by: Signer, kind: str = rules.TRANSFER
) -> Funding:
    """Say that a recorded transfer is not in the bank, or a payout is not to be; never one's own."""
    programme = programme_queries.lock_any(uow, programme_id)
    row = _of_kind(uow, programme_id, funding_id, kind)
    _decide(uow, row, rules.REJECTED, by)
    is_transfer = kind == rules.TRANSFER
    _sign(uow, programme, row, by, "money_not_found" if is_transfer else "money_not_returned")
    return row


def _of_kind(uow: UnitOfWork, programme_id: UUID, funding_id: UUID, kind: str) -> Funding:
    row = uow.session.get(Funding, funding_id, with_for_update=True, populate_existing=True)
    if row is None or row.programme_id != programme_id or row.kind != kind:
        raise NotFound("transfer")
    return row


def _decide(uow: UnitOfWork, row: Funding, state: str, by: Signer) -> None:
    rules.FUNDING_STATES.check(row.state, state)
    authors.decide(uow, Subject(FUNDING, row.id), by)
    # What is accepted in the end includes its money: whoever vouched for that is no witness of it.
    authors.touch(uow, Subject(ACCEPTANCE, row.programme_id), by)
    row.state, row.decided_by, row.decided_at = state, by.name, uow.now
    uow.session.flush()


def _sign(uow: UnitOfWork, programme: Programme, row: Funding, by: Signer, act: str) -> None:
    details = {"amount_fen": row.amount_fen, "bank_reference": row.bank_reference}
    history.append(uow, programme, Step(Signature(by.name, by.display_name), act, details=details))


def settle(uow: UnitOfWork, programme: Programme) -> None:
    """Note that a locked programme's budget is covered, if it is; issuing goes on where it waited."""
    balance = funds.balance(uow.session, programme.id)
    if programme.state == programme_rules.APPROVED and balance >= programme.budget_fen:
        lifecycle.step(uow, programme, SYSTEM, programme_rules.FUNDED)
    elif programme.state in (programme_rules.ISSUING, programme_rules.ACTIVE):
        programme.due_at = uow.now


def settle_paid_funds(uow: UnitOfWork, messages: Sequence[FundPaid]) -> None:
    """Go on with the programmes that WeChat brought money for."""
    for message in sorted(messages, key=lambda each: each.programme_id):
        programme = programme_queries.lock_any(uow, UUID(message.programme_id))
        payment = uow.session.get_one(Payment, UUID(message.payment_id))
        details = {"amount_fen": payment.amount_fen, "transaction_id": payment.transaction_id}
        history.append(uow, programme, Step(SYSTEM, "money_paid", details=details))
        settle(uow, programme)


def begin_native(uow: UnitOfWork, union_id: UUID, programme_id: UUID, merchant: str) -> Begun:
    """Begin to pay what is due by a QR code; for small programmes only.

    Raises NotFundable, NothingDue, TooMuchForNative.
    """
    programme = programme_queries.lock_of_union(uow, union_id, programme_id)
    rules.check_fundable(programme.state)
    due = queries.bill(uow.session, programme)["due_fen"]
    if due == 0:
        raise rules.NothingDue()
    if due > rules.MAX_NATIVE_FEN:
        raise rules.TooMuchForNative("amount_fen", limit_fen=rules.MAX_NATIVE_FEN)
    return payment_service.begin_funding(uow, programme.id, due, programme.name, merchant)


def record_payout(uow: UnitOfWork, programme_id: UUID, by: Signer, transfer: Transfer) -> Funding:
    """Record money that is to go back to the union by bank; another person confirms it.

    Raises PayoutTooLarge beyond what is free.
    """
    programme = programme_queries.lock_any(uow, programme_id)
    _check_payout(uow, programme, transfer.amount_fen)
    return _add(uow, programme.id, by, rules.PAYOUT, transfer)


def _check_payout(uow: UnitOfWork, programme: Programme, amount_fen: int) -> int:
    """Return the fund's balance; raise PayoutTooLarge beyond what is free."""
    balance = funds.balance(uow.session, programme.id)
    to_issue = queries.bill(uow.session, programme)["to_issue_fen"]
    allowed = rules.allowed_payout(programme.state, balance, to_issue)
    if amount_fen > allowed:
        raise rules.PayoutTooLarge("amount_fen", allowed_fen=allowed)
    return balance


def confirm_payout(uow: UnitOfWork, programme_id: UUID, funding_id: UUID, by: Signer) -> Funding:
    """Confirm that money went back to the union: it leaves the fund, once.

    What is free is judged again. A programme that was funded and no longer is waits for money
    again, or is withdrawn. Raises SamePerson for whoever recorded it, and PayoutTooLarge.
    """
    programme = programme_queries.lock_any(uow, programme_id)
    row = _of_kind(uow, programme_id, funding_id, rules.PAYOUT)
    _decide(uow, row, rules.CONFIRMED, by)
    left = _check_payout(uow, programme, row.amount_fen) - row.amount_fen
    funds.pay_out(uow, programme.id, row.amount_fen, f"payout:{row.id}")
    _sign(uow, programme, row, by, "money_returned")
    if programme.state == programme_rules.FUNDED and left < programme.budget_fen:
        lifecycle.step(uow, programme, SYSTEM, programme_rules.APPROVED)
    return row
