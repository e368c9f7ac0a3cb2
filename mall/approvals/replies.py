"""How an act on value is answered: with what it did, or with what now waits."""

from typing import Any

from mall.approvals import rules
from mall.approvals.models import ValueAct
from mall.approvals.schemas import ProposalReply
from mall.web.fields import values_of
from mall.web.replies import ReplyWithStatus

__all__ = ["ProposalReply", "answer", "reply_of"]


def reply_of(act: ValueAct) -> dict[str, Any]:
    """Return an act as operators read it."""
    return values_of(act, ProposalReply)


def answer(act: ValueAct, status: int = 201) -> ReplyWithStatus:
    """Answer 202 with the proposal where another person has to confirm, else with the result."""
    if act.state == rules.ALONE:
        return ReplyWithStatus(act.result, status)
    return ReplyWithStatus(ProposalReply().dump(reply_of(act)), 202)
