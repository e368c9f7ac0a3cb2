"""Operators' search rules on the wire."""

from typing import Any

from apiflask.fields import UUID, Boolean, Date, DateTime, Integer, List, String
from apiflask.validators import Length, OneOf, Range

from mall.web.fields import (
    DEFAULT_PAGE,
    MAX_PAGE,
    Day,
    Items,
    Schema,
    a_uuid,
    short_text,
)
from search_index.words import rules
from search_index.words.rules import MAX_GROUP, MAX_WORD, PlacementForm, RuleForm


class RulePage(Schema):
    after = UUID(load_default=None, metadata={"description": "The last id of the page before"})
    limit = Integer(load_default=DEFAULT_PAGE, validate=Range(1, MAX_PAGE))


def _word(**kwargs: Any) -> String:
    return short_text(MAX_WORD, **kwargs)


class SynonymsBody(Schema):
    words = List(
        _word(),
        required=True,
        validate=Length(2, MAX_GROUP),
        metadata={"description": "Each finds what the others find", "example": ["米糕", "田艾籺"]},
    )


class SynonymsItem(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    words = List(String(), metadata={"example": ["米糕", "田艾籺"]})
    changed_at = DateTime(metadata={"example": "2026-06-01T08:00:00Z"})


class SynonymsList(Schema):
    items = Items(SynonymsItem)
    next_after = UUID(allow_none=True)


class FillerBody(Schema):
    word = _word(
        required=True,
        metadata={"description": "Left out of every query", "example": "麻烦帮忙"},
    )


class FillerItem(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    word = String(metadata={"example": "麻烦帮忙"})
    changed_at = DateTime(metadata={"example": "2026-06-01T08:00:00Z"})


class FillerList(Schema):
    items = Items(FillerItem)
    next_after = UUID(allow_none=True)


class CorrectionBody(Schema):
    word = _word(required=True, metadata={"description": "As typed", "example": "良江"})
    meant = _word(
        load_default=None,
        allow_none=True,
        metadata={
            "description": "What it means; left out where nothing shall be suggested for the word",
            "example": "良姜",
        },
    )
    is_kept = Boolean(
        load_default=True,
        metadata={"description": "True: always taken so. False: never suggested", "example": True},
    )


class CorrectionItem(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    word = String(metadata={"example": "良江"})
    meant = String(allow_none=True, metadata={"example": "良姜"})
    is_kept = Boolean(metadata={"example": True})
    changed_at = DateTime(metadata={"example": "2026-06-01T08:00:00Z"})


class CorrectionList(Schema):
    items = Items(CorrectionItem)
    next_after = UUID(allow_none=True)


class PlacementBody(Schema):
    query = _word(
        required=True, metadata={"description": "Spaces do not matter", "example": "粽子"}
    )
    product_id = UUID(required=True, metadata={"example": str(a_uuid())})
    place = String(
        required=True,
        validate=OneOf((rules.PINNED, rules.BURIED)),
        metadata={"description": "First, found or not; or last", "example": rules.PINNED},
    )
    position = Integer(
        load_default=0,
        validate=Range(0, 1000),
        metadata={"description": "Pinned products stand by it", "example": 0},
    )


class PlacementQuery(RulePage):
    query = _word(load_default=None, metadata={"example": "粽子"})


class PlacementItem(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    query = String(metadata={"example": "粽子"})
    product_id = UUID(metadata={"example": str(a_uuid())})
    title = String(metadata={"example": "裹蒸粽礼盒"})
    place = String(metadata={"example": rules.PINNED})
    position = Integer(metadata={"example": 0})
    changed_at = DateTime(metadata={"example": "2026-06-01T08:00:00Z"})


class PlacementList(Schema):
    items = Items(PlacementItem)
    next_after = UUID(allow_none=True)


class SearchedQuery(Schema):
    first_day = Day(load_default=None, metadata={"description": "Left out: a week ago"})
    last_day = Day(load_default=None, metadata={"description": "Left out: today"})
    only_without_hits = Boolean(load_default=False, metadata={"example": True})
    limit = Integer(load_default=DEFAULT_PAGE, validate=Range(1, MAX_PAGE))


class SearchedItem(Schema):
    words = String(metadata={"example": "沙虫"})
    searches = Integer(metadata={"example": 128})
    without_hits = Integer(metadata={"example": 3})


class SearchedList(Schema):
    first_day = Date(metadata={"example": "2026-06-01"})
    last_day = Date(metadata={"example": "2026-06-07"})
    items = Items(SearchedItem)


class HotWords(Schema):
    items = List(String(), metadata={"example": ["粽子", "良姜"]})


def correction_of(data: dict[str, Any]) -> RuleForm:
    """Return a body as a rule."""
    kind = rules.KEPT if data["is_kept"] else rules.FORGOTTEN
    return RuleForm(kind, (data["word"],), data["meant"])


def placement_of(data: dict[str, Any]) -> PlacementForm:
    """Return a body as a placement."""
    return PlacementForm(**data)
