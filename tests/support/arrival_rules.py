"""How goods arrive and suppliers are paid, in any order: carriers, counters, statements."""

from datetime import timedelta
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import rule

from mall.kernel import clock
from mall.kernel.clock import beijing_day
from tests.support.after_sales_rules import AfterSalesRules
from tests.support.database import execute_sql
from tests.support.people import new_staff
from tests.support.shop import new_store
from tests.support.working import run_sweep

NO_PICKUP = {"wrong_state", "store_day_full", "pickup_too_late_to_change", "slot_too_soon"}
NO_VOUCHER = {
    *("voucher_used", "voucher_revoked", "voucher_expired", "voucher_wrong_store"),
    *("after_sales_pending", "wrong_state"),
}
NO_STATEMENT = {"statement_open", "nothing_to_settle", "wrong_state", "payout_reference_used"}


class ArrivalRules(AfterSalesRules):
    """What is refused is refused for a reason that is named."""

    parts = AfterSalesRules.parts
    handed_out = ""

    def open_stores(self):
        """Let every merchant have two stores of few places, with a manager each."""
        self.counters = {}
        for supplier_id in self.suppliers:
            stores = [new_store(self.world, UUID(supplier_id), daily_capacity=6) for _ in range(2)]
            self.counters[supplier_id] = [
                (each, new_staff(self.world, "store_clerk", each, ["manages"])) for each in stores
            ]

    @rule(
        part=parts,
        state=st.sampled_from(["in_transit", "delivered", "returning"]),
        minutes=st.integers(0, 3),
        number=st.integers(0, 1),
    )
    def carrier_reports(self, part, state, minutes, number):
        member, found = part
        path = f"/v1/store/orders/{found['order_id']}/shipments"
        shipments = member.get(path).get_json()["items"]
        if not shipments:
            return
        shipment = shipments[number % len(shipments)]
        body = {
            "state": state,
            "text": f"{state} {minutes}",
            "happened_at": (clock.now() - timedelta(minutes=minutes)).isoformat(),
        }
        reply = self.operator.post(f"/v1/ops/shipments/{shipment['id']}/events", body)
        assert reply.status_code == 201, reply.get_json()

    # Counters

    @rule(part=parts, number=st.integers(0, 1), slot=st.integers(0, 5))
    def choose_store(self, part, number, slot):
        member, found = part
        if found["delivery_mode"] != "store_pickup":
            return
        store, _ = self.counters[found["supplier_id"]][number]
        slots = member.get(f"/v1/store/stores/{store}/slots?days=2").get_json()["items"]
        wish = {"store_id": str(store), "starts_at": slots[slot]["starts_at"]}
        path = f"/v1/store/orders/{found['order_id']}/pickup"
        reply = member.put(path, {"choices": [wish]})
        assert reply.status_code == 200 or reply.get_json()["code"] in NO_PICKUP, reply.get_json()

    @rule(part=parts, number=st.integers(0, 1), times=st.integers(1, 2), is_short=st.booleans())
    def redeem(self, part, number, times, is_short):
        member, found = part
        path = f"/v1/store/orders/{found['order_id']}/vouchers"
        name = "short_code" if is_short else "code"
        codes = [each[name] for each in member.get(path).get_json()["items"] if each[name]]
        if not codes:
            return
        _, clerk = self.counters[found["supplier_id"]][number]
        for _ in range(times):
            reply = clerk.post("/v1/pickup/vouchers/redeem", {"code": codes[0]})
            if reply.status_code == 200:
                self.handed_out = reply.get_json()["id"]
            else:
                assert reply.get_json()["code"] in NO_VOUCHER, reply.get_json()

    @rule(number=st.integers(0, 1))
    def take_back(self, number):
        if not self.handed_out:
            return
        for counters in self.counters.values():
            path = f"/v1/pickup/vouchers/{self.handed_out}/undo"
            reply = counters[number][1].post(path, {"reason": "扫错"})
            assert reply.status_code in (200, 404, 409), reply.get_json()

    @rule(share=st.integers(1, 3))
    def vouchers_end(self, share):
        execute_sql(
            self.world,
            "UPDATE pickup_voucher SET expires_at = :now WHERE state = 'valid'"
            " AND position % :share = 0",
            now=clock.now(),
            share=share,
        )
        run_sweep(self.world, "lapse_vouchers")

    # Suppliers are paid

    @rule(number=st.integers(0, 1), amount=st.integers(-500, 500).filter(bool))
    def adjust(self, number, amount):
        body = {"supplier_id": list(self.suppliers)[number], "amount_fen": amount, "note": "调整"}
        assert self.operator.post("/v1/ops/settlement/adjustments", body).status_code in (201, 202)

    @rule(number=st.integers(0, 1))
    def draft(self, number):
        ends_on = str(beijing_day(clock.now()) - timedelta(days=1))
        body = {"supplier_id": list(self.suppliers)[number], "ends_on": ends_on}
        self._stated(self.operator.post("/v1/ops/settlement/statements", body))

    @rule(what=st.sampled_from(["confirm", "dispute", "withdraw", "pay"]))
    def statement_goes_on(self, what):
        found = self.operator.get("/v1/ops/settlement/statements").get_json()["items"]
        for each in found[:2]:
            supplier = self.suppliers[each["supplier_id"]]
            own = f"/v1/supplier/settlement/statements/{each['id']}/{what}"
            ops = f"/v1/ops/settlement/statements/{each['id']}/{what}"
            if what in ("confirm", "dispute") and each["state"] != "withdrawn":
                self._stated(supplier.post(own, {"note": "有误"} if what == "dispute" else None))
            elif what == "withdraw":
                self._stated(self.operator.post(ops, {"note": "重出"}))
            elif what == "pay":
                self._stated(self.operator.post(ops, {"bank_reference": each["number"]}))

    def _stated(self, reply):
        assert reply.status_code < 300 or reply.get_json()["code"] in NO_STATEMENT, reply.get_json()
