"""The hot statements of stock: each takes all SKUs of an order at once, locked in SKU order.

They come last in the transaction, so that a sought-after row is held only for the commit.
Movements are written for what was asked; the caller undoes everything when a row was missing.
"""

from sqlalchemy import text

from catalog.stock.models import StockLevel, StockMovement
from mall.kernel.together import WriteFragment, inserting

_LOCKED = """
    stock_wanted AS MATERIALIZED (
        SELECT * FROM unnest(CAST(:stock_sku_ids AS uuid[]), CAST(:stock_quantities AS bigint[]),
                             CAST(:stock_movement_ids AS uuid[]))
            AS w(sku_id, quantity, movement_id)
    ), stock_locked AS MATERIALIZED (
        SELECT sku_id FROM stock_level WHERE sku_id = ANY(CAST(:stock_sku_ids AS uuid[]))
        ORDER BY sku_id FOR UPDATE
    )"""
_MOVED = """
    stock_moved AS (
        INSERT INTO stock_movement (id, sku_id, quantity, cause, reference, moved_at)
        SELECT w.movement_id, w.sku_id, -w.quantity, 'sale', 'order:' || :stock_order_id,
               CAST(:stock_at AS timestamptz)
        FROM stock_wanted w
    )"""
# One row fewer than asked for: somebody was faster, and the whole write is refused.
_TAKEN = "(SELECT count(*) FROM stock_taken) = (SELECT count(*) FROM stock_wanted)"


def _taking(change: str, condition: str = "true") -> str:
    """Return the expressions that change every wanted row, locked in order, where it may be."""
    return f"""
    {_LOCKED}, stock_taken AS (
        UPDATE stock_level s SET {change}
        FROM stock_wanted w JOIN stock_locked k ON k.sku_id = w.sku_id
        WHERE s.sku_id = w.sku_id AND {condition}
        RETURNING 1
    )"""


# What is reserved is on the shelf, but it is somebody's.
_AVAILABLE = "s.on_hand - s.reserved >= w.quantity"
_HELD = """
    stock_held AS (
        INSERT INTO reservation (order_id, sku_id, quantity, state)
        SELECT CAST(:stock_order_id AS uuid), w.sku_id, w.quantity, 'held' FROM stock_wanted w
    )"""
_SOLD = "on_hand = s.on_hand - w.quantity"
_FREED = "reserved = s.reserved - w.quantity"

SELL = WriteFragment("stock", f"{_taking(_SOLD, _AVAILABLE)}, {_MOVED}", _TAKEN)
RESERVE = WriteFragment(
    "stock", f"{_taking('reserved = s.reserved + w.quantity', _AVAILABLE)}, {_HELD}", _TAKEN
)
CONSUME = WriteFragment("stock", f"{_taking(f'{_SOLD}, {_FREED}')}, {_MOVED}", _TAKEN)
RELEASE = WriteFragment("stock", _taking(_FREED), _TAKEN)

# Under the same reference as its sale: the figure of what was sold subtracts it.
BACK = WriteFragment(
    "stock",
    f"""{_taking("on_hand = s.on_hand + w.quantity")}, stock_moved AS (
        INSERT INTO stock_movement (id, sku_id, quantity, cause, reference, moved_at)
        SELECT w.movement_id, w.sku_id, w.quantity, 'cancellation', 'order:' || :stock_order_id,
               CAST(:stock_at AS timestamptz)
        FROM stock_wanted w
    )""",
    _TAKEN,
)

FIRST = WriteFragment(
    "stock_first",
    f"""
    levels_new AS ({inserting(StockLevel, "stock_levels")}),
    movements_new AS ({inserting(StockMovement, "stock_movements")})""",
)

# Only what differs is written: ON CONFLICT locks, and so writes, every row that it meets.
AVAILABILITY_CHANGED = text(
    """
    SELECT n.product_id, n.is_available
    FROM (SELECT k.product_id, coalesce(bool_or(s.on_hand > s.reserved), false) AS is_available
          FROM sku k LEFT JOIN stock_level s ON s.sku_id = k.id
          WHERE k.is_active GROUP BY k.product_id) n
    LEFT JOIN product_figure f ON f.product_id = n.product_id
    WHERE f.is_available IS DISTINCT FROM n.is_available
    """
)
BEGIN_SALES = text(
    "INSERT INTO stock_sale_mark (id, before) VALUES (1, '1970-01-01 00:00:00+00')"
    " ON CONFLICT DO NOTHING"
)
# What was sold long enough ago is summed once; the mark moves with it, or neither does.
ROLL_UP_SALES = text(
    """
    WITH mark AS (
        SELECT before FROM stock_sale_mark WHERE before < :before FOR UPDATE
    ), sold AS (
        SELECT m.sku_id, sum(-m.quantity) AS sold
        FROM stock_movement m
        WHERE m.moved_at >= (SELECT before FROM mark) AND m.moved_at < :before
          AND m.cause IN ('sale', 'cancellation')
        GROUP BY m.sku_id
    ), summed AS (
        INSERT INTO stock_sale AS s (sku_id, sold) SELECT sku_id, sold FROM sold ORDER BY sku_id
        ON CONFLICT (sku_id) DO UPDATE SET sold = s.sold + excluded.sold
    )
    UPDATE stock_sale_mark SET before = :before WHERE before IN (SELECT before FROM mark)
    """
)
SALES_CHANGED = text(
    """
    SELECT n.product_id, n.sold
    FROM (SELECT k.product_id, sum(s.sold) AS sold
          FROM (SELECT sku_id, sold FROM stock_sale
                UNION ALL
                SELECT sku_id, -quantity FROM stock_movement
                WHERE moved_at >= (SELECT before FROM stock_sale_mark)
                  AND cause IN ('sale', 'cancellation')) s
          JOIN sku k ON k.id = s.sku_id GROUP BY k.product_id) n
    JOIN product_figure f ON f.product_id = n.product_id
    WHERE n.sold <> f.sold
    """
)

END_RESERVATION = text(
    """
    UPDATE reservation SET state = :state WHERE order_id = :order_id AND state = 'held'
    RETURNING sku_id, quantity
    """
)

# Everything checkout must know of some SKUs. The sub-select hides their number from the planner,
# which else plans anew for every order and takes longer over that than over the query.
OFFERS = """
    SELECT k.id AS sku_id, k.product_id, k.options, k.price_fen, k.list_price_fen,
           k.purchase_price_fen,
           k.weight_grams, k.min_per_order, k.max_per_order, k.is_active,
           k.member_limit, k.member_limit_days, p.withheld_for,
           coalesce(p.origin_region_code, u.origin_region_code) AS origin_region_code,
           p.title, p.state AS product_state, p.delivery_modes, p.image_urls->>0 AS image_url,
           p.supplier_id, u.name AS supplier_name, u.state AS supplier_state,
           q.region_code AS assistance_region_code, q.id AS assistance_id,
           coalesce((SELECT r.commission_bps FROM commission_rate r
                     WHERE r.supplier_id = p.supplier_id AND r.from_on <= :offer_on
                     ORDER BY r.from_on DESC LIMIT 1), u.commission_bps) AS commission_bps,
           p.shipping_template_id, t.charge_by, t.free_over_fen, t.rules, t.name AS template_name,
           coalesce(s.on_hand - s.reserved, 0) AS available
    FROM sku k
    JOIN product p ON p.id = k.product_id
    JOIN supplier u ON u.id = p.supplier_id
    LEFT JOIN shipping_template t ON t.id = p.shipping_template_id
    LEFT JOIN stock_level s ON s.sku_id = k.id
    LEFT JOIN LATERAL (
        SELECT a.id, a.region_code FROM supplier_qualification a
        WHERE a.supplier_id = p.supplier_id AND a.kind = 'assistance' AND a.state = 'approved'
          AND a.valid_from <= :offer_on AND coalesce(a.valid_until >= :offer_on, true)
        ORDER BY a.valid_until DESC NULLS FIRST LIMIT 1) q ON true
    WHERE k.id = ANY(CAST((SELECT :offer_sku_ids) AS uuid[]))
    """

# A product on sale with all that is shown of it, as the JSON of the reply itself.
DETAIL = """
    SELECT CAST(json_build_object(
        'id', p.id, 'title', p.title, 'brief', p.brief, 'description', p.description,
        'brand', p.brand, 'unit', p.unit, 'category_id', p.category_id,
        'supplier_id', p.supplier_id, 'supplier_name', u.name, 'attributes', p.attributes,
        'image_urls', p.image_urls, 'delivery_modes', p.delivery_modes,
        'price_fen', p.price_fen, 'list_price_fen', p.list_price_fen,
        'skus', (
            SELECT coalesce(json_agg(json_build_object(
                'id', k.id, 'code', k.code, 'options', k.options, 'price_fen', k.price_fen,
                'list_price_fen', k.list_price_fen, 'weight_grams', k.weight_grams,
                'min_per_order', k.min_per_order, 'max_per_order', k.max_per_order,
                'available', greatest(0, coalesce(s.on_hand - s.reserved, 0)))
                ORDER BY k.position, k.id), '[]')
            FROM sku k LEFT JOIN stock_level s ON s.sku_id = k.id
            WHERE k.product_id = p.id AND k.is_active)) AS text)
    FROM product p JOIN supplier u ON u.id = p.supplier_id
    WHERE p.id = :product_id AND p.state = 'published' AND p.withheld_for IS NULL
      AND u.state = 'active'
    """
