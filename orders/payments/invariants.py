"""What must always be true of payments, and what a changed row of theirs speaks of."""

from mall.kernel.invariants import Each, Follow, Invariant, Subject, Trace

# What a transfer posted under a payment's id, where it is one of those.
_PAYMENT_OF_TRANSFER = """CASE WHEN t.reference ~ '^payment:[0-9a-f-]{36}$'
                               THEN CAST(substr(t.reference, 9) AS uuid) END"""

# A number at WeChat: of a payment or a refund, as bills have it.
SUBJECTS = [Subject("number", "text", "payment", "out_trade_no")]
TRACES = [
    # A payment for a fund has its programme where others have their order.
    Trace("order", "payment", "SELECT order_id FROM changed"),
    Trace("number", "payment", "SELECT out_trade_no FROM changed"),
    Trace(
        "transfer",
        "payment",
        "SELECT t.id FROM changed p JOIN ledger_transfer t ON t.reference = 'payment:' || p.id",
    ),
    Follow(
        "order",
        "transfer",
        f"""
        SELECT p.order_id FROM changed JOIN ledger_transfer t ON t.id = key
        JOIN payment p ON p.id = {_PAYMENT_OF_TRANSFER}
        """,
    ),
    Follow(
        "number",
        "transfer",
        f"""
        SELECT p.out_trade_no FROM changed JOIN ledger_transfer t ON t.id = key
        JOIN payment p ON p.id = {_PAYMENT_OF_TRANSFER}
        """,
    ),
    Trace(
        "order",
        "outbox_delivery",
        """
        SELECT p.order_id FROM changed d JOIN payment p
          ON p.id = CAST(d.payload->>'payment_id' AS uuid)
        """,
    ),
]
INVARIANTS = [
    Invariant(
        "payments_accounted",
        "a paid order's WeChat part was paid once and is owed as far as it went back; others are late",
        Each(
            "order",
            """
            SELECT o.order_no, o.state, o.wechat_fen, o.refunded_wechat_fen,
                   coalesce(p.on_time, 0), coalesce(p.owed, 0)
            FROM shop_order o
            LEFT JOIN (
                SELECT p.order_id, sum(p.amount_fen) AS on_time, sum(r.fen) AS owed
                FROM payment p
                LEFT JOIN LATERAL (SELECT sum(amount_fen) AS fen FROM refund
                                   WHERE payment_id = p.id AND purpose <> 'late') r ON true
                WHERE among(p.order_id) AND p.state = 'paid' AND NOT p.is_late
                GROUP BY p.order_id) p ON p.order_id = o.id
            WHERE among(o.id) AND (
                  (o.state IN ('paid', 'completed')
                   AND (coalesce(p.on_time, 0) <> o.wechat_fen
                        OR coalesce(p.owed, 0) <> o.refunded_wechat_fen))
               OR (o.state = 'awaiting_payment' AND coalesce(p.on_time, 0) <> 0)
               OR (o.state = 'cancelled' AND coalesce(p.on_time, 0) <> coalesce(p.owed, 0)))
            """,
        ),
    ),
    Invariant(
        "payments_posted",
        "every paid payment is posted once from WeChat's clearing account",
        Each(
            "order",
            """
            SELECT p.out_trade_no, p.amount_fen, e.amount_fen
            FROM payment p
            LEFT JOIN ledger_transfer t ON t.reference = 'payment:' || p.id
            LEFT JOIN ledger_entry e ON e.transfer_id = t.id AND e.account = 'wechat:clearing'
            WHERE among(p.order_id) AND p.state = 'paid'
              AND p.amount_fen IS DISTINCT FROM -e.amount_fen
            """,
        ),
        Each(
            "transfer",
            f"""
            SELECT t.reference, p.state, p.amount_fen, -e.amount_fen
            FROM ledger_transfer t
            JOIN ledger_entry e ON e.transfer_id = t.id AND e.account = 'wechat:clearing'
            LEFT JOIN payment p ON p.id = {_PAYMENT_OF_TRANSFER} AND p.state = 'paid'
            WHERE among(t.id) AND t.reference LIKE 'payment:%'
              AND p.amount_fen IS DISTINCT FROM -e.amount_fen
            """,
        ),
    ),
    Invariant(
        "no_payment_waits_for_nothing",
        "no cancelled order has a payment that could still be paid",
        Each(
            "order",
            """
            SELECT o.order_no, p.out_trade_no FROM shop_order o
            JOIN payment p ON p.order_id = o.id
            WHERE among(o.id) AND among(p.order_id) AND o.state = 'cancelled' AND p.state = 'open'
            """,
        ),
    ),
]
