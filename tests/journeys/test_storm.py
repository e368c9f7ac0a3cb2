"""Payments in a storm: whatever is lost, repeated, reordered, delayed or broken, none is forgotten.

200 in every run of the suite; PAYMENTS=1000 for more.
"""

import os
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import requests

from mall.kernel import clock
from tests.support.database import select_rows
from tests.support.people import new_member, order_body
from tests.support.shop import new_sku, new_supplier
from tests.support.wechat import ask_mock, breaker_of, collect_by
from tests.support.working import run_outbox, run_sweep

PAYMENTS = int(os.environ.get("PAYMENTS", "200"))
THREADS = 4
# How often something goes wrong with a call; a drop costs a second of time-out.
ILL_LUCK = (("system_error", 0.06), ("tamper", 0.04), ("unsigned", 0.02), ("drop", 0.015))
OPERATIONS = ("order", "query", "close", "refund", "refund_query")


class Storm:
    """Orders that are paid, or not, in all the ways that WeChat and its payers know."""

    def __init__(self, world, chance):
        self.world, self.chance = world, chance
        self.lock = threading.Lock()
        supplier_id = new_supplier(world)
        self.skus = [
            new_sku(world, price, PAYMENTS * 3, supplier_id)[1] for price in (100, 999, 2501)
        ]
        self.merchants = world.app.extensions["mall_merchants"]
        self.held = []
        self.counts = dict.fromkeys(("paid", "unpaid", "cancelled", "lost", "late"), 0)

    def count(self, what):
        with self.lock:
            self.counts[what] += 1

    def ill_luck(self):
        """Let a coming call go wrong, now and then."""
        for kind, share in ILL_LUCK:
            if self.chance.random() < share:
                operation = self.chance.choice(OPERATIONS)
                times = self.chance.randint(1, 2) if kind != "drop" else 1
                fault = {"operation": operation, "kind": kind, "times": times}
                ask_mock(self.world, "faults", fault)

    def member(self):
        return new_member(self.world, beans_fen=self.chance.choice([0, 300, 5000]))

    def play(self, number):
        """Place an order and let its payer do something about it."""
        member = self.member()
        sku = self.chance.choice(self.skus)
        body = order_body([sku], "mixed", None, self.chance.randint(1, 3))
        quote = member.post("/v1/store/checkout/quote", body).get_json()
        body["quoted_total_fen"] = quote["total_fen"]
        order = member.post("/v1/store/orders", body).get_json()
        if order["wechat_fen"] == 0:
            return
        self.ill_luck()
        path = f"/v1/store/orders/{order['order_id']}"
        payment = self.begin(member, path)
        if payment is None:
            self.count("lost")
            # The answer was lost; the payment may exist at WeChat all the same.
            payment = next(iter(member.get(f"{path}/payments").get_json()["items"]), None)
        self.ill_luck()
        act = self.chance.choices(
            (
                *(self.pay, self.pay_in_silence, self.pay_and_cancel, self.pay_too_late),
                *(self.pay_and_regret, self.cancel, self.nothing),
            ),
            (40, 15, 10, 10, 10, 5, 10),
        )[0]
        if payment is not None:
            act(member, path, payment)

    def begin(self, member, path):
        kind = self.chance.choice(["JSAPI", "NATIVE"])
        reply = member.post(f"{path}/payments", {"trade_type": kind})
        return reply.get_json() if reply.status_code == 201 else None

    def _paid(self, payment, **how):
        """Let the payer pay; return WeChat's notice, or None where the number is not known."""
        number = payment["out_trade_no"]
        told = requests.post(
            f"{self.world.mock_base}/_mock/notice",
            json={"out_trade_no": number, **how},
            timeout=10,
        )
        return (number, told.json()) if told.ok else None

    def deliver(self, notice):
        """Hand a notice to the merchant whose payment it is, as WeChat would."""
        number, told = notice
        [row] = select_rows(
            self.world, "SELECT merchant FROM payment WHERE out_trade_no = :n", n=number
        )
        where = "pay" if row.merchant == "main" else f"{row.merchant}/pay"
        self.world.app.test_client().post(
            f"/v1/webhooks/wechat/{where}", data=told["body"].encode(), headers=told["headers"]
        )

    def pay(self, member, path, payment):
        """Pay; the notice comes once, more often, later, or out of turn."""
        notice = self._paid(payment)
        if notice is None:
            return
        self.count("paid")
        if self.chance.random() < 0.3:
            with self.lock:
                self.held += [notice] * self.chance.randint(1, 3)
            return
        for _ in range(self.chance.randint(1, 3)):
            self.deliver(notice)

    def pay_in_silence(self, member, path, payment):
        """Pay; the notice is lost for good."""
        if self._paid(payment) is not None:
            self.count("paid")

    def pay_and_cancel(self, member, path, payment):
        """Pay and cancel at the same instant, and hear of it afterwards."""
        with ThreadPoolExecutor(2) as pool:
            paying = pool.submit(self._paid, payment, force=True)
            pool.submit(member.post, f"{path}/cancel").result(30)
            notice = paying.result(30)
        if notice is not None:
            self.count("late")
            with self.lock:
                self.held.append(notice)

    def pay_too_late(self, member, path, payment):
        """Cancel, and pay all the same: the payer's phone had not heard of it."""
        member.post(f"{path}/cancel")
        notice = self._paid(payment, force=True)
        if notice is not None:
            self.count("late")
            self.deliver(notice)

    def pay_and_regret(self, member, path, payment):
        """Pay, and cancel what was paid."""
        notice = self._paid(payment)
        if notice is not None:
            self.count("paid")
            self.deliver(notice)
            member.post(f"{path}/cancel")

    def cancel(self, member, path, payment):
        member.post(f"{path}/cancel")
        self.count("cancelled")

    def nothing(self, member, path, payment):
        self.count("unpaid")

    def sweep(self):
        """Do what the scheduler does, once."""
        for name in ("query_open_payments", "lapse_unpaid_orders", "send_due_refunds"):
            run_sweep(self.world, name)
        run_outbox(self.world)

    def calm_down(self):
        """The storm is over: everything held arrives shuffled, and time does the rest."""
        for name in ("main", "three"):
            collect_by(self.world, name)
            breaker_of(self.world).close()
        requests.post(f"{self.world.mock_base}/_mock/faults/clear", timeout=10)
        self.chance.shuffle(self.held)
        for notice in self.held:
            self.deliver(notice)
        for minutes in (1, 31, 45, 60, 120, 240):
            clock.freeze(clock.now() + timedelta(minutes=minutes))
            for _ in range(1 + PAYMENTS // 50):
                self.sweep()

    def trades(self):
        told = requests.get(f"{self.world.mock_base}/_mock/trades", timeout=30).json()
        return told["trades"], told["refunds"]


@pytest.mark.timeout(600)
def test_no_payment_is_unaccounted_for_whatever_happens_to_it(world, audited):
    clock.freeze(clock.now())
    storm = Storm(world, random.Random(20270105))
    for start in range(0, PAYMENTS, 20):
        # Payments by API v2 and v3, side by side.
        collect_by(world, "main" if start % 40 else "three")
        with ThreadPoolExecutor(THREADS) as pool:
            for done in [pool.submit(storm.play, n) for n in range(start, start + 20)]:
                done.result(120)
        clock.freeze(clock.now() + timedelta(seconds=15))
        # Ten seconds later a breaker lets calls through again; nobody waits for them here.
        breaker_of(world).close()
        storm.sweep()
    storm.calm_down()
    audited()
    trades, refunds = storm.trades()
    paid_there = {each["out_trade_no"]: each for each in trades if each["transaction_id"]}
    ours = {
        row.out_trade_no: row
        for row in select_rows(
            world, "SELECT out_trade_no, state, transaction_id, amount_fen FROM payment"
        )
    }
    print(f"{PAYMENTS} orders: {storm.counts}, {len(paid_there)} paid, {len(refunds)} refunds")
    assert len(refunds) > PAYMENTS // 20
    assert all(storm.counts[each] for each in ("paid", "unpaid", "cancelled", "late"))
    # Every payment that was made is known to us as paid, under the same number, and no other.
    assert {number for number, row in ours.items() if row.state == "paid"} == set(paid_there)
    for number, trade in paid_there.items():
        assert (ours[number].transaction_id, ours[number].amount_fen) == (
            trade["transaction_id"],
            trade["total_fee"],
        )
    assert not [row for row in ours.values() if row.state == "open"]
    # What was paid is for a paid order or went back, to the fen.
    [kept] = select_rows(
        world, "SELECT coalesce(sum(wechat_fen), 0) AS fen FROM shop_order WHERE state = 'paid'"
    )
    went_back = sum(each["refund_fen"] for each in refunds if each["state"] == "SUCCESS")
    assert sum(each["total_fee"] for each in paid_there.values()) == kept.fen + went_back
    [waiting] = select_rows(
        world, "SELECT count(*) AS n FROM shop_order WHERE state = 'awaiting_payment'"
    )
    assert waiting.n == 0
    [open_refunds] = select_rows(
        world, "SELECT count(*) AS n FROM refund WHERE state <> 'succeeded'"
    )
    assert open_refunds.n == 0
