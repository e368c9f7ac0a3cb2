"""What members, suppliers, operators and silence do about goods, in any order."""

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, multiple, rule

from tests.support.selling import HOME, PARCEL
from tests.support.working import run_sweep

KINDS = st.sampled_from(["refund_only", "return_and_refund", "exchange"])
REASONS = st.sampled_from(["no_longer_wanted", "damaged"])
REFUSALS = {"nothing_to_ask", "not_sent_yet", "after_sales_over", "wrong_state", "amount_too_high"}
TOO_SOON_OR_LATE = {"wrong_state", "exchange_sold_out"}


class AfterSalesRules(RuleBasedStateMachine):
    """Cases about whatever was bought; what is refused is refused for a reason that is named."""

    parts = Bundle("parts")
    cases = Bundle("cases")

    def name_return_addresses(self):
        for supplier in self.suppliers.values():
            supplier.put("/v1/supplier/after-sales/return-address", HOME)

    @rule(
        target=cases,
        part=parts,
        kind=KINDS,
        reason=REASONS,
        quantity=st.integers(1, 3),
        amount=st.none() | st.integers(1, 1000),
    )
    def ask(self, part, kind, reason, quantity, amount):
        member, found = part
        path = f"/v1/store/orders/{found['order_id']}"
        line = member.get(path).get_json()["lines"][0]
        body = {"line_id": line["id"], "kind": kind, "reason": reason, "quantity": quantity}
        reply = member.post(f"{path}/after-sales", {**body, "amount_fen": amount})
        if reply.status_code != 201:
            assert reply.get_json()["code"] in REFUSALS, reply.get_json()
            return multiple()
        return (member, reply.get_json())

    def _try(self, reply):
        assert reply.status_code == 200 or reply.get_json()["code"] in TOO_SOON_OR_LATE, (
            reply.get_json()
        )

    @rule(case=cases, what=st.sampled_from(["approve", "reject", "receive", "accept-goods"]))
    def supplier_answers(self, case, what):
        _, found = case
        supplier = self.suppliers[found["supplier_id"]]
        body = {"note": "见照片"} if what == "reject" else {}
        self._try(supplier.post(f"/v1/supplier/after-sales/{found['id']}/{what}", body))

    @rule(case=cases, what=st.sampled_from(["withdraw", "parcel", "appeal"]))
    def member_goes_on(self, case, what):
        member, found = case
        body = {"parcel": PARCEL, "appeal": {"note": "属实"}}.get(what)
        self._try(member.post(f"/v1/store/after-sales/{found['id']}/{what}", body))

    @rule(case=cases, is_granted=st.booleans(), amount=st.none() | st.integers(1, 50))
    def operator_decides(self, case, is_granted, amount):
        _, found = case
        body = {"is_granted": is_granted, "note": "已核实"}
        if amount is not None and amount <= found["amount_fen"]:
            body["amount_fen"] = amount
        self._try(self.operator.post(f"/v1/ops/after-sales/{found['id']}/arbitrate", body))

    @rule()
    def silence_decides(self):
        run_sweep(self.world, "decide_by_silence")
