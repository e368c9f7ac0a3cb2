"""Operators keep the category tree, review products and tag them."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint

from catalog.onboarding.rules import Decision
from catalog.onboarding.schemas import DecisionBody, decision_of
from catalog.products.models import Product, ProductRevision
from catalog.products.queries import products
from catalog.products.schemas import (
    CategoryBody,
    CategoryChange,
    CategoryReply,
    Moved,
    ReviewDetail,
    ReviewPage,
    RevisionDecisions,
    TagsBody,
)
from catalog.products.service import editing, reviewing
from mall.access.guard import current, needs_duty
from mall.access.rules import MERCHANDISING, REVIEWS
from mall.approvals.rules import PRODUCT, REVISION, Subject
from mall.approvals.service import authors
from mall.kernel.uow import UnitOfWork, reading, unit_of_work
from mall.web.fields import PageQuery, page

bp = APIBlueprint("categories_ops", __name__, url_prefix="/v1/ops/categories", tag="Operations")
reviews_bp = APIBlueprint("products_ops", __name__, url_prefix="/v1/ops", tag="Operations")


@bp.post("")
@needs_duty(MERCHANDISING)
@bp.input(CategoryBody)
@bp.output(CategoryReply, 201)
@bp.doc(summary="Make a category by its path of names; what exists is kept")
def add_category(json_data: dict[str, Any]) -> dict[str, Any]:
    with unit_of_work() as uow:
        return {"id": editing.ensure_category(uow, json_data["path"])}


@bp.put("/<uuid:category_id>")
@needs_duty(MERCHANDISING)
@bp.input(CategoryChange)
@bp.output(CategoryReply)
@bp.doc(summary="Rename a category, or say whether its products need a food licence")
def change_category(category_id: UUID, json_data: dict[str, Any]) -> dict[str, Any]:
    with unit_of_work() as uow:
        editing.change_category(
            uow, category_id, json_data["name"], json_data["needs_food_licence"]
        )
    return {"id": category_id}


def _item(revision: ProductRevision, product: Product, supplier_name: str) -> dict[str, Any]:
    names = ("id", "product_id", "number", "state", "submitted_at")
    return {
        **{name: getattr(revision, name) for name in names},
        "title": revision.content["title"],
        "supplier_id": product.supplier_id,
        "supplier_name": supplier_name,
        "is_first": product.state == "in_review",
    }


@reviews_bp.get("/product-reviews")
@reviews_bp.input(PageQuery, location="query")
@reviews_bp.output(ReviewPage)
@reviews_bp.doc(summary="List what waits for a reviewer, the oldest first")
def list_reviews(query_data: dict[str, Any]) -> dict[str, Any]:
    with reading() as session:
        found = products.review_queue(session, query_data["cursor"], query_data["limit"])
        return page(found, query_data["limit"], lambda row: _item(*row))


@reviews_bp.get("/product-reviews/<uuid:revision_id>")
@reviews_bp.output(ReviewDetail)
@reviews_bp.doc(summary="Read what was handed in, and what changed since the last approval")
def read_review(revision_id: UUID) -> dict[str, Any]:
    names = ("id", "product_id", "number", "state", "submitted_at", "content", "reasons")
    with reading() as session:
        revision, _, changes = reviewing.changes_of(session, revision_id)
        return {**{name: getattr(revision, name) for name in names}, "changes": changes}


def _decide(uow: UnitOfWork, revision_ids: list[UUID], decision: Decision) -> None:
    by = authors.signer(uow, current())
    for revision_id in revision_ids:
        revision = reviewing.decide(uow, revision_id, current().subject_id, decision)
        product = Subject(PRODUCT, revision.product_id)
        authors.decide(uow, Subject(REVISION, revision_id), by, [product])
        if decision.is_approved:
            authors.mark_content_approved(uow, product)


@reviews_bp.post("/product-reviews/<uuid:revision_id>/decision")
@needs_duty(REVIEWS)
@reviews_bp.input(DecisionBody)
@reviews_bp.output(Moved)
@reviews_bp.doc(summary="Approve what was handed in, or send it back with a reason for each field")
def decide(revision_id: UUID, json_data: dict[str, Any]) -> dict[str, int]:
    with unit_of_work() as uow:
        _decide(uow, [revision_id], decision_of(json_data))
    return {"moved_count": 1}


@reviews_bp.post("/product-reviews/decisions")
@needs_duty(REVIEWS)
@reviews_bp.input(RevisionDecisions)
@reviews_bp.output(Moved)
@reviews_bp.doc(summary="Decide alike on up to 200: on all of them, or on none")
def decide_all(json_data: dict[str, Any]) -> dict[str, int]:
    ids = json_data["revision_ids"]
    with unit_of_work() as uow:
        _decide(uow, sorted(set(ids)), decision_of(json_data))
    return {"moved_count": len(set(ids))}


@reviews_bp.put("/products/<uuid:product_id>/tags")
@needs_duty(MERCHANDISING)
@reviews_bp.input(TagsBody)
@reviews_bp.output(TagsBody)
@reviews_bp.doc(summary="Set the tags by which sections gather products")
def set_tags(product_id: UUID, json_data: dict[str, Any]) -> dict[str, Any]:
    with unit_of_work() as uow:
        editing.set_tags(uow, product_id, json_data["tags"])
    return {"tags": sorted(set(json_data["tags"]))}


@reviews_bp.post("/products/<uuid:product_id>/unpublish")
@needs_duty(REVIEWS)
@reviews_bp.output(Moved)
@reviews_bp.doc(summary="Take any supplier's product off sale at once; open orders go on")
def take_off(product_id: UUID) -> dict[str, int]:
    with unit_of_work() as uow:
        editing.take_off(uow, product_id)
    return {"moved_count": 1}
