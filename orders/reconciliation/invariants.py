"""What must always be true of bills and what is in the books, and what a changed bill speaks of."""

from mall.kernel.invariants import Each, Invariant, Subject, Trace
from orders.reconciliation import statements

# What was paid on the day of a bill `b`, in Beijing.
_ON_THAT_DAY = """BETWEEN (CAST(b.day AS timestamp) AT TIME ZONE 'Asia/Shanghai')
                      AND (CAST(b.day + 1 AS timestamp) AT TIME ZONE 'Asia/Shanghai')"""
SUBJECTS = [Subject("bill_day", "date", "bill", "day")]
TRACES = [
    Trace("bill_day", "bill", "SELECT day FROM changed"),
    Trace("bill_day", "bill_line", "SELECT day FROM changed"),
    Trace("number", "bill_line", "SELECT number FROM changed"),
    Trace("number", "reconciliation_case", "SELECT number FROM changed"),
    Trace(
        "number",
        "bill",
        f"""
        SELECT p.out_trade_no FROM changed b JOIN payment p ON p.paid_at {_ON_THAT_DAY}
        UNION ALL
        SELECT r.out_refund_no FROM changed b JOIN refund r ON r.ended_at {_ON_THAT_DAY}
        """,
    ),
]
INVARIANTS = [
    Invariant(
        "bills_match_clearing",
        "every line of a bill proves what was posted under its number, to the fen, or has a case",
        Each(
            "number",
            """
            SELECT l.day, l.line, l.kind, l.number, l.amount_fen, e.amount_fen AS posted
            FROM bill_line l
            LEFT JOIN payment p ON l.is_proof AND l.kind = 'payment' AND p.out_trade_no = l.number
            LEFT JOIN refund r ON l.is_proof AND l.kind = 'refund' AND r.out_refund_no = l.number
            LEFT JOIN ledger_transfer t
              ON t.reference = CASE l.kind WHEN 'payment' THEN 'payment:' || p.id
                                           ELSE 'refund:' || r.id END
            LEFT JOIN ledger_entry e ON e.transfer_id = t.id AND e.account = 'wechat:clearing'
            WHERE among(l.number) AND (NOT l.is_proof OR l.state IN ('SUCCESS', 'REFUND'))
              AND l.amount_fen IS DISTINCT FROM CASE l.kind WHEN 'payment' THEN -e.amount_fen
                                                            ELSE e.amount_fen END
              AND NOT EXISTS (SELECT 1 FROM reconciliation_case c
                              WHERE c.merchant = l.merchant AND c.kind = l.kind
                                AND c.number = l.number AND c.state <> 'vanished'
                                -- A further line of a number has a case of its own.
                                AND (l.is_proof OR c.day = l.day
                                     AND c.place IN ('', l.day || '#' || l.line)))
            """,
        ),
    ),
    Invariant(
        "clearing_is_on_bills",
        "what was posted to the clearing account on a day whose bills are checked is on a bill",
        Each(
            "number",
            """
            SELECT n.number, n.kind, n.day, n.amount_fen
            FROM (SELECT p.merchant, 'payment' AS kind, p.out_trade_no AS number, p.amount_fen,
                         CAST(p.paid_at AT TIME ZONE 'Asia/Shanghai' AS date) AS day
                  FROM payment p WHERE among(p.out_trade_no) AND p.state = 'paid'
                  UNION ALL
                  SELECT p.merchant, 'refund', r.out_refund_no, r.amount_fen,
                         CAST(r.ended_at AT TIME ZONE 'Asia/Shanghai' AS date)
                  FROM refund r JOIN payment p ON p.id = r.payment_id
                  WHERE among(r.out_refund_no) AND r.state = 'succeeded') n
            JOIN bill b ON b.merchant = n.merchant AND b.day = n.day
                       AND b.state IN ('checked', 'empty')
            WHERE NOT EXISTS (SELECT 1 FROM bill_line l
                              WHERE l.merchant = n.merchant AND l.kind = n.kind
                                AND l.number = n.number AND l.is_proof)
              AND NOT EXISTS (SELECT 1 FROM reconciliation_case c
                              WHERE c.merchant = n.merchant AND c.kind = n.kind
                                AND c.number = n.number AND c.state <> 'vanished')
            """,
        ),
    ),
    Invariant(
        "bills_add_up",
        "a bill's figures are the sums over its lines",
        Each(
            "bill_day",
            f"""
            SELECT b.merchant, b.day, b.line_count, count(l.number), b.paid_fen, b.refunded_fen
            FROM bill b LEFT JOIN bill_line l ON l.merchant = b.merchant AND l.day = b.day
            WHERE among(b.day)
            GROUP BY b.merchant, b.day
            HAVING b.line_count <> count(l.number)
                OR b.paid_fen <> coalesce(sum(l.amount_fen) FILTER (
                       WHERE l.kind = 'payment' AND {statements.COUNTS}), 0)
                OR b.refunded_fen <> coalesce(sum(l.amount_fen) FILTER (
                       WHERE l.kind = 'refund' AND {statements.COUNTS}), 0)
                OR b.fee_fen <> coalesce(sum(l.fee_fen), 0)
            """,
        ),
    ),
]
