"""Settlement on the wire."""

from apiflask.fields import UUID, DateTime, Function, Integer, Nested, String
from apiflask.validators import OneOf, Range

from fulfillment.settlement import rules
from mall.web.fields import (
    Day,
    Items,
    PageQuery,
    Schema,
    a_uuid,
    code_text,
    plain_text,
    short_text,
)


class ItemReply(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    kind = String(metadata={"description": ", ".join(rules.KINDS), "example": rules.SALE})
    order_no = String(metadata={"example": "D261124K7Q2M9X4TB"})
    title = String(metadata={"example": "徐闻良姜片"})
    quantity = Integer(metadata={"example": 2})
    amount_fen = Integer(metadata={"description": "Negative: it went back", "example": 9_900})
    commission_bps = Integer(metadata={"description": "Ten-thousandths", "example": 500})
    commission_fen = Integer(metadata={"example": 495})
    net_fen = Integer(metadata={"example": 9_405})
    happened_at = DateTime()


class SettlementItemPage(Schema):
    items = Items(ItemReply)
    next_cursor = UUID(allow_none=True)


class StatementAccount(Schema):
    bank = String(metadata={"example": "中国农业银行徐闻支行"})
    account_name = String(metadata={"example": "徐闻县良姜农业合作社"})
    account_number = String(metadata={"example": "44600001040001234"})


class StatementReply(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    number = String(metadata={"example": "J261201K7Q2M9X4TB"})
    supplier_id = UUID()
    supplier_name = String(metadata={"example": "徐闻县良姜农业合作社"})
    account = Nested(
        StatementAccount,
        allow_none=True,
        metadata={"description": "In force when it was drafted: it is paid to this one"},
    )
    begins_on = Day()
    ends_on = Day()
    state = String(metadata={"description": ", ".join(rules.STATES.states), "example": rules.DRAFT})
    state_name = Function(
        lambda row: rules.STATES.names_zh[row["state"] if isinstance(row, dict) else row.state],
        metadata={"example": "待商家确认"},
    )
    item_count = Integer(metadata={"example": 42})
    sales_fen = Integer(metadata={"example": 1_000_000})
    freight_fen = Integer(metadata={"example": 8_000})
    refunds_fen = Integer(metadata={"description": "Negative", "example": -20_000})
    adjustments_fen = Integer(metadata={"example": 0})
    commission_fen = Integer(metadata={"description": "What the mall keeps", "example": 49_000})
    net_fen = Integer(metadata={"description": "What is paid", "example": 939_000})
    created_at = DateTime()
    confirmed_at = DateTime(allow_none=True)
    paid_at = DateTime(allow_none=True)
    bank_reference = String(allow_none=True)
    note = String()


class StatementPage(Schema):
    items = Items(StatementReply)
    next_cursor = UUID(allow_none=True)


class StatementQuery(PageQuery):
    state = String(load_default=None, validate=OneOf(rules.STATES.states))


class OpsStatementQuery(StatementQuery):
    supplier_id = UUID(load_default=None)


class FiguresReply(Schema):
    open_fen = Integer(metadata={"description": "Earned, on no statement yet", "example": 12_000})
    stated_fen = Integer(metadata={"description": "On statements not paid", "example": 939_000})
    paid_fen = Integer(metadata={"example": 5_000_000})


class DisputeBody(Schema):
    note = short_text(500, required=True, metadata={"example": "12 月 3 日的订单少算一件"})


class DraftBody(Schema):
    supplier_id = UUID(required=True)
    ends_on = Day(
        required=True, metadata={"description": "The last day in Beijing", "example": "2026-11-30"}
    )


class WithdrawBody(Schema):
    note = short_text(500, required=True, metadata={"example": "重新出单"})


class PayBody(Schema):
    bank_reference = code_text(64, required=True, metadata={"example": "2026120112345678"})


class AdjustmentBody(Schema):
    supplier_id = UUID(required=True)
    amount_fen = Integer(
        required=True,
        strict=True,
        validate=Range(-rules.MAX_ADJUSTMENT_FEN, rules.MAX_ADJUSTMENT_FEN),
        metadata={"description": "Negative: less is owed", "example": -5_000},
    )
    note = short_text(200, required=True, metadata={"example": "迟发违约金"})
    order_no = plain_text(
        40,
        load_default="",
        metadata={"example": "D261124K7Q2M9X4TB"},
    )


class AdjustmentReply(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    amount_fen = Integer(metadata={"example": -5_000})
