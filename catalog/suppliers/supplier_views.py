"""A supplier keeps its freight templates."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from apiflask import APIBlueprint

from catalog.media import views as media_views
from catalog.suppliers import queries, rules
from catalog.suppliers.schemas import TemplateBody, TemplateList, TemplateReply
from catalog.suppliers.service import supplying
from mall.access.guard import current_scope_id, open_to_all
from mall.access.rules import SUPPLIER
from mall.kernel.rows.shown import each_shown
from mall.kernel.uow import reading, unit_of_work

bp = APIBlueprint(
    "shipping_templates", __name__, url_prefix="/v1/supplier/shipping-templates", tag="Supplier"
)


def refuse_applicants() -> None:
    """Raise NotYetApproved where the asking supplier may send nothing but documents."""
    with reading() as session:
        queries.check_may_upload(session, current_scope_id())


images_bp = media_views.image_blueprint(SUPPLIER, "Supplier", refuse_applicants)


def _form(json_data: dict[str, Any]) -> supplying.TemplateForm:
    return supplying.TemplateForm(
        json_data["name"],
        json_data["charge_by"],
        json_data["free_over_fen"],
        rules.rules_from(json_data["rules"]),
    )


def _read(template_id: UUID) -> dict[str, Any]:
    with reading() as session:
        row = queries.own_template(session, current_scope_id(), template_id)
        return asdict(queries.as_template(row))


@bp.get("")
@bp.output(TemplateList)
@bp.doc(summary="List one's own freight templates")
def list_templates() -> dict[str, Any]:
    with reading() as session:
        found = queries.templates_of(session, current_scope_id())
        return {"items": each_shown(asdict, found)}


@bp.post("")
@open_to_all(SUPPLIER)
@bp.input(TemplateBody)
@bp.output(TemplateReply, 201)
@bp.doc(summary="Add a freight template (20 at most)")
def add_template(json_data: dict[str, Any]) -> dict[str, Any]:
    with unit_of_work() as uow:
        template_id = supplying.add_template(uow, current_scope_id(), _form(json_data))
    return _read(template_id)


@bp.put("/<uuid:template_id>")
@open_to_all(SUPPLIER)
@bp.input(TemplateBody)
@bp.output(TemplateReply)
@bp.doc(summary="Replace a freight template; placed orders keep their fee")
def change_template(template_id: UUID, json_data: dict[str, Any]) -> dict[str, Any]:
    with unit_of_work() as uow:
        supplying.change_template(uow, current_scope_id(), template_id, _form(json_data))
    return _read(template_id)
