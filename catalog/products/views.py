"""The category tree and product images, for everybody."""

from typing import Any

from apiflask import APIBlueprint
from flask import Response, current_app, send_from_directory

from catalog.products import queries
from catalog.products.schemas import CategoryTree
from mall.access.guard import public
from mall.kernel.uow import reading

bp = APIBlueprint("products", __name__, tag="Store: shop window")


@bp.get("/v1/store/categories")
@public
@bp.output(CategoryTree)
@bp.doc(summary="Read the whole category tree")
def list_categories() -> dict[str, Any]:
    with reading() as session:
        return {"items": queries.category_tree(session)}


@bp.get("/media/<path:name>")
@public
@bp.doc(hide=True)
def read_image(name: str) -> Response:
    media_dir = current_app.extensions["mall_settings"].media_dir
    return send_from_directory(media_dir, name, max_age=31_536_000)
