"""Names over HTTP: blank ones are refused with their field, and what looks alike is one."""

import secrets

import pytest

from tests.support.database import select_rows
from tests.support.giving import Union
from tests.support.people import Person, new_member, new_staff
from tests.support.shop import new_sku, new_supplier

BLANK = ("   ", "\u3000", "\u200b", "\ufeff\u2800")
TARIFF = {"charge_by": "piece", "rules": [{"first_fee_fen": 1}]}


def applicant(name):
    who = {
        "contact_name": "陈",
        "contact_phone": "１３８００００００１２",
        "password": "correct-horse-99",
    }
    return {"name": name, "username": f"u{secrets.token_hex(6)}", **who}


def asked(world):
    """Return, by what is named: who asks, where, the field, the body for a name, the code of a twin."""
    union = Union(world)
    supplier_id = new_supplier(world)
    supplier, ops = new_staff(world, "supplier", supplier_id), new_staff(world, "operator")
    _, sku = new_sku(world)
    product = select_rows(world, "SELECT product_id AS id FROM sku WHERE id = :id", id=sku)[0].id
    parts = [{"sku_id": str(sku), "quantity": 1}]
    items = [{"product_id": str(product)}]
    rule = {"kind": "pavilion", "rule": {"tags": ["x"]}}
    guest = Person(world.app)
    return {
        "supplier": (ops, "/v1/ops/suppliers", "name", lambda n: {"name": n}, "supplier_name_taken"),
        "application": (guest, "/v1/supplier/applications", "name", applicant, "supplier_name_taken"),
        "section": (ops, "/v1/ops/sections", "title", lambda n: {"title": n, **rule}, "section_title_taken"),
        "pack": (union.handler, "/v1/union/packs", "title", lambda n: {"title": n, "parts": parts}, "pack_title_taken"),
        "selection": (
            union.handler, "/v1/union/selections", "name",
            lambda n: {"name": n, "items": items}, "selection_name_taken",
        ),
        "roster": (union.handler, "/v1/union/rosters", "name", lambda n: {"name": n}, "roster_name_taken"),
        "template": (
            supplier, "/v1/supplier/shipping-templates", "name",
            lambda n: {"name": n, **TARIFF}, "template_name_taken",
        ),
        "union": (ops, "/v1/ops/unions", "name", lambda n: {"code": secrets.token_hex(4), "name": n}, None),
        "category": (ops, "/v1/ops/categories", "path.0", lambda n: {"path": [n]}, None),
    }  # fmt: skip


def test_blank_names_are_refused_with_their_field_and_twins_are_one(world):
    for what, (person, path, field, body, taken) in asked(world).items():
        for blank in BLANK:
            reply = person.post(path, body(blank))
            assert (what, reply.status_code) == (what, 422), reply.get_json()
            assert reply.get_json()["field"] == field, what
        # Suppliers and those who apply to be one share their names.
        name = "名 Ａ·店" if what != "application" else "名 Ａ·店 二"
        first = person.post(path, body(name))
        assert first.status_code in (200, 201), (what, first.get_json())
        for twin in (f"{name} ", "\u200b" + name.replace("·", "•").lower(), f"{name}_x000D_\u3000"):
            reply = person.post(path, body(twin))
            if taken is not None:
                assert (what, reply.status_code, reply.get_json()["code"]) == (what, 409, taken)
            elif what == "category":
                assert reply.get_json() == first.get_json()


@pytest.mark.parametrize("code", ["ＬＪ－５００", "LJ\u200b-500", "\ufeffLJ-500 ", "LJ-500\u3000"])
def test_a_sku_code_is_the_same_however_it_is_typed(world, code):
    supplier_id = new_supplier(world)
    supplier = new_staff(world, "supplier", supplier_id)
    category = (
        new_staff(world, "operator").post("/v1/ops/categories", {"path": ["测试"]}).get_json()["id"]
    )
    sku = {"code": "LJ-500", "list_price_fen": 100, "price_fen": 100}
    body = {"title": "徐闻良姜_x000D_片 ", "category_id": category, "skus": [sku]}
    first = supplier.post("/v1/supplier/products", body)
    assert (first.status_code, first.get_json()["title"]) == (201, "徐闻良姜 片")
    again = supplier.post("/v1/supplier/products", {**body, "skus": [{**sku, "code": code}]})
    assert (again.status_code, again.get_json()["code"]) == (409, "sku_code_taken")


def test_a_phone_in_full_width_is_the_same_phone(world):
    member = new_member(world, address=False)
    body = {
        "recipient": "买买提•艾力",
        "phone": "＋８６ １３８ ００００ ０００１",
        "region_code": "440802",
    }
    reply = member.post("/v1/store/addresses", {**body, "detail": "跃进路 １ 号"})
    assert reply.status_code == 201, reply.get_json()
    found = reply.get_json()
    assert (found["recipient"], found["phone"]) == ("买买提·艾力", "13800000001")
