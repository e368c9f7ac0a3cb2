"""What the mall exports can be sent back, and changes nothing: whatever the API takes."""

import io
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from catalog.products.rules import MAX_OPTIONS
from catalog.uploads.process import importing
from catalog.uploads.rules import columns
from mall.kernel.sheets import cells
from mall.kernel.sheets.cells import Cell
from mall.kernel.text import canonical
from tests.catalog.uploads.conftest import Seller
from tests.support.database import execute_sql, select_rows
from tests.support.people import new_staff
from tests.support.sheets import archive, row_of, sheet
from tests.support.soak import examples

DATA = Path(__file__).parents[3] / "devtools" / "data"
WORDS = st.text(st.sampled_from("徐闻良姜A1;；、,，/\\：: \"'<>·-="), min_size=1, max_size=12)
PLAIN = WORDS.map(canonical.prose).filter(bool)


@given(st.lists(PLAIN, max_size=8, unique=True))
@settings(max_examples=100, deadline=None)
def test_any_keywords_are_read_as_they_were_written(words):
    told = "、".join(columns.escaped(each, columns.LISTED) for each in words)
    read = columns.parts(columns.LISTED, 20, 30)
    assert read(Cell("A1", cells.TEXT, told)) == tuple(words)


@given(st.lists(st.tuples(PLAIN, PLAIN), max_size=6))
@settings(max_examples=100, deadline=None)
def test_any_attributes_are_read_as_they_were_written(pairs):
    both = columns.LINES + columns.COLONS
    told = "\n".join(
        f"{columns.escaped(name, both)}：{columns.escaped(value, columns.LINES)}"
        for name, value in pairs
    )
    assert columns.pairs(Cell("A1", cells.TEXT, told)) == tuple(pairs)


def test_what_the_api_takes_can_be_exported_and_sent_back(seller):
    operator = new_staff(seller.world, "operator")
    path = ["粮油/米面", "米\\面／粉", "普通"]
    category = operator.post("/v1/ops/categories", {"path": path}).get_json()["id"]
    tariff = {"name": "默认 / 运费", "charge_by": "piece", "rules": [{"first_fee_fen": 1}]}
    template = seller.person.post("/v1/supplier/shipping-templates", tariff).get_json()["id"]
    codes = ["AB 12", 'A"B', "<x>", "Ａ/１", "甲、乙", "a\\b", "007", "=1"]
    for number, code in enumerate(codes):
        sku = {"code": code, "list_price_fen": 1999, "price_fen": 1001, "weight_grams": 7}
        body = {
            "title": f"商品{number}：“{code}”",
            "category_id": category,
            "shipping_template_id": template,
            "keywords": ["a、b", "c;d", "\\"],
            "attributes": [
                {"name": "名：称", "value": "一；二"},
                {"name": "净含量", "value": "1:2"},
            ],
            "description": "<p>一</p>\n<p>二</p>",
            "brand": "",
            "skus": [{**sku, "options": [{"name": "规格", "value": "大/小"}]}],
        }
        reply = seller.person.post("/v1/supplier/products", body)
        assert reply.status_code == 201, reply.get_json()
    upload = seller.check(seller.person.get("/v1/supplier/products.xlsx").data)
    assert upload["counts"]["unchanged"] == len(codes), seller.items(upload["id"])


@pytest.mark.parametrize("name", ["zhanjiang_goods", "litemall_goods"])
def test_real_products_can_be_sent_back(seller, name):
    """Those of the demo, and the 239 of litemall (MIT; its notice stands beside them)."""
    lines = (DATA / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    with seller.world.app.app_context():
        counts = importing.import_lines(lines, "自营", lambda: None).counts
    assert counts["failed"] == 0
    sent = 0
    for row in select_rows(seller.world, "SELECT DISTINCT supplier_id AS id FROM product"):
        seller.supplier_id = row.id
        seller.person = new_staff(seller.world, "supplier", row.id)
        upload = seller.check(seller.person.get("/v1/supplier/products.xlsx").data)
        assert_nothing_changes(seller, upload)
        sent += upload["counts"]["unchanged"]
    assert sent == len(lines)


def assert_nothing_changes(seller, upload):
    changed = [
        (each["product_code"], each["changes"], each["problems"])
        for action in ("create", "change", "wrong")
        for each in seller.items(upload["id"], f"&action={action}")
    ]
    assert (upload["problem"], changed) == (None, [])


LETTERS = "徐闻良姜A1９；、,，/\\：: \"'<>·-=+@#＝_x000D_\u200b\u3000🍊é"
ODD = st.text(st.sampled_from(LETTERS), min_size=1, max_size=12)
SEEN = ODD.filter(lambda told: bool(canonical.code(told)))
FEN = st.integers(1, 10_000_000_00)
OPTION = st.fixed_dictionaries({"name": SEEN, "value": SEEN})
SKU = st.fixed_dictionaries(
    {
        "options": st.lists(OPTION, max_size=MAX_OPTIONS),
        "prices": st.tuples(FEN, FEN).map(sorted),
        "weight_grams": st.sampled_from([1, 500, 1_000_000]),
        "stock": st.sampled_from([None, 0, 7, 10_000_000]),
        "low_stock_at": st.sampled_from([0, 1_000_000]),
        "barcode": st.sampled_from([None, "0012", "6901234567892", "ab-1"]),
        "purchase_price_fen": st.none() | FEN,
        "limit": st.sampled_from([None, (1, 1), (9999, 366)]),
    }
)
PRODUCT = st.fixed_dictionaries(
    {
        "title": SEEN,
        "brand": st.none() | SEEN,
        "unit": SEEN.map(lambda told: told[:10]).filter(lambda told: bool(canonical.code(told))),
        "brief": st.just("") | ODD,
        "keywords": st.lists(SEEN, max_size=4),
        "attributes": st.lists(OPTION, max_size=3),
        "description": st.sampled_from(["", "<p>一</p>\n<p>=二</p>", "'+1", "a &lt; b"]),
        "delivery_modes": st.sampled_from([["ship"], ["store_pickup", "ship"], ["unit_delivery"]]),
        "template": st.sampled_from([None, 0, 1]),
        "category": st.lists(SEEN, min_size=1, max_size=3),
        "is_pavilion": st.booleans(),
        "skus": st.lists(SKU, min_size=1, max_size=3),
    }
)


def body_of(seller, templates, number, product):
    """Return a product as it is sent to the API."""
    path = {"path": product["category"]}
    category = new_staff(seller.world, "operator").post("/v1/ops/categories", path)
    skus = []
    for at, sku in enumerate(product["skus"]):
        plain = {key: sku[key] for key in sku if key not in ("prices", "limit")}
        if sku["limit"]:
            plain |= {"member_limit": sku["limit"][0], "member_limit_days": sku["limit"][1]}
        prices = {"price_fen": sku["prices"][0], "list_price_fen": sku["prices"][1]}
        # Options that look alike are refused: the first tells them apart.
        first = {"name": "规格", "value": f"第 {at}"}
        options = [first, *sku["options"]][:MAX_OPTIONS]
        skus.append({**plain, **prices, "code": f"码/{number} {at}", "options": options})
    more = {key: product[key] for key in product if key not in ("template", "category")}
    template = product["template"]
    return {
        **more,
        "category_id": category.get_json().get("id"),
        "shipping_template_id": None if template is None else templates[template],
        "skus": skus,
    }


@given(st.lists(PRODUCT, min_size=1, max_size=4))
@settings(
    max_examples=examples(200, 12),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_whatever_the_api_takes_is_exported_and_sent_back_without_a_change(world, products):
    """Odd names, options, slashes in categories, freight templates of one name, no stock."""
    seller = Seller(world)
    tariff = {"charge_by": "piece", "rules": [{"first_fee_fen": 1}]}
    templates = [
        seller.person.post("/v1/supplier/shipping-templates", {**tariff, "name": name}).get_json()
        for name in ("默认", "默认二")
    ]
    ids = [each["id"] for each in templates]
    # As they were before names were compared by their key.
    execute_sql(world, f"UPDATE shipping_template SET name = '默认' WHERE id = '{ids[1]}'")
    taken = 0
    for number, product in enumerate(products):
        body = body_of(seller, ids, number, product)
        reply = seller.person.post("/v1/supplier/products", body)
        # What the API refuses with a reason is none of the sheet's business.
        assert reply.status_code in (201, 422), reply.get_json()
        taken += reply.status_code == 201
    if taken:
        exported = seller.person.get("/v1/supplier/products.xlsx").data
        upload = seller.check(exported)
        assert_nothing_changes(seller, upload)
        assert upload["counts"]["unchanged"] == taken
    event(f"taken: {taken} of {len(products)}")


def test_a_product_with_as_many_options_as_the_api_takes_fits_the_sheet(seller):
    pairs = {f"option_{n}": f"名{n}" for n in columns.OPTIONS}
    pairs |= {f"value_{n}": f"值{n}" for n in columns.OPTIONS}
    seller.take(sheet([row_of(1, **pairs)]))
    [(count,)] = select_rows(seller.world, "SELECT jsonb_array_length(options) FROM sku")
    assert count == MAX_OPTIONS > 2
    upload = seller.check(seller.person.get("/v1/supplier/products.xlsx").data)
    assert_nothing_changes(seller, upload)


def test_the_export_tells_the_stock_and_sending_it_back_leaves_it(seller):
    seller.take(sheet([row_of(1, stock=7)]))
    exported = seller.person.get("/v1/supplier/products.xlsx").data
    page = openpyxl.load_workbook(io.BytesIO(exported)).active
    heads = [cell.value for cell in page[1]]
    assert page.cell(2, heads.index("当前库存") + 1).value == 7
    execute_sql(seller.world, "UPDATE stock_level SET on_hand = 5")
    assert seller.check(exported)["counts"]["unchanged"] == 1
    assert seller.stock() == {"S1": 5}


def test_a_picture_that_belongs_to_no_row_is_named(seller):
    upload = seller.check(sheet([row_of(1)]))
    path = f"/v1/supplier/uploads/{upload['id']}/images"
    seller.send(archive(["S1.png", "S9.png", "P1/2.png"]), path)
    seller.work()
    [problem] = seller.read(upload["id"])["image_problems"]
    assert (problem["name"], "没有这个编码" in problem["text"]) == ("S9.png", True)
