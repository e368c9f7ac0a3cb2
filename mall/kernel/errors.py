"""Failures with a stable code; their words and HTTP statuses stand in `mall/web/texts` (ADR 0036)."""

from typing import Any, ClassVar

from mall.kernel.text import wording
from mall.kernel.text.wording import Wording


class DomainError(Exception):
    """A use case was refused; nothing it began is kept.

    Subclasses give `code` (stable), by which the catalogues hold the HTTP status and the sentences.
    These name the keyword arguments given at the raise. `field` names the input it is about.
    """

    code: ClassVar[str] = "refused"

    def __init__(self, field: str | None = None, **details: Any) -> None:
        super().__init__(self.code, field, details)
        self.field = field
        self.details = details

    @property
    def wording(self) -> Wording:
        """Return what a person is told."""
        return Wording(f"refusals.{self.code}", self.details)

    def sentence(self, language: str) -> str:
        """Return the sentence for a person, in `zh` or `en`."""
        return self.wording.said(language)

    def __str__(self) -> str:
        return f"{self.code}: {self.sentence('en')}"


class ReasonedError(DomainError):
    """Refused for one of many reasons, each with a stable key and words of its own."""

    def __init__(self, field: str, reason: str, /, **details: Any) -> None:
        super().__init__(field, **details)
        self.reason = reason

    @property
    def wording(self) -> Wording:
        why = wording.reason(self.reason, **self.details)
        return Wording(f"refusals.{self.code}", {**self.details, "reason": why})


class NotFound(DomainError):
    code = "not_found"

    def __init__(self, what: str = "object", *, field: str | None = None) -> None:
        super().__init__(field, what=wording.name("thing", what))


class Invalid(ReasonedError):
    """A value that passed the schema makes no sense here."""

    code = "invalid"


class WrongState(DomainError):
    code = "wrong_state"


class LimitReached(DomainError):
    code = "limit_reached"


class VersionConflict(DomainError):
    code = "version_conflict"
