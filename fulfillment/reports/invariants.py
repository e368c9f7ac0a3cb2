"""What must always be true of a programme as a whole."""

from mall.kernel.invariants import Each, Invariant

INVARIANTS = [
    Invariant(
        "programme_settles",
        "what a fund received is spent, with members, lapsed, still in it or paid out, to the fen",
        Each(
            "programme",
            """
            SELECT p.number, f.received, f.balance, l.outstanding, h.held, k.lapsed, s.spent
            FROM programme p
            CROSS JOIN LATERAL (
                SELECT coalesce(sum(e.amount_fen)
                           FILTER (WHERE t.kind IN ('deposit', 'payout')), 0) AS received,
                       coalesce(sum(e.amount_fen), 0) AS balance
                FROM ledger_entry e JOIN ledger_transfer t ON t.id = e.transfer_id
                WHERE e.account = 'fund:' || p.id AND e.account LIKE 'fund:%') f
            CROSS JOIN LATERAL (
                SELECT coalesce(sum(b.balance_fen), 0) AS outstanding
                FROM bean_lot b WHERE b.programme_id = p.id) l
            CROSS JOIN LATERAL (
                SELECT coalesce(sum(h.amount_fen), 0) AS held
                FROM bean_lot b JOIN bean_hold h ON h.lot_id = b.id AND h.state = 'held'
                WHERE b.programme_id = p.id) h
            CROSS JOIN LATERAL (
                SELECT coalesce(-sum(e.amount_fen), 0) AS lapsed
                FROM bean_lot b
                JOIN ledger_entry e ON e.member_id = b.member_id AND e.account = 'lot:' || b.id
                JOIN ledger_transfer t ON t.id = e.transfer_id AND t.kind = 'lapse'
                WHERE b.programme_id = p.id AND b.leftover_fund_id IS NULL) k
            CROSS JOIN LATERAL (
                SELECT coalesce(sum(c.amount_fen - c.returned_fen), 0) AS spent
                FROM order_programme c JOIN shop_order o ON o.id = c.order_id
                WHERE c.programme_id = p.id AND o.state IN ('paid', 'completed')) s
            WHERE among(p.id)
              AND f.received <> f.balance + l.outstanding + h.held + k.lapsed + s.spent
            """,
        ),
    ),
]
