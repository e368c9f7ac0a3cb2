"""Rosters are worked on off the request."""

from functools import partial

from mall.kernel.sheets.working import work_off
from mall.members.rosters import process, rules
from mall.members.rosters.service import keeping

_ACTS = {rules.CHECKING: process.check, rules.APPLYING: process.apply}


def work_rosters() -> int:
    """Check and apply small rosters, for a while; return how many there were. Every 2 seconds."""
    return work_off(partial(keeping.claim, is_large=False), _ACTS)


def work_large_rosters() -> int:
    """The same for large ones, and for those that proved to be."""
    return work_off(partial(keeping.claim, is_large=True), _ACTS)
