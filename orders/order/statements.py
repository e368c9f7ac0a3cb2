"""What opens an order with its lines and history, and what a member's page of orders shows."""

from mall.kernel.together import WriteFragment

OPEN_ORDER = WriteFragment(
    "order",
    """
    order_placed AS (
        INSERT INTO shop_order
        SELECT * FROM jsonb_populate_record(CAST(NULL AS shop_order), CAST(:order_row AS jsonb))
    ), order_lines AS (
        INSERT INTO order_line
        SELECT * FROM jsonb_populate_recordset(
            CAST(NULL AS order_line), CAST(:order_lines AS jsonb))
    ), order_events AS (
        INSERT INTO order_event
        SELECT * FROM jsonb_populate_recordset(
            CAST(NULL AS order_event), CAST(:order_events AS jsonb))
    )""",
)

CARRY_PROGRAMMES = WriteFragment(
    "programmes",
    """
    order_programmes AS (
        INSERT INTO order_programme
        SELECT * FROM jsonb_populate_recordset(
            CAST(NULL AS order_programme), CAST(:order_programmes AS jsonb))
    )""",
)

# The columns are those of `OrderReply`, as PostgreSQL writes them.
PAGE = """
    SELECT o.id, o.order_no, o.state, o.tender, o.goods_fen, o.freight_fen, o.total_fen,
           o.beans_fen, o.wechat_fen, o.refunded_beans_fen, o.refunded_wechat_fen, o.freight,
           o.address, o.note, o.placed_at, o.pay_by, o.paid_at, o.completed_at, o.cancelled_at,
           o.cancel_reason, coalesce(l.lines, '[]') AS lines
    FROM (SELECT * FROM shop_order
          WHERE member_id = CAST(:page_member_id AS uuid)
            AND (CAST(:page_state AS text) IS NULL OR state = :page_state)
            AND (CAST(:page_cursor AS uuid) IS NULL OR id < CAST(:page_cursor AS uuid))
          ORDER BY id DESC LIMIT :page_limit) o
    CROSS JOIN LATERAL (
        SELECT json_agg(s) AS lines FROM (
            SELECT id, sku_id, product_id, supplier_id, supplier_name, title, options, image_url,
                   delivery_mode, quantity, price_fen, amount_fen, beans_fen, wechat_fen
            FROM order_line WHERE order_id = o.id ORDER BY position) s) l
    ORDER BY o.id DESC
    """
