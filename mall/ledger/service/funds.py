"""The funds that unions pay into, and the lots that are issued from them (docs/adr/0012)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, select, text
from sqlalchemy.orm import Session

from mall.kernel.ids import new_id
from mall.kernel.money import MAX_FEN
from mall.kernel.uow import UnitOfWork
from mall.ledger.models import BeanLot, LedgerFund
from mall.ledger.rules import FundShort
from mall.ledger.service import posting
from mall.ledger.service.posting import (
    BEANS,
    CNY,
    Leg,
    Transfer,
    fund_account,
    leftover_account,
    lot_account,
)


@dataclass(frozen=True)
class LotTerms:
    """What all lots of a programme have in common, under the names of the lot's own columns."""

    programme_id: UUID
    programme: str
    expires_at: datetime
    scope_id: UUID | None = None
    is_voucher: bool = False
    allows_top_up: bool = True
    leftover_fund_id: UUID | None = None


@dataclass(frozen=True)
class NewLot:
    """A lot about to be issued to an owner: a member, an entitlement that waits, or a programme."""

    id: UUID
    owner_id: UUID
    amount_fen: int


@dataclass(frozen=True)
class LotSource:
    """A statement that gives lot_id, owner_id and amount_fen of lots to issue, and its parameters.

    It may change the rows that it gives from, in the same statement.
    """

    sql: str
    values: Mapping[str, Any]


def open_fund(uow: UnitOfWork, fund_id: UUID, union_id: UUID, name: str) -> None:
    """Open an empty fund of a union; opening it again changes nothing."""
    values = {"id": fund_id, "union_id": union_id, "name": name, "now": uow.now}
    uow.session.execute(_OPEN, values)


def close_fund(uow: UnitOfWork, fund_id: UUID) -> None:
    """Note that a fund's programme is over: its lots take nothing back from now on."""
    uow.session.execute(_CLOSE, {"id": fund_id, "now": uow.now})


def balance(session: Session, fund_id: UUID) -> int:
    """Return what is in a fund, in fen; none is empty."""
    found = session.scalar(select(LedgerFund.balance_fen).where(LedgerFund.id == fund_id))
    return found or 0


def deposit(
    uow: UnitOfWork, fund_id: UUID, amount_fen: int, from_account: str, reference: str
) -> None:
    """Post money that arrived: `cny` from where it came, and as many beans into the fund.

    The reference makes it happen once: a second time fails on its unique key.
    """
    if not 0 < amount_fen <= MAX_FEN:
        raise ValueError("a deposit is positive")
    # The row of the fund first: whoever takes from it waits until the postings stand, too.
    uow.session.execute(_ADD, {"fund_id": fund_id, "amount": amount_fen})
    # In step: money that unions have paid stands in `prepaid`, what may be given of it in the fund.
    money = (Leg(from_account, -amount_fen), Leg(posting.PREPAID, amount_fen))
    beans = (Leg(posting.ISSUED, -amount_fen), Leg(fund_account(fund_id), amount_fen))
    posting.post(
        uow,
        [
            Transfer(reference, "deposit", CNY, money),
            Transfer(f"fund:{reference}", "deposit", BEANS, beans),
        ],
    )


def pay_out(uow: UnitOfWork, fund_id: UUID, amount_fen: int, reference: str) -> None:
    """Post money that goes back to the union by bank; raise FundShort beyond what is there."""
    _take(uow, fund_id, amount_fen)
    money = (Leg(posting.PREPAID, -amount_fen), Leg(posting.BANK_CLEARING, amount_fen))
    beans = (Leg(fund_account(fund_id), -amount_fen), Leg(posting.ISSUED, amount_fen))
    posting.post(
        uow,
        [
            Transfer(reference, "payout", CNY, money),
            Transfer(f"fund:{reference}", "payout", BEANS, beans),
        ],
    )


def _take(uow: UnitOfWork, fund_id: UUID, amount_fen: int) -> None:
    # One conditional statement: between reading a balance and taking from it another may be faster.
    taken = uow.session.execute(_TAKE, {"fund_id": fund_id, "amount": amount_fen}).first()
    if taken is None:
        missing = amount_fen - balance(uow.session, fund_id)
        raise FundShort(missing_fen=missing)


def issue(uow: UnitOfWork, fund_id: UUID, terms: LotTerms, lot: NewLot, reference: str) -> None:
    """Issue one lot from a fund; raise FundShort, keeping nothing."""
    values = {"given_id": lot.id, "given_to": lot.owner_id, "given_fen": lot.amount_fen}
    issue_from(uow, fund_id, terms, LotSource(_ONE, values), reference)


def issue_from(
    uow: UnitOfWork, fund_id: UUID, terms: LotTerms, given: LotSource, reference: str
) -> None:
    """Issue a lot for each row that a statement gives.

    One statement with its own: no row passes through the application. Raises FundShort where the
    fund does not cover them all; then nothing of it may be kept. Whoever gives sees to it that
    nobody is served twice; the reference is unique as well.
    """
    row = uow.session.execute(
        _issuing(given.sql),
        {
            **given.values,
            "fund_id": fund_id,
            "transfer_id": new_id(),
            "fund_entry_id": new_id(),
            "fund_account": fund_account(fund_id),
            "reference": reference,
            "now": uow.now,
            **vars(terms),
        },
    ).one()
    # Lots and entries are written by now; raising undoes the transaction, and they with it.
    if row.lots and not row.is_covered:
        raise FundShort(missing_fen=int(row.fen) - balance(uow.session, fund_id))


def reclaim_lots(
    uow: UnitOfWork, lot_ids: Sequence[UUID], fund_id: UUID | None, reference: str
) -> int:
    """Reclaim all that is left on lots for their fund, or let it lapse without one; return how much.

    A lot that is empty is left alone; doing it again moves nothing.
    """
    to_account = leftover_account(fund_id)
    kind = "lapse" if fund_id is None else "return"
    total = _drain(uow, lot_ids, _Target(to_account, kind, reference))
    # Lapsed beans belong to no fund: only the account of what lapsed keeps them.
    if fund_id is not None and total:
        uow.session.execute(_ADD, {"fund_id": fund_id, "amount": total})
    return total


def transfer_lots(
    uow: UnitOfWork, lot_ids: Sequence[UUID], terms: LotTerms, owner_id: UUID, reference: str
) -> UUID | None:
    """Move all that is left on lots to one new lot of another owner; return it, or None for nothing.

    So a union's order is paid from what its people were given, and a claimed entitlement moves to its
    member.
    """
    lot_id = new_id()
    # The old lots stay, empty: entries name their accounts, and an entry is never changed.
    total = _drain(uow, lot_ids, _Target(lot_account(lot_id), "move", reference, owner_id))
    if not total:
        return None
    uow.session.add(
        BeanLot(
            id=lot_id,
            member_id=owner_id,
            granted_fen=total,
            balance_fen=total,
            created_at=uow.now,
            **vars(terms),
        )
    )
    uow.session.flush()
    return lot_id


@dataclass(frozen=True)
class _Target:
    """Where what is left on lots goes, and what the ledger calls it."""

    account: str
    kind: str
    reference: str
    member_id: UUID | None = None


def _drain(uow: UnitOfWork, lot_ids: Sequence[UUID], target: _Target) -> int:
    # Only what is not empty comes back, so that a second run moves nothing.
    rows = uow.session.execute(_EMPTY, {"lot_ids": sorted(lot_ids), "now": uow.now}).all()
    total = sum(row.balance_fen for row in rows)
    if total:
        legs = [Leg(lot_account(row.id), -row.balance_fen, row.member_id) for row in rows]
        legs.append(Leg(target.account, total, target.member_id))
        moved = Transfer(target.reference, target.kind, BEANS, tuple(legs))
        posting.post(uow, [moved])
    return total


_OPEN = text(
    """
    INSERT INTO ledger_fund (id, union_id, name, balance_fen, created_at)
    VALUES (:id, :union_id, :name, 0, :now)
    ON CONFLICT (id) DO NOTHING
    """
)
_CLOSE = text("UPDATE ledger_fund SET closed_at = :now WHERE id = :id AND closed_at IS NULL")
_ADD = text("UPDATE ledger_fund SET balance_fen = balance_fen + :amount WHERE id = :fund_id")
_TAKE = text(
    """
    UPDATE ledger_fund SET balance_fen = balance_fen - :amount
    WHERE id = :fund_id AND balance_fen >= :amount RETURNING id
    """
)
_ONE = """
    SELECT CAST(:given_id AS uuid) AS lot_id, CAST(:given_to AS uuid) AS owner_id,
           CAST(:given_fen AS bigint) AS amount_fen
"""


# There are few sources, so each of these long statements is built once.
@lru_cache(16)
def _issuing(given: str) -> TextClause:
    # An entry of a new lot bears the lot's own id: it is the first of its account.
    return text(
        f"""
        WITH given AS ({given}),
        total AS (
            SELECT count(*) AS lots, coalesce(sum(amount_fen), 0) AS fen FROM given
        ), covered AS (
            UPDATE ledger_fund f SET balance_fen = f.balance_fen - t.fen FROM total t
            WHERE f.id = :fund_id AND t.lots > 0 AND f.balance_fen >= t.fen RETURNING 1
        ), transfer AS (
            INSERT INTO ledger_transfer (id, reference, kind, asset, posted_at)
            SELECT :transfer_id, :reference, 'issue', 'beans', :now FROM total WHERE lots > 0
        ), new_lots AS (
            INSERT INTO bean_lot (id, member_id, scope_id, programme, programme_id, granted_fen,
                                  balance_fen, expires_at, is_voucher, allows_top_up,
                                  leftover_fund_id, created_at)
            SELECT g.lot_id, g.owner_id, :scope_id, :programme, :programme_id, g.amount_fen,
                   g.amount_fen, :expires_at, :is_voucher, :allows_top_up, :leftover_fund_id, :now
            FROM given g
        ), entries AS (
            INSERT INTO ledger_entry (id, transfer_id, account, member_id, amount_fen)
            SELECT g.lot_id, CAST(:transfer_id AS uuid), 'lot:' || g.lot_id, g.owner_id, g.amount_fen
            FROM given g
            UNION ALL
            SELECT CAST(:fund_entry_id AS uuid), CAST(:transfer_id AS uuid), :fund_account, NULL,
                   -fen
            FROM total WHERE lots > 0
        )
        SELECT lots, fen, EXISTS (SELECT FROM covered) AS is_covered FROM total
        """
    )


_EMPTY = text(
    """
    WITH locked AS (
        SELECT id, member_id, balance_fen FROM bean_lot
        WHERE id = ANY(:lot_ids) AND balance_fen > 0 ORDER BY id FOR UPDATE
    )
    UPDATE bean_lot l SET balance_fen = 0, lapsed_at = :now FROM locked k WHERE l.id = k.id
    RETURNING l.id, l.member_id, k.balance_fen
    """
)
