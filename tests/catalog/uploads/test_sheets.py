"""A supplier sends sheets; nothing happens to its products until it lets it."""

import dataclasses
import io
import zipfile
from datetime import timedelta

import pytest
from openpyxl import load_workbook
from PIL import Image

from catalog.uploads import applying, columns, jobs, pictures, service
from mall.kernel import clock
from mall.kernel.files import fetching
from mall.kernel.files.fetching import FetchRefused
from tests.support.sheets import BY_KEY, HEADS, csv_sheet, opened, row_of, sheet


class Seller:
    """A supplier's user who works with sheets."""

    def __init__(self, world):
        self.world = world
        self.supplier_id = world.supplier()
        self.person = world.staff("supplier", self.supplier_id)
        operator = world.staff("operator")
        operator.post("/v1/ops/categories", {"path": ["饮食", "海味"]})

    def send(self, content, path="/v1/supplier/uploads?name=上新.xlsx"):
        headers = {"Authorization": f"Bearer {self.person.token}"}
        kind = "application/octet-stream"
        return self.person.client.post(path, data=content, headers=headers, content_type=kind)

    def work(self):
        return self.world.run_sweep("work_uploads")

    def check(self, content):
        """Send a sheet and let a worker check it; return the upload."""
        made = self.send(content).get_json()
        self.work()
        return self.read(made["id"])

    def read(self, upload_id):
        return self.person.get(f"/v1/supplier/uploads/{upload_id}").get_json()

    def items(self, upload_id, query=""):
        path = f"/v1/supplier/uploads/{upload_id}/items?limit=100{query}"
        return self.person.get(path).get_json()["items"]

    def apply(self, upload_id, **body):
        return self.person.post(f"/v1/supplier/uploads/{upload_id}/apply", body)

    def take(self, content, **body):
        """Send, check and apply a sheet; return the upload."""
        upload = self.check(content)
        assert self.apply(upload["id"], **body).status_code == 202, upload
        self.work()
        return self.read(upload["id"])

    def report(self, upload_id):
        return self.person.get(f"/v1/supplier/uploads/{upload_id}/report")

    def products(self):
        return self.person.get("/v1/supplier/products?limit=100").get_json()["items"]

    def stock(self):
        rows = self.world.rows(
            "SELECT k.code, s.on_hand FROM stock_level s JOIN sku k ON k.id = s.sku_id"
        )
        return {row[0]: row[1] for row in rows}


@pytest.fixture
def seller(world):
    return Seller(world)


def test_a_sheet_is_previewed_then_applied(seller):
    rows = [row_of(1), row_of(2, product_code="P2"), row_of(3, product_code="P2", title=None)]
    rows[1] |= {"option_1": "规格", "value_1": "大"}
    rows[2] |= {"option_1": "规格", "value_1": "小", "title": "商品 2"}
    upload = seller.check(sheet(rows))
    assert (upload["state"], upload["total_rows"], upload["done_rows"]) == ("checked", 3, 3)
    assert upload["counts"] == {"create": 2, "change": 0, "unchanged": 0, "wrong": 0, "failed": 0}
    assert [item["row_count"] for item in seller.items(upload["id"])] == [1, 2]
    assert seller.products() == []
    for _ in range(2):
        assert seller.apply(upload["id"]).status_code == 202
    seller.work()
    upload = seller.read(upload["id"])
    assert (upload["state"], upload["done_rows"]) == ("applied", 3)
    made = {product["title"]: product for product in seller.products()}
    assert {each["state"] for each in made.values()} == {"in_review"}
    assert made["商品 1"]["price_fen"] == 1550
    assert seller.stock() == {"S1": 10, "S2": 10, "S3": 10}
    assert seller.world.findings() == {}


def test_applying_the_same_file_again_changes_nothing(seller):
    content = sheet([row_of(1, stocktake=9), row_of(2)])
    seller.take(content)
    before = seller.world.rows("SELECT * FROM product ORDER BY id")
    moved = seller.world.count("stock_movement")
    upload = seller.check(content)
    assert upload["counts"]["unchanged"] == 2
    seller.apply(upload["id"])
    seller.work()
    assert seller.read(upload["id"])["state"] == "applied"
    assert seller.world.rows("SELECT * FROM product ORDER BY id") == before
    assert seller.world.count("stock_movement") == moved


def test_the_sku_code_decides_between_new_and_update(seller):
    seller.take(sheet([row_of(1)]))
    upload = seller.check(sheet([row_of(1, price_fen=14, title="新名字"), row_of(2)]))
    assert upload["counts"]["change"] == upload["counts"]["create"] == 1
    [changed] = seller.items(upload["id"], "&action=change")
    assert {(c["field"], c["before"], c["after"]) for c in changed["changes"]} == {
        ("title", "商品 1", "新名字"),
        ("skus.S1.price_fen", 1550, 1400),
    }
    seller.apply(upload["id"])
    seller.work()
    assert {product["title"] for product in seller.products()} == {"新名字", "商品 2"}


def test_a_change_of_a_product_on_sale_waits_for_its_reviewer(seller):
    seller.take(sheet([row_of(1)]))
    [product] = seller.products()
    seller.world.approve(product["id"])
    seller.person.post(f"/v1/supplier/products/{product['id']}/publish")
    large = {"product_code": "P1", "sku_code": "S1-L", "title": "商品 1"}
    both = [
        row_of(1, option_1="规格", value_1="小", price_fen=12),
        row_of(1, **large, option_1="规格", value_1="大", stock=4),
    ]
    assert seller.take(sheet(both))["state"] == "applied"
    [live] = seller.products()
    assert (live["state"], live["price_fen"]) == ("published", 1550)
    assert seller.stock() == {"S1": 10, "S1-L": 4}
    seller.world.approve(product["id"])
    assert seller.products()[0]["price_fen"] == 1200
    detail = seller.world.member().get(f"/v1/store/products/{product['id']}").get_json()
    assert [(sku["code"], sku["available"]) for sku in detail["skus"]] == [("S1", 10), ("S1-L", 4)]


def test_stock_of_a_known_sku_is_set_by_a_stocktake_only(seller):
    seller.take(sheet([row_of(1)]))
    seller.take(sheet([row_of(1, stock=99)]))
    assert seller.stock() == {"S1": 10}
    seller.take(sheet([row_of(1, stocktake=7)]))
    assert seller.stock() == {"S1": 7}
    causes = seller.world.rows("SELECT quantity, cause FROM stock_movement ORDER BY id")
    assert [tuple(row) for row in causes] == [(10, "import"), (-3, "import")]


# What is wrong with cells

WRONG = {
    "a formula": ({"title": "=1+1"}, "title", "公式"),
    "a number where text belongs": ({"sku_code": 12345}, "sku_code", "开头的 0"),
    "a missing price": ({"price_fen": None}, "price_fen", "必填"),
    "words for a price": ({"price_fen": "很便宜"}, "price_fen", "应为数字"),
    "a fraction of a fen": ({"price_fen": 1.234}, "price_fen", "两位小数"),
    "a price above the list price": ({"price_fen": 30}, "price_fen", "会员价不能高于市场价"),
    "a negative price": ({"price_fen": -1}, "price_fen", "大于 0"),
    "half a unit": ({"min_per_order": 1.5}, "min_per_order", "整数"),
    "an unknown category": ({"category": "饮食/天味"}, "category", "没有这个分类"),
    "an unknown template": ({"template": "飞毛腿"}, "template", "没有这个运费模板"),
    "an unknown region": ({"origin_region_code": "999999"}, "origin_region_code", "行政区划"),
    "an unknown mode": ({"delivery_modes": "无人机"}, "delivery_modes", "只能是"),
    "a name of an option alone": ({"option_1": "规格"}, "option_1", "一起填写"),
    "a limit without its days": ({"member_limit": 2}, "member_limit", "一起填写"),
    "a line break in a title": ({"title": "上\n下"}, "title", "换行"),
    "a title of 101 characters": ({"title": "长" * 101}, "title", "100"),
    "neither yes nor no": ({"is_pavilion": "也许"}, "is_pavilion", "是"),
    "an address of an image": ({"image_urls": "https://a.example/1.jpg"}, "image_urls", "未开启"),
}


@pytest.mark.parametrize(("change", "key", "text"), WRONG.values(), ids=WRONG)
def test_a_wrong_cell_is_named_by_its_address_in_chinese(seller, change, key, text):
    """Case 30."""
    upload = seller.check(sheet([row_of(1), row_of(2, **change)]))
    assert (upload["state"], upload["counts"]["wrong"]) == ("checked", 1)
    [item] = seller.items(upload["id"], "&action=wrong")
    [problem] = item["problems"]
    column = columns.cells.column_name(HEADS.index(BY_KEY[key]))
    assert problem["cell"] == f"{column}3"
    assert problem["column"] == BY_KEY[key]
    assert text in problem["text"]


def test_a_date_where_text_belongs_is_named(seller):
    """Case 30: dates as numbers."""

    def spoil(page):
        page["D2"] = 45000
        page["D2"].number_format = "yyyy-mm-dd"

    upload = seller.check(sheet([row_of(1)], change=spoil))
    [item] = seller.items(upload["id"])
    assert [(each["cell"], "日期" in each["text"]) for each in item["problems"]] == [("D2", True)]


def test_every_problem_of_a_row_is_found_at_once(seller):
    row = row_of(1, title="=A1", price_fen="x", category="无", sku_code="有 空格", weight_grams=0)
    row |= {"min_per_order": 9, "max_per_order": 3, "member_limit": 2, "value_1": "大"}
    upload = seller.check(sheet([row]))
    [item] = seller.items(upload["id"])
    found = {each["cell"] for each in item["problems"]}
    assert found == {"B2", "J2", "C2", "D2", "L2", "N2", "P2", "F2"}


def test_a_code_that_stands_twice_is_named_with_both_places(seller):
    upload = seller.check(sheet([row_of(1), row_of(2, sku_code="S1")]))
    [item] = seller.items(upload["id"], "&action=wrong")
    assert item["problems"][0]["cell"] == "D3" and "D2" in item["problems"][0]["text"]


def test_rows_of_one_product_may_not_contradict_each_other(seller):
    rows = [row_of(1), row_of(2, product_code="P1", title="另一个")]
    upload = seller.check(sheet(rows))
    [item] = seller.items(upload["id"])
    assert "不一致" in item["problems"][0]["text"] and item["problems"][0]["cell"] == "B3"


def test_a_sku_of_another_of_ones_products_is_refused(seller):
    seller.take(sheet([row_of(1), row_of(2)]))
    upload = seller.check(sheet([row_of(3, product_code="P1", sku_code="S2")]))
    [item] = seller.items(upload["id"])
    assert "另一个商品" in item["problems"][0]["text"]


def test_another_suppliers_sku_code_is_nobodys_business(seller):
    seller.take(sheet([row_of(1)]))
    upload = Seller(seller.world).take(sheet([row_of(1)]))
    assert upload["counts"]["create"] == 1
    assert seller.world.count("product") == 2


def test_ten_thousand_rows_with_37_errors(seller):
    """Case 29: a row-level report, nothing half-imported, and a second upload only updates."""
    rows = [row_of(n) for n in range(1, 1001)]
    bad = range(13, 1000, 27)
    for number in bad:
        rows[number] |= {"price_fen": "错"}
    upload = seller.check(sheet(rows))
    assert len(bad) == upload["counts"]["wrong"] == 37
    refused = seller.apply(upload["id"])
    assert (refused.status_code, refused.get_json()["code"]) == (409, "upload_has_problems")
    seller.work()
    assert seller.world.count("product") == 0
    head, *body = opened(seller.report(upload["id"]).data)
    assert head[-1] == columns.MESSAGES and len(body) == 1000
    named = [n for n, row in enumerate(body) if row[-1]]
    assert named == list(bad) and "应为数字" in body[13][-1]
    assert seller.apply(upload["id"], skips_wrong=True).status_code == 202
    seller.work()
    assert seller.world.count("product") == 963
    for number in bad:
        rows[number] |= {"price_fen": 12}
    again = seller.take(sheet(rows))
    assert (again["counts"]["create"], again["counts"]["unchanged"]) == (37, 963)
    assert seller.world.count("product") == seller.world.count("sku") == 1000


# Files that cannot be used as a whole


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_csv_is_read_in_its_encoding_and_its_report_written_in_it(seller, encoding):
    upload = seller.check(csv_sheet([row_of(1), row_of(2, price_fen="错")], encoding))
    assert upload["counts"] == {"create": 1, "change": 0, "unchanged": 0, "wrong": 1, "failed": 0}
    report = seller.report(upload["id"])
    assert report.headers["Content-Type"].startswith("text/csv")
    assert "应为数字" in report.data.decode(encoding)


def test_gbk_behind_a_mark_of_utf_8_is_read(seller):
    """Case 30: GBK csv with BOM."""
    upload = seller.check(b"\xef\xbb\xbf" + csv_sheet([row_of(1)], "gb18030"))
    assert upload["counts"]["create"] == 1


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda page: page.merge_cells("A2:B2"), "A2:B2"),
        (lambda page: page.delete_cols(1), "商品编码"),
        (lambda page: page.__setitem__("B1", "名字"), "商品名称"),
        (lambda page: page.__setitem__("AF1", "神秘列"), "神秘列"),
        (lambda page: page.delete_rows(2), "没有商品"),
    ],
)
def test_a_sheet_of_the_wrong_shape_fails_as_a_whole(seller, change, text):
    """Case 30."""
    upload = seller.check(sheet([row_of(1)], change=change))
    assert upload["state"] == "failed" and text in upload["problem"]["detail_zh"]
    assert seller.apply(upload["id"]).get_json()["code"] == "wrong_state"
    assert text in str(opened(seller.report(upload["id"]).data))


@pytest.mark.parametrize("content", [b"", b"\xd0\xcf\x11\xe0old", b"%PDF-\0\0", b"\xff\xfea\0"])
def test_what_is_no_sheet_is_refused_at_once(seller, content):
    reply = seller.send(content)
    assert (reply.status_code, reply.get_json()["code"]) == (422, "sheet_refused")
    assert seller.world.count("upload") == 0


def test_a_file_over_twenty_megabytes_is_refused(seller):
    assert seller.send(b"x" * (service.LIMITS.bytes + 1)).status_code == 413


# Images by SKU code


def archive(names, content=None):
    picture = io.BytesIO()
    Image.new("RGB", (300, 200), "red").save(picture, "JPEG")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as target:
        for number, name in enumerate(names):
            other = io.BytesIO()
            Image.new("RGB", (300, 200 + number), "red").save(other, "PNG")
            target.writestr(name, other.getvalue() if content is None else content)
    return out.getvalue()


def test_images_come_in_a_zip_by_sku_code(seller):
    upload = seller.check(sheet([row_of(1), row_of(2)]))
    names = ["S1-2.png", "S1.png", "P2/1.png", "readme.txt", "__MACOSX/._S1.png"]
    path = f"/v1/supplier/uploads/{upload['id']}/images"
    assert seller.send(archive(names), path).get_json()["state"] == "waiting"
    assert seller.apply(upload["id"]).get_json()["code"] == "upload_busy"
    seller.work()
    checked = seller.read(upload["id"])
    assert [each["name"] for each in checked["image_problems"]] == ["readme.txt"]
    seller.apply(upload["id"])
    seller.work()
    images = {product["title"]: product["image_urls"] for product in seller.products()}
    assert {title: len(urls) for title, urls in images.items()} == {"商品 1": 2, "商品 2": 1}
    for urls in images.values():
        for url in urls:
            assert seller.person.get(url).status_code == 200
    sizes = []
    for url in images["商品 1"]:
        with Image.open(io.BytesIO(seller.person.get(url).data)) as shown:
            sizes.append(shown.height)
    assert sizes == [201, 200]
    again = seller.check(sheet([row_of(1), row_of(2)]))
    assert again["counts"]["unchanged"] == 2


@pytest.mark.parametrize(
    ("content", "text"), [(b"PK\x03\x04broken", "损坏"), (archive(["S1.png"], b"no image"), None)]
)
def test_a_zip_that_is_none_fails_and_a_file_that_is_no_image_is_named(seller, content, text):
    upload = seller.check(sheet([row_of(1)]))
    seller.send(content, f"/v1/supplier/uploads/{upload['id']}/images")
    seller.work()
    upload = seller.read(upload["id"])
    if text:
        assert upload["state"] == "failed" and text in upload["problem"]["detail_zh"]
    else:
        assert upload["state"] == "checked" and len(upload["image_problems"]) == 1


def test_many_images_are_unpacked_over_several_runs(seller, monkeypatch):
    upload = seller.check(sheet([row_of(1)]))
    names = [f"S1-{number}.png" for number in range(1, 6)]
    seller.send(archive(names), f"/v1/supplier/uploads/{upload['id']}/images")
    real, stored = pictures._store, []

    def slow(upload_id, content, entry):
        stored.append(entry.filename)
        real(upload_id, content, entry)
        if len(stored) in (2, 4):
            monkeypatch.setattr(pictures.time, "monotonic", lambda: now + 10_000 * len(stored))

    now = pictures.time.monotonic()
    monkeypatch.setattr(pictures, "_store", slow)
    monkeypatch.setattr(jobs, "RUN_SECONDS", 10**9)
    assert seller.work() > 2
    assert sorted(stored) == names
    monkeypatch.undo()
    seller.apply(upload["id"])
    seller.work()
    assert len(seller.products()[0]["image_urls"]) == 5


@pytest.fixture
def fetching_is_on(world, monkeypatch):
    """Let images be fetched by address, in place of whose content the test gives it."""
    settings = dataclasses.replace(world.app.extensions["mall_settings"], fetch_images=True)
    monkeypatch.setitem(world.app.extensions, "mall_settings", settings)
    asked = []

    def serve(content):
        def fetch(url, limit_bytes):
            asked.append(url)
            if "private" in url:
                raise FetchRefused("不允许访问内网地址", "The address is not public.")
            return content

        monkeypatch.setattr(fetching, "fetch", fetch)
        return asked

    return serve


def test_images_are_fetched_by_address_where_that_is_allowed(seller, fetching_is_on):
    picture = zipfile.ZipFile(io.BytesIO(archive(["a.png"]))).read("a.png")
    asked = fetching_is_on(picture)
    row = row_of(1, image_urls="https://a.example/1.jpg https://a.example/2.jpg")
    upload = seller.take(sheet([row]))
    assert upload["state"] == "applied" and len(asked) == 2
    [product] = seller.products()
    assert product["image_urls"][0].startswith("/media/")


def test_an_address_that_must_not_be_asked_is_named_at_its_cell(seller, fetching_is_on):
    """Case 30."""
    fetching_is_on(b"no image")
    rows = [
        row_of(1, image_urls="http://private.example/1.jpg"),
        row_of(2, image_urls="https://a.example/1.jpg"),
        row_of(3, image_urls="ftp://a.example/1.jpg"),
    ]
    upload = seller.check(sheet(rows))
    found = [item["problems"][0] for item in seller.items(upload["id"], "&action=wrong")]
    assert [problem["cell"] for problem in found] == ["AE2", "AE3", "AE4"]
    assert "内网" in found[0]["text"] and "JPEG" in found[1]["text"]


# Template, export, report


def test_the_template_has_lists_examples_and_heads_that_are_read_again(seller):
    path = {"path": ["海鲜水产", "冰鲜冻品"]}
    seller.world.staff("operator").post("/v1/ops/categories", path)
    content = seller.person.get("/v1/supplier/upload-template").data
    book = load_workbook(io.BytesIO(content))
    assert book.sheetnames[:3] == ["商品", "示例", "填写说明"]
    page = book["商品"]
    assert [str(cell.value).rstrip("*") for cell in page[1]] == HEADS
    lists = {str(rule.sqref).partition(":")[0] for rule in page.data_validations.dataValidation}
    assert len(lists) >= 3
    assert "饮食/海味" in [cell.value for row in book["列表"].rows for cell in row]
    example = [list(row) for row in book["示例"].values]
    page.delete_rows(2, 10)
    for row in example[3:]:
        page.append(row)
    out = io.BytesIO()
    book.save(out)
    assert seller.check(out.getvalue())["counts"]["create"] == 1


def test_what_is_exported_can_be_sent_back_and_changes_nothing(seller):
    rows = [
        row_of(1, attributes="产地：湛江\n等级：一级", keywords="海味、干货", member_limit=2),
        row_of(2, delivery_modes="快递、门店自提", is_pavilion="是", barcode="6901234567892"),
    ]
    rows[0]["member_limit_days"] = 30
    seller.take(sheet(rows))
    exported = seller.person.get("/v1/supplier/products.xlsx")
    assert "attachment" in exported.headers["Content-Disposition"]
    assert seller.check(exported.data)["counts"]["unchanged"] == 2


@pytest.mark.parametrize(
    "danger", ["=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1"]
)
def test_nothing_that_goes_out_is_a_formula(seller, danger):
    category = seller.world.staff("operator").post("/v1/ops/categories", {"path": ["甲"]})
    body = {
        "title": "好",
        "category_id": category.get_json()["id"],
        "brand": danger,
        "skus": [{"code": "D1", "list_price_fen": 100, "price_fen": 100}],
    }
    assert seller.person.post("/v1/supplier/products", body).status_code == 201
    exported = seller.person.get("/v1/supplier/products.xlsx").data
    page = load_workbook(io.BytesIO(exported)).worksheets[0]
    [cell] = [cell for row in page.rows for cell in row if danger.strip() in str(cell.value)]
    assert cell.data_type == "s" and str(cell.value).startswith("'")


# Interrupted, twice, by another


def test_an_interrupted_run_goes_on_where_it_was_and_nothing_is_done_twice(seller, monkeypatch):
    upload = seller.check(sheet([row_of(n) for n in range(1, 31)]))
    seller.apply(upload["id"])
    real, calls = applying._apply_one, []

    def dying(upload_row, item):
        if len(calls) == 10:
            raise KeyboardInterrupt
        calls.append(item.position)
        real(upload_row, item)

    monkeypatch.setattr(applying, "_apply_one", dying)
    with pytest.raises(KeyboardInterrupt):
        seller.work()
    monkeypatch.undo()
    assert seller.world.count("product") == 10
    assert seller.work() == 0  # leased to the one that died
    clock.shift(service.LEASE + timedelta(seconds=1))
    try:
        assert seller.work() == 1
    finally:
        clock.shift(timedelta(0))
    assert seller.read(upload["id"])["state"] == "applied"
    assert seller.world.count("product") == seller.world.count("sku") == 30
    assert seller.world.findings() == {}


def test_a_code_taken_between_check_and_apply_is_noted_and_the_rest_goes_on(seller):
    first = seller.check(sheet([row_of(1), row_of(2)]))
    seller.take(sheet([row_of(1)]))
    seller.apply(first["id"])
    seller.work()
    upload = seller.read(first["id"])
    assert (upload["state"], upload["counts"]["failed"]) == ("applied", 1)
    [failed] = seller.items(first["id"], "&action=failed")
    assert "重新上传" in failed["problems"][0]["text"]
    assert {product["title"] for product in seller.products()} == {"商品 1", "商品 2"}


def test_another_suppliers_upload_is_as_unknown_as_none(seller):
    upload = seller.check(sheet([row_of(1)]))
    other = Seller(seller.world)
    path = f"/v1/supplier/uploads/{upload['id']}"
    assert other.person.get(path).status_code == 404
    assert other.person.get(f"{path}/items").status_code == 404
    assert other.report(upload["id"]).status_code == 404
    assert other.apply(upload["id"]).status_code == 404
    assert other.send(archive(["S1.png"]), f"{path}/images").status_code == 404
    assert seller.read(upload["id"])["state"] == "checked"
