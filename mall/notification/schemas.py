"""Notices on the wire."""

from apiflask.fields import UUID, DateTime, String

from mall.web.fields import Items, Schema, a_uuid


class NoticeReply(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    kind = String(metadata={"example": "qualification_ending"})
    text = String(metadata={"example": "食品经营许可证将于 2026-12-20 到期，请尽快更新。"})
    created_at = DateTime()
    read_at = DateTime(allow_none=True)


class NoticePage(Schema):
    items = Items(NoticeReply)
    next_cursor = UUID(allow_none=True)


class ReadBody(Schema):
    up_to = UUID(required=True, metadata={"description": "The newest notice that was seen"})
