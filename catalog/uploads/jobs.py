"""Uploads are worked on off the request."""

from catalog.uploads import applying, checking, rules, service
from mall.kernel.sheets.working import work_off


def work_uploads() -> int:
    """Check and apply what waits, for a while; return how much was worked on. Every 2 seconds."""
    return work_off(service.claim, {rules.CHECKING: checking.check, rules.APPLYING: applying.apply})
