"""Members who buy and collect whatever breaks meanwhile, and what they saw."""

import random
import secrets
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import requests

from bench.chaos.ground import PRICE_FEN, Ground

PATIENCE_SECONDS, PAUSE_SECONDS = 90, 0.05


@dataclass
class Tale:
    """What the streams saw; times are of this process's clock."""

    base: str
    mock: str
    ground: Ground
    ends_at: float
    orders: dict[str, str] = field(default_factory=dict)  # order id → how it is paid
    answered_at: list[float] = field(default_factory=list)
    redeemed: Counter[str] = field(default_factory=Counter)
    unanswered: int = 0
    retries: int = 0
    problems: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(
        self, method: str, path: str, token: str, body: Any = None, patience: float = 0
    ) -> requests.Response | None:
        """Send a request, with one key for all its tries, until it is answered; None: never."""
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": secrets.token_hex(16)}
        ends = time.monotonic() + (patience or PATIENCE_SECONDS)
        while time.monotonic() < ends:
            try:
                reply = requests.request(
                    method, self.base + path, json=body, headers=headers, timeout=10
                )
                if reply.status_code < 500 and reply.status_code != 409:
                    return reply
                code = reply.json().get("code", "") if reply.content else ""
                if reply.status_code == 409 and code != "idempotency_in_progress":
                    return reply
            except (requests.RequestException, ValueError):
                pass
            with self.lock:
                self.retries += 1
            time.sleep(0.2)
        with self.lock:
            self.unanswered += 1
        return None

    def note(self, what: str) -> None:
        with self.lock:
            self.problems[what] += 1

    def buy(self, token: str, kind: str, rng: random.Random) -> str | None:
        """Place an order, pay it where it is to be paid, collect it where it is collected."""
        pool = self.ground.collected if kind == "collected" else self.ground.shipped
        skus = rng.sample(pool, 2)
        tender = "wechat" if kind == "wechat" else "beans"
        body = {
            "lines": [{"sku_id": sku, "quantity": 1} for sku in skus],
            "tender": tender,
            "quoted_total_fen": PRICE_FEN * len(skus),
        }
        reply = self.ask("POST", "/v1/store/orders", token, body)
        if reply is None:
            return None
        if reply.status_code != 201:
            self.note(f"order: {reply.status_code} {reply.text[:200]}")
            return None
        order_id = str(reply.json()["order_id"])
        with self.lock:
            self.orders[order_id] = kind
            self.answered_at.append(time.monotonic())
        if kind == "wechat":
            self._pay(token, order_id)
        return order_id

    def _pay(self, token: str, order_id: str) -> None:
        path = f"/v1/store/orders/{order_id}/payments"
        for _ in range(40):
            reply = self.ask("POST", path, token, {"trade_type": "JSAPI"}, patience=30)
            if reply is not None and reply.status_code == 201:
                break
            time.sleep(0.5)
        else:
            self.note("payment: never begun")
            return
        # The payer pays at WeChat; whether the notice arrives is another matter.
        body = {"out_trade_no": reply.json()["out_trade_no"], "wait": False}
        try:
            paid = requests.post(f"{self.mock}/_mock/pay", json=body, timeout=10)
            if not paid.ok:
                self.note(f"mock: {paid.status_code} {paid.text[:100]}")
        except requests.RequestException as error:
            self.note(f"mock: {type(error).__name__}")

    def collect(self, token: str, order_id: str) -> None:
        """Show the vouchers of an order at two counters at once; one of them hands out."""
        found: list[dict[str, Any]] = []
        ends = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < ends and len(found) < 2:
            reply = self.ask("GET", f"/v1/store/orders/{order_id}/vouchers", token)
            found = reply.json()["items"] if reply is not None and reply.ok else []
            time.sleep(0.1)
        for voucher in found:
            threads = [
                threading.Thread(target=self._redeem, args=(clerk, voucher))
                for clerk in self.ground.clerks
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    def _redeem(self, clerk: str, voucher: dict[str, Any]) -> None:
        reply = self.ask("POST", "/v1/pickup/vouchers/redeem", clerk, {"code": voucher["code"]})
        if reply is not None and reply.status_code == 200:
            with self.lock:
                self.redeemed[voucher["id"]] += 1
        elif reply is not None and reply.status_code != 409:
            self.note(f"redeem: {reply.status_code} {reply.text[:200]}")


def stream(tale: Tale, number: int) -> None:
    """Buy and collect until the time is over; the first buyer never waits for a voucher."""
    rng = random.Random(number)
    weights = (6, 2, 2 if number else 0)
    while time.monotonic() < tale.ends_at:
        token = rng.choice(tale.ground.tokens)
        kind = rng.choices(("shipped", "wechat", "collected"), weights)[0]
        order_id = tale.buy(token, kind, rng)
        if order_id is not None and kind == "collected":
            tale.collect(token, order_id)
        time.sleep(PAUSE_SECONDS)
