"""The hot statements of stock: each takes all SKUs of an order at once, locked in SKU order.

They run last in the transaction, so that a sought-after row is held only for the commit.
Movements are written for what was asked; the caller undoes everything when a row was missing.
"""

from sqlalchemy import text

_WANTED = """
    WITH wanted AS (
        SELECT * FROM unnest(CAST(:sku_ids AS uuid[]), CAST(:quantities AS bigint[]),
                             CAST(:movement_ids AS uuid[])) AS w(sku_id, quantity, movement_id)
    ), locked AS (
        SELECT sku_id FROM stock_level WHERE sku_id = ANY(CAST(:sku_ids AS uuid[]))
        ORDER BY sku_id FOR UPDATE
    ), taken AS (
"""

SELL = text(
    _WANTED
    + """
        UPDATE stock_level s SET on_hand = s.on_hand - w.quantity
        FROM wanted w JOIN locked k ON k.sku_id = w.sku_id
        WHERE s.sku_id = w.sku_id AND s.on_hand - s.reserved >= w.quantity
        RETURNING s.sku_id
    ), moved AS (
        INSERT INTO stock_movement (id, sku_id, quantity, cause, reference, moved_at)
        SELECT w.movement_id, w.sku_id, -w.quantity, 'sale', :reference, :now FROM wanted w
    )
    SELECT sku_id FROM taken
    """
)

RESERVE = text(
    _WANTED
    + """
        UPDATE stock_level s SET reserved = s.reserved + w.quantity
        FROM wanted w JOIN locked k ON k.sku_id = w.sku_id
        WHERE s.sku_id = w.sku_id AND s.on_hand - s.reserved >= w.quantity
        RETURNING s.sku_id
    ), held AS (
        INSERT INTO reservation (order_id, sku_id, quantity, state)
        SELECT :order_id, w.sku_id, w.quantity, 'held' FROM wanted w
    )
    SELECT sku_id FROM taken
    """
)

END_RESERVATION = text(
    """
    UPDATE reservation SET state = :state WHERE order_id = :order_id AND state = 'held'
    RETURNING sku_id, quantity
    """
)

CONSUME = text(
    _WANTED
    + """
        UPDATE stock_level s
        SET on_hand = s.on_hand - w.quantity, reserved = s.reserved - w.quantity
        FROM wanted w JOIN locked k ON k.sku_id = w.sku_id
        WHERE s.sku_id = w.sku_id
        RETURNING s.sku_id
    ), moved AS (
        INSERT INTO stock_movement (id, sku_id, quantity, cause, reference, moved_at)
        SELECT w.movement_id, w.sku_id, -w.quantity, 'sale', :reference, :now FROM wanted w
    )
    SELECT sku_id FROM taken
    """
)

RELEASE = text(
    _WANTED
    + """
        UPDATE stock_level s SET reserved = s.reserved - w.quantity
        FROM wanted w JOIN locked k ON k.sku_id = w.sku_id
        WHERE s.sku_id = w.sku_id
        RETURNING s.sku_id
    )
    SELECT sku_id FROM taken
    """
)

# Everything checkout must know of some SKUs, in one round trip.
OFFERS = text(
    """
    SELECT k.id AS sku_id, k.product_id, k.options, k.price_fen, k.list_price_fen,
           k.weight_grams, k.min_per_order, k.max_per_order, k.is_active,
           p.title, p.state AS product_state, p.delivery_modes, p.image_urls,
           p.supplier_id, u.name AS supplier_name, u.state AS supplier_state,
           p.shipping_template_id, t.charge_by, t.free_over_fen, t.rules, t.name AS template_name,
           coalesce(s.on_hand - s.reserved, 0) AS available
    FROM sku k
    JOIN product p ON p.id = k.product_id
    JOIN supplier u ON u.id = p.supplier_id
    LEFT JOIN shipping_template t ON t.id = p.shipping_template_id
    LEFT JOIN stock_level s ON s.sku_id = k.id
    WHERE k.id = ANY(CAST(:sku_ids AS uuid[]))
    """
)
