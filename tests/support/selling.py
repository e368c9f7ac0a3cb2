"""Something sold to a member, and what both sides do about it afterwards."""

from tests.support.database import execute_sql
from tests.support.people import new_member, new_staff, order_body
from tests.support.shop import charge_freight, new_sku, new_store, new_supplier
from tests.support.wechat import pay_at_wechat, refunds_at_wechat
from tests.support.working import run_outbox, run_sweep

PARCEL = {"carrier": "sf", "tracking_no": "SF1234567890123"}
HOME = {"recipient": "售后", "phone": "13800000002", "region_code": "440825", "detail": "2 号仓"}


class Sale:
    """An order of one line, paid by ¥30 of beans and WeChat, and its two sides."""

    def __init__(self, world, quantity=2, price=2500, beans=3000, freight=0, commission=0, **form):
        self.world = world
        self.supplier_id = new_supplier(world)
        execute_sql(
            world,
            "UPDATE supplier SET commission_bps = :bps WHERE id = :id",
            bps=commission,
            id=self.supplier_id,
        )
        self.supplier = new_staff(world, "supplier", self.supplier_id)
        self.supplier.put("/v1/supplier/after-sales/return-address", HOME)
        self.product, self.sku = new_sku(world, price, 10, self.supplier_id, **form)
        if freight:
            charge_freight(world, self.supplier_id, [self.product], freight)
        self.member = new_member(world, beans_fen=beans)
        self.order = self.place(order_body([self.sku], "mixed", None, quantity))

    def place(self, body):
        """Quote, order and pay something; return the order."""
        quote = self.member.post("/v1/store/checkout/quote", body).get_json()
        body = {**body, "quoted_total_fen": quote["total_fen"]}
        order = self.member.post("/v1/store/orders", body).get_json()
        if order["wechat_fen"]:
            path = f"/v1/store/orders/{order['order_id']}/payments"
            assert "SUCCESS" in pay_at_wechat(self.world, self.member.post(path, {}).get_json())
        run_outbox(self.world)
        return order

    @property
    def path(self):
        return f"/v1/store/orders/{self.order['order_id']}"

    def read(self):
        return self.member.get(self.path).get_json()

    def part(self):
        """Return the first part of the order, as its supplier sees it."""
        return self.member.get(f"{self.path}/fulfillment-orders").get_json()["items"][0]

    def dispatch(self, quantity=None, **more):
        part = self.part()
        body = {**PARCEL, **more}
        if quantity is not None:
            body["items"] = [{"line_id": part["lines"][0]["id"], "quantity": quantity}]
        path = f"/v1/supplier/fulfillment-orders/{part['id']}/shipments"
        return self.supplier.post(path, body)

    def deliver(self):
        assert self.dispatch().status_code == 201
        confirm = f"/v1/store/fulfillment-orders/{self.part()['id']}/confirm"
        assert self.member.post(confirm).status_code == 200
        return self

    def ask(self, kind="refund_only", quantity=1, reason="damaged", line=0, **more):
        body = {
            "line_id": self.read()["lines"][line]["id"],
            "kind": kind,
            "quantity": quantity,
            "reason": reason,
            **more,
        }
        return self.member.post(f"{self.path}/after-sales", body)

    def asked(self, *args, **kwargs):
        """Ask and return the case."""
        reply = self.ask(*args, **kwargs)
        assert reply.status_code == 201, reply.get_json()
        return reply.get_json()

    def member_does(self, case, what, body=None):
        return self.member.post(f"/v1/store/after-sales/{case['id']}/{what}", body)

    def supplier_does(self, case, what, body=None):
        return self.supplier.post(f"/v1/supplier/after-sales/{case['id']}/{what}", body or {})

    def operator_decides(self, case, **body):
        operator = new_staff(self.world, "operator")
        body = {"note": "已核实", "is_granted": True, **body}
        return operator.post(f"/v1/ops/after-sales/{case['id']}/arbitrate", body)

    def case(self, case):
        return self.member.get(f"/v1/store/after-sales/{case['id']}").get_json()

    def returned(self, kind="return_and_refund", quantity=1, **more):
        """Bring a case to where the supplier has the goods back."""
        case = self.asked(kind, quantity, **more)
        assert self.supplier_does(case, "approve").status_code == 200
        assert self.member_does(case, "parcel", PARCEL).status_code == 200
        assert self.supplier_does(case, "receive").status_code == 200
        return case

    def beans(self):
        return self.member.get("/v1/store/beans").get_json()["balance_fen"]

    def wechat_back(self):
        """Send what is due and return what WeChat has given back of the order, in fen."""
        run_sweep(self.world, "send_due_refunds")
        return sum(
            each["refund_fen"]
            for each in refunds_at_wechat(self.world)
            if each["state"] == "SUCCESS"
        )


class Counter(Sale):
    """An order of three cakes to collect, the clerk who hands them out, and the codes."""

    def __init__(self, world, quantity=3, **store):
        super().__init__(world, quantity, delivery_modes=("store_pickup",))
        run_outbox(world)
        self.store_id = new_store(world, self.supplier_id, **store)
        self.clerk = self.another_clerk()

    def another_clerk(self, store_id=None, **who):
        return new_staff(self.world, "store_clerk", store_id or self.store_id, **who)

    def choose(self, store_id=None):
        """Choose the first time that a store still has."""
        store_id = store_id or self.store_id
        slots = self.member.get(f"/v1/store/stores/{store_id}/slots").get_json()["items"]
        body = {"choices": [{"store_id": str(store_id), "starts_at": slots[0]["starts_at"]}]}
        return self.member.put(f"{self.path}/pickup", body)

    def vouchers(self):
        return self.member.get(f"{self.path}/vouchers").get_json()["items"]

    def codes(self):
        return [each["code"] for each in self.vouchers() if each["code"]]

    def redeem(self, code, key=None, clerk=None):
        return (clerk or self.clerk).post("/v1/pickup/vouchers/redeem", {"code": code}, key)
