"""Read the category tree and products for the shop window and their suppliers."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, func, literal, or_, select, true, tuple_
from sqlalchemy.orm import Session

from catalog.products import rules
from catalog.products.models import (
    Category,
    PriceChange,
    Product,
    ProductFigure,
    ProductRevision,
    Sku,
)
from catalog.products.rules import NEWEST, PRICE_DOWN, PRICE_UP
from catalog.suppliers.models import Supplier
from mall.kernel.errors import NotFound

SORTS = (NEWEST, PRICE_UP, PRICE_DOWN)


@dataclass(frozen=True)
class Browse:
    """What the shop window is asked for."""

    terms: tuple[str, ...] = ()
    category_id: UUID | None = None
    supplier_id: UUID | None = None
    delivery_mode: str | None = None
    min_price_fen: int | None = None
    max_price_fen: int | None = None
    sort: str = NEWEST
    after: tuple[int, UUID] | None = None
    origin: str | None = None
    is_pavilion: bool | None = None
    tag: str | None = None
    product_ids: frozenset[UUID] | None = None
    in_stock: bool = False
    brands: tuple[str, ...] = ()
    # As `name:value`; of one name any of its values, of several names all.
    attributes: tuple[str, ...] = ()
    limit: int = 20


def is_shown() -> ColumnElement[bool]:
    """Return the condition that a product, joined with its supplier, is on sale."""
    return (
        (Product.state == rules.PUBLISHED)
        & Product.withheld_for.is_(None)
        & (Supplier.state == "active")
    )


def category_tree(session: Session) -> list[dict[str, Any]]:
    """Return the whole category tree, children within their parents."""
    rows = session.scalars(select(Category).order_by(Category.position, Category.id)).all()
    nodes: dict[UUID, dict[str, Any]] = {
        row.id: {"id": row.id, "name": row.name, "children": []} for row in rows
    }
    roots: list[dict[str, Any]] = []
    for row in rows:
        siblings = nodes[row.parent_id]["children"] if row.parent_id else roots
        siblings.append(nodes[row.id])
    return roots


def _conditions(browse: Browse) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [is_shown()]
    for term in browse.terms:
        found.append(Product.search_text.contains(term, autoescape=True))
    if browse.category_id is not None:
        below = Category.path.contains(f"{browse.category_id.hex}/", autoescape=True)
        found.append(Product.category_id.in_(select(Category.id).where(below)))
    if browse.supplier_id is not None:
        found.append(Product.supplier_id == browse.supplier_id)
    if browse.delivery_mode is not None:
        found.append(Product.delivery_modes.contains([browse.delivery_mode]))
    if browse.min_price_fen is not None:
        found.append(Product.price_fen >= browse.min_price_fen)
    if browse.max_price_fen is not None:
        found.append(Product.price_fen <= browse.max_price_fen)
    if browse.origin is not None:
        origin = func.coalesce(Product.origin_region_code, Supplier.origin_region_code)
        found.append(origin.startswith(browse.origin, autoescape=True))
    if browse.is_pavilion is not None:
        found.append(Product.is_pavilion.is_(browse.is_pavilion))
    if browse.tag is not None:
        found.append(Product.tags.contains([browse.tag]))
    if browse.product_ids is not None:
        found.append(Product.id.in_(browse.product_ids))
    if browse.in_stock:
        has_any = select(ProductFigure.product_id).where(ProductFigure.is_available)
        found.append(Product.id.in_(has_any))
    if browse.brands:
        found.append(Product.brand.in_(browse.brands))
    return found + _described(browse.attributes)


def _described(attributes: Sequence[str]) -> list[ColumnElement[bool]]:
    """Return the conditions that a product or a SKU of it is described so."""
    by_name: dict[str, list[ColumnElement[bool]]] = {}
    for each in attributes:
        name, _, value = each.partition(":")
        pair = [{"name": name, "value": value}]
        options = select(Sku.product_id).where(Sku.options.contains(pair), Sku.is_active)
        described = Product.attributes.contains(pair) | Product.id.in_(options)
        by_name.setdefault(name, []).append(described)
    return [or_(*conditions) for conditions in by_name.values()]


def _page(browse: Browse) -> tuple[ColumnElement[bool], list[Any]]:
    """Return where the page continues, and its order; row comparison keeps to the index."""
    orders: dict[str, list[Any]] = {
        NEWEST: [Product.id.desc()],
        PRICE_UP: [Product.price_fen, Product.id],
        PRICE_DOWN: [Product.price_fen.desc(), Product.id.desc()],
    }
    if browse.after is None:
        return true(), orders[browse.sort]
    price, key = browse.after
    position = tuple_(Product.price_fen, Product.id)
    after: dict[str, ColumnElement[bool]] = {
        NEWEST: Product.id < key,
        PRICE_UP: position > tuple_(literal(price), literal(key)),
        PRICE_DOWN: position < tuple_(literal(price), literal(key)),
    }
    return after[browse.sort], orders[browse.sort]


def browse_published(session: Session, browse: Browse) -> list[Row[Any]]:
    """Return published products of active suppliers, one more than the limit if there are more."""
    after, order = _page(browse)
    query = items().where(*_conditions(browse), after).order_by(*order)
    return list(session.execute(query.limit(browse.limit + 1)))


def items() -> Select[Any]:
    """Return the query of what a listing shows of products."""
    return select(
        Product.id,
        Product.title,
        Product.brief,
        Product.price_fen,
        Product.list_price_fen,
        Product.unit,
        Product.image_urls[0].astext.label("image_url"),
        Product.delivery_modes,
        Product.supplier_id,
        Supplier.name.label("supplier_name"),
    ).join(Supplier, Supplier.id == Product.supplier_id)


def active_skus(session: Session, product_id: UUID) -> list[Sku]:
    """Return a product's SKUs that are for sale, in their order."""
    return list(
        session.scalars(
            select(Sku)
            .where(Sku.product_id == product_id, Sku.is_active)
            .order_by(Sku.position, Sku.id)
        )
    )


def own_product(
    session: Session, supplier_id: UUID, product_id: UUID, for_update: bool = False
) -> Product:
    """Return a supplier's own product; raises NotFound if it is someone else's."""
    query = select(Product).where(Product.id == product_id, Product.supplier_id == supplier_id)
    if for_update:
        query = query.with_for_update()
    product = session.scalars(query).first()
    if product is None:
        raise NotFound("product")
    return product


def get_product(session: Session, product_id: UUID, for_update: bool = False) -> Product:
    """Return a product whoever sells it, locked if wanted; raise NotFound."""
    product = session.get(Product, product_id, with_for_update=for_update)
    if product is None:
        raise NotFound("product")
    return product


def own_products(
    session: Session,
    supplier_id: UUID,
    cursor: UUID | None,
    limit: int,
    state: str | None = None,
) -> list[Product]:
    """Return a supplier's products, newest first, one more than `limit` if there are more."""
    query = (
        select(Product)
        .where(Product.supplier_id == supplier_id)
        .order_by(Product.id.desc())
        .limit(limit + 1)
    )
    if cursor is not None:
        query = query.where(Product.id < cursor)
    if state is not None:
        query = query.where(Product.state == state)
    return list(session.scalars(query))


def own_ids(session: Session, supplier_id: UUID, product_ids: Collection[UUID]) -> list[UUID]:
    """Return which of these products are a supplier's."""
    query = select(Product.id).where(
        Product.supplier_id == supplier_id, Product.id.in_(product_ids)
    )
    return list(session.scalars(query))


def ids_of(session: Session, supplier_id: UUID, limit: int) -> list[UUID]:
    """Return the ids of a supplier's products, the oldest first."""
    query = select(Product.id).where(Product.supplier_id == supplier_id)
    return list(session.scalars(query.order_by(Product.id).limit(limit)))


def count_of(session: Session, supplier_id: UUID) -> int:
    """Return how many products a supplier has described."""
    query = select(func.count()).select_from(Product).where(Product.supplier_id == supplier_id)
    return session.scalar(query) or 0


def open_revision(session: Session, product_id: UUID) -> ProductRevision | None:
    """Return the revision of a product that waits for a reviewer."""
    return session.scalars(
        select(ProductRevision).where(
            ProductRevision.product_id == product_id, ProductRevision.state == rules.IN_REVIEW
        )
    ).first()


def last_revision(session: Session, product_id: UUID) -> ProductRevision | None:
    """Return what was handed in last of a product, however it ended."""
    return session.scalars(
        select(ProductRevision)
        .where(ProductRevision.product_id == product_id)
        .order_by(ProductRevision.number.desc())
        .limit(1)
    ).first()


def review_queue(
    session: Session, cursor: UUID | None, limit: int
) -> list[tuple[ProductRevision, Product, str]]:
    """Return what waits for a reviewer, the oldest first, one more than `limit` if there is more."""
    query = (
        select(ProductRevision, Product, Supplier.name)
        .join(Product, Product.id == ProductRevision.product_id)
        .join(Supplier, Supplier.id == Product.supplier_id)
        .where(ProductRevision.state == rules.IN_REVIEW)
        .order_by(ProductRevision.id)
        .limit(limit + 1)
    )
    if cursor is not None:
        query = query.where(ProductRevision.id > cursor)
    return [(row[0], row[1], row[2]) for row in session.execute(query)]


def revision_with_base(
    session: Session, revision_id: UUID
) -> tuple[ProductRevision, Product, ProductRevision | None]:
    """Return a revision, its product, and the content that was approved before it; or NotFound."""
    revision = session.get(ProductRevision, revision_id)
    if revision is None:
        raise NotFound("revision")
    base = session.scalars(
        select(ProductRevision)
        .where(
            ProductRevision.product_id == revision.product_id,
            ProductRevision.state == rules.APPROVED,
            ProductRevision.number < revision.number,
        )
        .order_by(ProductRevision.number.desc())
        .limit(1)
    ).first()
    return revision, get_product(session, revision.product_id), base


def price_history(session: Session, sku_id: UUID, limit: int = 200) -> list[PriceChange]:
    """Return the prices that a SKU had, the newest first."""
    query = select(PriceChange).where(PriceChange.sku_id == sku_id)
    return list(session.scalars(query.order_by(PriceChange.id.desc()).limit(limit)))


def find_by_source(session: Session, supplier_id: UUID, source_id: str) -> Product | None:
    """Return the product a supplier imported under that identifier."""
    return session.scalars(
        select(Product).where(Product.supplier_id == supplier_id, Product.source_id == source_id)
    ).first()


def sku_of_supplier(session: Session, supplier_id: UUID, sku_id: UUID) -> Sku:
    """Return a supplier's own SKU; raises NotFound if it is someone else's."""
    sku = session.scalars(
        select(Sku)
        .join(Product, Product.id == Sku.product_id)
        .where(Sku.id == sku_id, Product.supplier_id == supplier_id)
    ).first()
    if sku is None:
        raise NotFound("SKU")
    return sku


@dataclass(frozen=True)
class OnSale:
    """A product on sale, as far as a selection of products has to know it."""

    id: UUID
    price_fen: int
    delivery_modes: tuple[str, ...]


def on_sale(session: Session, product_ids: Collection[UUID]) -> list[OnSale]:
    """Return those of the products that are on sale, with their lowest price."""
    rows = session.execute(
        select(Product.id, Product.price_fen, Product.delivery_modes)
        .join(Supplier, Supplier.id == Product.supplier_id)
        .where(Product.id.in_(product_ids), is_shown())
    )
    return [OnSale(id_, price, tuple(modes)) for id_, price, modes in rows]


@dataclass(frozen=True)
class Named:
    """A product by its names, with its lowest price today, in fen."""

    title: str
    supplier_name: str
    price_fen: int


def shown(session: Session, product_ids: Collection[UUID]) -> list[dict[str, Any]]:
    """Return the same as plain values, to be kept with what is approved."""
    return [
        {"title": each.title, "supplier_name": each.supplier_name, "price_fen": each.price_fen}
        for each in named(session, product_ids)
    ]


def named(session: Session, product_ids: Collection[UUID]) -> list[Named]:
    """Return products by name, on sale or not, by supplier and title."""
    rows = session.execute(
        select(Product.title, Supplier.name, Product.price_fen)
        .join(Supplier, Supplier.id == Product.supplier_id)
        .where(Product.id.in_(product_ids))
        .order_by(Supplier.name, Product.title, Product.id)
    )
    return [Named(title, name, price or 0) for title, name, price in rows]
