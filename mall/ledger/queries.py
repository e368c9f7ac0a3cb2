"""Read a purse: balance, lots, statement; and the ledger's invariants."""

from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from mall.kernel.together import Read
from mall.ledger import statements

# Lots as `LotReply` shows them, and what they come to.
_LOTS = """
    SELECT l.id, l.programme, l.scope_id, s.name AS scope_name, l.granted_fen, l.balance_fen,
           coalesce(h.held_fen, 0) AS held_fen, l.expires_at,
           l.expires_at <= CAST(:lots_at AS timestamptz) AS is_expired
    FROM bean_lot l
    LEFT JOIN bean_scope s ON s.id = l.scope_id
    LEFT JOIN LATERAL (SELECT sum(amount_fen) AS held_fen FROM bean_hold
                       WHERE lot_id = l.id AND state = 'held') h ON true
    WHERE l.member_id = CAST(:lots_of AS uuid) AND NOT l.is_voucher
      AND (l.balance_fen > 0 OR h.held_fen > 0)
    ORDER BY l.expires_at, l.id
    LIMIT 500
    """
_BALANCE = """
    SELECT coalesce(sum(balance_fen) FILTER (WHERE expires_at > CAST(:lots_at AS timestamptz)), 0)
               AS balance_fen,
           (SELECT coalesce(sum(h.amount_fen), 0) FROM bean_hold h JOIN bean_lot l ON l.id = h.lot_id
            WHERE l.member_id = CAST(:lots_of AS uuid) AND h.state = 'held') AS held_fen
    FROM bean_lot WHERE member_id = CAST(:lots_of AS uuid) AND NOT is_voucher
    """


def reading_purse(member_id: UUID, now: datetime) -> tuple[Read, Read]:
    """Return two reads: balance and held sum as one mapping, and the lots, soonest expiry first."""
    values = {"lots_of": member_id, "lots_at": now}
    return Read(_BALANCE, values, itemgetter(0)), Read(_LOTS, values, list)


_STATEMENT = text(
    """
    SELECT e.id, t.kind, t.reference, t.posted_at, e.amount_fen, e.account
    FROM ledger_entry e JOIN ledger_transfer t ON t.id = e.transfer_id
    WHERE e.member_id = :member_id AND (CAST(:cursor AS uuid) IS NULL OR e.id < :cursor)
    ORDER BY e.id DESC
    LIMIT :limit
    """
)


def statement(
    session: Session, member_id: UUID, cursor: UUID | None, limit: int
) -> list[dict[str, Any]]:
    """Return a member's postings, newest first, one more than `limit` if there are more."""
    rows = session.execute(
        _STATEMENT, {"member_id": member_id, "cursor": cursor, "limit": limit + 1}
    )
    return [
        {
            "id": row.id,
            "kind": row.kind,
            "reference": row.reference,
            "posted_at": row.posted_at,
            "amount_fen": row.amount_fen,
            "lot_id": row.account.removeprefix("lot:"),
        }
        for row in rows
    ]


@dataclass(frozen=True)
class FundFigures:
    """What became of the money of one fund, in fen; each a sum over the ledger's own rows."""

    received_fen: int
    issued_fen: int
    returned_fen: int
    paid_out_fen: int
    balance_fen: int
    # On lots that were issued from it: free, and held by orders that wait for payment.
    outstanding_fen: int
    held_fen: int
    lapsed_fen: int


_FUND = text(
    """
    SELECT coalesce(sum(e.amount_fen) FILTER (WHERE t.kind = 'deposit'), 0) AS received_fen,
           coalesce(-sum(e.amount_fen) FILTER (WHERE t.kind = 'issue'), 0) AS issued_fen,
           coalesce(sum(e.amount_fen) FILTER (WHERE t.kind IN ('return', 'lapse')), 0)
               AS returned_fen,
           coalesce(-sum(e.amount_fen) FILTER (WHERE t.kind = 'payout'), 0) AS paid_out_fen,
           coalesce((SELECT balance_fen FROM ledger_fund WHERE id = :fund_id), 0) AS balance_fen,
           coalesce((SELECT sum(balance_fen) FROM bean_lot WHERE programme_id = :fund_id), 0)
               AS outstanding_fen,
           coalesce((SELECT sum(h.amount_fen) FROM bean_hold h JOIN bean_lot l ON l.id = h.lot_id
                     WHERE h.state = 'held' AND l.programme_id = :fund_id), 0) AS held_fen,
           coalesce((SELECT -sum(x.amount_fen) FROM bean_lot l
                     JOIN ledger_entry x ON x.member_id = l.member_id AND x.account = 'lot:' || l.id
                     JOIN ledger_transfer k ON k.id = x.transfer_id AND k.kind = 'lapse'
                     WHERE l.programme_id = :fund_id AND l.leftover_fund_id IS NULL), 0)
               AS lapsed_fen
    FROM ledger_entry e JOIN ledger_transfer t ON t.id = e.transfer_id
    WHERE e.account = 'fund:' || CAST(:fund_id AS text) AND e.account LIKE 'fund:%'
    """
)


def fund_figures(session: Session, fund_id: UUID) -> FundFigures:
    """Return what became of the money of a fund; an unknown one had none."""
    row = session.execute(_FUND, {"fund_id": fund_id}).one()
    return FundFigures(**{name: int(value) for name, value in row._mapping.items()})


def system_accounts(session: Session) -> list[dict[str, Any]]:
    """Return the balance of every system account, in fen: the newest snapshot and what followed."""
    return [dict(row._mapping) for row in session.execute(statements.ACCOUNTS)]
