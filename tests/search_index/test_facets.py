"""Facets say what choosing would find; pages and totals stay what they were."""

import itertools
import random
import threading

import numpy as np
import pytest

from catalog.products.rules import SkuForm
from mall.kernel.uow import reading
from mall.web.replies import shop_window
from search_index import indexing
from search_index.answer import facets
from tests.support.database import execute_sql, select_rows
from tests.support.shop import new_sku, new_supplier

BRANDS, COLOURS = ("甲牌", "乙牌", "丙牌"), ("红色", "蓝色", "黑色")


@pytest.fixture
def shelf(shop):
    """Thirty things that differ in brand, colour, size and price."""
    chance = random.Random(16)
    world = shop.world
    suppliers = [new_supplier(world), new_supplier(world)]
    for number in range(30):
        size = chance.choice(["大", "小"])
        new_sku(
            world,
            chance.choice([990, 1990, 2990, 4990, 9900, 19900, 29900]),
            chance.choice([0, 5]),
            chance.choice(suppliers),
            title=f"收纳罐{number}",
            brand=chance.choice(BRANDS),
            attributes=(("颜色", chance.choice(COLOURS)),),
            sku_form=SkuForm(f"{number}", (("尺寸", size),), 50_000, 1000),
            delivery_modes=chance.choice([("ship",), ("ship", "store_pickup")]),
        )
    execute_sql(
        world,
        "UPDATE product SET price_fen = 500 + 137 * (id_ % 9) * (id_ % 9)"
        " FROM (SELECT id AS i, row_number() OVER (ORDER BY id) AS id_ FROM product) n WHERE i = id",
    )
    shop.build()
    return shop


def chosen(facet, item):
    """Return the query that chooses a value of a facet."""
    if facet == "price":
        low, _, high = item["value"].partition("-")
        return {"min_price_fen": low} | ({"max_price_fen": high} if high else {})
    names = {"category": "category_id", "supplier": "supplier_id", "pavilion": "is_pavilion"}
    return {names.get(facet, facet): item["value"]}


def items_of(body):
    for facet, items in body["facets"].items():
        if facet == "attributes":
            for attribute in items:
                for item in attribute["values"]:
                    value = f"{attribute['name']}:{item['value']}"
                    yield f"attribute:{attribute['name']}", item, {"attribute": value}
        else:
            yield from ((facet, item, chosen(facet, item)) for item in items)


@pytest.mark.parametrize(
    "already",
    [
        {},
        {"brand": "甲牌"},
        {"attribute": ["颜色:红色", "颜色:蓝色"]},
        {"max_price_fen": 3000, "in_stock": "true"},
        {"brand": ["甲牌", "乙牌"], "attribute": "尺寸:大", "delivery_mode": "ship"},
    ],
)
def test_a_facet_counts_what_choosing_its_value_would_find(shelf, already):
    body = shelf.ask(q="收纳罐", facets="true", **already).get_json()
    seen = set()
    for facet, item, query in items_of(body):
        own = {"price": ("min_price_fen", "max_price_fen")}.get(facet, tuple(query))
        others = {name: value for name, value in already.items() if name not in own}
        if facet.startswith("attribute") and "attribute" in already:
            name = facet.partition(":")[2]
            told = already["attribute"]
            told = [told] if isinstance(told, str) else told
            kept = [each for each in told if not each.startswith(f"{name}:")]
            query = {"attribute": [*kept, query["attribute"]]}
        total = shelf.ask(q="收纳罐", limit=1, **{**others, **query}).get_json()["total"]
        assert total == item["count"], (facet, item)
        seen.add(facet)
    assert {"brand", "category", "supplier", "price", "attribute:颜色", "attribute:尺寸"} <= seen


def test_choosing_a_value_keeps_its_siblings_and_says_what_is_chosen(shelf):
    before = shelf.ask(q="收纳罐", facets="true").get_json()["facets"]
    after = shelf.ask(q="收纳罐", facets="true", brand="甲牌").get_json()["facets"]
    counts = [
        {each["value"]: each["count"] for each in found["brand"]} for found in (before, after)
    ]
    assert counts[0] == counts[1] and set(counts[0]) == set(BRANDS)
    assert [each["value"] for each in after["brand"] if each["is_chosen"]] == ["甲牌"]


def test_brand_and_attribute_narrow_where_the_database_answers_too(shelf):
    query = {"brand": ["甲牌"], "attribute": ["颜色:红色", "尺寸:大"], "limit": 100}
    by_index = sorted(shelf.find("收纳罐", **query))
    shelf.searcher.give_up()
    shop_window.clear()
    reply = shelf.ask(q="收纳罐", **query)
    assert reply.headers["Search-Engine"] == "database"
    assert sorted(item["title"] for item in reply.get_json()["items"]) == by_index


@pytest.mark.parametrize("seed", range(20))
def test_bands_share_out_the_prices_at_readable_ends(seed):
    chance = np.random.default_rng(seed)
    size = int(chance.integers(1, 400))
    prices = (np.exp(chance.normal(7 + seed % 4, 0.2 + seed % 3, size)) + 1).astype(np.int64)
    found = facets.bands(prices)
    assert sum(found.values()) == size
    if len(np.unique(prices)) > 5 and size > 20:
        assert max(found.values()) <= 0.5 * size
    ends = [(int(low), int(high or 10**12)) for low, high in (b.split("-") for b in found)]
    for low, high in ends:
        count = int(((prices >= low) & (prices <= high)).sum())
        assert count == found[f"{low}-{'' if high == 10**12 else high}"]
    assert all(high < low for (_, high), (low, _) in itertools.pairwise(ends))


def test_one_price_is_one_band():
    assert list(facets.bands(np.full(9, 1990)).values()) == [9]
    assert facets.bands(np.array([], np.int64)) == {}


# Totals and pages


def put_again(shop, ids):
    with shop.app.app_context(), reading() as session:
        indexing._put(session, shop.engine, ids)


QUERIES = ["良姜片", "良姜红茶", "红茶", "雷州 良姜", "良姜 礼盒", "liangjiang", "ljhc"]


def test_totals_and_order_stay_while_documents_are_replaced_and_the_index_is_rebuilt(shop):
    for number in range(24):
        kind = ("片", "红茶", "酥", "礼盒")[number % 4]
        new_sku(shop.world, 1000, 5, title=f"{('雷州', '徐闻')[number % 2]}良姜{kind}{number}号")
    shop.build()

    def answers():
        bodies = {q: shop.ask(q=q, limit=100).get_json() for q in QUERIES}
        return {q: (b["total"], [i["id"] for i in b["items"]]) for q, b in bodies.items()}

    before = answers()
    assert all(total for total, _ in before.values())
    ids = [row.id for row in select_rows(shop.world, "SELECT id FROM product ORDER BY id")]
    for some in (ids[::2], ids[::3], ids[:5]):
        # What was there before stays in the files as deleted until a merge.
        put_again(shop, some)
        shop.look()
        assert answers() == before
    shop.build()
    assert answers() == before


def pages(shop, cursor, **query):
    while cursor:
        body = shop.ask(cursor=cursor, **query).get_json()
        yield body
        cursor = body["next_cursor"]


def test_pages_are_of_one_state_whatever_is_indexed_meanwhile(shop):
    for number in range(9):
        new_sku(shop.world, 1000, 5, title=f"良姜片{number}号")
    shop.build()
    whole = [item["id"] for item in shop.ask(q="良姜片", limit=100).get_json()["items"]]
    first = shop.ask(q="良姜片", limit=2).get_json()
    seen = [item["id"] for item in first["items"]]
    for number, body in enumerate(pages(shop, first["next_cursor"], q="良姜片", limit=2)):
        seen += [item["id"] for item in body["items"]]
        assert body["total"] == 9
        # One comes to the top, one that was seen goes to the end, one that was not comes to the top.
        new_sku(shop.world, 1000, 5, title=f"良姜片{number}")
        execute_sql(
            shop.world, "UPDATE product SET title = '极品雷州良姜片切片' WHERE id = :i", i=whole[0]
        )
        execute_sql(shop.world, "UPDATE product SET title = '良姜片' WHERE id = :i", i=whole[-1])
        shop.build()
    assert seen == whole


def test_a_list_that_is_gone_continues_by_its_place(shop):
    for number in range(5):
        new_sku(shop.world, 1000, 5, title=f"良姜片{number}号")
    shop.build()
    whole = [item["id"] for item in shop.ask(q="良姜片", limit=100).get_json()["items"]]
    first = shop.ask(q="良姜片", limit=2).get_json()
    connection = shop.app.extensions["mall_redis"]
    for key in connection.scan_iter("search:list:*"):
        connection.delete(key)
    [rest] = pages(shop, first["next_cursor"], q="良姜片", limit=10)
    assert [item["id"] for item in first["items"] + rest["items"]] == whole


def test_searches_and_changes_at_once_give_whole_pages(shop):
    ids = [new_sku(shop.world, 1000, 5, title=f"良姜片{number}号")[0] for number in range(12)]
    shop.build()
    totals, ends = set(), threading.Event()

    def search():
        while not ends.is_set():
            shop_window.clear()
            shop.searcher.renew()
            totals.add(shop.ask(q="良姜片 3号", limit=5).get_json()["total"])

    searching = threading.Thread(target=search)
    searching.start()
    try:
        for number in range(6):
            put_again(shop, ids[number : number + 6])
    finally:
        ends.set()
        searching.join(30)
    assert len(totals) == 1
