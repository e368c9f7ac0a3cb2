"""Find products by a plain search of the database."""

from typing import Any

from sqlalchemy.orm import Session

from catalog.products import queries as products
from catalog.products.queries import Browse
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
