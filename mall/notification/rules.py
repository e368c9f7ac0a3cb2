"""What a notice says."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID


@dataclass(frozen=True)
class NewNotice:
    """A notice to one audience's scope (None: all operators); the reference makes it unique."""

    audience: str
    scope_id: UUID | None
    kind: str
    reference: str
    zh: str
    en: str


PENDING, SENT, REFUSED, FAILED = "pending", "sent", "refused", "failed"
MAX_ATTEMPTS = 6
PAGE = "pages/welfare/index"


def retry_after(attempts: int) -> timedelta:
    """Return how long to wait before a message is tried again: half a minute, doubling."""
    return timedelta(seconds=30 * 2 ** min(attempts, 8))
