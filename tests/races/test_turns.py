"""All who take the last room of a kind, or one name, at one instant: one wins, the others are told.

A row for everything that `hold_turn` and `check_limit` guard, and for each name that is unique.
"""

import ast
import secrets
from pathlib import Path
from uuid import uuid4

import pytest

import catalog.onboarding.rules
import catalog.packs.rules
import catalog.pavilion.rules
import catalog.products.service.editing
import catalog.selections.rules
import catalog.suppliers.rules
import catalog.uploads.rules.sheet_rows
import fulfillment.stores.rules
import mall.access.staff.service.changes
import mall.approvals.rules
import mall.members.rosters.rules
import orders.carts.rules
import orders.programmes.service.lifecycle
from mall.kernel.sheets import writing
from tests.races.test_one_wins import AT_ONCE, address, all_at_once, outcome, template
from tests.support.database import count_rows, select_rows
from tests.support.people import new_member, new_staff, phone_number, same_person
from tests.support.shop import new_sku, new_store, new_supplier

ROOT = Path(__file__).parents[2]


def word():
    return f"n{secrets.token_hex(6)}"


def supplier(world):
    return new_staff(world, "supplier", new_supplier(world))


def officer(union):
    return union.handler


def send(who, path, content, media):
    headers = {"Authorization": f"Bearer {who.token}", "Content-Type": media}
    return who.client.post(path, data=content, headers=headers)


def posting(world, person, path, body):
    """Return the act of sending what `body` makes, each as another request of a person."""
    return lambda: same_person(world, person).post(path, body())


def store(name=None):
    hours = [{"weekday": 1, "opens": "09:00", "closes": "12:30"}]
    place = {"region_code": "440802", "detail": "寸金路 12 号", "phone": "13800000001"}
    at = {"latitude": 21.27, "longitude": 110.36}
    return {"name": name or word(), "hours": hours, **place, **at}


def product(world, code=None):
    path = {"path": ["饮食", "海味"]}
    category = new_staff(world, "operator").post("/v1/ops/categories", path).get_json()["id"]

    def body():
        sku = {"code": code or word(), "list_price_fen": 2000, "price_fen": 1500}
        return {"title": "干贝", "category_id": category, "skus": [sku]}

    return body


def users(world, union):
    return posting(world, supplier(world), "/v1/supplier/users", lambda: {"username": word()})


def clerks(world, union):
    person = supplier(world)
    [row] = select_rows(world, f"SELECT scope_id FROM staff_account WHERE id = '{person.id}'")
    path = f"/v1/supplier/stores/{new_store(world, row.scope_id)}/clerks"
    return posting(world, person, path, lambda: {"username": word()})


def proposals(world, union):
    member = new_member(world)

    def body():
        return {
            "member_ids": [str(member.id)],
            "amount_fen": 10_000_000,
            "expires_at": "2030-12-31T16:00:00Z",
            "programme": "慰问",
            "reference": word(),
        }

    return posting(world, new_staff(world, "operator"), "/v1/ops/beans/grants", body)


def staff_form():
    return {"username": word(), "display_name": "新", "duties": []}


def changes(world, union):
    return posting(world, new_staff(world, "operator"), "/v1/ops/operators", staff_form)


def officers(world, union):
    """Opened by confirming what was proposed: the room is judged again then."""
    one, other = new_staff(world, "operator"), new_staff(world, "operator")
    path = f"/v1/ops/unions/{union.id}/officers"
    body = {"duties": ["handles"]}
    made = [one.post(path, staff_form() | body).get_json()["id"] for _ in range(AT_ONCE)]
    return lambda: same_person(world, other).post(f"/v1/ops/accounts/changes/{made.pop()}/confirm")


def rosters(world, union):
    return posting(world, officer(union), "/v1/union/rosters", lambda: {"name": word()})


def selections(world, union, name=None):
    items = [{"product_id": str(new_sku(world, 1000, 9)[0])}]
    path = "/v1/union/selections"
    return posting(world, officer(union), path, lambda: {"name": name or word(), "items": items})


def packs(world, union, title=None):
    parts = [{"sku_id": str(new_sku(world, 1000, 9)[1]), "quantity": 1}]
    path = "/v1/union/packs"
    return posting(world, officer(union), path, lambda: {"title": title or word(), "parts": parts})


def sections(world, union, title=None):
    path, operator = "/v1/ops/sections", new_staff(world, "operator")
    return posting(world, operator, path, lambda: {"kind": "seasonal", "title": title or word()})


def uploads(world, union):
    person = supplier(world)
    content = writing.xlsx("商品", ("商品编码",), [["A"]])
    path = "/v1/supplier/uploads?name=a.xlsx"
    return lambda: send(same_person(world, person), path, content, "application/octet-stream")


def products(world, union, code=None):
    return posting(world, supplier(world), "/v1/supplier/products", product(world, code))


def documents(world, union):
    person = supplier(world)
    path = "/v1/supplier/documents"
    return lambda: send(same_person(world, person), path, b"%PDF-1.7", "application/pdf")


def qualifications(world, union):
    person = supplier(world)
    sent = send(person, "/v1/supplier/documents", b"%PDF-1.7", "application/pdf").get_json()
    body = {"kind": "business_licence", "number": "1", "valid_from": "2020-01-01"}
    body |= {"document_id": sent["id"]}
    return posting(world, person, "/v1/supplier/qualifications", lambda: body)


def templates(world, union, name=None):
    path = "/v1/supplier/shipping-templates"
    return posting(world, supplier(world), path, lambda: template(name or word()))


def cart_lines(world, union):
    member = new_member(world)
    skus = [new_sku(world, 1000, 9)[1] for _ in range(AT_ONCE)]
    return lambda: same_person(world, member).put(f"/v1/store/cart/{skus.pop()}", {"quantity": 1})


def programmes(world, union):
    packs = [union.pack(30_000)[0] for _ in range(2)]
    form = {"roster_id": union.roster(union.people(1)), "pack_ids": packs}
    return lambda: union.draft(**form)


def stores(world, union):
    return posting(world, supplier(world), "/v1/supplier/stores", store)


LIMITS = [
    # The first user of a supplier is there already.
    (users, catalog.onboarding.rules, "MAX_USERS", 2),
    (clerks, fulfillment.stores.rules, "MAX_CLERKS", 1),
    (proposals, mall.approvals.rules, "MAX_WAITING", 1),
    (changes, mall.access.staff.service.changes, "MAX_OPEN", 1),
    # So are three officers of the union.
    (officers, mall.access.staff.service.changes, "MAX_ACCOUNTS", 4),
    (rosters, mall.members.rosters.rules, "MAX_ROSTERS", 1),
    (selections, catalog.selections.rules, "MAX_SELECTIONS", 1),
    (packs, catalog.packs.rules, "MAX_PACKS", 1),
    (sections, catalog.pavilion.rules, "MAX_SECTIONS", 1),
    (uploads, catalog.uploads.rules.sheet_rows, "MAX_OPEN_UPLOADS", 1),
    (products, catalog.products.service.editing, "MAX_PRODUCTS", 1),
    (documents, catalog.onboarding.rules, "MAX_DOCUMENTS", 1),
    (qualifications, catalog.onboarding.rules, "MAX_QUALIFICATIONS", 1),
    (templates, catalog.suppliers.rules, "MAX_TEMPLATES", 1),
    (cart_lines, orders.carts.rules, "MAX_LINES", 1),
    (programmes, orders.programmes.service.lifecycle, "MAX_OPEN", 1),
    (stores, fulfillment.stores.rules, "MAX_STORES", 1),
]


@pytest.mark.parametrize(
    ("kind", "place", "name", "most"), LIMITS, ids=[row[0].__name__ for row in LIMITS]
)
def test_the_last_room_of_each_kind_is_taken_once(
    world, union, monkeypatch, audited, kind, place, name, most
):
    act = kind(world, union)
    monkeypatch.setattr(place, name, most)
    found = outcome(all_at_once([act] * AT_ONCE))
    assert found == (1, {"limit_reached"}), kind.__name__
    audited()


def test_every_user_of_a_turn_stands_in_the_table():
    """Whoever adds one adds its race here."""
    called = 0
    for package in ("mall", "catalog", "orders", "fulfillment"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                name = getattr(getattr(node, "func", None), "id", "")
                called += name in ("hold_turn", "check_limit")
    # Documents and qualifications share a check, and so do users and clerks; the return address and
    # the names of unions are below, `check_limit` itself holds a turn.
    assert called == len(LIMITS) - 2 + 3


def rosters_of_one_name(world, union):
    return posting(world, officer(union), "/v1/union/rosters", lambda: {"name": "同名"})


def usernames(world, union):
    name = word()
    people = [supplier(world) for _ in range(AT_ONCE)]
    return lambda: people.pop().post("/v1/supplier/users", {"username": name})


def phones(world, union):
    people = [new_member(world) for _ in range(AT_ONCE)]
    code = {"code": f"phone-{phone_number()}"}
    return lambda: people.pop().put("/v1/store/me/phone", code)


def unions_of_one_name(world, union):
    path, operator = "/v1/ops/unions", new_staff(world, "operator")
    body = {"name": "同名工会", "parent_id": str(union.id)}
    return posting(world, operator, path, lambda: {**body, "code": word()})


def stores_of_one_name(world, union):
    return posting(world, supplier(world), "/v1/supplier/stores", lambda: store("同名"))


NAMES = [
    (unions_of_one_name, "union_name_taken"),
    (stores_of_one_name, "store_name_taken"),
    (rosters_of_one_name, "roster_name_taken"),
    (lambda world, union: selections(world, union, "同名"), "selection_name_taken"),
    (lambda world, union: packs(world, union, "同名"), "pack_title_taken"),
    (lambda world, union: sections(world, union, "同名"), "section_title_taken"),
    (lambda world, union: templates(world, union, "同名"), "template_name_taken"),
    (lambda world, union: products(world, union, "A-1"), "sku_code_taken"),
    (usernames, "username_taken"),
    (phones, "phone_taken"),
]


@pytest.mark.parametrize(("kind", "code"), NAMES, ids=[code for _, code in NAMES])
def test_one_name_of_each_kind_is_taken_once(world, union, audited, kind, code):
    act = kind(world, union)
    assert outcome(all_at_once([act] * AT_ONCE)) == (1, {code})
    audited()


def test_a_return_address_and_a_default_address_are_one_whoever_sets_them(world):
    person, member = supplier(world), new_member(world, address=False)
    home = {name: text for name, text in address().items() if name != "is_default"}
    path = "/v1/supplier/after-sales/return-address"
    acts = [lambda who=same_person(world, person): who.put(path, home) for _ in range(AT_ONCE)]
    # A member's first address becomes the default, whichever of them is the first.
    first = [
        lambda who=same_person(world, member), n=n: who.post("/v1/store/addresses", address(n))
        for n in range(AT_ONCE)
    ]
    assert outcome(all_at_once([*acts, *first])) == (2 * AT_ONCE, set())
    assert count_rows(world, "return_address") == 1
    shown = member.get("/v1/store/addresses").get_json()["items"]
    assert (len(shown), sum(each["is_default"] for each in shown)) == (AT_ONCE, 1)


def test_an_officer_whose_union_does_not_exist_is_answered(world):
    lost = new_staff(world, "union_officer", uuid4(), ["handles", "approves", "audits"])
    reply = lost.post("/v1/union/rosters", {"name": "名册"})
    assert (reply.status_code, reply.get_json()["code"]) == (404, "not_found")
