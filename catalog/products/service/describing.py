"""Write a form into the tables, and read the content that is live back out of them."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from catalog.media import service as media_service
from catalog.products import rules
from catalog.products.models import Category, PriceChange, Product, Sku
from catalog.products.queries import products
from catalog.products.rules import ProductForm, SkuForm
from catalog.suppliers import queries as supplier_queries
from mall.kernel.errors import NotFound
from mall.kernel.ids import new_id
from mall.kernel.uow import UnitOfWork
from mall.members import queries as member_queries

_PRICES = ("list_price_fen", "price_fen", "purchase_price_fen")


def check(uow: UnitOfWork, supplier_id: UUID, form: ProductForm) -> None:
    """Raise Invalid or NotFound where a form contradicts itself or names what is not there."""
    rules.check(form)
    if uow.session.get(Category, form.category_id) is None:
        raise NotFound("category", field="category_id")
    if form.shipping_template_id is not None:
        supplier_queries.own_template(uow.session, supplier_id, form.shipping_template_id)
    member_queries.check_region(uow.session, form.origin_region_code, "origin_region_code")


def check_codes(
    uow: UnitOfWork, supplier_id: UUID, product_id: UUID | None, form: ProductForm
) -> None:
    """Raise SkuCodeTaken where a code belongs to another product of the supplier."""
    query = select(Sku.code).where(
        Sku.supplier_id == supplier_id, Sku.code.in_([sku.code for sku in form.skus])
    )
    if product_id is not None:
        query = query.where(Sku.product_id != product_id)
    taken = set(uow.session.scalars(query))
    for index, sku in enumerate(form.skus):
        if sku.code in taken:
            raise rules.SkuCodeTaken(f"skus.{index}.code", sku_code=sku.code)


def write(uow: UnitOfWork, product: Product, form: ProductForm) -> None:
    """Let a product be what the form says: SKUs are matched by code, missing ones leave the sale.

    Every change of a price is kept in the price history.
    """
    _describe(product, form)
    product.version += 1
    known = {
        sku.code: sku
        for sku in uow.session.scalars(select(Sku).where(Sku.product_id == product.id))
    }
    changed: list[Sku] = []
    for position, sku_form in enumerate(form.skus):
        sku = known.pop(sku_form.code, None)
        is_new = sku is None or not sku.is_active
        before = None if is_new else [getattr(sku, name) for name in _PRICES]
        if sku is None:
            sku = Sku(
                id=new_id(),
                product_id=product.id,
                supplier_id=product.supplier_id,
                code=sku_form.code,
            )
            uow.session.add(sku)
        for name, value in _sku_columns(position, sku_form).items():
            setattr(sku, name, value)
        if [getattr(sku, name) for name in _PRICES] != before:
            changed.append(sku)
    for gone in known.values():
        gone.is_active = False
    _flush(uow, form)
    _keep_prices(uow, changed)


def prepare_skus(uow: UnitOfWork, product: Product, form: ProductForm) -> None:
    """Make what SKUs a waiting form adds to a product: not for sale, but stock can be set."""
    known = set(uow.session.scalars(select(Sku.code).where(Sku.product_id == product.id)))
    if all(sku_form.code in known for sku_form in form.skus):
        return
    for position, sku_form in enumerate(form.skus):
        if sku_form.code not in known:
            columns = {**_sku_columns(position, sku_form), "is_active": False}
            sku = Sku(id=new_id(), product_id=product.id, code=sku_form.code, **columns)
            sku.supplier_id = product.supplier_id
            uow.session.add(sku)
    _flush(uow, form)


def _flush(uow: UnitOfWork, form: ProductForm) -> None:
    try:
        with uow.session.begin_nested():
            uow.session.flush()
    except IntegrityError as error:
        if "uq_sku_supplier_id_code" not in str(error):
            raise
        # Another request took the code between our look and our write.
        raise rules.SkuCodeTaken("skus", sku_code=form.skus[0].code) from error


def _keep_prices(uow: UnitOfWork, skus: Iterable[Sku]) -> None:
    for sku in skus:
        prices = {name: getattr(sku, name) for name in _PRICES}
        uow.session.add(PriceChange(sku_id=sku.id, id=new_id(), changed_at=uow.now, **prices))
    uow.session.flush()


def live_form(session: Session, product: Product) -> ProductForm:
    """Return the form that would leave a product as it is."""
    return _form(product, products.active_skus(session, product.id))


def _form(product: Product, active: Iterable[Sku]) -> ProductForm:
    skus = (
        SkuForm(
            **{name: getattr(sku, name) for name in _sku_names()},
            options=_tuples(sku.options),
        )
        for sku in active
    )
    names = ("title", "category_id", "brief", "description", "brand", "unit")
    more = ("shipping_template_id", "origin_region_code", "is_pavilion", "source_id")
    return ProductForm(
        **{name: getattr(product, name) for name in (*names, *more)},
        keywords=tuple(product.keywords),
        attributes=_tuples(product.attributes),
        image_urls=tuple(product.image_urls),
        delivery_modes=tuple(product.delivery_modes),
        skus=tuple(skus),
    )


def live_forms(
    session: Session, product_ids: Collection[UUID]
) -> dict[UUID, tuple[Product, ProductForm]]:
    """Return products with the forms that would leave them as they are."""
    found = session.scalars(select(Product).where(Product.id.in_(product_ids))).all()
    skus: dict[UUID, list[Sku]] = {product.id: [] for product in found}
    query = select(Sku).where(Sku.product_id.in_(product_ids), Sku.is_active)
    for sku in session.scalars(query.order_by(Sku.position, Sku.id)):
        skus[sku.product_id].append(sku)
    return {each.id: (each, _form(each, skus[each.id])) for each in found}


def new_rows(
    supplier_id: UUID, form: ProductForm, state: str, at: datetime
) -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the rows of a new product, its SKUs and their prices, column by column."""
    product = Product(
        id=new_id(), supplier_id=supplier_id, state=state, created_at=at, version=1, tags=[]
    )
    _describe(product, form)
    skus, prices = [], []
    for position, sku_form in enumerate(form.skus):
        sku = {
            **_sku_columns(position, sku_form),
            "id": new_id(),
            "product_id": product.id,
            "supplier_id": supplier_id,
            "code": sku_form.code,
        }
        skus.append(sku)
        kept = {name: sku[name] for name in _PRICES}
        prices.append({"sku_id": sku["id"], "id": new_id(), "changed_at": at, **kept})
    columns = {column.key: getattr(product, column.key) for column in Product.__table__.columns}
    return columns, skus, prices


def _sku_names() -> list[str]:
    left_out = {"options", "stock"}
    return [name for name in SkuForm.__dataclass_fields__ if name not in left_out]


def _tuples(pairs: list[Any]) -> tuple[tuple[str, str], ...]:
    return tuple((pair["name"], pair["value"]) for pair in pairs)


def _pairs(pairs: tuple[tuple[str, str], ...]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs]


def _describe(product: Product, form: ProductForm) -> None:
    names = ("category_id", "shipping_template_id", "title", "brief", "description", "brand")
    columns: dict[str, Any] = {
        **{name: getattr(form, name) for name in names},
        "description": media_service.clean(form.description),
        "unit": form.unit,
        "origin_region_code": form.origin_region_code,
        "is_pavilion": form.is_pavilion,
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


def _sku_columns(position: int, form: SkuForm) -> dict[str, Any]:
    columns = {name: getattr(form, name) for name in _sku_names() if name != "code"}
    return {**columns, "options": _pairs(form.options), "position": position, "is_active": True}
