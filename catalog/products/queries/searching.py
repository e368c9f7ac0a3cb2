"""Read products as a search finds and shows them."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from catalog.media import service as media_service
from catalog.products.models import Category, Product, Sku
from catalog.products.queries.products import is_shown
from catalog.suppliers.models import Supplier
from mall.kernel.db import AutocommitPool
from mall.kernel.rows.shown import each_shown
from mall.kernel.together import Read, Rows, array, read_together
from mall.members import queries as member_queries


@dataclass(frozen=True)
class Searchable:
    """A product on sale with all that a search may find it by."""

    id: UUID
    title: str
    brief: str
    text: str
    brand: str | None
    keywords: tuple[str, ...]
    category_ids: tuple[UUID, ...]
    category_names: tuple[str, ...]
    supplier_id: UUID
    supplier_name: str
    origin_region_code: str | None
    origin_name: str
    is_pavilion: bool
    delivery_modes: tuple[str, ...]
    tags: tuple[str, ...]
    price_fen: int
    # What it is like, and what may be chosen of it: pairs of name and value.
    attributes: tuple[tuple[str, str], ...] = ()
    options: tuple[tuple[str, str], ...] = ()


def searchable(session: Session, product_ids: Collection[UUID]) -> list[Searchable]:
    """Return those of some products that are on sale, with what a search may find them by."""
    rows = session.execute(
        select(Product, Supplier.name, Supplier.origin_region_code)
        .join(Supplier, Supplier.id == Product.supplier_id)
        .where(Product.id.in_(product_ids), is_shown())
        .order_by(Product.id)
    ).all()
    categories = session.execute(select(Category.id, Category.name, Category.path)).all()
    names = {row.id.hex: row.name for row in categories}
    paths = {row.id: row.path for row in categories}
    found = {row[0].origin_region_code or row[2] for row in rows}
    codes = {code for code in found if code}
    regions = member_queries.region_names(session, codes) if codes else {}
    options = _options(session, [row[0].id for row in rows])
    # A product that cannot be read is not found; the others are.
    return each_shown(lambda row: _searchable(row, paths, names, regions, options), rows)


def _options(session: Session, product_ids: Collection[UUID]) -> dict[UUID, list[list[Any]]]:
    query = select(Sku.product_id, Sku.options).where(
        Sku.product_id.in_(product_ids), Sku.is_active
    )
    found: dict[UUID, list[list[Any]]] = {}
    for product_id, options in session.execute(query.order_by(Sku.product_id, Sku.position)):
        found.setdefault(product_id, []).append(options)
    return found


def _pairs(lists: Iterable[Iterable[Any]]) -> tuple[tuple[str, str], ...]:
    pairs = ((str(each["name"]), str(each["value"])) for found in lists for each in found)
    return tuple(dict.fromkeys(pairs))


def _searchable(
    row: Any,
    paths: Mapping[UUID, str],
    names: Mapping[str, str],
    regions: Mapping[str, str],
    options: Mapping[UUID, list[list[Any]]],
) -> Searchable:
    product, supplier_name, supplier_origin = row
    path = [key for key in paths[product.category_id].split("/") if key]
    origin = product.origin_region_code or supplier_origin
    told = [pair["value"] for pair in product.attributes if pair["name"] in ("产地", "原产地")]
    return Searchable(
        id=product.id,
        title=product.title,
        brief=product.brief,
        text=media_service.plain(product.description),
        brand=product.brand,
        keywords=tuple(product.keywords),
        category_ids=tuple(UUID(key) for key in path),
        category_names=tuple(names[key] for key in path),
        supplier_id=product.supplier_id,
        supplier_name=supplier_name,
        origin_region_code=origin,
        origin_name=" ".join([regions.get(origin, "") if origin else "", *told]).strip(),
        is_pavilion=product.is_pavilion,
        delivery_modes=tuple(product.delivery_modes),
        tags=tuple(product.tags),
        price_fen=product.price_fen,
        attributes=_pairs([product.attributes]),
        options=_pairs(options.get(product.id, ())),
    )


def shown_ids(session: Session, after: UUID | None, limit: int) -> list[UUID]:
    """Return the ids of products on sale, in their order, after one of them."""
    query = (
        select(Product.id)
        .join(Supplier, Supplier.id == Product.supplier_id)
        .where(is_shown())
        .order_by(Product.id)
        .limit(limit)
    )
    return list(session.scalars(query if after is None else query.where(Product.id > after)))


def count_shown(session: Session) -> int:
    """Return how many products are on sale."""
    query = select(func.count()).select_from(Product)
    query = query.join(Supplier, Supplier.id == Product.supplier_id).where(is_shown())
    return session.scalar(query) or 0


def ids_of_suppliers(session: Session, supplier_ids: Collection[UUID]) -> list[UUID]:
    """Return the ids of every product of some suppliers."""
    return list(session.scalars(select(Product.id).where(Product.supplier_id.in_(supplier_ids))))


def ids_below(session: Session, category_ids: Collection[UUID]) -> list[UUID]:
    """Return the ids of every product in some categories or below them."""
    below = or_(*(Category.path.contains(f"{each.hex}/", autoescape=True) for each in category_ids))
    query = select(Product.id).where(Product.category_id.in_(select(Category.id).where(below)))
    return list(session.scalars(query))


# The sub-select hides how many there are from the planner, which else plans anew each time.
_ITEMS = """
    SELECT p.id, p.title, p.brief, p.price_fen, p.list_price_fen, p.unit,
           p.image_urls->>0 AS image_url, p.delivery_modes, p.supplier_id,
           u.name AS supplier_name
    FROM product p JOIN supplier u ON u.id = p.supplier_id
    WHERE p.id = ANY(CAST((SELECT :shown_ids) AS uuid[])) AND p.state = 'published'
      AND p.withheld_for IS NULL AND u.state = 'active'
    """


def shown_items(
    direct: AutocommitPool, product_ids: Collection[UUID]
) -> dict[UUID, dict[str, Any]]:
    """Return what a listing shows of those products that are on sale, as JSON has it."""

    def build(rows: Rows) -> dict[UUID, dict[str, Any]]:
        return {UUID(row["id"]): row for row in rows}

    [found] = read_together(direct, Read(_ITEMS, {"shown_ids": array(list(product_ids))}, build))
    items: dict[UUID, dict[str, Any]] = found
    return items


def titles(session: Session, product_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return what some products are called, on sale or not; unknown ones are left out."""
    rows = session.execute(select(Product.id, Product.title).where(Product.id.in_(product_ids)))
    return {row.id: row.title for row in rows}


def names(session: Session) -> dict[str, dict[str, str]]:
    """Return what facets call what they count: categories and suppliers by id, regions by code."""
    categories = session.execute(select(Category.id, Category.name))
    suppliers = session.execute(select(Supplier.id, Supplier.name))
    origins = set(session.scalars(select(Product.origin_region_code).distinct()))
    origins |= set(session.scalars(select(Supplier.origin_region_code).distinct()))
    return {
        "category": {row[0].hex: row[1] for row in categories},
        "supplier": {row[0].hex: row[1] for row in suppliers},
        "origin": member_queries.region_names(session, {code for code in origins if code}),
    }
