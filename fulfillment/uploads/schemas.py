"""Sheets of tracking numbers on the wire."""

from apiflask.fields import Integer, List, Nested, String

from mall.web.fields import Schema


class ProblemReply(Schema):
    row = Integer(metadata={"example": 7})
    code = String(metadata={"example": "carrier_unknown"})
    zh = String(attribute="wording.zh", metadata={"example": "没有名为“飞毛腿”的快递公司。"})
    en = String(attribute="wording.en", metadata={"example": "There is no carrier “飞毛腿”."})


class SentReply(Schema):
    sent = Integer(metadata={"description": "Parcels recorded now", "example": 480})
    unchanged = Integer(
        metadata={"description": "Recorded before, under the same number", "example": 0}
    )
    refused = Integer(metadata={"example": 1})
    problems = List(Nested(ProblemReply))
