"""No supplier reads or writes anything of another, over every supplier endpoint there is.

The endpoints come from the OpenAPI document: one that is added is tested without being named here.
"""

import json
import re
from datetime import timedelta

import pytest

from mall.kernel import clock
from mall.kernel.clock import beijing_day
from tests.support.database import execute_sql, select_rows
from tests.support.people import new_member, new_staff, order_body
from tests.support.sheets import row_of, sheet
from tests.support.shop import new_sku, new_store, new_supplier
from tests.support.working import run_outbox

UNKNOWN = "019a3c5e-0000-7000-8000-000000000001"


class Owner:
    """A supplier with one of everything."""

    def __init__(self, world, mark):
        self.world, self.mark = world, mark
        self.supplier_id = new_supplier(world)
        self.person = new_staff(world, "supplier", self.supplier_id)
        self.known = self._fill()

    def _post(self, path, content, kind):
        headers = {"Authorization": f"Bearer {self.person.token}"}
        reply = self.person.client.post(path, data=content, headers=headers, content_type=kind)
        assert reply.status_code < 300, reply.get_json()
        return reply.get_json()["id"]

    def _fill(self):
        """Make one thing for each parameter of a supplier's addresses; return ids by parameter."""
        post = self.person.post
        document = self._post("/v1/supplier/documents", b"%PDF-1.7", "application/pdf")
        body = {"kind": "food_licence", "number": self.mark, "valid_from": "2026-01-01"}
        post("/v1/supplier/qualifications", {**body, "document_id": document})
        template = {"name": self.mark, "charge_by": "piece", "rules": [{"regions": []}]}
        user = {"username": f"colleague.{self.mark}"}
        product, sku = new_sku(self.world, 1000, 50, self.supplier_id, title=f"秘密 {self.mark}")
        buyer = new_member(self.world, beans_fen=10_000)
        order = buyer.post("/v1/store/orders", order_body([sku], total_fen=1000)).get_json()
        run_outbox(self.world)
        address = {"recipient": self.mark, "phone": "13800000002", "detail": "2 号仓"}
        self.person.put(
            "/v1/supplier/after-sales/return-address", {**address, "region_code": "440825"}
        )
        line = buyer.get(f"/v1/store/orders/{order['order_id']}").get_json()["lines"][0]["id"]
        asked = {"line_id": line, "kind": "refund_only", "quantity": 1, "reason": "damaged"}
        case = buyer.post(f"/v1/store/orders/{order['order_id']}/after-sales", asked).get_json()
        parts = self.person.get("/v1/supplier/fulfillment-orders").get_json()["items"]
        upload = self._post("/v1/supplier/uploads", sheet([row_of(1)]), "application/x-xlsx")
        store = str(new_store(self.world, self.supplier_id, name=self.mark))
        clerk = {"username": f"clerk.{self.mark}"}
        clerks = f"/v1/supplier/stores/{store}/clerks"
        return {
            "store_id": store,
            "clerk_id": post(clerks, clerk).get_json()["id"],
            "document_id": document,
            "template_id": post("/v1/supplier/shipping-templates", template).get_json()["id"],
            "user_id": post("/v1/supplier/users", user).get_json()["id"],
            "product_id": str(product),
            "sku_id": str(sku),
            "fulfillment_order_id": parts[0]["id"],
            "upload_id": upload,
            "case_id": case["id"],
            "request_id": self._price_request(sku),
            "shipment_id": self._parcel(),
            "statement_id": self._statement(),
        }

    def _price_request(self, sku):
        """Let operators ask for another price within a pack of theirs."""
        operator = new_staff(self.world, "operator")
        part = {"sku_id": str(sku), "quantity": 1, "price_fen": 777}
        pack = operator.post("/v1/ops/packs", {"title": f"询价 {self.mark}", "parts": [part]})
        asked = f"/v1/ops/packs/{pack.get_json()['id']}/price-requests"
        return operator.post(asked, {}).get_json()["items"][0]["id"]

    def _statement(self):
        """Owe the supplier something since last week; return the statement of it."""
        operator = new_staff(self.world, "operator")
        body = {"supplier_id": str(self.supplier_id), "amount_fen": 10_000, "note": self.mark}
        operator.post("/v1/ops/settlement/adjustments", body)
        execute_sql(
            self.world, "UPDATE settlement_item SET happened_at = now() - interval '7 days'"
        )
        yesterday = str(beijing_day(clock.now()) - timedelta(days=1))
        body = {"supplier_id": str(self.supplier_id), "ends_on": yesterday}
        return operator.post("/v1/ops/settlement/statements", body).get_json()["id"]

    def _parcel(self):
        """Sell and send another; return its parcel."""
        _, sku = new_sku(self.world, 1000, 50, self.supplier_id)
        buyer = new_member(self.world, beans_fen=10_000)
        order = buyer.post("/v1/store/orders", order_body([sku], total_fen=1000)).get_json()
        run_outbox(self.world)
        path = f"/v1/store/orders/{order['order_id']}"
        [part] = buyer.get(f"{path}/fulfillment-orders").get_json()["items"]
        sent = f"/v1/supplier/fulfillment-orders/{part['id']}/shipments"
        self.person.post(sent, {"carrier": "self"})
        return buyer.get(f"{path}/shipments").get_json()["items"][0]["id"]

    def everything(self, except_for=()):
        """Return every row that is this supplier's, to see whether any changed."""
        tables = ("supplier", "product", "sku", "upload", "supplier_document", "shipping_template")
        tables += (
            "supplier_qualification",
            "fulfillment_order",
            "after_sales_case",
            "store",
            "settlement_item",
        )
        column = {"supplier": "id"}
        return {
            table: select_rows(
                self.world,
                f"SELECT to_jsonb(t) FROM {table} t"
                f" WHERE {column.get(table, 'supplier_id')} = :id ORDER BY 1",
                id=self.supplier_id,
            )
            for table in tables
        }


@pytest.fixture
def owners(world):
    return Owner(world, "alpha"), Owner(world, "beta")


def operations(world):
    spec = json.loads(world.app.test_client().get("/openapi.json").data)
    for path, methods in spec["paths"].items():
        if path.startswith("/v1/supplier/"):
            for method, operation in methods.items():
                yield method.upper(), path, operation


def body_of(operation):
    """Return the example body of an operation and its media type."""
    content = operation.get("requestBody", {}).get("content", {})
    for kind, media in content.items():
        return kind, media["example"]
    return None, None


def call(owner, method, path, operation):
    kind, example = body_of(operation)
    headers = {"Authorization": f"Bearer {owner.person.token}", "Idempotency-Key": path[:100]}
    if kind == "application/json":
        return owner.person.client.open(path, method=method, headers=headers, json=example)
    data = b"%PDF-1.7" if kind else None
    return owner.person.client.open(
        path, method=method, headers=headers, data=data, content_type=kind
    )


def test_every_parameter_of_a_suppliers_address_is_tried(world, owners):
    named = {name for _, path, _ in operations(world) for name in re.findall(r"{([a-z_]+)}", path)}
    assert named == set(owners[0].known)


def test_what_belongs_to_another_supplier_is_as_unknown_as_what_is_not_there(world, owners):
    """Case 39: every address with an id in it, with the other supplier's."""
    mine, other = owners
    before = other.everything()
    tried = 0
    for method, path, operation in operations(world):
        names = re.findall(r"{([a-z_]+)}", path)
        if not names:
            continue
        foreign = path.format(**{name: other.known[name] for name in names})
        absent = path.format(**dict.fromkeys(names, UNKNOWN))
        answers = [call(mine, method, each, operation) for each in (foreign, absent)]
        statuses = [answer.status_code for answer in answers]
        assert statuses in ([404, 404], [422, 422]), f"{method} {path}: {statuses}"
        assert answers[0].get_json() == answers[1].get_json(), f"{method} {path}"
        tried += 1
    assert tried >= 20
    assert other.everything() == before


def test_no_listing_shows_anything_of_another_supplier(world, owners):
    mine, other = owners
    secrets = {other.mark, *other.known.values(), str(other.supplier_id)}
    for method, path, _ in operations(world):
        if method != "GET" or "{" in path:
            continue
        reply = mine.person.get(path)
        assert reply.status_code == 200, path
        text = reply.data.decode("utf-8", "replace")
        assert not [secret for secret in secrets if secret in text], path


def test_another_suppliers_parts_cannot_be_used_in_ones_own(world, owners):
    mine, other = owners
    category = select_rows(world, "SELECT id FROM category")[0][0]
    sku = {"code": "NEW", "list_price_fen": 100, "price_fen": 100}
    body = {"title": "新", "category_id": str(category), "skus": [sku]}
    foreign = {**body, "shipping_template_id": other.known["template_id"]}
    assert mine.person.post("/v1/supplier/products", foreign).status_code == 404
    qualification = {
        "kind": "food_licence",
        "number": "1",
        "valid_from": "2026-01-01",
        "document_id": other.known["document_id"],
    }
    assert mine.person.post("/v1/supplier/qualifications", qualification).status_code == 404
    for action in ("submit", "publish"):
        many = {"product_ids": [mine.known["product_id"], other.known["product_id"]]}
        assert mine.person.post(f"/v1/supplier/products/{action}", many).status_code in (404, 409)
