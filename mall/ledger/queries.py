"""Read a purse: balance, lots, statement; and the ledger's invariants."""

from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from mall.kernel.invariants import Invariant
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


INVARIANTS = [
    Invariant(
        "grants_on_record",
        "beans come from a grant that stands on record with who entered it and who confirmed it",
        """
        SELECT coalesce(t.reference, v.subject), t.fen, v.amount_fen FROM (
            SELECT regexp_replace(substr(t.reference, 7), ':[0-9a-f-]{36}$', '') AS reference,
                   sum(e.amount_fen) AS fen
            FROM ledger_transfer t JOIN ledger_entry e ON e.transfer_id = t.id
            WHERE t.kind = 'grant' AND e.amount_fen > 0 GROUP BY 1) t
        FULL JOIN (SELECT subject, sum(amount_fen) AS amount_fen FROM value_act
                   WHERE kind = 'grant' AND state IN ('alone', 'confirmed') GROUP BY 1) v
          ON v.subject = t.reference
        WHERE t.fen IS DISTINCT FROM v.amount_fen
        """,
    ),
    Invariant(
        "snapshots_add_up",
        "the newest snapshot of every system account is the sum of the entries before it",
        f"""
        SELECT coalesce(s.account, e.account), s.balance_fen, e.sum_fen
        FROM (SELECT account, asset, balance_fen FROM ledger_snapshot
              WHERE before = (SELECT max(before) FROM ledger_snapshot)) s
        FULL JOIN (
            SELECT e.account, t.asset, sum(e.amount_fen) AS sum_fen
            FROM ledger_transfer t JOIN ledger_entry e ON e.transfer_id = t.id
            WHERE t.posted_at < (SELECT max(before) FROM ledger_snapshot)
              AND {statements.SYSTEM_ENTRY}
            GROUP BY 1, 2) e ON e.account = s.account AND e.asset = s.asset
        WHERE s.balance_fen IS DISTINCT FROM e.sum_fen
        """,
    ),
    Invariant(
        "ledger_balanced",
        "the entries of every transfer sum to zero and there are at least two",
        """
        SELECT t.reference, coalesce(sum(e.amount_fen), 0), count(e.id)
        FROM ledger_transfer t LEFT JOIN ledger_entry e ON e.transfer_id = t.id
        GROUP BY t.id HAVING coalesce(sum(e.amount_fen), 0) <> 0 OR count(e.id) < 2
        """,
    ),
    Invariant(
        "lot_balance",
        "a lot's balance is the sum of its entries and never negative",
        """
        SELECT l.id, l.balance_fen, coalesce(sum(e.amount_fen), 0)
        FROM bean_lot l LEFT JOIN ledger_entry e ON e.account = 'lot:' || l.id
        GROUP BY l.id
        HAVING l.balance_fen <> coalesce(sum(e.amount_fen), 0) OR l.balance_fen < 0
        """,
    ),
    Invariant(
        "fund_balance",
        "a fund's balance is the sum of its entries and never negative",
        """
        SELECT coalesce('fund:' || f.id, e.account), f.balance_fen, e.sum_fen
        FROM ledger_fund f
        FULL JOIN (SELECT account, sum(amount_fen) AS sum_fen FROM ledger_entry
                   WHERE account LIKE 'fund:%' GROUP BY account) e ON e.account = 'fund:' || f.id
        WHERE f.balance_fen IS DISTINCT FROM coalesce(e.sum_fen, 0) OR f.balance_fen < 0
        """,
    ),
    Invariant(
        "prepaid_beans_paid",
        "what unions hold in prepaid money is what was put into their funds and not paid out",
        """
        SELECT m.sum_fen, b.sum_fen
        FROM (SELECT coalesce(sum(e.amount_fen), 0) AS sum_fen FROM ledger_entry e
              WHERE e.account = 'beans:prepaid') m
        CROSS JOIN (SELECT coalesce(sum(e.amount_fen), 0) AS sum_fen
                    FROM ledger_transfer t JOIN ledger_entry e ON e.transfer_id = t.id
                    WHERE t.kind IN ('deposit', 'payout') AND t.asset = 'beans'
                      AND e.account LIKE 'fund:%') b
        WHERE m.sum_fen <> b.sum_fen
        """,
    ),
    Invariant(
        "hold_balance",
        "what an order holds is the sum of its hold account's entries",
        """
        SELECT coalesce(h.account, e.account), h.held_fen, e.sum_fen
        FROM (SELECT 'hold:' || order_id AS account,
                     sum(amount_fen) FILTER (WHERE state = 'held') AS held_fen
              FROM bean_hold GROUP BY order_id) h
        FULL JOIN (SELECT account, sum(amount_fen) AS sum_fen FROM ledger_entry
                   WHERE account LIKE 'hold:%' GROUP BY account) e USING (account)
        WHERE coalesce(h.held_fen, 0) <> coalesce(e.sum_fen, 0)
        """,
    ),
    Invariant(
        "entries_have_accounts",
        "every lot account belongs to a lot and its entries name the lot's member",
        """
        SELECT e.id, e.account FROM ledger_entry e
        LEFT JOIN bean_lot l ON e.account = 'lot:' || l.id
        WHERE e.account LIKE 'lot:%' AND (l.id IS NULL OR e.member_id IS DISTINCT FROM l.member_id)
        """,
    ),
    Invariant(
        "grace_is_what_came_back",
        "a lot of the grace period holds what came back of an expired lot of the same member, once",
        """
        SELECT l.id, l.granted_fen, e.fen
        FROM bean_lot l
        JOIN bean_lot o ON o.id = l.came_from_id
        LEFT JOIN LATERAL (
            SELECT sum(e.amount_fen) AS fen
            FROM ledger_entry e JOIN ledger_transfer t ON t.id = e.transfer_id
            WHERE e.member_id = l.member_id AND e.account = 'lot:' || l.id
              AND t.posted_at = l.created_at AND e.amount_fen > 0) e ON true
        WHERE l.granted_fen IS DISTINCT FROM e.fen OR l.member_id <> o.member_id
           OR l.created_at < o.expires_at
        """,
    ),
]
