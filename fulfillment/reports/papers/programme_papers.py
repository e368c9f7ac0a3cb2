"""The papers of a programme: what was agreed, what was paid, what came (docs/adr/0015)."""

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from catalog.packs.rules import AGREED
from catalog.products.queries import products
from fulfillment.after_sales import rules as after_sales_rules
from fulfillment.dispatch import queries as dispatch_queries
from fulfillment.dispatch import rules as dispatch_rules
from fulfillment.handover import queries as handover_queries
from fulfillment.handover import rules as handover_rules
from fulfillment.reports import queries, rules
from mall.kernel.clock import BEIJING
from mall.kernel.paper.document import Cell, Fen, Paper, Table
from mall.kernel.text import wording
from mall.members.service import unions
from orders.collective import queries as collective_queries
from orders.collective import rules as collective_rules
from orders.programmes import queries as programme_queries
from orders.programmes import rules as programme_rules
from orders.programmes.models import Programme
from orders.programmes.queries import content_of

_DAY = "%Y-%m-%d"


def head(session: Session, programme: Programme) -> list[tuple[str, Cell]]:
    """Return the facts that every paper begins with."""
    # What was approved says what the union was called then.
    content = programme.content
    name = content["union_name"] if content else unions.get_union(session, programme.union_id).name
    return [
        ("工会", name),
        ("方案", f"{programme.name}（{programme.number}）"),
        ("类型", wording.name("programme_kind", programme.kind).zh),
        ("状态", programme_rules.STATES.names_zh[programme.state]),
        ("期限", f"{programme.opens_on} 至 {programme.closes_on}"),
        ("人数", programme.head_count),
        ("人均（元）", Fen(programme.per_member_fen)),
        ("总额（元）", Fen(programme.budget_fen)),
    ]


def footer(programme: Programme) -> str:
    """Return what ties a printout to the signed history."""
    return (
        f"{programme.number}  内容 {(programme.content_hash or '')[:16]}  "
        f"记录 {programme.event_count} 条，末条 {programme.last_hash[:16]}"
    )


def purchase_list(session: Session, programme: Programme) -> Paper:
    """Return what is to be bought, and what was ordered so far."""
    ordered = queries.bought(session, programme.id)
    freight, paid_freight = queries.freight(session, programme.id)
    rows: list[list[Cell]] = [
        [
            each.supplier_name,
            each.title,
            rules.options_text(each.options),
            wording.name("delivery_mode", each.delivery_mode).zh,
            Fen(each.price_fen),
            each.quantity,
            Fen(each.amount_fen),
            Fen(each.paid_fen),
        ]
        for each in ordered
    ]
    if freight:
        rows.append(["", "运费", "", "", None, None, Fen(freight), Fen(paid_freight)])
    units = sum(each.quantity for each in ordered)
    total = sum(each.amount_fen for each in ordered) + freight
    paid = sum(each.paid_fen for each in ordered) + paid_freight
    heads = ("供应商", "商品", "规格", "配送", "单价", "数量", "金额", "本方案支付")
    table = Table(
        heads,
        (20, 26, 14, 12, 12, 9, 15, 15),
        rows,
        "已下单",
        ["合计", "", "", "", None, units, Fen(total), Fen(paid)],
    )
    return Paper(
        wording.name("paper", "purchase-list").zh,
        head(session, programme),
        [*contents(session, programme), table],
        footer=footer(programme),
        is_landscape=True,
    )


def _basis(basis: str) -> str:
    return wording.name("price_basis", basis).zh if basis in AGREED else ""


def contents(session: Session, programme: Programme) -> list[Table]:
    """Return what was approved: packs with their parts, or the products that may be chosen."""
    content = content_of(programme)
    if content["selection"] is not None:
        return [_selection(session, programme, content["selection"])]
    tables = []
    for pack in content["packs"]:
        rows: list[list[Cell]] = [
            [
                part["supplier_name"],
                part["title"],
                rules.options_text(part["options"]),
                Fen(part["price_fen"]),
                _basis(part.get("price_basis", "")),
                part["quantity"],
                Fen(part["price_fen"] * part["quantity"]),
            ]
            for part in pack["parts"]
        ]
        tables.append(
            Table(
                ("供应商", "商品", "规格", "单价", "价格依据", "每份数量", "每份金额"),
                (26, 32, 16, 13, 12, 11, 14),
                rows,
                f"福利包：{pack['title']}",
                ["每份合计", "", "", None, "", None, Fen(pack["price_fen"])],
            )
        )
    return tables


def _selection(session: Session, programme: Programme, selection: dict[str, Any]) -> Table:
    ids = [UUID(item["product_id"]) for item in selection["items"]]
    shown = programme.shown
    if shown is None:
        # Submitted before it was kept.
        shown = products.shown(session, ids)
    rows: list[list[Cell]] = [
        [each["supplier_name"], each["title"], Fen(each["price_fen"])] for each in shown
    ]
    caption = f"选品：{selection['name']}（第 {selection['version']} 版，{len(ids)} 种）"
    return Table(("供应商", "商品", "提交时最低价"), (40, 60, 20), rows, caption)


def contract_appendix(session: Session, programme: Programme) -> Paper:
    """Return what both sides sign: contents, head-count, amount, delivery, what is left over."""
    facts = head(session, programme)
    address = programme.unit_address
    facts += [
        ("配送方式", wording.name("delivery_mode", programme.delivery).zh),
        ("剩余处理", wording.name("leftover", programme.leftover).zh),
        ("允许补差价", "是" if programme.allows_top_up else "否"),
        ("说明", programme.note),
    ]
    if address:
        where = f"{address['detail']}，{address['recipient']}，{address['phone']}"
        facts.append(("单位地址", where))
    return Paper(
        wording.name("paper", "contract-appendix").zh,
        facts,
        contents(session, programme),
        [
            f"内容指纹（SHA-256）：{programme.content_hash}",
            "本附件内容经审批冻结；与系统中同一指纹的内容一致方为有效。",
        ],
        ["甲方（工会）", "乙方（商城运营方）"],
        footer(programme),
    )


def bill(session: Session, programme: Programme) -> Paper:
    """Return what is to be paid, and every transfer so far."""
    found = collective_queries.bill(session, programme)
    facts = head(session, programme)
    facts += [
        ("已收（元）", Fen(found["received_fen"])),
        ("已退（元）", Fen(found["returned_fen"])),
        ("应付（元）", Fen(found["due_fen"])),
        ("多余（元）", Fen(found["surplus_fen"])),
    ]
    rows: list[list[Cell]] = [
        [
            row.recorded_at.astimezone(BEIJING).strftime(_DAY),
            wording.name("funding_kind", row.kind).zh,
            collective_rules.FUNDING_STATES.names_zh[row.state],
            row.payer,
            row.bank_reference,
            Fen(row.amount_fen),
        ]
        for row in collective_queries.fundings(session, programme.id)
    ]
    heads = ("日期", "方式", "状态", "付款方", "流水号", "金额")
    table = Table(heads, (14, 12, 12, 30, 28, 16), rows, "银行往来")
    notes = ["转账时请在附言中写明方案编号。扫码支付的金额计入已收，不在银行往来之列。"]
    return Paper(
        wording.name("paper", "bill").zh,
        facts,
        [table],
        notes,
        ["经办人", "运营核对"],
        footer(programme),
    )


def acceptance_note(session: Session, programme: Programme) -> Paper:
    """Return what went to the unit and how far it is, for the officer who accepts it."""
    parts = handover_queries.unit_parts(session, programme.id)
    lines = dispatch_queries.lines_of(session, [part.id for part in parts])
    every = [line.id for each in lines.values() for line in each]
    counted = handover_queries.counted_of(session, every)
    rows: list[list[Cell]] = []
    for part in parts:
        for line in lines[part.id]:
            whole, broken = counted.get(line.id, (0, 0))
            # What has left but was not received yet is not short.
            short = line.dispatched_quantity - whole - broken if line.id in counted else 0
            sums = [line.quantity, line.dispatched_quantity, whole, broken, short]
            state = dispatch_rules.STATES.names_zh[part.state]
            options = rules.options_text(line.options)
            rows.append([part.number, line.title, options, *sums, state])
    totals: list[Cell] = [sum(int(str(row[place])) for row in rows) for place in range(3, 8)]
    heads = ("履约单", "商品", "规格", "应收", "已发", "实收", "破损", "短少", "状态")
    goods = Table(
        heads,
        (26, 30, 16, 8, 8, 8, 8, 8, 12),
        rows,
        "配送到单位",
        ["合计", "", "", *totals, ""],
    )
    counts = queries.delivery_of(session, programme.id)
    facts = head(session, programme)
    facts.append(("全部履约单", f"{counts['parts']} 个，已收货 {counts['signed']} 个"))
    if parts:
        names = handover_rules.HAND_OUTS.names_zh
        handed = handover_queries.hand_out_counts(session, programme.id)
        facts.append(("现场发放", "，".join(f"{names[key]} {n}" for key, n in handed.items())))
    notes = [
        f"验收：{event.actor_name}，{event.happened_at.astimezone(BEIJING):%Y-%m-%d %H:%M}。{event.note}"
        for event in programme_queries.events(session, programme.id)
        if event.act == "accepted"
    ]
    return Paper(
        wording.name("paper", "acceptance-note").zh,
        facts,
        [goods, *_claims(session, programme)],
        notes,
        ["验收人", "监督人", "供应商代表"],
        footer(programme),
    )


def _claims(session: Session, programme: Programme) -> list[Table]:
    """Return what was short or broken and what became of it; no table where nothing was."""
    found = handover_queries.claims_of(session, programme.id)
    if not found:
        return []
    rows: list[list[Cell]] = [
        [
            case.number,
            case.title,
            wording.name("after_sales_reason", case.reason).zh,
            case.quantity,
            Fen(case.refunded_fen or 0),
            after_sales_rules.STATES.names_zh[case.state],
        ]
        for case in found
    ]
    refunded = sum(case.refunded_fen or 0 for case in found)
    total: list[Cell] = ["合计", "", "", sum(case.quantity for case in found), Fen(refunded), ""]
    heads = ("售后单", "商品", "原因", "数量", "退款", "结果")
    return [Table(heads, (26, 34, 22, 9, 14, 14), rows, "短少与破损", total)]


def settlement(session: Session, programme: Programme) -> Paper:
    """Return where every fen went; the terms add up to what was received."""
    found = queries.dashboard_of(session, programme)
    money, people = found["money"], found["people"]
    flows: list[list[Cell]] = [
        ["已下单支付", Fen(money["spent_fen"])],
        ["职工尚未使用", Fen(money["outstanding_fen"])],
        ["待付款订单占用", Fen(money["held_fen"])],
        ["到期失效", Fen(money["lapsed_fen"])],
        ["资金账户余额", Fen(money["balance_fen"])],
        ["已退回工会", Fen(money["paid_out_fen"])],
    ]
    suppliers: list[list[Cell]] = [
        [each["name"], each["units"], Fen(each["amount_fen"]), Fen(each["paid_fen"])]
        for each in found["suppliers"]
    ]
    freight, paid_freight = queries.freight(session, programme.id)
    if freight:
        suppliers.append(["运费", None, Fen(freight), Fen(paid_freight)])
    units = sum(each["units"] for each in found["suppliers"])
    amount = sum(each["amount_fen"] for each in found["suppliers"]) + freight
    if money["reimbursed_fen"]:
        suppliers.append(["售后退款", None, None, Fen(-money["reimbursed_fen"])])
    facts = head(session, programme)
    facts += [
        ("已收（元）", Fen(money["received_fen"])),
        ("已发放（元）", Fen(money["issued_fen"])),
        ("剩余收回（元）", Fen(money["returned_fen"])),
        ("职工补差价（元）", Fen(money["topped_up_fen"])),
        ("人员", _people(people)),
    ]
    tables = [
        Table(("去向", "金额"), (60, 30), flows, "资金去向", ["合计", Fen(_sum(flows))]),
        Table(
            ("供应商", "数量", "金额", "本方案支付"),
            (50, 12, 20, 20),
            suppliers,
            "供应商",
            ["合计", units, Fen(amount), Fen(money["spent_fen"])],
        ),
    ]
    if found["packs"]:
        tables.append(_packs(found["packs"]))
    return Paper(
        wording.name("paper", "settlement").zh,
        facts,
        tables,
        ["各项均取自账本分录，合计等于已收金额。"],
        ["经办人", "审计人", "运营核对"],
        footer(programme),
    )


def _sum(rows: list[list[Cell]]) -> int:
    return sum(row[1].fen for row in rows if isinstance(row[1], Fen))


def _people(people: dict[str, int]) -> str:
    return (
        f"应发 {people['recipients']}，已发 {people['issued']}，已兑换 {people['redeemed']}，"
        f"未使用 {people['not_chosen']}，已结束 {people['ended']}，已收回 {people['withdrawn']}"
    )


def _packs(packs: list[dict[str, Any]]) -> Table:
    rows: list[list[Cell]] = [
        [each["title"], Fen(each["price_fen"]), each["chosen"], Fen(each["amount_fen"])]
        for each in packs
    ]
    total = [
        "合计",
        None,
        sum(each["chosen"] for each in packs),
        Fen(sum(each["amount_fen"] for each in packs)),
    ]
    return Table(("福利包", "单价", "份数", "金额"), (50, 15, 12, 20), rows, "福利包", total)
