"""A member proves by employee number to be somebody of a roster."""

from apiflask import APIBlueprint

from mall.access.guard import current_member_id
from mall.kernel.uow import unit_of_work
from mall.members.rosters import rules
from mall.members.rosters.schemas import ClaimedReply, EmploymentBody
from mall.members.rosters.service import claiming

bp = APIBlueprint("employment", __name__, url_prefix="/v1/store/me", tag="Store: account")


@bp.put("/employment")
@bp.input(EmploymentBody)
@bp.output(ClaimedReply)
@bp.doc(
    summary="Claim what one's union has listed, by employee number and name",
    description="Only where the union chose so; five wrong tries a day. By phone: bind it.",
    responses={422: "Nobody has that number and name", 429: "Too many wrong tries"},
)
def claim_employment(json_data: dict[str, str]) -> dict[str, int]:
    with unit_of_work() as uow:
        claimed = claiming.claim_by_employment(uow, current_member_id(), **json_data)
    if claimed is None:
        raise rules.NoSuchPerson("employee_no")
    return {"claimed": len(claimed)}
