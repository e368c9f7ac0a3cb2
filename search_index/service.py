"""Find products by a plain search of the database, and show one with what is left of it."""

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from catalog.products import queries as products
from catalog.products.queries import Browse
from catalog.stock import queries as stock
from search_index import rules


def browse(session: Session, browse: Browse) -> dict[str, Any]:
    """Return a page of products on sale."""
    rows = products.browse_published(session, browse)
    shown = rows[: browse.limit]
    cursor = None
    if len(rows) > browse.limit:
        cursor = rules.encode_cursor(shown[-1].price_fen, shown[-1].id)
    items = []
    for row in shown:
        item = dict(row._mapping)
        urls = item.pop("image_urls")
        items.append({**item, "image_url": urls[0] if urls else None})
    return {"items": items, "next_cursor": cursor}


def product_detail(session: Session, product_id: UUID) -> dict[str, Any]:
    """Return a product on sale with its SKUs and how many of each are available."""
    product, supplier_name, skus = products.published_product(session, product_id)
    left = stock.available(session, [sku.id for sku in skus])
    return {
        "id": product.id,
        "title": product.title,
        "brief": product.brief,
        "description": product.description,
        "brand": product.brand,
        "unit": product.unit,
        "category_id": product.category_id,
        "supplier_id": product.supplier_id,
        "supplier_name": supplier_name,
        "attributes": product.attributes,
        "image_urls": product.image_urls,
        "delivery_modes": product.delivery_modes,
        "price_fen": product.price_fen,
        "list_price_fen": product.list_price_fen,
        "skus": [
            {
                "id": sku.id,
                "code": sku.code,
                "options": sku.options,
                "price_fen": sku.price_fen,
                "list_price_fen": sku.list_price_fen,
                "weight_grams": sku.weight_grams,
                "min_per_order": sku.min_per_order,
                "max_per_order": sku.max_per_order,
                "available": max(0, left[sku.id]),
            }
            for sku in skus
        ],
    }
