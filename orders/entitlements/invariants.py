"""What must always be true of entitlements, and what a changed row of theirs speaks of."""

from mall.kernel.invariants import Each, Follow, Invariant, Trace

TRACES = [
    Trace("programme", "entitlement", "SELECT programme_id FROM changed"),
    Trace("order", "entitlement", "SELECT order_id FROM changed"),
    # The entitlement that a lot was given for, whatever the lot itself says.
    Trace(
        "programme",
        "bean_lot",
        "SELECT t.programme_id FROM changed l JOIN entitlement t ON t.lot_id = l.id",
    ),
    Follow(
        "programme",
        "order",
        "SELECT t.programme_id FROM changed JOIN entitlement t ON t.order_id = key",
    ),
]
INVARIANTS = [
    Invariant(
        "entitlements_have_lots",
        "every issued entitlement has the lot of whom it belongs to, and what was granted is its amount",
        Each(
            "programme",
            """
            SELECT t.id, t.state, t.amount_fen, l.granted_fen
            FROM entitlement t LEFT JOIN bean_lot l ON l.id = t.lot_id
            JOIN programme p ON p.id = t.programme_id
            WHERE among(t.programme_id) AND t.state IN ('waiting', 'open', 'redeemed')
              AND NOT (p.delivery = 'unit_delivery' AND p.kind = 'fixed')
              AND (l.id IS NULL OR l.granted_fen <> t.amount_fen
                   OR l.programme_id IS DISTINCT FROM t.programme_id
                   OR l.member_id <> CASE WHEN t.state = 'waiting' THEN t.id
                                          ELSE coalesce(t.member_id, t.id) END)
            """,
        ),
    ),
    Invariant(
        "redeemed_once",
        "a redeemed entitlement of one's own has one paid order of its programme, and an order one entitlement",
        Each(
            "programme",
            """
            SELECT t.id, t.order_id, o.state
            FROM entitlement t LEFT JOIN shop_order o ON o.id = t.order_id
            WHERE among(t.programme_id) AND t.state = 'redeemed'
              AND (o.id IS NULL OR o.state NOT IN ('paid', 'completed'))
            """,
        ),
        Each(
            "order",
            """
            SELECT t.order_id, min(o.state), count(*)
            FROM entitlement t JOIN shop_order o ON o.id = t.order_id AND o.union_id IS NULL
            WHERE among(t.order_id) AND t.state = 'redeemed'
            GROUP BY t.order_id HAVING count(*) > 1
            """,
        ),
    ),
    Invariant(
        "nobody_twice",
        "in one programme nobody is listed twice, by roster entry or as a member",
        Each(
            "programme",
            """
            SELECT programme_id, member_id, count(*) FROM entitlement
            WHERE among(programme_id) AND member_id IS NOT NULL AND state <> 'withdrawn'
            GROUP BY programme_id, member_id HAVING count(*) > 1
            """,
        ),
    ),
]
