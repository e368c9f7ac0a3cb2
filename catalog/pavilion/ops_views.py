"""Operators arrange the sections of the storefront."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint

from catalog.pavilion import queries, service
from catalog.pavilion.schemas import SectionBody, SectionDetail, SectionDetails, form_of
from mall.access.guard import needs_duty
from mall.access.rules import MERCHANDISING
from mall.kernel.uow import reading, unit_of_work

bp = APIBlueprint("sections_ops", __name__, url_prefix="/v1/ops/sections", tag="Operations")


def _read(section_id: UUID) -> dict[str, Any]:
    with reading() as session:
        section = queries.get_section(session, section_id)
        picks = queries.picks(session, section_id)
        names = [name for name in SectionDetail().fields if name != "picks"]
        return {**{name: getattr(section, name) for name in names}, "picks": picks}


@bp.get("")
@bp.output(SectionDetails)
@bp.doc(summary="List every section, shown or not, in their order")
def list_sections() -> dict[str, Any]:
    with reading() as session:
        return {"items": queries.sections(session, None)}


@bp.post("")
@needs_duty(MERCHANDISING)
@bp.input(SectionBody)
@bp.output(SectionDetail, 201)
@bp.doc(summary="Add a section: a rule, hand-picked products, or both")
def add_section(json_data: dict[str, Any]) -> dict[str, Any]:
    with unit_of_work() as uow:
        section_id = service.add_section(uow, form_of(json_data))
    return _read(section_id)


@bp.get("/<uuid:section_id>")
@bp.output(SectionDetail)
@bp.doc(summary="Read a section with its rule and picks")
def read_section(section_id: UUID) -> dict[str, Any]:
    return _read(section_id)


@bp.put("/<uuid:section_id>")
@needs_duty(MERCHANDISING)
@bp.input(SectionBody)
@bp.output(SectionDetail)
@bp.doc(summary="Replace a section")
def change_section(section_id: UUID, json_data: dict[str, Any]) -> dict[str, Any]:
    with unit_of_work() as uow:
        service.change_section(uow, section_id, form_of(json_data))
    return _read(section_id)


@bp.delete("/<uuid:section_id>")
@needs_duty(MERCHANDISING)
@bp.output({}, 204)
@bp.doc(summary="Remove a section; its products stay as they are")
def remove_section(section_id: UUID) -> tuple[str, int]:
    with unit_of_work() as uow:
        service.remove_section(uow, section_id)
    return "", 204
