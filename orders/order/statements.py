"""The statement that writes an order with its lines and history in one round trip."""

from sqlalchemy import text

OPEN_ORDER = text(
    """
    WITH placed AS (
        INSERT INTO shop_order (
            id, order_no, member_id, state, tender, goods_fen, freight_fen, total_fen,
            beans_fen, wechat_fen, freight, address, note, placed_at, pay_by, paid_at)
        VALUES (
            :id, :order_no, :member_id, :state, :tender, :goods_fen, :freight_fen, :total_fen,
            :beans_fen, :wechat_fen, CAST(:freight AS jsonb), CAST(:address AS jsonb), :note,
            :now, :pay_by, :paid_at)
    ), lines AS (
        INSERT INTO order_line (
            id, order_id, position, sku_id, product_id, supplier_id, supplier_name, title,
            options, image_url, delivery_mode, quantity, price_fen, amount_fen, beans_fen,
            wechat_fen, bean_lots)
        SELECT l.id, :id, l.position, l.sku_id, l.product_id, l.supplier_id, l.supplier_name,
               l.title, l.options, l.image_url, l.delivery_mode, l.quantity, l.price_fen,
               l.amount_fen, l.beans_fen, l.wechat_fen, l.bean_lots
        FROM jsonb_to_recordset(CAST(:lines AS jsonb)) AS l(
            id uuid, position bigint, sku_id uuid, product_id uuid, supplier_id uuid,
            supplier_name text, title text, options jsonb, image_url text, delivery_mode text,
            quantity bigint, price_fen bigint, amount_fen bigint, beans_fen bigint,
            wechat_fen bigint, bean_lots jsonb)
    )
    INSERT INTO order_event (id, order_id, happened_at, actor, from_state, to_state, note)
    SELECT e.id, :id, :now, e.actor, e.from_state, e.to_state, ''
    FROM jsonb_to_recordset(CAST(:events AS jsonb)) AS e(
        id uuid, actor text, from_state text, to_state text)
    """
)
