"""Acceptance on the wire."""

from apiflask.fields import UUID, String
from apiflask.validators import Length

from mall.web.fields import Schema, a_uuid, no_control_characters


class AcceptanceBody(Schema):
    note = String(
        load_default="",
        validate=[Length(max=500), no_control_characters],
        metadata={"example": "实收 340 份，外观完好，现场抽检合格。"},
    )


class AcceptedReply(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    number = String(metadata={"example": "W261124K7Q2M9X4TB"})
    state = String(metadata={"example": "accepted"})
