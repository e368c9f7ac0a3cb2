"""Describe products, put them on sale and take them off."""

from typing import Any
from uuid import UUID

from sqlalchemy import select

from catalog.products import queries, rules
from catalog.products.models import Category, Product, Sku
from catalog.products.rules import ProductForm, SkuForm
from catalog.suppliers import queries as suppliers
from mall.kernel.errors import Invalid, NotFound
from mall.kernel.ids import new_id
from mall.kernel.uow import UnitOfWork

MAX_CATEGORY_DEPTH = 3


def ensure_category(uow: UnitOfWork, names: list[str]) -> UUID:
    """Return the category at a path of names, making what is missing."""
    if not 1 <= len(names) <= MAX_CATEGORY_DEPTH:
        raise Invalid("category", "分类须为 1 至 3 级。", "Categories have 1 to 3 levels.")
    parent: Category | None = None
    for name in names:
        parent = _child(uow, parent, name)
    assert parent is not None
    return parent.id


def _child(uow: UnitOfWork, parent: Category | None, name: str) -> Category:
    parent_id = parent.id if parent else None
    found = uow.session.scalars(
        select(Category).where(
            Category.name == name,
            Category.parent_id.is_(None) if parent is None else Category.parent_id == parent_id,
        )
    ).first()
    if found is not None:
        return found
    new = Category(id=new_id(), parent_id=parent_id, name=name, path="")
    new.path = f"{parent.path if parent else ''}{new.id.hex}/"
    uow.session.add(new)
    uow.session.flush()
    return new


def add_product(uow: UnitOfWork, supplier_id: UUID, form: ProductForm) -> tuple[UUID, list[UUID]]:
    """Describe a new product as a draft; return its id and its SKUs' ids in their order."""
    _check(uow, supplier_id, form)
    product = Product(
        id=new_id(), supplier_id=supplier_id, state=rules.DRAFT, created_at=uow.now, version=1
    )
    _describe(product, form)
    uow.session.add(product)
    uow.session.flush()
    skus = [_new_sku(product.id, position, sku) for position, sku in enumerate(form.skus)]
    uow.session.add_all(skus)
    uow.session.flush()
    return product.id, [sku.id for sku in skus]


def change_product(
    uow: UnitOfWork, supplier_id: UUID, product_id: UUID, form: ProductForm, version: int | None
) -> list[tuple[UUID, SkuForm]]:
    """Replace a product's description; SKUs are matched by code, missing ones leave the sale.

    Returns the SKUs that are new. Raises VersionConflict when `version` is not the current one.
    """
    _check(uow, supplier_id, form)
    product = queries.own_product(uow.session, supplier_id, product_id, for_update=True)
    if version is not None and product.version != version:
        raise rules.VersionConflict("If-Match")
    known = {
        sku.code: sku
        for sku in uow.session.scalars(select(Sku).where(Sku.product_id == product_id))
    }
    fresh: list[tuple[UUID, SkuForm]] = []
    for position, sku_form in enumerate(form.skus):
        sku = known.pop(sku_form.code, None)
        if sku is None:
            sku = _new_sku(product_id, position, sku_form)
            uow.session.add(sku)
            fresh.append((sku.id, sku_form))
        else:
            for name, value in _sku_columns(position, sku_form).items():
                setattr(sku, name, value)
            sku.is_active = True
    for gone in known.values():
        gone.is_active = False
    _describe(product, form)
    product.version += 1
    uow.session.flush()
    return fresh


def publish(uow: UnitOfWork, supplier_id: UUID, product_id: UUID) -> None:
    """Put a product on sale; repeating changes nothing."""
    product = queries.own_product(uow.session, supplier_id, product_id, for_update=True)
    if product.state != rules.PUBLISHED:
        rules.STATES.check(product.state, rules.PUBLISHED)
        product.state = rules.PUBLISHED
        product.published_at = uow.now
        product.version += 1


def unpublish(uow: UnitOfWork, supplier_id: UUID, product_id: UUID) -> None:
    """Take a product off sale at once; open orders go on. Repeating changes nothing."""
    product = queries.own_product(uow.session, supplier_id, product_id, for_update=True)
    if product.state != rules.UNPUBLISHED:
        rules.STATES.check(product.state, rules.UNPUBLISHED)
        product.state = rules.UNPUBLISHED
        product.version += 1


def _check(uow: UnitOfWork, supplier_id: UUID, form: ProductForm) -> None:
    rules.check(form)
    if uow.session.get(Category, form.category_id) is None:
        raise NotFound("category", "分类", field="category_id")
    if form.shipping_template_id is not None:
        suppliers.own_template(uow.session, supplier_id, form.shipping_template_id)


def _describe(product: Product, form: ProductForm) -> None:
    columns: dict[str, Any] = {
        "category_id": form.category_id,
        "shipping_template_id": form.shipping_template_id,
        "title": form.title,
        "brief": form.brief,
        "description": form.description,
        "brand": form.brand,
        "unit": form.unit,
        "keywords": list(form.keywords),
        "attributes": _pairs(form.attributes),
        "image_urls": list(form.image_urls),
        "delivery_modes": list(form.delivery_modes),
        "search_text": rules.search_text(form),
        "price_fen": min(sku.price_fen for sku in form.skus),
        "list_price_fen": min(sku.list_price_fen for sku in form.skus),
    }
    if form.source_id is not None:
        columns["source_id"] = form.source_id
    for name, value in columns.items():
        setattr(product, name, value)


def _pairs(pairs: tuple[tuple[str, str], ...]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs]


def _sku_columns(position: int, form: SkuForm) -> dict[str, Any]:
    return {
        "options": _pairs(form.options),
        "list_price_fen": form.list_price_fen,
        "price_fen": form.price_fen,
        "weight_grams": form.weight_grams,
        "min_per_order": form.min_per_order,
        "max_per_order": form.max_per_order,
        "position": position,
    }


def _new_sku(product_id: UUID, position: int, form: SkuForm) -> Sku:
    return Sku(
        id=new_id(),
        product_id=product_id,
        code=form.code,
        is_active=True,
        **_sku_columns(position, form),
    )
