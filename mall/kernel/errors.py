"""Failures with a stable code and a sentence in Chinese and English."""

from typing import Any, ClassVar


class DomainError(Exception):
    """A use case was refused; nothing it began is kept.

    Subclasses give `code` (stable), `status` (HTTP), and the two sentences, which may name
    the keyword arguments given at the raise in braces. `field` names the input it is about.
    """

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 409
    zh: ClassVar[str] = "请求被拒绝。"
    en: ClassVar[str] = "The request was refused."

    def __init__(self, field: str | None = None, **details: Any) -> None:
        super().__init__(self.code, field, details)
        self.field = field
        self.details = details

    def sentence(self, language: str) -> str:
        """Return the sentence for a person, in `zh` or `en`."""
        return (self.zh if language == "zh" else self.en).format(**self.details)

    def __str__(self) -> str:
        return f"{self.code}: {self.sentence('en')}"


class NotFound(DomainError):
    code = "not_found"
    status = 404
    zh = "没有找到该{what_zh}。"
    en = "There is no such {what}."

    def __init__(
        self, what: str = "object", what_zh: str = "对象", field: str | None = None
    ) -> None:
        super().__init__(field, what=what, what_zh=what_zh)


class Invalid(DomainError):
    """A value that passed the schema makes no sense here."""

    code = "invalid"
    status = 422
    zh = "{zh}"
    en = "{en}"

    def __init__(self, field: str, zh: str, en: str) -> None:
        super().__init__(field, zh=zh, en=en)


class WrongState(DomainError):
    code = "wrong_state"
    zh = "当前状态为“{state_zh}”，不能执行该操作。"
    en = "This cannot be done in state “{state}”."


class LimitReached(DomainError):
    code = "limit_reached"
    zh = "数量已达上限（{limit}）。"
    en = "The limit of {limit} has been reached."


class VersionConflict(DomainError):
    code = "version_conflict"
    status = 412
    zh = "内容已被他人修改，请重新读取后再保存。"
    en = "It has changed since you read it; read it again before saving."
