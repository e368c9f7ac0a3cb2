"""A supplier describes its products and puts them on sale."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response, make_response

from catalog.media import service as media_service
from catalog.products import rules
from catalog.products.models import Product, Sku
from catalog.products.queries import products
from catalog.products.schemas import (
    Moved,
    OwnProductPage,
    OwnProductReply,
    OwnProductsQuery,
    PriceList,
    ProductBody,
    ProductIds,
    ScheduleBody,
)
from catalog.products.service import editing, reviewing
from mall.access.guard import current, current_scope_id, open_to_all
from mall.access.rules import SUPPLIER
from mall.approvals.rules import PRODUCT, Subject
from mall.approvals.service import authors
from mall.kernel.uow import UnitOfWork, reading, unit_of_work
from mall.web.fields import page
from mall.web.replies import if_match

bp = APIBlueprint("supplier_products", __name__, url_prefix="/v1/supplier", tag="Supplier")


def _sign(uow: UnitOfWork, product_id: UUID) -> None:
    """Write down who touched a locked product: its reviewer is another person."""
    authors.touch(uow, Subject(PRODUCT, product_id), authors.signer(uow, current()))


def _pairs(items: list[dict[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((item["name"], item["value"]) for item in items)


def _form(data: dict[str, Any]) -> rules.ProductForm:
    skus = tuple(
        rules.SkuForm(**{**sku, "options": _pairs(sku["options"])}) for sku in data["skus"]
    )
    tuples = {name: tuple(data[name]) for name in ("keywords", "image_urls", "delivery_modes")}
    tuples["attributes"] = _pairs(data["attributes"])
    description = media_service.clean(data["description"])
    return rules.ProductForm(
        **{
            **data,
            **tuples,
            "brand": data["brand"] or None,
            "description": description,
            "skus": skus,
        }
    )


def _reply(product: Product, skus: list[Sku]) -> dict[str, Any]:
    names = OwnProductReply().fields
    apart = {"skus", "last_review"}
    shown = {name: getattr(product, name) for name in names if name not in apart}
    return {**shown, "skus": skus}


def _read(product_id: UUID) -> Any:
    with reading() as session:
        product = products.own_product(session, current_scope_id(), product_id)
        skus = products.active_skus(session, product_id)
        last_review = products.last_revision(session, product_id)
        body = OwnProductReply().dump({**_reply(product, skus), "last_review": last_review})
        version = product.version
    response = make_response(body)
    response.set_etag(str(version))
    return response


@bp.get("/products")
@bp.input(OwnProductsQuery, location="query")
@bp.output(OwnProductPage)
@bp.doc(summary="List one's own products, newest first, perhaps of one state")
def list_products(query_data: dict[str, Any]) -> dict[str, Any]:
    with reading() as session:
        found = products.own_products(
            session,
            current_scope_id(),
            query_data["cursor"],
            query_data["limit"],
            query_data["state"],
        )
        return page(found, query_data["limit"], lambda product: _reply(product, []))


@bp.post("/products")
@open_to_all(SUPPLIER)
@bp.input(ProductBody)
@bp.output(OwnProductReply, 201)
@bp.doc(summary="Describe a new product; it starts as a draft without stock")
def add_product(json_data: dict[str, Any]) -> tuple[Response, int]:
    with unit_of_work() as uow:
        product_id, _ = editing.add_product(uow, current_scope_id(), _form(json_data))
        _sign(uow, product_id)
    response = _read(product_id)
    response.status_code = 201
    return response


@bp.get("/products/<uuid:product_id>")
@bp.output(OwnProductReply)
@bp.doc(summary="Read one's own product; the ETag is its version")
def read_product(product_id: UUID) -> Response:
    return _read(product_id)


@bp.put("/products/<uuid:product_id>")
@open_to_all(SUPPLIER)
@bp.input(ProductBody)
@bp.output(OwnProductReply)
@bp.doc(
    summary="Replace a product's description; SKUs are matched by code (If-Match honoured)",
    description=(
        "Of an approved product only packing, limits and freight change at once; names, prices, "
        "images and the rest go live when a reviewer approves them (see `last_review`)."
    ),
)
def change_product(product_id: UUID, json_data: dict[str, Any]) -> Response:
    with unit_of_work() as uow:
        editing.change_product(uow, current_scope_id(), product_id, _form(json_data), if_match())
        _sign(uow, product_id)
    return _read(product_id)


@bp.post("/products/<uuid:product_id>/publish")
@open_to_all(SUPPLIER)
@bp.output(OwnProductReply)
@bp.doc(summary="Put a product on sale")
def publish(product_id: UUID) -> Response:
    with unit_of_work() as uow:
        editing.publish(uow, current_scope_id(), [product_id])
    return _read(product_id)


@bp.post("/products/<uuid:product_id>/unpublish")
@open_to_all(SUPPLIER)
@bp.output(OwnProductReply)
@bp.doc(summary="Take a product off sale at once")
def unpublish(product_id: UUID) -> Response:
    with unit_of_work() as uow:
        editing.unpublish(uow, current_scope_id(), product_id)
    return _read(product_id)


@bp.post("/products/<uuid:product_id>/submit")
@open_to_all(SUPPLIER)
@bp.output(OwnProductReply)
@bp.doc(summary="Hand a draft or a rejected product in for review")
def submit(product_id: UUID) -> Response:
    with unit_of_work() as uow:
        reviewing.submit(uow, current_scope_id(), product_id)
        _sign(uow, product_id)
    return _read(product_id)


@bp.post("/products/<uuid:product_id>/withdraw")
@open_to_all(SUPPLIER)
@bp.output(OwnProductReply)
@bp.doc(summary="Take back what waits for review; what is live stays as it is")
def withdraw(product_id: UUID) -> Response:
    with unit_of_work() as uow:
        reviewing.withdraw_submission(uow, current_scope_id(), product_id)
    return _read(product_id)


@bp.put("/products/<uuid:product_id>/schedule")
@open_to_all(SUPPLIER)
@bp.input(ScheduleBody)
@bp.output(OwnProductReply)
@bp.doc(
    summary="Say when a product goes on sale and when off",
    description="A publishing time that has passed when the product is approved acts then.",
)
def schedule(product_id: UUID, json_data: dict[str, Any]) -> Response:
    times = (json_data["publish_at"], json_data["unpublish_at"])
    with unit_of_work() as uow:
        editing.schedule(uow, current_scope_id(), product_id, times)
    return _read(product_id)


@bp.post("/products/submit")
@open_to_all(SUPPLIER)
@bp.input(ProductIds)
@bp.output(Moved)
@bp.doc(summary="Hand up to 200 products in for review: all of them, or none")
def submit_all(json_data: dict[str, Any]) -> dict[str, int]:
    ids = sorted(set(json_data["product_ids"]))
    with unit_of_work() as uow:
        for product_id in ids:
            reviewing.submit(uow, current_scope_id(), product_id)
            _sign(uow, product_id)
        _sign(uow, product_id)
    return {"moved_count": len(ids)}


@bp.post("/products/publish")
@open_to_all(SUPPLIER)
@bp.input(ProductIds)
@bp.output(Moved)
@bp.doc(summary="Put up to 200 approved products on sale: all of them, or none")
def publish_all(json_data: dict[str, Any]) -> dict[str, int]:
    ids = set(json_data["product_ids"])
    with unit_of_work() as uow:
        editing.publish(uow, current_scope_id(), ids)
    return {"moved_count": len(ids)}


@bp.get("/skus/<uuid:sku_id>/prices")
@bp.output(PriceList)
@bp.doc(summary="Read the price history of one's own SKU, newest first")
def list_prices(sku_id: UUID) -> dict[str, Any]:
    with reading() as session:
        products.sku_of_supplier(session, current_scope_id(), sku_id)
        return {"items": products.price_history(session, sku_id)}
