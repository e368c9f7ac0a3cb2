"""A merchant keeps its stores and their clerks."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint

from fulfillment.stores import queries, rules, service
from fulfillment.stores.models import Store
from fulfillment.stores.rules import StoreForm
from fulfillment.stores.schemas import (
    ActiveBody,
    ClerkBody,
    ClerkList,
    ClerkReply,
    InvitedClerk,
    StoreBody,
    StoreList,
    StoreReply,
)
from mall.access import queries as access_queries
from mall.access import service as access_service
from mall.access.guard import current, current_scope_id, open_to_all
from mall.access.rules import MANAGES, SUPPLIER
from mall.access.staff.schemas import InvitationReply
from mall.access.staff.service import invitations
from mall.kernel.rows.shown import each_shown
from mall.kernel.uow import UnitOfWork, reading, unit_of_work
from mall.web.fields import values_of

bp = APIBlueprint("supplier_stores", __name__, url_prefix="/v1/supplier/stores", tag="Supplier")


def _shown(uow: UnitOfWork, store: Store) -> dict[str, Any]:
    [found] = queries.shown(uow.session, [store])
    return found


@bp.get("")
@bp.output(StoreList)
@bp.doc(summary="List one's own stores")
def list_stores() -> dict[str, Any]:
    with reading() as session:
        found = queries.of_supplier(session, current_scope_id())
        return {"items": queries.shown(session, found)}


@bp.post("")
@open_to_all(SUPPLIER)
@bp.input(StoreBody)
@bp.output(StoreReply, 201)
@bp.doc(summary="Open a store (500 at most)", responses={422: "Hours, region or products"})
def add_store(json_data: StoreForm) -> dict[str, Any]:
    with unit_of_work() as uow:
        return _shown(uow, service.add_store(uow, current_scope_id(), json_data))


@bp.put("/<uuid:store_id>")
@open_to_all(SUPPLIER)
@bp.input(StoreBody)
@bp.output(StoreReply)
@bp.doc(summary="Say anew what a store is; what members chose stays chosen")
def change_store(store_id: UUID, json_data: StoreForm) -> dict[str, Any]:
    with unit_of_work() as uow:
        return _shown(uow, service.change_store(uow, current_scope_id(), store_id, json_data))


@bp.put("/<uuid:store_id>/active")
@open_to_all(SUPPLIER)
@bp.input(ActiveBody)
@bp.output(StoreReply)
@bp.doc(
    summary="Close a store for collection, or open it again",
    description="Members who had chosen it for a time to come are told to choose another.",
)
def set_active(store_id: UUID, json_data: dict[str, bool]) -> dict[str, Any]:
    with unit_of_work() as uow:
        found = service.set_active(uow, current_scope_id(), store_id, json_data["is_active"])
        return _shown(uow, found)


@bp.get("/<uuid:store_id>/clerks")
@bp.output(ClerkList)
@bp.doc(summary="List the clerks of a store")
def list_clerks(store_id: UUID) -> dict[str, Any]:
    with reading() as session:
        queries.store_of_supplier(session, store_id, current_scope_id())
        found = access_queries.staff_of(session, rules.CLERK, store_id)
        return {"items": each_shown(lambda each: values_of(each, ClerkReply), found)}


@bp.post("/<uuid:store_id>/clerks")
@open_to_all(SUPPLIER)
@bp.input(ClerkBody)
@bp.output(InvitedClerk, 201)
@bp.doc(
    summary="Invite a clerk or manager of a store (50 at most)",
    description="They choose a password at /v1/pickup/password/invitation, sign in at"
    " /v1/pickup/session and act for this store alone.",
    responses={409: "The user name is taken"},
)
def add_clerk(store_id: UUID, json_data: dict[str, Any]) -> dict[str, Any]:
    with unit_of_work() as uow:
        queries.store_of_supplier(uow.session, store_id, current_scope_id())
        new = access_service.NewStaff(
            json_data["username"],
            json_data["display_name"] or json_data["username"],
            None,
            rules.CLERK,
            store_id,
            (MANAGES,) if json_data["is_manager"] else (),
        )
        clerk = access_service.add_colleague(uow, new, rules.MAX_CLERKS)
        invitation = invitations.issue(uow, clerk, current().name)
        return values_of(clerk, ClerkReply) | {"invitation": invitation}


@bp.post("/<uuid:store_id>/clerks/<uuid:clerk_id>/invitation")
@open_to_all(SUPPLIER)
@bp.output(InvitationReply, 201)
@bp.doc(summary="Invite a clerk again, to a new password")
def invite_clerk(store_id: UUID, clerk_id: UUID) -> Any:
    with unit_of_work() as uow:
        queries.store_of_supplier(uow.session, store_id, current_scope_id())
        clerk = access_service.colleague(uow, current().subject_id, store_id, clerk_id)
        return invitations.issue(uow, clerk, current().name)


@bp.delete("/<uuid:store_id>/clerks/<uuid:clerk_id>")
@open_to_all(SUPPLIER)
@bp.output({}, 204)
@bp.doc(summary="Close a clerk's account; its sessions end at once")
def close_clerk(store_id: UUID, clerk_id: UUID) -> tuple[str, int]:
    with unit_of_work() as uow:
        queries.store_of_supplier(uow.session, store_id, current_scope_id())
        access_service.close_colleague(uow, current().subject_id, store_id, clerk_id)
    return "", 204
