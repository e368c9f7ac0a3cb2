"""The sheets that go out: template, export, and never a formula in them."""

import io

import pytest
from openpyxl import load_workbook

from tests.support.people import new_staff
from tests.support.sheets import HEADS, row_of, sheet

# Template, export, report


def test_the_template_has_lists_examples_and_heads_that_are_read_again(seller):
    path = {"path": ["海鲜水产", "冰鲜冻品"]}
    new_staff(seller.world, "operator").post("/v1/ops/categories", path)
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


@pytest.mark.parametrize("danger", ["=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(A1)", "＝1+1"])
def test_nothing_that_goes_out_is_a_formula(seller, danger):
    category = new_staff(seller.world, "operator").post("/v1/ops/categories", {"path": ["甲"]})
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
