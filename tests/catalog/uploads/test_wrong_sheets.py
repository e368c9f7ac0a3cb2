"""Every problem of a sheet is named, by its cell or as a whole, and changes nothing."""

import pytest

from catalog.uploads import service as upload_service
from catalog.uploads.rules import columns
from tests.support.database import count_rows
from tests.support.sheets import BY_KEY, HEADS, at, csv_sheet, opened, row_of, sheet

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
    row = row_of(
        1, title="=A1", price_fen="x", category="无", sku_code="6.92123E+12", weight_grams=0
    )
    row |= {"min_per_order": 9, "max_per_order": 3, "member_limit": 2, "value_1": "大"}
    upload = seller.check(sheet([row]))
    [item] = seller.items(upload["id"])
    found = {each["cell"] for each in item["problems"]}
    wrong = ("title", "price_fen", "category", "sku_code", "weight_grams", "value_1")
    limits = ("min_per_order", "member_limit")
    assert found == {at(key, 2) for key in (*wrong, *limits)}


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
    upload = seller.another().take(sheet([row_of(1)]))
    assert upload["counts"]["create"] == 1
    assert count_rows(seller.world, "product") == 2


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
    assert count_rows(seller.world, "product") == 0
    head, *body = opened(seller.report(upload["id"]).data)
    assert head[-1] == columns.MESSAGES and len(body) == 1000
    named = [n for n, row in enumerate(body) if row[-1]]
    assert named == list(bad) and "应为数字" in body[13][-1]
    assert seller.apply(upload["id"], skips_wrong=True).status_code == 202
    seller.work()
    assert count_rows(seller.world, "product") == 963
    for number in bad:
        rows[number] |= {"price_fen": 12}
    again = seller.take(sheet(rows))
    assert (again["counts"]["create"], again["counts"]["unchanged"]) == (37, 963)
    assert count_rows(seller.world, "product") == count_rows(seller.world, "sku") == 1000


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
    assert count_rows(seller.world, "upload") == 0


def test_a_file_over_twenty_megabytes_is_refused(seller):
    assert seller.send(b"x" * (upload_service.LIMITS.bytes + 1)).status_code == 413
