"""Members, suppliers, operators, unions, WeChat, workers and time in any order: the audit is clean."""

import secrets
from datetime import timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from mall.kernel import clock
from tests.support.arrival_rules import ArrivalRules
from tests.support.breaches import GIVING_BREACHES
from tests.support.database import execute_sql, findings_of
from tests.support.giving_rules import GivingRules
from tests.support.people import World, grant_beans, new_member, new_staff
from tests.support.shop import new_sku, new_supplier
from tests.support.soak import examples
from tests.support.wechat import (
    ask_mock,
    breaker_of,
    due_queries_now,
    made_up_notice,
    mock_status,
    notify_mall,
    pay_at_wechat,
)
from tests.support.working import run_outbox, run_sweep

PRICES = (100, 333, 1000)
TENDERS = st.sampled_from(["beans", "wechat", "mixed"])


class Mall(ArrivalRules):
    """Every step goes over HTTP or through a job, as in real life; the clock only moves on."""

    app = mock_base = empty = None
    # Where nobody gives anything, nothing can be wrong with it.
    skipped = frozenset(GIVING_BREACHES)

    members = Bundle("members")
    orders = Bundle("orders")
    payments = Bundle("payments")
    parts = ArrivalRules.parts

    @initialize(target=members)
    def open_shop(self):
        type(self).empty()
        self.world = World(self.app, self.mock_base)
        ask_mock(self.world, "reset")
        breaker_of(self.world).close()
        self.now = clock.now()
        clock.freeze(self.now)
        supplier_ids = [new_supplier(self.world) for _ in range(2)]
        self.suppliers = {
            str(each): new_staff(self.world, "supplier", each) for each in supplier_ids
        }
        self.operator = new_staff(self.world, "operator")
        self.name_return_addresses()
        self.open_stores()
        self.products, self.skus = [], []
        for number, price in enumerate(PRICES):
            # The last one is collected at a counter.
            mode = "store_pickup" if number == 2 else "ship"
            product_id, sku = new_sku(
                self.world, price, 6, supplier_ids[number % 2], delivery_modes=(mode,)
            )
            self.products.append(product_id)
            self.skus.append((sku, price))
        people = new_member(self.world), new_member(self.world)
        self.set_up(people)
        # Months may pass: nobody has to sign in again.
        execute_sql(self.world, "UPDATE access_token SET expires_at = '2099-01-01'")
        return multiple(*people)

    def set_up(self, people):
        """Make what a richer machine needs."""

    def teardown(self):
        clock.freeze(None)

    # Beans

    @rule(
        member=members,
        amount=st.integers(1, 3000),
        days=st.integers(1, 3),
        scope=st.none() | st.sets(st.integers(0, 2), min_size=1),
    )
    def grant(self, member, amount, days, scope):
        products = None if scope is None else [self.products[n] for n in sorted(scope)]
        expires_at = self.now + timedelta(hours=12 * days)
        grant_beans(self.world, member, amount, expires_at, products)

    # Orders

    def _body(self, lines, tender, cap):
        body = {
            "lines": [
                {"sku_id": str(self.skus[n][0]), "quantity": quantity}
                for n, quantity in sorted(lines.items())
            ],
            "tender": tender,
        }
        return body | ({"max_beans_fen": cap} if cap is not None else {})

    @rule(
        target=orders,
        member=members,
        lines=st.dictionaries(st.integers(0, 2), st.integers(1, 4), min_size=1),
        tender=TENDERS,
        cap=st.none() | st.integers(0, 2000),
        times=st.integers(1, 2),
    )
    def quote_and_place(self, member, lines, tender, cap, times):
        body = self._body(lines, tender, cap)
        quoted = member.post("/v1/store/checkout/quote", body)
        if quoted.status_code != 200:
            assert quoted.get_json()["code"] in {"not_enough_beans", "lines_unavailable"}
            return multiple()
        quote, key = quoted.get_json(), secrets.token_hex(8)
        body["quoted_total_fen"] = quote["total_fen"]
        replies = [member.post("/v1/store/orders", body, key) for _ in range(times)]
        assert {reply.status_code for reply in replies} == {201}
        assert len({reply.data for reply in replies}) == 1
        order = replies[0].get_json()
        assert (order["beans_fen"], order["wechat_fen"]) == (
            quote["beans_fen"],
            quote["wechat_fen"],
        )
        assert order["state"] == ("awaiting_payment" if order["wechat_fen"] else "paid")
        return (member, order["order_id"])

    @rule(order=orders)
    def cancel(self, order):
        member, order_id = order
        reply = member.post(f"/v1/store/orders/{order_id}/cancel")
        assert reply.status_code in (200, 409)

    # Money

    @rule(target=payments, order=orders, trade_type=st.sampled_from(["JSAPI", "NATIVE"]))
    def begin_payment(self, order, trade_type):
        member, order_id = order
        path = f"/v1/store/orders/{order_id}/payments"
        reply = member.post(path, {"trade_type": trade_type})
        if reply.status_code != 201:
            assert reply.get_json()["code"] in {"payment_not_needed", "payment_window_closed"}
            return multiple()
        return reply.get_json()

    @rule(payment=payments, times=st.integers(0, 2), closed_too=st.booleans())
    def pay_and_notify(self, payment, times, closed_too):
        """Late where the trade was closed, twice where two notices come, lost where none does."""
        order = {"out_trade_no": payment["out_trade_no"], "force": closed_too, "notify": False}
        if mock_status(self.world, "pay", order) != 200:
            return
        for _ in range(times):
            assert "SUCCESS" in pay_at_wechat(self.world, payment, force=True)

    @rule(
        payment=payments,
        how=st.sampled_from(
            [{"key": "0" * 32}, {"drop_signature": True}, {"total_fee": 1_000_000}]
        ),
    )
    def forge(self, payment, how):
        assert "FAIL" in notify_mall(self.world, made_up_notice(self.world, payment, how))

    @rule()
    def ask_wechat(self):
        due_queries_now(self.world)
        run_sweep(self.world, "query_open_payments")

    @rule()
    def send_money_back(self):
        run_outbox(self.world)
        run_sweep(self.world, "send_due_refunds")

    # Goods

    @rule(target=parts, order=orders)
    def split(self, order):
        member, order_id = order
        run_outbox(self.world)
        found = member.get(f"/v1/store/orders/{order_id}/fulfillment-orders").get_json()["items"]
        return multiple(*((member, part) for part in found))

    @rule(part=parts, whole=st.booleans())
    def dispatch(self, part, whole):
        _, found = part
        supplier = self.suppliers[found["supplier_id"]]
        parcel = {"carrier": "sf", "tracking_no": "SF1234567890123", "is_shared": True}
        if not whole:
            parcel["items"] = [{"line_id": found["lines"][0]["id"], "quantity": 1}]
        path = f"/v1/supplier/fulfillment-orders/{found['id']}/shipments"
        reply = supplier.post(path, parcel)
        if reply.status_code != 201:
            assert reply.get_json()["code"] in {
                "wrong_state",
                "too_many_dispatched",
                "collected_by_voucher",
            }

    @rule(part=consumes(parts))
    def confirm(self, part):
        member, found = part
        reply = member.post(f"/v1/store/fulfillment-orders/{found['id']}/confirm")
        assert reply.status_code in (200, 409)

    @rule(number=st.integers(0, 2), on_hand=st.integers(0, 9))
    def count_stock(self, number, on_hand):
        supplier = list(self.suppliers.values())[number % 2]
        sku, _ = self.skus[number]
        reply = supplier.put(f"/v1/supplier/skus/{sku}/stock", {"on_hand": on_hand})
        assert reply.status_code in (200, 409)

    @rule(number=st.integers(0, 2), on=st.booleans())
    def publish(self, number, on):
        supplier = list(self.suppliers.values())[number % 2]
        verb = "publish" if on else "unpublish"
        reply = supplier.post(f"/v1/supplier/products/{self.products[number]}/{verb}")
        assert reply.status_code == 200

    # Time

    @rule(minutes=st.sampled_from([1, 29, 31, 60 * 13, 60 * 24 * 11]))
    def time_passes(self, minutes):
        self.now += timedelta(minutes=minutes)
        clock.freeze(self.now)

    @rule()
    def time_out(self):
        run_sweep(self.world, "lapse_unpaid_orders")

    @rule()
    def expire(self):
        run_sweep(self.world, "lapse_expired_lots")

    @rule()
    def roll_up(self):
        run_sweep(self.world, "roll_up_accounts")

    @rule()
    def confirm_in_silence(self):
        run_sweep(self.world, "confirm_silent_deliveries")

    @invariant()
    def the_audit_is_clean(self):
        if hasattr(self, "skus"):
            assert findings_of(self.world, self.skipped) == {}


class GivingMall(GivingRules, Mall):
    """The same, and a union that gives."""

    skipped = frozenset()


def play(machine, app, mock_base, emptying, count):
    machine.app, machine.mock_base, machine.empty = app, mock_base, staticmethod(emptying)
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=count,
            stateful_step_count=30,
            print_blob=True,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_no_sequence_of_steps_breaks_an_invariant(app, mock_base, emptying):
    play(Mall, app, mock_base, emptying, examples(80, 14))


def test_no_sequence_of_steps_with_programmes_breaks_an_invariant(app, mock_base, emptying):
    play(GivingMall, app, mock_base, emptying, examples(30, 7))
