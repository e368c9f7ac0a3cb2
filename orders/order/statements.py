"""What opens an order with its lines and history, and what a member's page of orders shows."""

from mall.kernel.db import driver_sql
from mall.kernel.together import WriteFragment, inserting
from orders.order.models import Order, OrderEvent, OrderLine, OrderProgramme

# Columns are filled by name, and one that is not named becomes NULL: defaults do not apply here.
OPEN_ORDER = WriteFragment(
    "order",
    f"""
    order_placed AS ({inserting(Order, "order_rows")}),
    order_lines AS ({inserting(OrderLine, "order_lines")}),
    order_events AS ({inserting(OrderEvent, "order_events")})""",
)

CARRY_PROGRAMMES = WriteFragment(
    "programmes",
    f"""
    order_programmes AS ({inserting(OrderProgramme, "order_programmes")})""",
)

# A member's page of orders as `OrderPage` has it, as one text: nothing of it is made in Python. The
# columns are those of `OrderReply`; of a freight the lots that paid it are not the member's business.
PAGE = driver_sql("""
    WITH page AS (
        SELECT *, row_number() OVER (ORDER BY id DESC) AS n FROM shop_order
        WHERE member_id = :member_id
          AND (CAST(:state AS text) IS NULL OR state = :state)
          AND (CAST(:cursor AS uuid) IS NULL OR id < CAST(:cursor AS uuid))
        ORDER BY id DESC LIMIT :limit + 1
    ), shown AS (
        SELECT o.id, o.order_no, o.state, o.tender, o.goods_fen, o.freight_fen, o.total_fen,
               o.beans_fen, o.wechat_fen, o.refunded_beans_fen, o.refunded_wechat_fen,
               CASE WHEN o.freight = '[]' THEN o.freight ELSE (
                   SELECT jsonb_agg(jsonb_build_object(
                       'supplier_id', f -> 'supplier_id', 'fee_fen', f -> 'fee_fen',
                       'beans_fen', f -> 'beans_fen', 'wechat_fen', f -> 'wechat_fen'))
                   FROM jsonb_path_query(o.freight, 'lax $[*]') f) END AS freight,
               o.address, o.note, o.placed_at, o.pay_by, o.paid_at, o.completed_at,
               o.cancelled_at, o.cancel_reason,
               (SELECT json_agg(s) FROM (
                    SELECT id, sku_id, product_id, supplier_id, supplier_name, title, options,
                           image_url, delivery_mode, quantity, price_fen, amount_fen, beans_fen,
                           wechat_fen
                    FROM order_line WHERE order_id = o.id ORDER BY position) s) AS lines
        FROM page o WHERE o.n <= :limit ORDER BY o.id DESC)
    SELECT CAST(json_build_object(
        'items', coalesce((SELECT json_agg(shown) FROM shown), '[]'),
        'next_cursor', (SELECT id FROM page WHERE n = :limit
                        AND EXISTS (SELECT FROM page WHERE n > :limit))) AS text)
    """)
