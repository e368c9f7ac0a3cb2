"""A supplier sends sheets; nothing happens to its products until it lets it."""

from datetime import timedelta

import pytest

from catalog.uploads import service as upload_service
from catalog.uploads.process import applying
from mall.kernel import clock
from tests.support.database import count_rows, findings_of, select_rows
from tests.support.people import new_member
from tests.support.sheets import archive, row_of, sheet
from tests.support.shop import approve_product


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
    assert findings_of(seller.world) == {}


def test_applying_the_same_file_again_changes_nothing(seller):
    content = sheet([row_of(1, stocktake=9), row_of(2)])
    seller.take(content)
    before = select_rows(seller.world, "SELECT * FROM product ORDER BY id")
    moved = count_rows(seller.world, "stock_movement")
    upload = seller.check(content)
    assert upload["counts"]["unchanged"] == 2
    seller.apply(upload["id"])
    seller.work()
    assert seller.read(upload["id"])["state"] == "applied"
    assert select_rows(seller.world, "SELECT * FROM product ORDER BY id") == before
    assert count_rows(seller.world, "stock_movement") == moved


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
    approve_product(seller.world, product["id"])
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
    approve_product(seller.world, product["id"])
    assert seller.products()[0]["price_fen"] == 1200
    detail = new_member(seller.world).get(f"/v1/store/products/{product['id']}").get_json()
    assert [(sku["code"], sku["available"]) for sku in detail["skus"]] == [("S1", 10), ("S1-L", 4)]


def test_stock_of_a_known_sku_is_set_by_a_stocktake_only(seller):
    seller.take(sheet([row_of(1)]))
    seller.take(sheet([row_of(1, stock=99)]))
    assert seller.stock() == {"S1": 10}
    seller.take(sheet([row_of(1, stocktake=7)]))
    assert seller.stock() == {"S1": 7}
    causes = select_rows(seller.world, "SELECT quantity, cause FROM stock_movement ORDER BY id")
    assert [tuple(row) for row in causes] == [(10, "import"), (-3, "import")]


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
    assert count_rows(seller.world, "product") == 10
    assert seller.work() == 0  # leased to the one that died
    clock.shift(upload_service.LEASE + timedelta(seconds=1))
    try:
        assert seller.work() == 1
    finally:
        clock.shift(timedelta(0))
    assert seller.read(upload["id"])["state"] == "applied"
    assert count_rows(seller.world, "product") == count_rows(seller.world, "sku") == 30
    assert findings_of(seller.world) == {}


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
    other = seller.another()
    path = f"/v1/supplier/uploads/{upload['id']}"
    assert other.person.get(path).status_code == 404
    assert other.person.get(f"{path}/items").status_code == 404
    assert other.report(upload["id"]).status_code == 404
    assert other.apply(upload["id"]).status_code == 404
    assert other.send(archive(["S1.png"]), f"{path}/images").status_code == 404
    assert seller.read(upload["id"])["state"] == "checked"
