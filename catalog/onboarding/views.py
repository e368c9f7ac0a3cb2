"""A merchant applies, before it has an account."""

from typing import Any

from apiflask import APIBlueprint
from flask import request

from catalog.onboarding.rules import Application
from catalog.onboarding.schemas import ApplicationBody, ApplicationReply
from catalog.onboarding.service import applications
from mall.access.guard import public
from mall.kernel.uow import unit_of_work

bp = APIBlueprint("applications", __name__, url_prefix="/v1/supplier/applications", tag="Supplier")


@bp.post("")
@public
@bp.input(ApplicationBody)
@bp.output(ApplicationReply, 201)
@bp.doc(
    summary="Apply to sell; sign in with the account to add documents and submit",
    description="Ten a day from one network, three undecided ones with one phone.",
    responses={409: "The name is taken", 429: "Too many from this network or with this phone"},
)
def apply(json_data: dict[str, Any]) -> dict[str, Any]:
    with unit_of_work() as uow:
        application = Application(**json_data, address=request.remote_addr)
        return {"supplier_id": applications.apply(uow, application)}
