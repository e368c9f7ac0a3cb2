"""Schema pieces that every audience shares."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from functools import partial
from typing import Any
from uuid import UUID

from apiflask import Schema as APISchema
from apiflask.fields import UUID as UUIDField
from apiflask.fields import AwareDateTime, Date, Integer, List, Nested, String
from apiflask.validators import Length, Range, Regexp
from marshmallow import RAISE, ValidationError

from mall.kernel.clock import FIRST_DAY, FIRST_DAY_OF_HISTORY, is_known_day, known_moment, now
from mall.kernel.files.names import is_own_image
from mall.kernel.money import MAX_FEN
from mall.kernel.rows import shown as rows
from mall.kernel.text import canonical

DEFAULT_PAGE, MAX_PAGE = 20, 100


class Schema(APISchema):
    """A request or a reply; unknown fields of a request are refused."""

    class Meta:
        unknown = RAISE
        ordered = True


class Moment(AwareDateTime):
    """An instant from 2000 to 2100 with its zone, as everything here means one; loaded as UTC."""

    def __init__(self, **kwargs: Any) -> None:
        about = {"description": "RFC 3339, from 2000 to 2100", **kwargs.pop("metadata", {})}
        super().__init__(format="iso", metadata=about, **kwargs)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> datetime:
        try:
            told = super()._deserialize(value, attr, data, **kwargs)
        except OverflowError as error:
            raise ValidationError(_OUT_OF_TIME) from error
        moment = known_moment(told)
        if moment is None:
            raise ValidationError(_OUT_OF_TIME)
        return moment


class Day(Date):
    """A day from 2000 to 2100."""

    first = FIRST_DAY

    def __init__(self, **kwargs: Any) -> None:
        span = f"From {self.first.year} to 2100"
        about = {"description": span, **kwargs.pop("metadata", {})}
        super().__init__(metadata=about, **kwargs)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> date:
        day: date = super()._deserialize(value, attr, data, **kwargs)
        if not is_known_day(day, self.first):
            raise ValidationError(f"Must be from {self.first.year} to 2100.")
        return day


class HistoricDay(Day):
    """A day from 1900 to 2100, of people's lives and of documents that are older than the mall."""

    first = FIRST_DAY_OF_HISTORY


_OUT_OF_TIME = "Must be from 2000 to 2100."


class Items(List):
    """The items of a reply: one that cannot be shown is left out and hides no other."""

    def __init__(self, shown: Any, **kwargs: Any) -> None:
        super().__init__(Nested(shown), **kwargs)

    def _serialize(self, value: Any, attr: Any, obj: Any, **kwargs: Any) -> list[Any] | None:
        if value is None:
            return None
        dump = partial(self.inner._serialize, attr=attr, obj=obj, **kwargs)
        return rows.each_shown(dump, value, f"{type(self.parent).__name__}.{attr}")


def fen(**kwargs: Any) -> Integer:
    """Return a field for an amount in fen, 0 to the largest the trade knows."""
    return Integer(strict=True, validate=Range(0, MAX_FEN), **kwargs)


class Text(String):
    """Text that is made canonical before it is looked at; see `mall/kernel/text/canonical.py`."""

    def __init__(
        self, length: Length, make: Callable[[str], str] = canonical.prose, **kwargs: Any
    ) -> None:
        super().__init__(validate=[length, *kwargs.pop("validate", ())], **kwargs)
        self._length, self._make = length, make

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        told = super()._deserialize(value, attr, data, **kwargs)
        # Nothing is done with more than any decoration of so many characters has.
        if not isinstance(told, str) or (
            self._length.max and len(told) > 8 * self._length.max + 64
        ):
            return told
        if self._make is not canonical.lines:
            no_control_characters(told)
        plain = self._make(told)
        if not plain and self._length.min:
            raise ValidationError("Field may not be blank.")
        return plain


def short_text(limit: int, **kwargs: Any) -> String:
    """Return a field for a name or a sentence: 1 to `limit` characters that can be seen."""
    return Text(Length(1, limit), **kwargs)


def plain_text(limit: int, **kwargs: Any) -> String:
    """Return a field for a sentence that may be empty."""
    return Text(Length(max=limit), **kwargs)


def long_text(limit: int, **kwargs: Any) -> String:
    """Return a field for text of several lines, which may be empty."""
    return Text(Length(max=limit), canonical.lines, **kwargs)


def code_text(limit: int, *checks: Any, **kwargs: Any) -> String:
    """Return a field for a code or a number: 1 to `limit` characters, full width made plain."""
    return Text(Length(1, limit), canonical.code, validate=checks, **kwargs)


def region_code(**kwargs: Any) -> String:
    """Return a field for the national code of a region, six digits."""
    return String(validate=Regexp(r"^\d{6}$"), **kwargs)


def region_prefix(**kwargs: Any) -> String:
    """Return a field for a region's code, or how it begins: of a province or a city."""
    return String(validate=Regexp(r"^\d{2}(\d{2}){0,2}$"), **kwargs)


def stored_image(**kwargs: Any) -> String:
    """Return a field for the address of an image that was uploaded."""
    return String(validate=_own_image, **kwargs)


def _own_image(value: str) -> None:
    """Refuse what would let members' browsers ask a stranger's host."""
    if not is_own_image(value):
        raise ValidationError("Must be the address of an image uploaded here.")


def no_control_characters(value: str) -> None:
    """Refuse text that would break lines, logs or XML."""
    if any(ord(character) < 32 for character in value):
        raise ValidationError("String does not match expected pattern.")


class PageQuery(Schema):
    """Where a listing continues, and how much of it is wanted."""

    cursor = UUIDField(
        load_default=None, metadata={"description": "`next_cursor` of the last page"}
    )
    limit = Integer(load_default=DEFAULT_PAGE, validate=Range(1, MAX_PAGE))


def page(
    found: Sequence[Any], limit: int, make: Callable[..., Any] | None = None
) -> dict[str, Any]:
    """Cut rows that were read one too many into a page, and make an item of each.

    One of which none can be made is left out. The page ends, and the next begins, by the rows that
    were read.
    """
    shown = found[:limit]
    last = rows.identity(shown[-1]) if shown and len(found) > limit else None
    return {"items": shown if make is None else rows.each_shown(make, shown), "next_cursor": last}


def values_of(row: Any, reply: type[Schema]) -> dict[str, Any]:
    """Return a row's values under the names of a reply, while its transaction is open."""
    return {name: getattr(row, name) for name in reply().fields}


def instant(value: datetime | None) -> str | None:
    """Return an RFC 3339 instant in UTC."""
    return value.isoformat().replace("+00:00", "Z") if value is not None else None


def a_uuid() -> UUID:
    """Return the identifier used in examples."""
    return UUID("019a3c5e-0000-7000-8000-000000000001")


__all__ = ["PageQuery", "Schema", "a_uuid", "fen", "instant", "now", "page", "short_text"]
