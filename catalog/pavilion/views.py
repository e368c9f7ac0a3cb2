"""Sections of the storefront and the pavilion, for everybody."""

from itertools import groupby
from typing import Any
from uuid import UUID

from apiflask import APIBlueprint

from catalog.pavilion import queries, rules
from catalog.pavilion.queries import PavilionSupplier
from catalog.pavilion.schemas import (
    OriginList,
    PavilionSupplierReply,
    SectionList,
    SectionProducts,
    SectionProductsQuery,
    SectionReply,
)
from mall.access.guard import public
from mall.kernel.clock import now
from mall.kernel.errors import NotFound
from mall.kernel.uow import reading

bp = APIBlueprint("sections", __name__, url_prefix="/v1/store", tag="Store: shop window")


@bp.get("/sections")
@public
@bp.output(SectionList)
@bp.doc(summary="List the sections that are shown now, in their order")
def list_sections() -> dict[str, Any]:
    with reading() as session:
        return {"items": queries.sections(session, now())}


@bp.get("/sections/<uuid:section_id>")
@public
@bp.output(SectionReply)
@bp.doc(summary="Read a section that is shown now")
def read_section(section_id: UUID) -> Any:
    with reading() as session:
        return queries.get_section(session, section_id, now())


@bp.get("/sections/<uuid:section_id>/products")
@public
@bp.input(SectionProductsQuery, location="query")
@bp.output(SectionProducts)
@bp.doc(summary="List a section's products: picked ones first, then what its rule finds")
def list_products(section_id: UUID, query_data: dict[str, Any]) -> dict[str, Any]:
    at, limit, cursor = now(), query_data["limit"], query_data["cursor"]
    place = rules.decode_place(cursor) if cursor else None
    with reading() as session:
        section = queries.get_section(session, section_id, at)
        rows = queries.products_of(session, section, at, place, limit)
    found = [dict(row._mapping) for row in rows[:limit]]
    more = len(rows) > limit
    return {"items": found, "next_cursor": queries.place_of(rows[limit - 1]) if more else None}


@bp.get("/pavilion/origins")
@public
@bp.output(OriginList)
@bp.doc(summary="Read the rural-revitalization pavilion: its suppliers by place of origin")
def list_origins() -> dict[str, Any]:
    with reading() as session:
        found = queries.pavilion_suppliers(session, now())
    ordered = sorted(found, key=lambda each: (each.origin_region_code or "", each.name))
    return {
        "items": [
            _origin(code, list(group))
            for code, group in groupby(ordered, key=lambda each: each.origin_region_code)
        ]
    }


def _origin(code: str | None, suppliers: list[PavilionSupplier]) -> dict[str, Any]:
    return {
        "region_code": code,
        "region_name": suppliers[0].origin_name,
        "product_count": sum(each.product_count for each in suppliers),
        "sold_count": sum(each.sold_count for each in suppliers),
        "suppliers": suppliers,
    }


@bp.get("/pavilion/suppliers/<uuid:supplier_id>")
@public
@bp.output(PavilionSupplierReply)
@bp.doc(summary="Read a supplier of the pavilion with its story and what was sold")
def read_supplier(supplier_id: UUID) -> PavilionSupplier:
    with reading() as session:
        found = queries.pavilion_suppliers(session, now(), supplier_id)
    if not found:
        raise NotFound("supplier")
    return found[0]
