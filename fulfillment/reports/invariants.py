"""What must always be true of a programme as a whole."""

from mall.kernel.invariants import Each, Invariant

INVARIANTS = [
    Invariant(
        "programme_settles",
        "what a fund received is spent, with members, lapsed, still in it or paid out, to the fen",
        Each(
            "programme",
            """
            WITH fund AS (
                SELECT e.account, coalesce(sum(e.amount_fen)
                           FILTER (WHERE t.kind IN ('deposit', 'payout')), 0) AS received,
                       sum(e.amount_fen) AS balance
                FROM ledger_entry e JOIN ledger_transfer t ON t.id = e.transfer_id
                WHERE named(fund:, e.account) AND e.account LIKE 'fund:%'
                GROUP BY e.account),
            with_members AS (
                SELECT programme_id, sum(balance_fen) AS outstanding FROM bean_lot
                WHERE among(programme_id) AND programme_id IS NOT NULL GROUP BY 1),
            held AS (
                SELECT b.programme_id, sum(h.amount_fen) AS held
                FROM bean_lot b JOIN bean_hold h ON h.lot_id = b.id AND h.state = 'held'
                WHERE among(b.programme_id) AND b.programme_id IS NOT NULL GROUP BY 1),
            lapsed AS (
                SELECT b.programme_id, -sum(e.amount_fen) AS lapsed
                FROM bean_lot b
                JOIN ledger_entry e ON e.member_id = b.member_id AND e.account = 'lot:' || b.id
                JOIN ledger_transfer t ON t.id = e.transfer_id AND t.kind = 'lapse'
                WHERE among(b.programme_id) AND b.programme_id IS NOT NULL
                  AND b.leftover_fund_id IS NULL
                GROUP BY 1),
            spent AS (
                SELECT c.programme_id, sum(c.amount_fen - c.returned_fen) AS spent
                FROM order_programme c JOIN shop_order o ON o.id = c.order_id
                WHERE among(c.programme_id) AND o.state IN ('paid', 'completed') GROUP BY 1)
            SELECT p.number, f.received, f.balance, m.outstanding, h.held, l.lapsed, s.spent
            FROM programme p
            LEFT JOIN fund f ON f.account = 'fund:' || p.id
            LEFT JOIN with_members m ON m.programme_id = p.id
            LEFT JOIN held h ON h.programme_id = p.id
            LEFT JOIN lapsed l ON l.programme_id = p.id
            LEFT JOIN spent s ON s.programme_id = p.id
            WHERE among(p.id) AND coalesce(f.received, 0) <> coalesce(f.balance, 0)
                + coalesce(m.outstanding, 0) + coalesce(h.held, 0) + coalesce(l.lapsed, 0)
                + coalesce(s.spent, 0)
            """,
        ),
    ),
]
