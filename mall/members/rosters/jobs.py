"""Rosters are worked on off the request."""

from mall.kernel.sheets.working import work_off
from mall.members.rosters import checking, rules, service


def work_rosters() -> int:
    """Check and apply what waits, for a while; return how much was worked on. Every 2 seconds."""
    return work_off(service.claim, {rules.CHECKING: checking.check, rules.APPLYING: checking.apply})
