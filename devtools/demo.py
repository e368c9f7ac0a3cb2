"""The demo: regions, suppliers, products, accounts and beans; repeatable."""

import json
import secrets
from datetime import UTC, date, datetime, time
from pathlib import Path
from uuid import UUID

from flask import current_app

from catalog.messages import SupplierChanged
from catalog.onboarding.rules import Decision, QualificationForm
from catalog.onboarding.service import applications
from catalog.pavilion import queries as pavilion_queries
from catalog.pavilion import rules as pavilion_rules
from catalog.pavilion import service as pavilion_service
from catalog.products.queries import products
from catalog.suppliers import queries as supplier_queries
from catalog.suppliers.rules import PIECE, FreightRule
from catalog.suppliers.service import supplying
from catalog.uploads.process import importing
from fulfillment.stores import queries as store_queries
from fulfillment.stores import service as store_service
from fulfillment.stores.rules import Hours, StoreForm
from mall.access import service as access_service
from mall.access.rules import (
    APPROVES,
    AUDIENCE_OF_ROLE,
    AUDITS,
    HANDLES,
    MANAGES,
    OPERATOR_DUTIES,
)
from mall.kernel.errors import DomainError
from mall.kernel.uow import UnitOfWork, reading, unit_of_work
from mall.ledger.rules import Grant, GrantRepeated
from mall.ledger.service import granting
from mall.members.rules import AddressForm
from mall.members.service import members, unions

DATA = Path(__file__).parent / "data"
HOUSE_SUPPLIER = "橙意严选（示例）"
DEMO_SUPPLIER = "徐闻县良姜种植专业合作社"
DEMO_UNION = ("440800-demo", "湛江市示例工会委员会")
# Suppliers of the pavilion: where they are, and their story.
PAVILION = (
    ("徐闻县良姜种植专业合作社", "440825", "徐闻火山红土上，三代人只种一样：良姜。"),
    ("徐闻县红土菠萝专业合作社", "440825", "“菠萝的海”三万亩，现摘现发。"),
    ("遂溪县火龙果产业联合社", "440823", "夜里为火龙果补光，灯海连成片。"),
    ("遂溪县甘蔗红糖工坊", "440823", "铁锅熬糖，蔗香满村。"),
    ("廉江市红橙果业有限公司", "440881", "廉江红橙，冬日限定。"),
    ("雷州市覃斗芒果合作社", "440882", "雷州半岛的太阳，晒出覃斗芒果的甜。"),
)
# Merchants whose goods are collected: their stores, where they are, and their positions.
STORES = (
    ("赤坎老街饼家", "中山店", "440802", "中山二路 21 号", 21.2668, 110.3632),
    ("霞山区甜时光烘焙", "人民店", "440803", "人民大道南 60 号", 21.1930, 110.4070),
    ("霞山区甜时光烘焙", "赤坎店", "440802", "寸金路 12 号", 21.2707, 110.3594),
    ("吴川市水产贸易行", "梅菉店", "440883", "解放路 8 号", 21.4402, 110.7780),
)
DUTIES: dict[str, tuple[str, ...]] = {
    "operator": OPERATOR_DUTIES,
    "operator2": OPERATOR_DUTIES,
    "officer": (HANDLES,),
    "officer2": (HANDLES,),
    "approver": (APPROVES,),
    "auditor": (AUDITS,),
    "clerk": (MANAGES,),
}
REMOTE = ("540000", "650000")
EXPIRES = datetime(2030, 12, 31, 16, tzinfo=UTC)
BEGINS, ENDS = date(2026, 1, 1), date(2030, 12, 31)
STAFF = (
    ("operator", "operator", "运营演示账号"),
    ("operator2", "operator", "运营复核演示账号"),
    ("supplier", "supplier", "供应商演示账号：" + DEMO_SUPPLIER),
    ("officer", "union_officer", "工会经办演示账号"),
    ("officer2", "union_officer", "工会验收演示账号"),
    ("approver", "union_officer", "工会审批演示账号"),
    ("auditor", "union_officer", "工会审计演示账号"),
    ("clerk", "store_clerk", "门店店长演示账号：赤坎老街饼家 · 中山店"),
)


def seed(data: Path) -> str:
    """Seed what is missing and return the demo accounts, with fresh tokens, as JSON."""
    with unit_of_work() as uow:
        members.load_regions(uow)
    for name in ("litemall_goods.jsonl", "zhanjiang_goods.jsonl"):
        lines = (data / name).read_text(encoding="utf-8").splitlines()
        with reading() as session:
            done = _is_imported(session, lines)
        if not done:
            importing.import_lines(lines, HOUSE_SUPPLIER, lambda: None)
    with unit_of_work() as uow:
        _freight(uow)
    with unit_of_work() as uow:
        _pavilion(uow)
    with unit_of_work() as uow:
        _stores(uow)
    accounts = _staff() | _members()
    return json.dumps(accounts, ensure_ascii=False)


def _is_imported(session: object, lines: list[str]) -> bool:
    """Tell by its last line whether a file was imported: a restart then skips it."""
    last = json.loads(lines[-1])
    supplier = supplier_queries.find_supplier(session, last.get("supplier") or HOUSE_SUPPLIER)  # type: ignore[arg-type]
    if supplier is None:
        return False
    return products.find_by_source(session, supplier.id, last["source_id"]) is not None  # type: ignore[arg-type]


def _freight(uow: UnitOfWork) -> None:
    """Give the demo supplier a tariff: ¥8, ¥2 for each further piece, free over ¥99."""
    supplier = supplier_queries.find_supplier(uow.session, DEMO_SUPPLIER)
    if supplier is None or supplier_queries.templates_of(uow.session, supplier.id):
        return
    rules = (
        FreightRule((), True, 1, 800, 1, 200),
        FreightRule(("440000",), True, 1, 600, 1, 100),
        FreightRule(REMOTE, False),
    )
    form = supplying.TemplateForm("默认运费", PIECE, 9900, rules)
    template_id = supplying.add_template(uow, supplier.id, form)
    for product in products.own_products(uow.session, supplier.id, None, 100):
        product.shipping_template_id = template_id


def _pavilion(uow: UnitOfWork) -> None:
    """Give suppliers from the country their qualification, origin and story; open their section."""
    if any(each.title == "乡村振兴馆" for each in pavilion_queries.sections(uow.session, None)):
        return
    for name, region, story in PAVILION:
        supplier = supplier_queries.find_supplier(uow.session, name)
        if supplier is None:
            continue
        supplier.origin_region_code, supplier.story = region, story
        document = applications.add_document(uow, supplier.id, b"%PDF-1.7 demo")
        form = QualificationForm("assistance", "示例", BEGINS, ENDS, document, region)
        row = applications.add_qualification(uow, supplier.id, form)
        applications.review_qualification(uow, row.id, row.id, Decision(True))
        for product in products.own_products(uow.session, supplier.id, None, 100):
            product.is_pavilion = True
        uow.emit(SupplierChanged(str(supplier.id)))
    rule = pavilion_rules.Rule(needs_assistance=True)
    about = "产地直发，每一单都计入消费帮扶"
    pavilion_service.add_section(
        uow,
        pavilion_rules.SectionForm(
            "pavilion", "乡村振兴馆", about, None, rule, "newest", 0, True, None, None
        ),
    )


def _staff() -> dict[str, dict[str, str]]:
    accounts = {}
    for username, role, about in STAFF:
        password = f"demo-{username}-2026"
        with unit_of_work() as uow:
            scope_id = _scope(uow, role)
            duties = DUTIES.get(username, ())
            new = access_service.NewStaff(username, about, password, role, scope_id, duties)
            account_id = access_service.open_staff_account(uow, new)
            epoch = access_service.get_account(uow, account_id).epoch
            token = access_service.issue_token(uow, AUDIENCE_OF_ROLE[role], account_id, epoch).token
        accounts[username] = {"about": f"{about}（{username} / {password}）", "token": token}
    return accounts


def _scope(uow: UnitOfWork, role: str) -> UUID | None:
    if role == "operator":
        return None
    if role in ("supplier", "store_clerk"):
        name = DEMO_SUPPLIER if role == "supplier" else STORES[0][0]
        supplier = supplier_queries.find_supplier(uow.session, name)
        assert supplier is not None
        return (
            supplier.id
            if role == "supplier"
            else store_queries.of_supplier(uow.session, supplier.id)[0].id
        )
    union = unions.find_union(uow.session, DEMO_UNION[0])
    return (union or unions.open_union(uow, *DEMO_UNION)).id


def _stores(uow: UnitOfWork) -> None:
    """Open the stores of merchants whose goods are collected, where they are missing."""
    hours = [Hours(day, time(9), time(20)) for day in range(1, 8)]
    for name, branch, region, detail, latitude, longitude in STORES:
        supplier = supplier_queries.find_supplier(uow.session, name)
        if supplier is None:
            continue
        wanted = f"{name} · {branch}"
        if wanted in {each.name for each in store_queries.of_supplier(uow.session, supplier.id)}:
            continue
        place = (region, detail, latitude, longitude, "13800000003")
        form = StoreForm(wanted, *place, hours, daily_capacity=60, lead_hours=12)
        store_service.add_store(uow, supplier.id, form)


def _members() -> dict[str, dict[str, str]]:
    """Sign two members in at the mock gateway; none where the gateway is a real one."""
    accounts = {}
    gateway = current_app.extensions["mall_login_gateway"]
    for number, name in enumerate(("member", "member2"), start=1):
        code = f"demo-{name}:{secrets.token_hex(6)}"
        try:
            identity = gateway.exchange_code(code)
        except DomainError:
            return {}
        with unit_of_work() as uow:
            session = members.sign_in_with_wechat(uow, code, identity)
            if session.is_new:
                members.bind_phone(uow, session.member_id, f"1380000000{number}")
                members.verify_real_name(uow, session.member_id, "陈小湛")
                form = AddressForm("陈小湛", f"1380000000{number}", "440802", "跃进路 1 号", True)
                members.add_address(uow, session.member_id, form)
        _give_beans(session.member_id, name)
        about = f"会员，1000 福利豆（登录码 demo-{name}:任意字符）"
        accounts[name] = {"about": about, "token": session.token.token}
    return accounts


def _give_beans(member_id: UUID, name: str) -> None:
    grant = Grant(member_id, 100_000, EXPIRES, "2026 年春节慰问（示例）", f"demo:{name}")
    try:
        with unit_of_work() as uow:
            granting.seed(uow, [grant])
    except GrantRepeated:
        return
