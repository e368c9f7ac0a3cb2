"""Suppliers describe products, put them on sale and take them off."""

from uuid import uuid4

import pytest

from mall.web.replies import shop_window
from tests.support.people import new_member, new_staff
from tests.support.shop import approve_product, new_supplier

SKU = {"code": "A", "list_price_fen": 2000, "price_fen": 1500}


def body_of(world, code="A", **change):
    operator = new_staff(world, "operator")
    category = operator.post("/v1/ops/categories", {"path": ["饮食", "海味"]}).get_json()["id"]
    return {"title": "干贝", "category_id": category, "skus": [SKU | {"code": code}], **change}


def seller(world):
    return new_staff(world, "supplier", new_supplier(world))


def test_a_product_begins_as_a_draft_and_is_shown_once_published(world):
    supplier, guest = seller(world), new_member(world)
    product = supplier.post("/v1/supplier/products", body_of(world)).get_json()
    assert product["state"] == "draft"
    assert guest.get(f"/v1/store/products/{product['id']}").status_code == 404
    path = f"/v1/supplier/products/{product['id']}"
    assert supplier.post(f"{path}/publish").get_json()["code"] == "wrong_state"
    for _ in range(2):
        assert supplier.post(f"{path}/submit").get_json()["state"] == "in_review"
    approve_product(world, product["id"])
    assert guest.get(f"/v1/store/products/{product['id']}").status_code == 404
    for _ in range(2):
        assert supplier.post(f"{path}/publish").get_json()["state"] == "published"
    assert guest.get(f"/v1/store/products/{product['id']}").get_json()["price_fen"] == 1500
    assert supplier.post(f"{path}/unpublish").get_json()["state"] == "unpublished"
    shop_window.clear()
    assert guest.get(f"/v1/store/products/{product['id']}").status_code == 404


def test_a_stale_edit_is_refused(world):
    supplier, body = seller(world), body_of(world)
    made = supplier.post("/v1/supplier/products", body)
    path, tag = f"/v1/supplier/products/{made.get_json()['id']}", made.headers["ETag"]
    changed = supplier.call("PUT", path, body | {"title": "大干贝"}, headers={"If-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != tag
    stale = supplier.call("PUT", path, body | {"title": "小干贝"}, headers={"If-Match": tag})
    assert (stale.status_code, stale.get_json()["code"]) == (412, "version_conflict")
    assert supplier.get(path).get_json()["title"] == "大干贝"


def test_skus_are_matched_by_code_and_missing_ones_leave_the_sale(world):
    supplier, body = seller(world), body_of(world)
    options = [{"name": "规格", "value": "大"}]
    both = [SKU, {**SKU, "code": "B", "options": options, "price_fen": 1000}]
    product = supplier.post("/v1/supplier/products", body | {"skus": both}).get_json()
    ids = {sku["code"]: sku["id"] for sku in product["skus"]}
    path = f"/v1/supplier/products/{product['id']}"
    changed = supplier.put(path, body | {"skus": [both[1] | {"price_fen": 900}]}).get_json()
    assert [(sku["id"], sku["price_fen"]) for sku in changed["skus"]] == [(ids["B"], 900)]
    assert changed["price_fen"] == 900


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": "x" * 101}, "title"),
        ({"skus": []}, "skus"),
        ({"skus": [SKU, SKU]}, "skus"),
        ({"skus": [SKU, SKU | {"code": "B"}]}, "skus"),
        ({"skus": [SKU | {"price_fen": 0}]}, "skus.0.price_fen"),
        ({"skus": [SKU | {"price_fen": 2001}]}, "skus.0.price_fen"),
        ({"skus": [SKU | {"min_per_order": 5, "max_per_order": 4}]}, "skus.0.min_per_order"),
        ({"skus": [SKU | {"code": f"C{n}"} for n in range(201)]}, "skus"),
        ({"delivery_modes": ["drone"]}, "delivery_modes.0"),
        ({"image_urls": ["javascript:alert(1)"]}, "image_urls.0"),
        ({"image_urls": ["https://a.example/pixel.gif"]}, "image_urls.0"),
        ({"image_urls": ["/media/ab/1.webp", "//a.example/1.webp"]}, "image_urls.1"),
        ({"image_urls": ["/media/../rosters/r.xlsx"]}, "image_urls.0"),
        ({"image_urls": ["/media/%2e%2e/1.webp"]}, "image_urls.0"),
        ({"category_id": str(uuid4())}, "category_id"),
        ({"shipping_template_id": str(uuid4())}, "shipping_template_id"),
    ],
)
def test_a_bad_product_names_its_field_and_is_not_kept(world, change, field):
    supplier = seller(world)
    problem = supplier.post("/v1/supplier/products", body_of(world) | change).get_json()
    assert problem["field"] == field
    assert supplier.get("/v1/supplier/products").get_json()["items"] == []


def test_anothers_product_is_not_found(world):
    """Case 39."""
    owner, stranger, body = seller(world), seller(world), body_of(world)
    product_id = owner.post("/v1/supplier/products", body).get_json()["id"]
    path = f"/v1/supplier/products/{product_id}"
    replies = [
        stranger.get(path),
        stranger.put(path, body),
        stranger.post(f"{path}/publish"),
        stranger.post(f"{path}/unpublish"),
    ]
    assert [reply.status_code for reply in replies] == [404] * 4
    assert owner.get(path).get_json()["state"] == "draft"


def test_own_products_are_listed_by_pages(world):
    supplier = seller(world)
    bodies = [body_of(world, code) for code in "ABC"]
    ids = [supplier.post("/v1/supplier/products", body).get_json()["id"] for body in bodies]
    first = supplier.get("/v1/supplier/products?limit=2").get_json()
    rest = supplier.get(f"/v1/supplier/products?limit=2&cursor={first['next_cursor']}").get_json()
    assert [each["id"] for each in first["items"] + rest["items"]] == ids[::-1]
    assert rest["next_cursor"] is None


@pytest.mark.parametrize("name", ["../setup.cfg", "..%2fsetup.cfg", "nothing.png"])
def test_nothing_outside_the_media_folder_is_served(world, name):
    assert world.app.test_client().get(f"/media/{name}").status_code == 404
