"""Uploads are worked on off the request."""

from functools import partial

from catalog.uploads import service
from catalog.uploads.process import applying, checking
from catalog.uploads.rules import sheet_rows
from mall.kernel.sheets.working import work_off

_ACTS = {sheet_rows.CHECKING: checking.check, sheet_rows.APPLYING: applying.apply}


def work_uploads() -> int:
    """Check and apply small uploads, for a while; return how many there were. Every 2 seconds."""
    return work_off(partial(service.claim, is_large=False), _ACTS)


def work_large_uploads() -> int:
    """The same for large ones, and for those that proved to be."""
    return work_off(partial(service.claim, is_large=True), _ACTS)
