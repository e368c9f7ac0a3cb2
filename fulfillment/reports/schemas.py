"""The dashboard, the papers and the public notice of programmes on the wire."""

from apiflask.fields import UUID, DateTime, Dict, Integer, List, Nested, String
from apiflask.validators import Range

from mall.web.fields import Day, Items, PageQuery, Schema, a_uuid
from mall.web.files import FormatQuery


def _count(example: int, description: str = "") -> Integer:
    return Integer(metadata={"example": example, "description": description})


class PeopleReply(Schema):
    recipients = _count(340)
    listed = _count(0, "Not issued yet")
    issued = _count(340)
    waiting = _count(12, "Issued, no member yet")
    open = _count(8, "Issued, not redeemed; beans stay so")
    redeemed = _count(320)
    ended = _count(0, "Not used in time")
    withdrawn = _count(2, "Taken back by two officers")
    not_chosen = _count(20, "Neither redeemed nor begun to spend")


class MoneyReply(Schema):
    """In fen: received = spent + outstanding + held + lapsed + balance + paid out."""

    budget_fen = _count(10200000)
    received_fen = _count(10200000)
    issued_fen = _count(10200000)
    spent_fen = _count(9600000, "By paid orders, less what went back of them")
    reimbursed_fen = _count(0, "What went back of paid orders, to lots or to the fund")
    topped_up_fen = _count(0, "What members added of their own")
    outstanding_fen = _count(600000, "Still with members")
    held_fen = _count(0, "By orders that wait for payment")
    lapsed_fen = _count(0)
    returned_fen = _count(0, "Left over, back in the fund")
    balance_fen = _count(0, "In the fund")
    paid_out_fen = _count(0, "Back at the union's bank")


class DeliveriesReply(Schema):
    parts = _count(640, "Fulfillment orders: one for each supplier of an order")
    waiting = _count(40)
    shipped = _count(600)
    signed = _count(580)


class PackFigures(Schema):
    pack_id = UUID(metadata={"example": str(a_uuid())})
    title = String(metadata={"example": "春节慰问 A 包"})
    price_fen = _count(30000)
    chosen = _count(120)
    amount_fen = _count(3600000)


class SupplierFigures(Schema):
    supplier_id = UUID(metadata={"example": str(a_uuid())})
    name = String(metadata={"example": "徐闻县良姜种植专业合作社"})
    units = _count(240)
    amount_fen = _count(3600000)
    paid_fen = _count(3600000, "By the programme; the rest are other beans and WeChat")


class DashboardReply(Schema):
    programme_id = UUID(metadata={"example": str(a_uuid())})
    number = String(metadata={"example": "W261124K7Q2M9X4TB"})
    name = String(metadata={"example": "2027 年春节慰问"})
    kind = String(metadata={"example": "pick_one"})
    state = String(metadata={"example": "active"})
    people = Nested(PeopleReply)
    money = Nested(MoneyReply)
    orders = _count(320)
    delivery = Nested(DeliveriesReply)
    packs = List(Nested(PackFigures))
    suppliers = List(Nested(SupplierFigures))


class PaperQuery(FormatQuery):
    part = Integer(
        load_default=1, validate=Range(1, 1000), metadata={"description": "Of a list of people"}
    )


class PaperItem(Schema):
    name = String(metadata={"example": "settlement"})
    title = String(metadata={"example": "结算单"})


class PaperList(Schema):
    items = Items(PaperItem)


class NoticeQuery(PageQuery):
    union_id = UUID(load_default=None)


class NoticedItem(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    number = String(metadata={"example": "W261124K7Q2M9X4TB"})
    union_name = String(metadata={"example": "湛江市中级人民法院工会委员会"})
    name = String(metadata={"example": "2027 年春节慰问"})
    kind = String(metadata={"example": "pick_one"})
    state = String(metadata={"example": "active"})
    head_count = Integer(metadata={"example": 340})
    per_member_fen = Integer(metadata={"example": 30000})
    budget_fen = Integer(metadata={"example": 10200000})
    opens_on = Day()
    closes_on = Day()


class NoticedPage(Schema):
    items = Items(NoticedItem)
    next_cursor = UUID(allow_none=True)


class ApprovalReply(Schema):
    act = String(metadata={"example": "approved"})
    happened_at = DateTime()
    content_hash = String()
    hash = String(metadata={"description": "Of the signed history at this step"})


class NoticedReply(NoticedItem):
    delivery = String(metadata={"example": "ship"})
    leftover = String(metadata={"example": "return"})
    packs = List(Dict(), metadata={"description": "What is in each, from whom, at what price"})
    selection = Dict(allow_none=True)
    content_hash = String()
    approvals = List(Nested(ApprovalReply))
    figures = Dict(metadata={"description": "How many were issued, redeemed, ended"})
    deliveries = Nested(DeliveriesReply)
