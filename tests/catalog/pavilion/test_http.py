"""Sections gather products by rules and by hand; the pavilion shows suppliers by origin."""

from datetime import UTC, date, datetime, timedelta

import pytest

from mall.kernel import clock
from tests.support.database import count_rows, execute_sql
from tests.support.people import Person, new_member, new_staff, order_body
from tests.support.shop import new_sku, new_supplier, qualify
from tests.support.working import run_sweep


class Floor:
    """An operator who arranges sections, and a guest who looks."""

    def __init__(self, world):
        self.world = world
        self.operator = new_staff(world, "operator")
        self.guest = Person(world.app)

    def add(self, **body):
        body = {"kind": "seasonal", "title": "专题", **body}
        return self.operator.post("/v1/ops/sections", body)

    def shown(self, section_id, **query):
        path = f"/v1/store/sections/{section_id}/products"
        return self.guest.client.get(path, query_string=query).get_json()

    def titles(self, section_id):
        return [item["title"] for item in self.shown(section_id)["items"]]

    def sections(self):
        return [each["title"] for each in self.guest.get("/v1/store/sections").get_json()["items"]]


@pytest.fixture
def floor(world):
    return Floor(world)


def test_picks_come_first_in_their_order_then_what_the_rule_finds(floor):
    a, b, c, d = (
        new_sku(floor.world, price, 5, title=f"品{price}")[0] for price in (100, 300, 500, 900)
    )
    body = {"picks": [str(d), str(a)], "rule": {"max_price_fen": 500}, "sort": "price_desc"}
    made = floor.add(**body).get_json()
    assert floor.titles(made["id"]) == ["品900", "品100", "品500", "品300"]
    first = floor.shown(made["id"], limit=3)
    rest = floor.shown(made["id"], limit=3, cursor=first["next_cursor"])
    assert len(first["items"]) == 3 and len(rest["items"]) == 1 and rest["next_cursor"] is None
    assert str(b) in [item["id"] for item in rest["items"]] and c


def test_without_a_rule_only_picks_are_shown(floor):
    product, _ = new_sku(floor.world, 100, 5, title="甲")
    new_sku(floor.world, 100, 5, title="乙")
    assert floor.titles(floor.add(picks=[str(product)]).get_json()["id"]) == ["甲"]
    assert floor.titles(floor.add(title="空").get_json()["id"]) == []


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"needs_assistance": True}, "帮扶甲 帮扶乙"),
        ({"assistance_regions": ["440825"]}, "帮扶甲 帮扶乙"),
        ({"assistance_regions": ["45"]}, ""),
        ({"origins": ["440882"]}, "帮扶乙"),
        ({"origins": ["4408"], "needs_assistance": True, "max_price_fen": 150}, "帮扶甲"),
        ({"tags": ["端午", "中秋"]}, "普通"),
        ({"min_price_fen": 250}, "普通"),
    ],
)
def test_a_rule_gathers_what_meets_all_of_it(floor, rule, expected):
    world = floor.world
    helped = new_supplier(world)
    qualify(world, helped, "assistance", region_code="440825")
    new_sku(world, 100, 5, helped, title="帮扶甲", origin_region_code="440825")
    new_sku(world, 200, 5, helped, title="帮扶乙", origin_region_code="440882")
    new_sku(world, 300, 5, title="普通")
    execute_sql(world, "UPDATE product SET tags = '[\"端午\"]' WHERE title = '普通'")
    made = floor.add(rule=rule).get_json()
    assert sorted(floor.titles(made["id"])) == sorted(expected.split())


def test_a_section_is_shown_within_its_times_and_only_if_published(floor):
    now = datetime(2026, 12, 1, tzinfo=UTC)
    clock.freeze(now)
    times = {
        "starts_at": (now + timedelta(hours=1)).isoformat(),
        "ends_at": (now + timedelta(hours=2)).isoformat(),
    }
    made = floor.add(title="限时", **times).get_json()
    floor.add(title="草稿", is_published=False)
    floor.add(title="常设", position=1)
    seen = []
    for minutes in (0, 60, 120):
        clock.freeze(now + timedelta(minutes=minutes))
        seen.append(floor.sections())
    assert seen == [["常设"], ["限时", "常设"], ["常设"]]
    assert floor.guest.get(f"/v1/store/sections/{made['id']}").status_code == 404


def test_a_section_is_replaced_and_removed(floor):
    product, _ = new_sku(floor.world, 100, 5)
    made = floor.add(picks=[str(product)]).get_json()
    path = f"/v1/ops/sections/{made['id']}"
    body = {"kind": "pavilion", "title": "新名", "rule": {"tags": ["甲"]}}
    changed = floor.operator.put(path, body).get_json()
    assert (changed["title"], changed["picks"], changed["rule"]["tags"]) == ("新名", [], ["甲"])
    assert floor.operator.delete(path).status_code == 204
    assert floor.operator.get(path).status_code == 404


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"title": ""}, 422, "title"),
        ({"kind": "shop"}, 422, "kind"),
        ({"picks": ["019a3c5e-0000-7000-8000-000000000001"]}, 404, "picks"),
        (
            {"rule": {"category_id": "019a3c5e-0000-7000-8000-000000000001"}},
            404,
            "rule.category_id",
        ),
        ({"rule": {"min_price_fen": 5, "max_price_fen": 1}}, 422, "rule.max_price_fen"),
        (
            {"starts_at": "2027-01-02T00:00:00Z", "ends_at": "2027-01-01T00:00:00Z"},
            422,
            "ends_at",
        ),
    ],
)
def test_a_wrong_section_is_refused_and_nothing_is_kept(floor, body, status, field):
    reply = floor.add(**body)
    assert (reply.status_code, reply.get_json()["field"]) == (status, field)
    assert count_rows(floor.world, "storefront_section") == 0


def test_the_pavilion_shows_suppliers_by_origin_with_what_was_sold(floor):
    world = floor.world
    helped, other, plain = (new_supplier(world) for _ in range(3))
    for supplier_id, region in ((helped, "440825"), (other, "440882")):
        qualify(world, supplier_id, "assistance", region_code=region)
        execute_sql(
            world,
            "UPDATE supplier SET origin_region_code = :r, story = '三代人种姜' WHERE id = :i",
            r=region,
            i=supplier_id,
        )
    _, sku = new_sku(world, 1000, 9, helped, is_pavilion=True)
    new_sku(world, 1000, 9, plain)
    buyer = new_member(world, beans_fen=5000)
    buyer.post("/v1/store/orders", order_body([sku], total_fen=3000, quantity=3))
    run_sweep(world, "count_availability")
    run_sweep(world, "count_sales")
    origins = floor.guest.get("/v1/store/pavilion/origins").get_json()["items"]
    assert [
        (each["region_code"], each["product_count"], each["sold_count"]) for each in origins
    ] == [
        ("440825", 1, 3),
        ("440882", 0, 0),
    ]
    shown = floor.guest.get(f"/v1/store/pavilion/suppliers/{helped}").get_json()
    assert (shown["story"], shown["dispatches_from"]) == ("三代人种姜", "广东省湛江市徐闻县")
    assert floor.guest.get(f"/v1/store/pavilion/suppliers/{plain}").status_code == 404


def test_who_is_no_longer_qualified_leaves_pavilion_and_sections(floor):
    """Case 31."""
    world = floor.world
    helped = new_supplier(world)
    clock.freeze(datetime(2026, 12, 30, tzinfo=UTC))
    qualify(world, helped, "assistance", date(2026, 12, 31), "440825")
    new_sku(world, 1000, 9, helped, title="帮扶")
    operator = new_staff(world, "operator")
    body = {"kind": "pavilion", "title": "馆", "rule": {"needs_assistance": True}}
    made = operator.post("/v1/ops/sections", body).get_json()
    assert floor.titles(made["id"]) == ["帮扶"]
    clock.freeze(datetime(2027, 1, 1, tzinfo=UTC))
    assert floor.titles(made["id"]) == []
    assert floor.guest.get("/v1/store/pavilion/origins").get_json()["items"] == []


@pytest.mark.parametrize("sort", ["newest", "price_asc", "price_desc", "sales"])
def test_a_page_skips_nothing_because_something_left_the_sale(floor, sort):
    made = [new_sku(floor.world, 100 * n, 5, title=f"品{n}")[0] for n in range(1, 8)]
    section = floor.add(picks=[str(made[3])], rule={"max_price_fen": 900}, sort=sort).get_json()
    whole = floor.titles(section["id"])
    assert len(whole) == 7 and whole[0] == "品4"
    first = floor.shown(section["id"], limit=3)
    gone = first["items"][1]["id"]
    execute_sql(floor.world, "UPDATE product SET state = 'unpublished' WHERE id = :id", id=gone)
    rest = floor.shown(section["id"], limit=9, cursor=first["next_cursor"])
    assert [item["title"] for item in rest["items"]] == whole[3:]


@pytest.mark.parametrize("cursor", ["x", "MQ==", "MXwyfDM=", "5" * 120])
def test_a_cursor_that_is_not_ours_is_refused(floor, cursor):
    section = floor.add(picks=[]).get_json()
    guest = floor.guest.get(f"/v1/store/sections/{section['id']}/products?cursor={cursor}")
    assert (guest.status_code, guest.get_json()["field"]) == (422, "cursor")
