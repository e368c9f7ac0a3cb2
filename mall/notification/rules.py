"""What a notice says."""

from dataclasses import dataclass
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
