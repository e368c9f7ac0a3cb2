"""Money comes back right: refunded before and after dispatch, returned, exchanged, appealed."""

import secrets
from collections.abc import Sequence
from typing import Any

import requests

from devtools.stories.telling import Step, StoryFailed, Telling, sent_by_sf
from mall.kernel.money import yuan

HOME = {"recipient": "良姜合作社售后", "phone": "13800000002", "region_code": "440825"}


class Refund(Telling):
    """A member buys six of something with beans and WeChat, and gets five of them back."""

    PRICE, BEANS = 3_333, 10_000
    QUANTITY = 6

    def supplier_sells(self) -> str:
        self.supplier.call(
            "PUT", "/v1/supplier/after-sales/return-address", {**HOME, "detail": "龙塘镇 2 号仓"}
        )
        code = secrets.token_hex(3)
        sku = {"code": code, "options": [], "list_price_fen": 4000, "price_fen": self.PRICE}
        form = {"title": f"故事海味 {code}", "category_id": self.open_category(), "skus": [sku]}
        self.known["sku"] = self.sell(self.supplier, form, 50)["skus"][0]["id"]
        return f"¥{yuan(self.PRICE)} each; what comes back goes to 龙塘镇 2 号仓"

    def operator_grants_beans(self) -> str:
        self.grant(self.BEANS)
        return f"{yuan(self.BEANS)} beans"

    def member_buys(self) -> str:
        order = self.buy(self.QUANTITY)
        self.known.update(order=order["order_id"], path=f"/v1/store/orders/{order['order_id']}")
        self.known["paid"] = (order["beans_fen"], order["wechat_fen"])
        return f"{yuan(order['beans_fen'])} beans and ¥{yuan(order['wechat_fen'])} by WeChat"

    def buy(self, quantity: int) -> Any:
        """Order so many and pay what WeChat has to pay."""
        lines = [{"sku_id": self.known["sku"], "quantity": quantity}]
        order = self.order(self.member, lines, "mixed")
        path = f"/v1/store/orders/{order['order_id']}/payments"
        payment = self.member.post(path, {"trade_type": "JSAPI"})
        body = {"out_trade_no": payment["out_trade_no"]}
        paid = requests.post(f"{self.mock}/_mock/pay", json=body, timeout=15)
        if not paid.ok or "SUCCESS" not in paid.json()["answers"][0]:
            raise StoryFailed(paid.text)
        return order

    def ask(self, kind: str, reason: str, quantity: int = 1, **more: Any) -> str:
        """Ask for after-sales of the order's line; return the case."""
        line = self.member.get(self.known["path"])["lines"][0]["id"]
        body = {"line_id": line, "kind": kind, "quantity": quantity, "reason": reason, **more}
        case: str = self.member.post(f"{self.known['path']}/after-sales", body)["id"]
        return case

    def supplier_does(self, case: str, what: str, body: Any = None) -> Any:
        return self.supplier.post(f"/v1/supplier/after-sales/{case}/{what}", body or {}, 200)

    def back(self) -> int:
        """Return what has gone back of the order, in fen."""
        order = self.member.get(self.known["path"])
        return int(order["refunded_beans_fen"] + order["refunded_wechat_fen"])

    def one_is_not_wanted(self) -> str:
        self.fulfillment_orders_of(self.known["order"])
        case = self.ask("refund_only", "no_longer_wanted")
        self.supplier_does(case, "approve")
        self.check_back(self.PRICE)
        return f"¥{yuan(self.back())}, before it left"

    def check_back(self, expected: int) -> None:
        """Raise StoryFailed unless exactly so much has gone back."""
        found = self.back()
        if found != expected:
            raise StoryFailed(f"{found} fen went back, not {expected}")

    def supplier_sends(self) -> str:
        [fulfillment_order] = self.fulfillment_orders_of(self.known["order"])
        path = f"/v1/supplier/fulfillment-orders/{fulfillment_order['id']}/shipments"
        sent = self.supplier.post(path, sent_by_sf())["lines"][0]
        self.member.post(
            f"/v1/store/fulfillment-orders/{fulfillment_order['id']}/confirm", expect=200
        )
        return f"{sent['dispatched_quantity']} of {sent['quantity']}, and they arrive"

    def one_is_damaged(self) -> str:
        case = self.ask("refund_only", "damaged", amount_fen=1_000, description="盒子压坏")
        self.supplier_does(case, "approve")
        self.check_back(self.PRICE + 1_000)
        return "¥10.00 of it; the member keeps it"

    def one_is_returned(self) -> str:
        case = self.ask("return_and_refund", "not_as_described")
        self.supplier_does(case, "approve")
        self.member.post(f"/v1/store/after-sales/{case}/parcel", sent_by_sf(), 200)
        self.supplier_does(case, "receive")
        self.supplier_does(case, "accept-goods", {"restocked": 1})
        self.check_back(2 * self.PRICE + 1_000)
        return "sent back, received, found right, refunded, on the shelf again"

    def one_is_exchanged(self) -> str:
        case = self.ask("exchange", "bad_quality")
        self.supplier_does(case, "approve")
        self.member.post(f"/v1/store/after-sales/{case}/parcel", sent_by_sf(), 200)
        self.supplier_does(case, "receive")
        done = self.supplier_does(case, "accept-goods")
        path = f"/v1/supplier/fulfillment-orders/{done['replacement_id']}"
        self.supplier.post(f"{path}/shipments", sent_by_sf())
        confirm = f"/v1/store/fulfillment-orders/{done['replacement_id']}/confirm"
        self.member.post(confirm, expect=200)
        self.check_back(2 * self.PRICE + 1_000)
        return "another came; no money moved"

    def one_is_argued_about(self) -> str:
        case = self.ask("refund_only", "bad_quality")
        self.supplier_does(case, "reject", {"note": "照片看不出问题"})
        appeal = {"note": "切开后发霉，见照片"}
        self.member.post(f"/v1/store/after-sales/{case}/appeal", appeal, 200)
        waiting = self.operator.all("/v1/ops/after-sales", state="appealed")
        if case not in {each["id"] for each in waiting}:
            raise StoryFailed("the operator does not see it")
        verdict = {"is_granted": True, "note": "支持会员"}
        self.operator.post(f"/v1/ops/after-sales/{case}/arbitrate", verdict, 200)
        self.check_back(3 * self.PRICE + 1_000)
        return "refused, appealed, granted"

    def one_is_thought_better_of(self) -> str:
        case = self.ask("return_and_refund", "no_longer_wanted")
        self.member.post(f"/v1/store/after-sales/{case}/withdraw", expect=200)
        self.check_back(3 * self.PRICE + 1_000)
        return "withdrawn; nothing moved"

    def money_arrives(self) -> str:
        order = self.member.get(self.known["path"])

        def arrived() -> Any:
            items = self.member.get(f"{self.known['path']}/refunds")["items"]
            return items if {each["state"] for each in items} == {"succeeded"} else None

        items = self.wait("WeChat has not paid it all", arrived)
        by_wechat = sum(each["amount_fen"] for each in items)
        beans = self.member.get("/v1/store/beans")["balance_fen"]
        spent = self.known["paid"][0]
        expected = (order["refunded_wechat_fen"], self.BEANS - spent + order["refunded_beans_fen"])
        if (by_wechat, beans) != expected:
            raise StoryFailed(f"{(by_wechat, beans)}, not {expected}")
        return f"¥{yuan(by_wechat)} in {len(items)} refunds, {yuan(beans)} beans in the purse"

    def a_whole_order_is_cancelled(self) -> str:
        before = self.member.get("/v1/store/beans")["balance_fen"]
        order = self.buy(3)
        path = f"/v1/store/orders/{order['order_id']}"
        self.member.post(f"{path}/cancel", expect=200)
        if self.member.get("/v1/store/beans")["balance_fen"] != before:
            raise StoryFailed("the beans are not back")
        self.wait(
            "WeChat has not paid it",
            lambda: self.member.get(f"{path}/refunds")["items"][0]["state"] == "succeeded",
        )
        return "in one call: beans at once, the rest over WeChat"

    def steps(self) -> Sequence[Step]:
        """Return what is told, in its order."""
        return [
            ("a member signs in with WeChat", self.member_signs_in),
            ("the operator signs in and admits a supplier", self.staff_signs_in),
            ("the member adds an address", self.member_adds_address),
            ("the supplier sells, and says where returns go", self.supplier_sells),
            ("the operator grants beans", self.operator_grants_beans),
            ("the member buys six", self.member_buys),
            ("one is not wanted any more", self.one_is_not_wanted),
            ("the supplier sends the others", self.supplier_sends),
            ("one is damaged", self.one_is_damaged),
            ("one is returned", self.one_is_returned),
            ("one is exchanged", self.one_is_exchanged),
            ("one is argued about", self.one_is_argued_about),
            ("one is thought better of", self.one_is_thought_better_of),
            ("the money arrives where it came from", self.money_arrives),
            ("another order is cancelled as a whole", self.a_whole_order_is_cancelled),
            ("the audit is clean", self.audit_is_clean),
        ]
