"""The category tree, for everybody."""

from typing import Any

from apiflask import APIBlueprint

from catalog.products.queries import products
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
        return {"items": products.category_tree(session)}
