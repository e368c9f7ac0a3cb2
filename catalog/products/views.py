"""The category tree and product images, for everybody."""

from typing import Any

from apiflask import APIBlueprint
from flask import Response

from catalog.products import queries
from catalog.products.images import WEBP
from catalog.products.schemas import CategoryTree
from mall.access.guard import public
from mall.kernel.files.store import current_files
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
    response = Response(current_files().get(f"images/{name}"), content_type=WEBP)
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
