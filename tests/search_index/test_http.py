"""What members and guests find."""

import secrets

import pytest

from catalog.products.rules import SkuForm
from search_index import rules as search_rules
from tests.support.people import Person, new_member, order_body
from tests.support.shop import new_sku, new_supplier


@pytest.fixture
def shelf(world):
    """Four products of one supplier, cheapest first, under a word of their own."""
    word = f"w{secrets.token_hex(5)}"
    supplier_id = new_supplier(world)
    for number, price in enumerate((300, 100, 200, 200)):
        modes = ("ship", "store_pickup") if number == 0 else ("ship",)
        new_sku(world, price, 5, supplier_id, title=f"{word} 商品{number}", delivery_modes=modes)
    return word, supplier_id


def find(world, **query):
    return Person(world.app).client.get("/v1/store/products", query_string=query).get_json()


def names(found):
    return [item["title"][-1] for item in found["items"]]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [("newest", "3210"), ("price_asc", "1230"), ("price_desc", "0321")],
)
def test_pages_go_through_every_sort_without_gap_or_repeat(world, shelf, sort, expected):
    word, _ = shelf
    seen, cursor = [], None
    while True:
        query = {"q": word, "sort": sort, "limit": 1} | ({"cursor": cursor} if cursor else {})
        found = find(world, **query)
        seen += names(found)
        cursor = found["next_cursor"]
        if cursor is None:
            break
    assert "".join(seen) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"min_price_fen": 200}, "320"),
        ({"max_price_fen": 100}, "1"),
        ({"delivery_mode": "store_pickup"}, "0"),
        ({"delivery_mode": "unit_delivery"}, ""),
    ],
)
def test_filters_narrow_the_list(world, shelf, query, expected):
    assert "".join(names(find(world, q=shelf[0], **query))) == expected


def test_a_category_shows_all_below_it(world, shelf):
    word, supplier_id = shelf
    tree = Person(world.app).get("/v1/store/categories").get_json()["items"]
    root = next(node["id"] for node in tree if node["name"] == "测试")
    assert len(find(world, q=word, category_id=root)["items"]) == 4
    assert len(find(world, supplier_id=str(supplier_id))["items"]) == 4


@pytest.mark.parametrize("query", ["100%", "a_b", "'; DROP TABLE product", "\\", "（", "\u3000"])
def test_odd_characters_search_for_nothing_harmful(world, shelf, query):
    """Case 32."""
    assert isinstance(find(world, q=query)["items"], list)


def test_full_width_and_capital_letters_find_the_same(world, shelf):
    """Case 32."""
    word, _ = shelf
    wide = "".join(chr(ord(c) + 0xFEE0) for c in word.upper())
    assert len(find(world, q=wide)["items"]) == 4


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": 101}, "limit"),
        ({"limit": 0}, "limit"),
        ({"sort": "best"}, "sort"),
        ({"category_id": "x"}, "category_id"),
        ({"q": "x" * 201}, "q"),
        ({"cursor": "garbage"}, "cursor"),
        ({"cursor": "OjAw"}, "cursor"),
    ],
)
def test_a_bad_query_names_its_field(world, query, field):
    reply = Person(world.app).client.get("/v1/store/products", query_string=query)
    assert (reply.status_code, reply.get_json()["field"]) == (422, field)


def test_the_detail_shows_what_is_left_of_each_sku(world):
    form = SkuForm("大", (("规格", "大"),), 2000, 1500, min_per_order=2, max_per_order=9)
    product_id, sku = new_sku(world, 1500, 7, sku_form=form, title="干贝", brief="香")
    new_member(world).post("/v1/store/orders", order_body([sku], "wechat", 3000, quantity=2))
    detail = Person(world.app).get(f"/v1/store/products/{product_id}").get_json()
    assert (detail["title"], detail["brief"], detail["price_fen"]) == ("干贝", "香", 1500)
    assert detail["skus"] == [
        {
            "id": str(sku),
            "code": "大",
            "options": [{"name": "规格", "value": "大"}],
            "price_fen": 1500,
            "list_price_fen": 2000,
            "weight_grams": 500,
            "min_per_order": 2,
            "max_per_order": 9,
            "available": 5,
        }
    ]


def test_a_cursor_survives_its_round_trip(world):
    product_id, _ = new_sku(world, 100)
    assert search_rules.decode_cursor(search_rules.encode_cursor(100, product_id)) == (
        100,
        product_id,
    )
