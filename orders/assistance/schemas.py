"""Consumption assistance on the wire."""

from apiflask.fields import UUID, Boolean, Integer, List, Nested, String
from apiflask.validators import Range

from mall.web.fields import Items, Schema, a_uuid, fen


class TargetBody(Schema):
    target_fen = fen(
        load_default=None,
        allow_none=True,
        metadata={
            "description": "The target itself; or leave it out and give budget and share",
            "example": 3_000_000,
        },
    )
    budget_fen = fen(
        load_default=None,
        allow_none=True,
        metadata={"description": "The year's purchasing budget", "example": None},
    )
    share_bps = Integer(
        load_default=None,
        allow_none=True,
        strict=True,
        validate=Range(0, 10_000),
        metadata={"description": "Reserved share of the budget, basis points", "example": None},
    )
    counts_members = Boolean(
        load_default=False,
        metadata={"description": "Count what members buy themselves, as 832 does"},
    )


class MonthItem(Schema):
    month = Integer(metadata={"example": 11})
    union_fen = Integer(metadata={"description": "Bought by the union", "example": 120_000})
    members_fen = Integer(metadata={"description": "Bought by its members", "example": 34_000})
    counted_fen = Integer(metadata={"example": 154_000})
    cumulative_fen = Integer(metadata={"example": 1_800_000})


class ProgressReply(TargetBody):
    union_id = UUID(metadata={"example": str(a_uuid())})
    union_name = String(
        metadata={"description": "As it was when the target was set", "example": "湛江市总工会"}
    )
    year = Integer(metadata={"example": 2026})
    done_fen = Integer(metadata={"example": 1_800_000})
    expected_fen = Integer(
        metadata={"description": "Due by today if every day bore the same", "example": 2_700_000}
    )
    missing_fen = Integer(metadata={"example": 1_200_000})
    months = List(Nested(MonthItem))


class ProgressPage(Schema):
    items = Items(ProgressReply)
    next_cursor = UUID(allow_none=True)
