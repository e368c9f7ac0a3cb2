"""Post transfers: entries that sum to zero, once per reference."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from mall.kernel.ids import new_id
from mall.kernel.uow import UnitOfWork
from mall.ledger import statements
from mall.ledger.models import LedgerEntry, LedgerTransfer

BEANS, CNY = "beans", "cny"
# System accounts: sums of entries without a balance row, so that no two orders wait for one row.
# An account that value comes from goes negative by what it gave: `wechat:clearing` by what
# WeChat collected for the mall, `beans:issued` by what was granted.
ISSUED, LAPSED = "beans:issued", "beans:lapsed"
BEAN_SALES, CNY_SALES = "sales:beans", "sales:cny"
# Beans that unions paid for in advance, and what their banks sent.
PREPAID, BANK_CLEARING = "beans:prepaid", "bank:clearing"
WECHAT_CLEARING, LATE_PAYMENTS = "wechat:clearing", "wechat:late"
# What payers must still get back over WeChat, of orders that were cancelled after they were paid.
REFUNDS_OWED = "wechat:owed"
# What operators gave back by bank or in cash, where WeChat could not.
REFUNDED_ELSEWHERE = "refunds:elsewhere"
# What suppliers earned, what the mall keeps of it, what operators corrected, what was paid out.
SETTLEMENT_COST, COMMISSION = "settlement:cost", "settlement:commission"
ADJUSTMENTS, PAYOUTS = "settlement:adjustments", "bank:payouts"


SNAPSHOT_MARGIN = timedelta(hours=1)
KEEP_SNAPSHOTS = timedelta(days=400)


@dataclass(frozen=True)
class Leg:
    """An amount arriving at (positive) or leaving (negative) an account."""

    account: str
    amount_fen: int
    member_id: UUID | None = None


@dataclass(frozen=True)
class Transfer:
    """What is to be posted."""

    reference: str
    kind: str
    asset: str
    legs: tuple[Leg, ...]


def lot_account(lot_id: UUID) -> str:
    """Return the account behind a lot."""
    return f"lot:{lot_id}"


def hold_account(order_id: UUID) -> str:
    """Return the account of what an order holds."""
    return f"hold:{order_id}"


def fund_account(fund_id: UUID) -> str:
    """Return the account behind a fund."""
    return f"fund:{fund_id}"


def supplier_account(supplier_id: UUID) -> str:
    """Return the account of what a supplier is owed."""
    return f"supplier:{supplier_id}"


def leftover_account(fund_id: UUID | None) -> str:
    """Return where what is left on a lot goes: to its fund, or without one it lapses."""
    return LAPSED if fund_id is None else fund_account(fund_id)


def known_references(session: Session, references: list[str]) -> set[str]:
    """Return those of the references that something was posted under."""
    query = select(LedgerTransfer.reference).where(LedgerTransfer.reference.in_(references))
    return set(session.scalars(query))


def roll_up(uow: UnitOfWork) -> datetime:
    """Sum the system accounts up to the start of an hour that is long over; return that instant.

    Doing it again changes nothing. An hour's margin is sixty times what any transaction may take,
    so that nothing can still be posted before it.
    """
    hour = uow.now.replace(minute=0, second=0, microsecond=0)
    before = hour - SNAPSHOT_MARGIN
    uow.session.execute(statements.ROLL_UP, {"before": before})
    uow.session.execute(statements.FORGET_SNAPSHOTS, {"keep_from": before - KEEP_SNAPSHOTS})
    return before


def post(uow: UnitOfWork, transfers: list[Transfer]) -> None:
    """Write transfers and entries; a repeated reference fails on its unique key.

    Raises ValueError when legs do not sum to zero: that is a bug, never an input.
    """
    transfer_rows: list[dict[str, Any]] = []
    entry_rows: list[dict[str, Any]] = []
    for transfer in transfers:
        if sum(leg.amount_fen for leg in transfer.legs) != 0 or len(transfer.legs) < 2:
            raise ValueError(f"transfer {transfer.reference} does not balance")
        transfer_id = new_id()
        transfer_rows.append(
            {
                "id": transfer_id,
                "reference": transfer.reference,
                "kind": transfer.kind,
                "asset": transfer.asset,
                "posted_at": uow.now,
            }
        )
        entry_rows.extend(
            {
                "id": new_id(),
                "transfer_id": transfer_id,
                "account": leg.account,
                "member_id": leg.member_id,
                "amount_fen": leg.amount_fen,
            }
            for leg in transfer.legs
        )
    if transfer_rows:
        uow.session.execute(insert(LedgerTransfer), transfer_rows)
        uow.session.execute(insert(LedgerEntry), entry_rows)
