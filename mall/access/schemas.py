"""What sign-in takes and gives."""

from apiflask.fields import DateTime, String
from apiflask.validators import Length

from mall.web.fields import Schema


class StaffSignIn(Schema):
    username = String(required=True, validate=Length(1, 64), metadata={"example": "operator"})
    password = String(
        required=True, validate=Length(1, 256), metadata={"example": "demo-operator-2026"}
    )
    totp = String(
        load_default=None,
        allow_none=True,
        validate=Length(1, 32),
        metadata={"description": "One-time password or recovery code", "example": "492039"},
    )


class WeChatSignIn(Schema):
    code = String(
        required=True,
        validate=Length(1, 128),
        metadata={"description": "The code of wx.login()", "example": "demo-member-1"},
    )


class TokenReply(Schema):
    token = String(metadata={"example": "tQ0m…", "description": "Send as `Authorization: Bearer`"})
    expires_at = DateTime(metadata={"example": "2026-12-24T08:00:00Z"})
