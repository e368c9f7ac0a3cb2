"""People who shop without a pause, and what they met."""

import secrets
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import requests

from devtools.stories.telling import Person, Telling

PRICE = 100


class Shop(Telling):
    """A shop with one product and members who have beans, made over HTTP by its people."""

    def steps(self) -> Any:
        raise NotImplementedError

    def open(self, members: int) -> list[Person]:
        """Open it; return the members."""
        self.staff_signs_in()
        code = secrets.token_hex(4)
        sku = {"code": code, "options": [], "list_price_fen": PRICE, "price_fen": PRICE}
        form = {"title": f"良姜 {code}", "category_id": self.open_category(), "skus": [sku]}
        self.known["sku"] = self.sell(self.supplier, form, 1_000_000)["skus"][0]["id"]
        return [self._member() for _ in range(members)]

    def _member(self) -> Person:
        self.member = Person(self.base)
        self.member_signs_in()
        self.member_adds_address()
        self.grant(500_000)
        return self.member


@dataclass
class Shopping:
    """Members order, look and search, each from a thread of its own, over new connections."""

    base: str
    sku: str
    members: list[Person]
    orders: list[str] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    count: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> "Shopping":
        for member in self.members:
            thread = threading.Thread(target=self._shop, args=(member,), daemon=True)
            thread.start()
            self._threads.append(thread)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def go_on(self, seconds: float) -> None:
        time.sleep(seconds)

    def _shop(self, member: Person) -> None:
        lines = [{"sku_id": self.sku, "quantity": 1}]
        body = {"lines": lines, "tender": "beans", "quoted_total_fen": PRICE}
        turn = 0
        while not self._stop.is_set():
            turn += 1
            placed = self._ask(member, "POST", "/v1/store/orders", body, 201)
            if placed is None:
                continue
            self.orders.append(placed["order_id"])
            self._ask(member, "GET", f"/v1/store/orders/{placed['order_id']}", None, 200)
            self._ask(member, "GET", "/v1/store/products?limit=5", None, 200)
            self._ask(member, "GET", "/v1/store/orders?limit=5", None, 200)
            if turn % 5 == 0:
                # Searches are counted: not oftener than a person searches.
                self._ask(member, "GET", "/v1/store/products?q=良姜&limit=5", None, 200)
                self._pay_by_wechat(member, body)

    def _pay_by_wechat(self, member: Person, body: dict[str, Any]) -> None:
        placed = self._ask(member, "POST", "/v1/store/orders", {**body, "tender": "wechat"}, 201)
        if placed is not None:
            path = f"/v1/store/orders/{placed['order_id']}"
            self._ask(member, "POST", f"{path}/payments", {"trade_type": "NATIVE"}, 201)
            self._ask(member, "POST", f"{path}/cancel", None, 200)

    def _ask(self, member: Person, method: str, path: str, body: Any, wanted: int) -> Any:
        headers = {"Authorization": f"Bearer {member.token}"}
        if method == "POST":
            headers["Idempotency-Key"] = secrets.token_hex(16)
        began = time.monotonic()
        self.count += 1
        what = f"{method} {path.partition('?')[0]}"
        try:
            reply = requests.request(
                method, self.base + path, json=body, headers=headers, timeout=30
            )
        except requests.RequestException as error:
            self.errors[f"{what}: {type(error).__name__}"] += 1
            return None
        finally:
            self.slowest = max(self.slowest, time.monotonic() - began)
        if reply.status_code != wanted:
            self.errors[f"{what}: {reply.status_code} {reply.text[:200]}"] += 1
            return None
        return reply.json()
