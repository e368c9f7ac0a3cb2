"""Uploads on the wire."""

from apiflask.fields import UUID, Boolean, DateTime, Dict, Integer, List, Nested, String
from apiflask.validators import OneOf, Range

from catalog.products.schemas import ChangeItem
from catalog.uploads.rules import sheet_rows
from mall.web.fields import (
    DEFAULT_PAGE,
    MAX_PAGE,
    Items,
    Schema,
    a_uuid,
    short_text,
)


class UploadQuery(Schema):
    name = short_text(
        200,
        load_default="products.xlsx",
        metadata={"description": "The file's name, shown again", "example": "十一月上新.xlsx"},
    )


class UploadReply(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    file_name = String(metadata={"example": "十一月上新.xlsx"})
    state = String(metadata={"example": "checked"})
    total_rows = Integer(metadata={"description": "0 until the file is read", "example": 10000})
    done_rows = Integer(metadata={"description": "Checked, then applied, so far", "example": 10000})
    counts = Dict(
        metadata={
            "description": "Products by what would become of them",
            "example": {"create": 180, "change": 12, "unchanged": 8, "wrong": 0, "failed": 0},
        }
    )
    problem = Dict(
        allow_none=True,
        metadata={
            "description": "Why the file as a whole cannot be used",
            "example": {
                "code": "sheet_refused",
                "detail_zh": "单元格 A2:B2 是合并单元格，请取消合并后上传。",
                "detail_en": "Cells A2:B2 are merged; unmerge them.",
            },
        },
    )
    image_problems = List(
        Dict(),
        metadata={"example": [{"name": "a.txt", "text": "文件名应为 SKU编码.jpg"}]},
    )
    is_submitted = Boolean()
    created_at = DateTime()
    checked_at = DateTime(allow_none=True)
    applied_at = DateTime(allow_none=True)


class UploadPage(Schema):
    items = Items(UploadReply(exclude=("counts", "image_problems")))
    next_cursor = UUID(allow_none=True)


class ItemsQuery(Schema):
    action = String(load_default=None, validate=OneOf([*sheet_rows.ACTIONS, "failed"]))
    after = Integer(
        load_default=None,
        validate=Range(0, 1_000_000),
        metadata={"description": "`next_after` of the last page"},
    )
    limit = Integer(load_default=DEFAULT_PAGE, validate=Range(1, MAX_PAGE))


class ItemProblem(Schema):
    cell = String(metadata={"example": "J17"})
    column = String(metadata={"example": "会员价"})
    text = String(metadata={"example": "金额最多两位小数"})


class UploadItemReply(Schema):
    position = Integer(metadata={"example": 0})
    product_code = String(metadata={"example": "LJ"})
    title = String(metadata={"example": "徐闻良姜片"})
    row_count = Integer(metadata={"example": 2})
    action = String(metadata={"example": "change"})
    state = String(metadata={"example": "pending"})
    product_id = UUID(allow_none=True)
    changes = List(
        Nested(ChangeItem),
        metadata={"example": [{"field": "skus.LJ-500.price_fen", "before": 5600, "after": 5900}]},
    )
    problems = List(
        Nested(ItemProblem),
        metadata={"example": [{"cell": "J17", "column": "会员价", "text": "金额最多两位小数"}]},
    )


class ItemsPage(Schema):
    items = Items(UploadItemReply)
    next_after = Integer(allow_none=True, metadata={"example": 19})


class ApplyBody(Schema):
    skips_wrong = Boolean(
        load_default=False,
        metadata={"description": "Leave products with problems out, whole; else they stop it"},
    )
    is_submitted = Boolean(
        load_default=True, metadata={"description": "Hand new products in for review"}
    )
