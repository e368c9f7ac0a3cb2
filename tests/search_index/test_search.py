"""What members find, in which order, and what is said besides."""

import pytest

from tests.support.database import execute_sql
from tests.support.people import grant_beans, new_member, order_body
from tests.support.shop import new_sku, new_supplier, qualify, set_stock

# Order


def test_a_name_stands_before_a_keyword_before_a_description(shop):
    for title, more in {
        "丙": {"brief": "当季良姜"},
        "乙": {"keywords": ("良姜",)},
        "甲良姜": {},
    }.items():
        new_sku(shop.world, 1000, 5, title=title, **more)
    shop.build()
    assert shop.find("良姜") == ["甲良姜", "乙", "丙"]


@pytest.mark.parametrize("mark", ["sc47a537e", "A12B", "第七号店"])
def test_who_holds_every_word_stands_before_whose_name_ends_with_the_thing(shop, mark):
    """The code of a series is a word like any other, however its letters and digits alternate."""
    new_sku(shop.world, 1000, 5, title="流沙南珠蚝")
    new_sku(shop.world, 1000, 5, title=f"徐闻生蚝干 {mark} 8号")
    shop.build()
    for query in (f"牡蛎 {mark}", f"shenghao {mark}"):
        assert shop.find(query)[0] == f"徐闻生蚝干 {mark} 8号", query


def test_an_exact_name_stands_before_one_that_holds_it(shop):
    for title in ("良姜红茶礼盒", "良姜红茶", "红茶配良姜"):
        new_sku(shop.world, 1000, 5, title=title)
    shop.build()
    assert shop.find("良姜红茶") == ["良姜红茶", "良姜红茶礼盒", "红茶配良姜"]


def test_what_is_left_stands_before_what_is_sold_out(shop):
    new_sku(shop.world, 1000, 5, title="良姜片甲")
    _, sold_out = new_sku(shop.world, 1000, 0, title="良姜片乙")
    shop.build()
    assert shop.find("良姜") == ["良姜片甲", "良姜片乙"]
    set_stock(shop.world, sold_out, 3)
    shop.look()
    assert shop.find("良姜") == ["良姜片乙", "良姜片甲"]


def test_of_equals_the_one_that_sells_stands_first(shop):
    skus = [new_sku(shop.world, 1000, 9, title=f"良姜片{name}")[1] for name in "甲乙丙"]
    buyer = new_member(shop.world, beans_fen=10_000)
    buyer.post("/v1/store/orders", order_body([skus[1]], total_fen=3000, quantity=3))
    buyer.post("/v1/store/orders", order_body([skus[0]], total_fen=1000))
    shop.build()
    assert shop.find("良姜") == ["良姜片乙", "良姜片甲", "良姜片丙"]
    assert shop.find(sort="sales") == ["良姜片乙", "良姜片甲", "良姜片丙"]


@pytest.mark.parametrize(
    ("sort", "expected"), [("price_asc", "213"), ("price_desc", "312"), ("newest", "321")]
)
def test_a_search_can_be_sorted_otherwise(shop, sort, expected):
    for number, price in ((1, 200), (2, 100), (3, 300)):
        new_sku(shop.world, price, 5, title=f"良姜{number}")
    shop.build()
    assert "".join(title[-1] for title in shop.find("良姜", sort=sort)) == expected


# Filters, facets, pages


@pytest.fixture
def varied(shop):
    """Six products that differ in everything that filters know."""
    world = shop.world
    shop.first, shop.second = new_supplier(world), new_supplier(world)
    qualify(world, shop.first, "assistance", region_code="440825")
    shop.ids = {}
    plan = {
        "良姜1": (shop.first, 1000, 5, {"origin_region_code": "440825", "is_pavilion": True}),
        "良姜2": (shop.first, 3000, 0, {"origin_region_code": "440825"}),
        "良姜3": (shop.second, 6000, 5, {"origin_region_code": "450502"}),
        "良姜4": (shop.second, 60_000, 5, {"delivery_modes": ("store_pickup", "ship")}),
    }
    for title, (supplier_id, price, count, more) in plan.items():
        shop.ids[title], _ = new_sku(world, price, count, supplier_id, title=title, **more)
    execute_sql(world, "UPDATE product SET tags = '[\"端午\"]' WHERE title = '良姜3'")
    shop.build()
    return shop


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"origin": "4408"}, "12"),
        ({"origin": "45"}, "3"),
        ({"origin": "11"}, ""),
        ({"is_pavilion": "true"}, "1"),
        ({"is_pavilion": "false"}, "234"),
        ({"in_stock": "true"}, "134"),
        ({"delivery_mode": "store_pickup"}, "4"),
        ({"min_price_fen": 3000, "max_price_fen": 6000}, "23"),
        ({"tag": "端午"}, "3"),
    ],
)
def test_filters_narrow_a_search_and_a_listing(varied, query, expected):
    for text in ("良姜", ""):
        assert "".join(sorted(title[-1] for title in varied.find(text, **query))) == expected


def test_a_supplier_and_a_category_narrow_a_search(varied):
    assert len(varied.find("良姜", supplier_id=str(varied.first))) == 2
    tree = new_member(varied.world).get("/v1/store/categories").get_json()["items"]
    assert len(varied.find("良姜", category_id=tree[0]["id"])) == 4
    assert varied.find("良姜", category_id=str(varied.first)) == []


def test_a_lot_narrows_a_search_to_what_it_may_pay_for(varied):
    member = new_member(varied.world)
    bound = grant_beans(
        varied.world, member, 1000, product_ids=[varied.ids["良姜2"], varied.ids["良姜3"]]
    )
    free = grant_beans(varied.world, member, 1000)
    assert sorted(varied.find("良姜", member, lot_id=str(bound))) == ["良姜2", "良姜3"]
    assert len(varied.find("", member, lot_id=str(free))) == 4
    stranger = new_member(varied.world)
    assert varied.ask(stranger, lot_id=str(bound)).status_code == 404
    assert varied.ask(lot_id=str(bound)).status_code == 401


def test_facets_count_what_was_found(varied):
    body = varied.ask(q="良姜", facets="true", min_price_fen=2000).get_json()
    counts = {
        facet: {each["name"] or each["value"]: each["count"] for each in found}
        for facet, found in body["facets"].items()
        if facet != "attributes"
    }
    assert body["total"] == 3
    assert counts["category"] == {"测试": 3}
    assert sorted(counts["supplier"].values()) == [1, 2]
    assert counts["origin"] == {"广东省湛江市徐闻县": 1, "广西壮族自治区北海市海城区": 1}
    assert counts["delivery_mode"] == {"ship": 3, "store_pickup": 1, "unit_delivery": 0}
    assert counts["in_stock"] == {"true": 2} and counts["pavilion"] == {"true": 0}
    # Prices are counted as if none were asked for.
    assert sum(counts["price"].values()) == 4


def test_pages_of_a_search_have_no_gap_and_no_repeat(shop):
    for number in range(7):
        new_sku(shop.world, 1000, 5, title=f"良姜片{number}")
    shop.build()
    seen, cursor = [], None
    while True:
        query = {"q": "良姜", "limit": 3} | ({"cursor": cursor} if cursor else {})
        body = shop.ask(**query).get_json()
        seen += [item["title"] for item in body["items"]]
        cursor = body["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 7


@pytest.mark.parametrize("sort", ["relevance", "newest", "price_asc", "price_desc", "sales"])
@pytest.mark.parametrize("left", ["before", "last"])
def test_a_page_skips_nothing_because_something_left_the_sale(shop, sort, left):
    """The cursor remembers a place in the order, not how many stood before it."""
    made = {
        str(new_sku(shop.world, 100 * number, 5, title=f"雷州番薯{number}号")[0]): number
        for number in range(1, 8)
    }
    shop.build()
    whole = [item["id"] for item in shop.ask(q="番薯", sort=sort).get_json()["items"]]
    assert sorted(whole) == sorted(made)
    first = shop.ask(q="番薯", sort=sort, limit=3).get_json()
    gone = first["items"][0 if left == "before" else 2]["id"]
    execute_sql(shop.world, "UPDATE product SET state = 'unpublished' WHERE id = :id", id=gone)
    shop.build()
    rest = shop.ask(q="番薯", sort=sort, limit=9, cursor=first["next_cursor"]).get_json()
    assert [item["id"] for item in rest["items"]] == whole[3:]
