"""The set-based statements of products: adding one whole, and withholding what lacks a document."""

from sqlalchemy import text

from catalog.products.models import PriceChange, Product, ProductRevision, Sku
from mall.kernel.together import WriteFragment, inserting

# An upload adds thousands of products, each by this share of a combined write.
ADD = WriteFragment(
    "product",
    f"""
    product_new AS ({inserting(Product, "product_rows")}),
    skus_new AS ({inserting(Sku, "product_skus")}),
    prices_new AS ({inserting(PriceChange, "product_prices")}),
    revisions_new AS ({inserting(ProductRevision, "product_revisions")})""",
)

# What a product lacks today: the kind of qualification that keeps it from being sold. A supplier
# that operators vouch for, with no licence on file, lacks none; one that let its licence end does.
WITHHOLD = text(
    """
    WITH held AS (
        SELECT q.supplier_id, q.kind, bool_or(
            q.valid_from <= :today AND coalesce(q.valid_until >= :today, true)) AS is_valid
        FROM supplier_qualification q WHERE q.state = 'approved'
        GROUP BY q.supplier_id, q.kind
    ), food AS (
        SELECT c.id FROM category c
        WHERE EXISTS (SELECT 1 FROM category a WHERE a.needs_food_licence
                      AND starts_with(c.path, a.path))
    ), wanted AS (
        SELECT p.id, CASE
            WHEN b.is_valid = false THEN 'business_licence'
            WHEN f.id IS NOT NULL AND l.is_valid IS NOT true THEN 'food_licence'
            WHEN p.is_pavilion AND s.is_valid IS NOT true THEN 'assistance' END AS lacks
        FROM product p
        LEFT JOIN held b ON b.supplier_id = p.supplier_id AND b.kind = 'business_licence'
        LEFT JOIN held l ON l.supplier_id = p.supplier_id AND l.kind = 'food_licence'
        LEFT JOIN held s ON s.supplier_id = p.supplier_id AND s.kind = 'assistance'
        LEFT JOIN food f ON f.id = p.category_id
        WHERE CAST(:supplier_ids AS uuid[]) IS NULL
           OR p.supplier_id = ANY(CAST(:supplier_ids AS uuid[]))
    ), locked AS (
        SELECT p.id, w.lacks FROM product p JOIN wanted w ON w.id = p.id
        WHERE p.withheld_for IS DISTINCT FROM w.lacks
        ORDER BY p.id LIMIT 5000 FOR UPDATE OF p
    )
    UPDATE product p SET withheld_for = k.lacks FROM locked k WHERE k.id = p.id RETURNING p.id
    """
)

NOTE_AVAILABLE = text(
    """
    INSERT INTO product_figure (product_id, is_available, sold)
    SELECT n.product_id, n.is_available, 0
    FROM unnest(CAST(:product_ids AS uuid[]), CAST(:flags AS boolean[])) AS n(product_id, is_available)
    ON CONFLICT (product_id) DO UPDATE SET is_available = excluded.is_available
    """
)
NOTE_SOLD = text(
    """
    UPDATE product_figure f SET sold = n.sold
    FROM unnest(CAST(:product_ids AS uuid[]), CAST(:counts AS bigint[])) AS n(product_id, sold)
    WHERE n.product_id = f.product_id
    """
)
