"""What the mall exports can be sent back, and changes nothing: whatever the API takes."""

import io
from pathlib import Path

import openpyxl
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.uploads import columns, importing
from mall.kernel.sheets import cells
from mall.kernel.sheets.cells import Cell
from mall.kernel.text import canonical
from tests.support.sheets import archive, row_of, sheet

DATA = Path(__file__).parents[3] / "devtools" / "data" / "zhanjiang_goods.jsonl"
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
    operator = seller.world.staff("operator")
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


def test_the_demos_own_products_can_be_sent_back(seller):
    lines = DATA.read_text(encoding="utf-8").splitlines()
    with seller.world.app.app_context():
        importing.import_lines(lines, "自营", lambda: None)
    for row in seller.world.rows("SELECT DISTINCT supplier_id AS id FROM product"):
        seller.supplier_id = row.id
        seller.person = seller.world.staff("supplier", row.id)
        count = len(seller.products())
        upload = seller.check(seller.person.get("/v1/supplier/products.xlsx").data)
        assert upload["counts"]["unchanged"] == count, seller.items(upload["id"])


def test_the_export_tells_the_stock_and_sending_it_back_leaves_it(seller):
    seller.take(sheet([row_of(1, stock=7)]))
    exported = seller.person.get("/v1/supplier/products.xlsx").data
    page = openpyxl.load_workbook(io.BytesIO(exported)).active
    heads = [cell.value for cell in page[1]]
    assert page.cell(2, heads.index("当前库存") + 1).value == 7
    seller.world.execute("UPDATE stock_level SET on_hand = 5")
    assert seller.check(exported)["counts"]["unchanged"] == 1
    assert seller.stock() == {"S1": 5}


def test_a_picture_that_belongs_to_no_row_is_named(seller):
    upload = seller.check(sheet([row_of(1)]))
    path = f"/v1/supplier/uploads/{upload['id']}/images"
    seller.send(archive(["S1.png", "S9.png", "P1/2.png"]), path)
    seller.work()
    [problem] = seller.read(upload["id"])["image_problems"]
    assert (problem["name"], "没有这个编码" in problem["text"]) == ("S9.png", True)
