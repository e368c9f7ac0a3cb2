"""What members see changes only as reviewers allow; stock and unpublishing act at once."""

from datetime import UTC, datetime, timedelta

import pytest

from mall.kernel import clock
from mall.web.replies import shop_window
from tests.support.people import new_member, new_staff
from tests.support.shop import new_supplier
from tests.support.working import run_sweep

SKU = {"code": "GB-1", "list_price_fen": 2000, "price_fen": 1500}
APPROVE = {"decision": "approve"}


class Desk:
    """A supplier with a product, an operator who reviews, and a guest who looks."""

    def __init__(self, world):
        self.world = world
        self.supplier = new_staff(world, "supplier", new_supplier(world))
        self.operator = new_staff(world, "operator")
        category = self.operator.post("/v1/ops/categories", {"path": ["饮食"]}).get_json()["id"]
        self.body = {"title": "干贝", "category_id": category, "skus": [SKU]}
        made = self.supplier.post("/v1/supplier/products", self.body).get_json()
        self.id, self.sku_id = made["id"], made["skus"][0]["id"]
        self.path = f"/v1/supplier/products/{self.id}"

    def own(self):
        return self.supplier.get(self.path).get_json()

    def submit(self):
        return self.supplier.post(f"{self.path}/submit").get_json()["last_review"]["id"]

    def change(self, **change):
        return self.supplier.put(self.path, self.body | change).get_json()

    def decide(self, review, body=APPROVE):
        return self.operator.post(f"/v1/ops/product-reviews/{review}/decision", body)

    def sell(self):
        self.decide(self.submit())
        self.supplier.post(f"{self.path}/publish")

    def shown(self):
        shop_window.clear()
        return new_member(self.world).get(f"/v1/store/products/{self.id}").get_json()


@pytest.fixture
def desk(world):
    return Desk(world)


def test_a_rejected_product_names_the_reason_of_each_field_and_comes_again(desk):
    reasons = [{"field": "title", "text": "请写明规格"}, {"field": "image_urls", "text": "缺图"}]
    reply = desk.decide(desk.submit(), {"decision": "reject", "reasons": reasons})
    assert reply.status_code == 200
    own = desk.own()
    assert (own["state"], own["last_review"]["reasons"]) == ("rejected", reasons)
    desk.change(title="干贝 500g")
    assert desk.decide(desk.submit()).status_code == 200
    assert desk.own()["state"] == "approved"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title": "大干贝"}, "title"),
        ({"image_urls": ["/media/3f/new-1280.webp"]}, "image_urls"),
        ({"skus": [SKU | {"price_fen": 1400}]}, "skus.GB-1.price_fen"),
        ({"description": "新描述"}, "description"),
        (
            {"skus": [SKU, SKU | {"code": "GB-2", "options": [{"name": "规", "value": "大"}]}]},
            "skus.GB-2",
        ),
    ],
)
def test_what_members_see_of_a_published_product_waits_for_approval(desk, change, field):
    desk.sell()
    before = desk.shown()
    changed = desk.change(**change)
    assert changed["state"] == "published" and changed["last_review"]["state"] == "in_review"
    assert desk.shown() == before
    review = changed["last_review"]["id"]
    detail = desk.operator.get(f"/v1/ops/product-reviews/{review}").get_json()
    assert [each["field"] for each in detail["changes"]] == [field]
    desk.decide(review)
    assert desk.shown() != before
    assert desk.own()["state"] == "published"


def test_a_category_changes_only_when_approved(desk):
    desk.sell()
    other = desk.operator.post("/v1/ops/categories", {"path": ["海味"]}).get_json()["id"]
    changed = desk.change(category_id=other)
    assert changed["category_id"] == desk.body["category_id"]
    desk.decide(changed["last_review"]["id"])
    assert desk.own()["category_id"] == other


def test_a_rejected_change_leaves_the_live_product_on_sale(desk):
    desk.sell()
    review = desk.change(title="天下第一干贝")["last_review"]["id"]
    reason = [{"field": "title", "text": "极限用语"}]
    desk.decide(review, {"decision": "reject", "reasons": reason})
    own = desk.own()
    assert (own["state"], own["title"]) == ("published", "干贝")
    assert own["last_review"]["reasons"] == reason
    assert desk.shown()["title"] == "干贝"


def test_how_parcels_are_packed_and_counted_changes_at_once(desk):
    desk.sell()
    sku = SKU | {"weight_grams": 800, "max_per_order": 3, "barcode": "6901234567892"}
    changed = desk.change(skus=[sku])
    assert changed["last_review"]["state"] == "approved"
    assert (changed["skus"][0]["weight_grams"], desk.shown()["skus"][0]["max_per_order"]) == (
        800,
        3,
    )


def test_stock_and_unpublishing_act_at_once_while_a_change_waits(desk):
    desk.sell()
    desk.change(title="大干贝")
    stock = f"/v1/supplier/skus/{desk.sku_id}/stock"
    assert desk.supplier.put(stock, {"on_hand": 7}).status_code == 200
    assert desk.shown()["skus"][0]["available"] == 7
    assert desk.supplier.post(f"{desk.path}/unpublish").get_json()["state"] == "unpublished"
    assert desk.shown()["status"] == 404


def test_a_second_change_takes_the_place_of_the_first(desk):
    desk.sell()
    first = desk.change(title="甲")["last_review"]["id"]
    second = desk.change(title="乙")["last_review"]["id"]
    assert desk.decide(first).get_json()["code"] == "wrong_state"
    [waiting] = desk.operator.get("/v1/ops/product-reviews").get_json()["items"]
    assert (waiting["id"], waiting["title"], waiting["is_first"]) == (second, "乙", False)
    desk.decide(second)
    assert desk.shown()["title"] == "乙"


def test_a_change_back_to_what_is_live_takes_back_what_waits(desk):
    desk.sell()
    desk.change(title="甲")
    assert desk.change()["last_review"]["state"] == "withdrawn"
    assert desk.operator.get("/v1/ops/product-reviews").get_json()["items"] == []


def test_what_waits_can_be_withdrawn(desk):
    desk.submit()
    assert desk.supplier.post(f"{desk.path}/withdraw").get_json()["state"] == "draft"
    desk.sell()
    desk.change(title="甲")
    own = desk.supplier.post(f"{desk.path}/withdraw").get_json()
    assert (own["state"], own["last_review"]["state"]) == ("published", "withdrawn")


def test_every_price_is_kept_with_its_time(desk):
    desk.sell()
    for price in (1400, 1300):
        desk.decide(desk.change(skus=[SKU | {"price_fen": price}])["last_review"]["id"])
    desk.decide(desk.change(title="干贝王", skus=[SKU | {"price_fen": 1300}])["last_review"]["id"])
    prices = desk.supplier.get(f"/v1/supplier/skus/{desk.sku_id}/prices").get_json()["items"]
    assert [each["price_fen"] for each in prices] == [1300, 1400, 1500]


def test_a_purchase_price_is_not_shown_to_members(desk):
    desk.body["skus"] = [SKU | {"purchase_price_fen": 1200}]
    desk.change()
    desk.sell()
    assert desk.own()["skus"][0]["purchase_price_fen"] == 1200
    assert "purchase_price_fen" not in desk.shown()["skus"][0]


def test_many_are_submitted_decided_and_published_at_once_or_not_at_all(desk):
    ids = [desk.id]
    for code in ("GB-2", "GB-3"):
        body = desk.body | {"skus": [SKU | {"code": code}]}
        ids.append(desk.supplier.post("/v1/supplier/products", body).get_json()["id"])
    many = {"product_ids": ids}
    assert desk.supplier.post("/v1/supplier/products/publish", many).status_code == 409
    assert desk.supplier.post("/v1/supplier/products/submit", many).get_json()["moved_count"] == 3
    queue = desk.operator.get("/v1/ops/product-reviews").get_json()["items"]
    body = {**APPROVE, "revision_ids": [each["id"] for each in queue]}
    assert desk.operator.post("/v1/ops/product-reviews/decisions", body).status_code == 200
    desk.supplier.post("/v1/supplier/products/publish", many)
    shown = desk.supplier.get("/v1/supplier/products?state=published").get_json()["items"]
    assert {each["id"] for each in shown} == set(ids)


def test_a_product_goes_on_sale_and_off_by_its_schedule(desk):
    start = datetime(2026, 12, 1, tzinfo=UTC)
    clock.freeze(start)
    times = {
        "publish_at": (start + timedelta(hours=1)).isoformat(),
        "unpublish_at": (start + timedelta(hours=2)).isoformat(),
    }
    assert desk.supplier.put(f"{desk.path}/schedule", times).status_code == 200
    seen = {}
    desk.decide(desk.submit())
    for minutes in (30, 60, 119, 120):
        clock.freeze(start + timedelta(minutes=minutes))
        world = desk.world
        run_sweep(world, "run_schedule")
        seen[minutes] = desk.own()["state"]
    assert seen == {30: "approved", 60: "published", 119: "published", 120: "unpublished"}


def test_a_schedule_that_makes_no_sense_is_refused(desk):
    times = {"publish_at": "2030-01-02T00:00:00Z", "unpublish_at": "2030-01-01T00:00:00Z"}
    reply = desk.supplier.put(f"{desk.path}/schedule", times)
    assert (reply.status_code, reply.get_json()["field"]) == (422, "unpublish_at")


def test_a_suppliers_sku_code_belongs_to_one_product(desk):
    again = desk.supplier.post("/v1/supplier/products", desk.body)
    assert (again.status_code, again.get_json()["code"]) == (409, "sku_code_taken")
    assert again.get_json()["field"] == "skus.0.code"
    other = new_staff(desk.world, "supplier", new_supplier(desk.world))
    assert other.post("/v1/supplier/products", desk.body).status_code == 201


def test_a_description_keeps_only_what_cannot_harm(desk):
    harm = (
        '<p onclick="x()">好<script>alert(1)</script><img src="/media/a.webp" onerror="x()">'
        '<img src="https://spy.example/p.gif"><a href="javascript:x()">点</a><b>吃</b></p>'
    )
    own = desk.change(description=harm)["description"]
    assert "<b>吃</b>" in own and '<img src="/media/a.webp">' in own
    for word in ("script", "onclick", "onerror", "spy.example"):
        assert word not in own


def test_an_operator_takes_anything_off_sale(desk):
    desk.sell()
    assert desk.operator.post(f"/v1/ops/products/{desk.id}/unpublish").status_code == 200
    assert desk.shown()["status"] == 404
    reply = desk.operator.put(f"/v1/ops/products/{desk.id}/tags", {"tags": ["端午", "端午"]})
    assert reply.get_json()["tags"] == ["端午"]
    assert desk.own()["tags"] == ["端午"]
