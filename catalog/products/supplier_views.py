"""A supplier describes its products and puts them on sale."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response, current_app, make_response, request

from catalog.products import queries, rules, service
from catalog.products.images import store_image
from catalog.products.models import Product, Sku
from catalog.products.schemas import ImageReply, OwnProductPage, OwnProductReply, ProductBody
from mall.access.guard import current_scope_id
from mall.kernel.uow import reading, unit_of_work
from mall.web.fields import PageQuery, page

bp = APIBlueprint("supplier_products", __name__, url_prefix="/v1/supplier", tag="Supplier")


def _pairs(items: list[dict[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((item["name"], item["value"]) for item in items)


def _form(data: dict[str, Any]) -> rules.ProductForm:
    skus = tuple(
        rules.SkuForm(**{**sku, "options": _pairs(sku["options"])}) for sku in data["skus"]
    )
    tuples = {name: tuple(data[name]) for name in ("keywords", "image_urls", "delivery_modes")}
    attributes = _pairs(data["attributes"])
    return rules.ProductForm(**{**data, **tuples, "attributes": attributes, "skus": skus})


def _reply(product: Product, skus: list[Sku]) -> dict[str, Any]:
    names = OwnProductReply().fields
    shown = {name: getattr(product, name) for name in names if name != "skus"}
    return {**shown, "skus": skus}


def _read(product_id: UUID) -> Any:
    with reading() as session:
        product = queries.own_product(session, current_scope_id(), product_id)
        skus = queries.active_skus(session, product_id)
        body = OwnProductReply().dump(_reply(product, skus))
        version = product.version
    response = make_response(body)
    response.set_etag(str(version))
    return response


def _if_match() -> int | None:
    tag = request.headers.get("If-Match", "").strip().strip('"')
    if not tag or tag == "*":
        return None
    if not tag.isdigit():
        raise rules.VersionConflict("If-Match")
    return int(tag)


@bp.get("/products")
@bp.input(PageQuery, location="query")
@bp.output(OwnProductPage)
@bp.doc(summary="List one's own products, newest first")
def list_products(query_data: dict[str, Any]) -> dict[str, Any]:
    with reading() as session:
        found = queries.own_products(
            session, current_scope_id(), query_data["cursor"], query_data["limit"]
        )
        return page([_reply(product, []) for product in found], query_data["limit"])


@bp.post("/products")
@bp.input(ProductBody)
@bp.output(OwnProductReply, 201)
@bp.doc(summary="Describe a new product; it starts as a draft without stock")
def add_product(json_data: dict[str, Any]) -> tuple[Response, int]:
    with unit_of_work() as uow:
        product_id, _ = service.add_product(uow, current_scope_id(), _form(json_data))
    response = _read(product_id)
    response.status_code = 201
    return response


@bp.get("/products/<uuid:product_id>")
@bp.output(OwnProductReply)
@bp.doc(summary="Read one's own product; the ETag is its version")
def read_product(product_id: UUID) -> Response:
    return _read(product_id)


@bp.put("/products/<uuid:product_id>")
@bp.input(ProductBody)
@bp.output(OwnProductReply)
@bp.doc(summary="Replace a product's description; SKUs are matched by code (If-Match honoured)")
def change_product(product_id: UUID, json_data: dict[str, Any]) -> Response:
    with unit_of_work() as uow:
        service.change_product(uow, current_scope_id(), product_id, _form(json_data), _if_match())
    return _read(product_id)


@bp.post("/products/<uuid:product_id>/publish")
@bp.output(OwnProductReply)
@bp.doc(summary="Put a product on sale")
def publish(product_id: UUID) -> Response:
    with unit_of_work() as uow:
        service.publish(uow, current_scope_id(), product_id)
    return _read(product_id)


@bp.post("/products/<uuid:product_id>/unpublish")
@bp.output(OwnProductReply)
@bp.doc(summary="Take a product off sale at once")
def unpublish(product_id: UUID) -> Response:
    with unit_of_work() as uow:
        service.unpublish(uow, current_scope_id(), product_id)
    return _read(product_id)


@bp.post("/images")
@bp.output(ImageReply, 201)
@bp.doc(summary="Upload an image: the file as the body; JPEG, PNG or WebP up to 2 MB")
def upload_image() -> dict[str, str]:
    media_dir = current_app.extensions["mall_settings"].media_dir
    return {"url": f"/media/{store_image(media_dir, request.get_data(cache=False))}"}
