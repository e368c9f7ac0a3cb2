"""The audit of every day."""

import structlog
from flask import current_app
from prometheus_client import Gauge

from mall.audit.process import Audit

log = structlog.get_logger(__name__)
BROKEN = Gauge("mall_invariants_broken", "Found by the daily audit", multiprocess_mode="mostrecent")


def check_invariants() -> int:
    """Check what changed and a piece of everything else; log each breach, return how many are broken."""
    audit = Audit(current_app.extensions["mall_books"])
    broken = [finding for finding in audit.run() if not finding.is_kept]
    for finding in broken:
        log.error(
            "invariant_broken",
            invariant=finding.invariant.name,
            breaches=finding.breach_count,
            samples=finding.samples,
        )
    BROKEN.set(len(broken))
    return len(broken)
