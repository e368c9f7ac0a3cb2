"""Operators keep the category tree."""

from typing import Any

from apiflask import APIBlueprint

from catalog.products import service
from catalog.products.schemas import CategoryBody, CategoryReply
from mall.kernel.uow import unit_of_work

bp = APIBlueprint("categories_ops", __name__, url_prefix="/v1/ops/categories", tag="Operations")


@bp.post("")
@bp.input(CategoryBody)
@bp.output(CategoryReply, 201)
@bp.doc(summary="Make a category by its path of names; what exists is kept")
def add_category(json_data: dict[str, Any]) -> dict[str, Any]:
    with unit_of_work() as uow:
        return {"id": service.ensure_category(uow, json_data["path"])}
