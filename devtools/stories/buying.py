"""The main job, played over HTTP only, as member, supplier and operator would."""

import secrets
from collections.abc import Sequence

import requests

from devtools.stories.telling import Person, Step, StoryFailed, Telling, sent_by_sf


class Buying(Telling):
    """A member buys with beans and WeChat, and gets what was bought."""

    # Signing in

    def member_binds_phone(self) -> str:
        number = f"139{secrets.randbelow(10**8):08d}"
        reply = self.member.call(
            "PUT", "/v1/store/me/phone", {"code": f"phone-{number}:{secrets.token_hex(4)}"}
        )
        return str(reply["phone"])

    # Goods and beans

    def supplier_adds_product(self) -> str:
        code = secrets.token_hex(3)
        name = f"故事良姜礼盒 {code}"
        sku = {"list_price_fen": 6800, "price_fen": 5600}
        skus = [
            {**sku, "code": f"{code}-A", "options": [{"name": "规格", "value": "500g"}]},
            {
                **sku,
                "code": f"{code}-B",
                "options": [{"name": "规格", "value": "1kg"}],
                "price_fen": 6600,
            },
        ]
        body = {"title": name, "category_id": self.open_category(), "skus": skus}
        product = self.sell(self.supplier, body, 5)
        self.known.update(
            product=product["id"], title=name, skus=[s["id"] for s in product["skus"]]
        )
        return name

    def member_finds_product(self) -> str:
        def is_first() -> bool:
            found = self.member.get("/v1/store/products", q=self.known["title"])["items"]
            return bool(found) and found[0]["id"] == self.known["product"]

        self.wait("the search does not find it", is_first)
        detail = self.member.get(f"/v1/store/products/{self.known['product']}")
        return "、".join(f"{sku['code']} 余 {sku['available']}" for sku in detail["skus"])

    def operator_grants_beans(self) -> str:
        self.grant(15_000)
        purse = self.member.get("/v1/store/beans")
        if purse["balance_fen"] != 15_000:
            raise StoryFailed(f"the purse says {purse}")
        return "150 beans arrived"

    # Order paid by beans alone

    def member_orders_with_beans(self) -> str:
        sku = self.known["skus"][0]
        self.member.call("PUT", f"/v1/store/cart/{sku}", {"quantity": 2})
        quote = self.member.post("/v1/store/checkout/quote", {"tender": "beans"}, expect=200)
        body = {"tender": "beans", "quoted_total_fen": quote["total_fen"]}
        key = secrets.token_hex(16)
        order = self.member.call("POST", "/v1/store/orders", body, 201, key)
        again = self.member.call("POST", "/v1/store/orders", body, 201, key)
        if order["state"] != "paid" or again != order:
            raise StoryFailed(f"{order} / {again}")
        self.known["beans_order"] = order["order_id"]
        return f"{order['order_no']} paid at once; asked again with its key, it is the same order"

    # Order paid by beans and WeChat

    def member_orders_mixed(self) -> str:
        lines = [{"sku_id": sku, "quantity": 1} for sku in self.known["skus"]]
        order = self.order(self.member, lines, "mixed")
        if order["state"] != "awaiting_payment" or order["wechat_fen"] < 1:
            raise StoryFailed(str(order))
        self.known["mixed_order"] = order["order_id"]
        return f"{order['beans_fen']} fen by beans, {order['wechat_fen']} fen by WeChat"

    def member_pays(self) -> str:
        order_id = self.known["mixed_order"]
        payment = self.member.post(f"/v1/store/orders/{order_id}/payments", {"trade_type": "JSAPI"})
        if not payment["pay_parameters"]["paySign"]:
            raise StoryFailed(str(payment))
        body = {"out_trade_no": payment["out_trade_no"], "times": 2}
        paid = requests.post(f"{self.mock}/_mock/pay", json=body, timeout=15)
        if not paid.ok or not all("SUCCESS" in answer for answer in paid.json()["answers"]):
            raise StoryFailed(paid.text)
        state = self.member.get(f"/v1/store/orders/{order_id}")["state"]
        if state != "paid":
            raise StoryFailed(f"the order is {state}")
        return "the notice came twice, the order is paid once"

    def member_cancels_another(self) -> str:
        lines = [{"sku_id": self.known["skus"][1], "quantity": 1}]
        order = self.order(self.member, lines, "wechat")
        path = f"/v1/store/orders/{order['order_id']}"
        self.member.post(f"{path}/payments", {"trade_type": "NATIVE"})
        self.member.post(f"{path}/cancel", expect=200)
        return "closed at WeChat, stock given back"

    # Fulfillment

    def worker_splits(self) -> str:
        fulfillment_orders = [
            self.fulfillment_orders_of(self.known[name]) for name in ("beans_order", "mixed_order")
        ]
        self.known["fulfillment_orders"] = [
            fulfillment_order["id"] for found in fulfillment_orders for fulfillment_order in found
        ]
        return f"{len(self.known['fulfillment_orders'])} fulfillment orders"

    def supplier_dispatches(self) -> str:
        first, *others = self.known["fulfillment_orders"]
        path = f"/v1/supplier/fulfillment-orders/{first}"
        line = self.supplier.get(path)["lines"][0]["id"]
        for _ in range(2):
            items = [{"line_id": line, "quantity": 1}]
            body = {**sent_by_sf(), "items": items}
            reply = self.supplier.post(f"{path}/shipments", body)
        for fulfillment_order in others:
            self.supplier.post(
                f"/v1/supplier/fulfillment-orders/{fulfillment_order}/shipments", sent_by_sf()
            )
        return f"{reply['number']} in two parcels, the rest whole"

    def member_confirms(self) -> str:
        for fulfillment_order in self.known["fulfillment_orders"]:
            self.member.post(
                f"/v1/store/fulfillment-orders/{fulfillment_order}/confirm", expect=200
            )
        states = [
            self.member.get(f"/v1/store/orders/{self.known[name]}")["state"]
            for name in ("beans_order", "mixed_order")
        ]
        if states != ["completed", "completed"]:
            raise StoryFailed(str(states))
        return "both orders are completed"

    def member_reads_statement(self) -> str:
        postings = self.member.get("/v1/store/beans/postings")["items"]
        balance = self.member.get("/v1/store/beans")["balance_fen"]
        if sum(each["amount_fen"] for each in postings) != balance:
            raise StoryFailed(f"{postings} do not sum to {balance}")
        return f"{len(postings)} postings sum to the balance of {balance} fen"

    def stranger_sees_nothing(self) -> str:
        stranger = Person(self.base)
        code = f"stranger:{secrets.token_hex(6)}"
        stranger.token = stranger.post("/v1/store/session", {"code": code})["token"]
        stranger.call("GET", f"/v1/store/orders/{self.known['mixed_order']}", expect=404)
        stranger.call("GET", "/v1/ops/suppliers", expect=403)
        return "404 and 403"

    def everybody_signs_out(self) -> None:
        self.member.call("DELETE", "/v1/store/session", expect=204)
        self.member.call("GET", "/v1/store/me", expect=401)

    def steps(self) -> Sequence[Step]:
        """Return what is told, in its order."""
        return [
            ("a member signs in with WeChat", self.member_signs_in),
            ("the member binds a phone", self.member_binds_phone),
            ("the operator signs in and admits a supplier", self.staff_signs_in),
            ("the member adds an address", self.member_adds_address),
            ("the supplier puts a product with two SKUs on sale", self.supplier_adds_product),
            ("the member finds it", self.member_finds_product),
            ("the operator grants beans", self.operator_grants_beans),
            ("the member orders from the cart with beans", self.member_orders_with_beans),
            ("the member orders with beans and WeChat", self.member_orders_mixed),
            ("the member pays the rest", self.member_pays),
            ("the member cancels another order", self.member_cancels_another),
            ("the worker splits what was paid", self.worker_splits),
            ("the supplier dispatches", self.supplier_dispatches),
            ("the member confirms receipt", self.member_confirms),
            ("the member reads its statement", self.member_reads_statement),
            ("a stranger sees nothing of it", self.stranger_sees_nothing),
            ("the member signs out", self.everybody_signs_out),
            ("the audit is clean", self.audit_is_clean),
        ]
