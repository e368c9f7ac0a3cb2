"""`make chaos`: a steady stream of orders while everything is killed, wiped and broken in turn.

Ends with what must be true all the same: every paid order fulfilled exactly once, every voucher
used at most once, no job lost, ledger and audit clean. Prints what happened.
"""

import random
import secrets
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from datetime import time as clock_time
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import click
import psycopg
import requests
from rich.console import Console
from rich.table import Table

from bench.faults import FAULTS, Faults
from bench.service import Service
from catalog.products import rules as product_rules
from catalog.products import service as products
from catalog.stock import service as stock
from catalog.suppliers import service as suppliers
from fulfillment.stores import service as stores
from fulfillment.stores.rules import CLERK, Hours, StoreForm
from mall.access import service as access
from mall.access.rules import PICKUP, STORE
from mall.kernel.ids import new_id
from mall.kernel.uow import unit_of_work
from mall.ledger import wallet
from mall.ledger.rules import Grant
from mall.members import service as members
from mall.members.models import Member
from mall.members.rules import AddressForm
from mall.shell import config
from mall.shell.app import create_app

VAR = Path("var")
MEMBERS, SHIPPED, COLLECTED = 24, 12, 3
PRICE_FEN, STOCK, BEANS_FEN = 1_000, 1_000_000, 500_000_000
FAR = datetime(2090, 1, 1, tzinfo=UTC)
BUYERS, PATIENCE_SECONDS, SETTLE_SECONDS = 3, 90, 90
PAUSE_SECONDS = 0.05
console = Console(width=max(110, Console().width))


@dataclass
class Ground:
    """Who orders what, and who hands it out."""

    tokens: list[str]
    shipped: list[str]
    collected: list[str]
    clerks: list[str]


def plant(environment: dict[str, str]) -> Ground:
    """Make members, products, a store and its clerks in the database of the service."""
    app = create_app(config.load({**environment, "MALL_LOG_LEVEL": "ERROR"}))
    run = secrets.token_hex(4)
    with app.app_context():
        with unit_of_work() as uow:
            supplier_id = suppliers.open_supplier(uow, f"混沌供应商 {run}")
        shipped = [_product(supplier_id, f"{run}-{n}") for n in range(SHIPPED)]
        collected = [
            _product(supplier_id, f"{run}-c{n}", delivery_modes=("store_pickup",))
            for n in range(COLLECTED)
        ]
        clerks = _clerks(supplier_id, run)
        tokens = [_member(f"{run}-{n}") for n in range(MEMBERS)]
        app.extensions["sqlalchemy"].engine.dispose()
        app.extensions["mall_direct"].close()
    return Ground(tokens, shipped, collected, clerks)


def _product(supplier_id: UUID, name: str, **form: Any) -> str:
    with unit_of_work() as uow:
        category_id = products.ensure_category(uow, ["混沌"])
        sku = product_rules.SkuForm(name, (), PRICE_FEN, PRICE_FEN)
        filled = product_rules.ProductForm(f"混沌 {name}", category_id, skus=(sku,), **form)
        _, skus = products.add_prepared(uow, supplier_id, filled, product_rules.PUBLISHED)
        [sku_id] = skus.values()
        stock.first_stock(uow, {sku_id: STOCK}, name)
    return str(sku_id)


def _clerks(supplier_id: UUID, run: str) -> list[str]:
    hours = [Hours(day, clock_time(0), clock_time(23, 59)) for day in range(1, 8)]
    place = ("440802", "混沌路 1 号", 21.27, 110.36, "13800000001")
    with unit_of_work() as uow:
        store = stores.add_store(uow, supplier_id, StoreForm(f"混沌店 {run}", *place, hours))
        tokens = []
        for number in range(2):
            name = f"chaos-{run}-{number}"
            new = access.NewStaff(name, name, secrets.token_hex(8), CLERK, store.id)
            account = access.open_staff_account(uow, new)
            tokens.append(access.issue_token(uow, PICKUP, account).token)
    return tokens


def _member(name: str) -> str:
    member_id = new_id()
    with unit_of_work() as uow:
        uow.session.add(
            Member(
                id=member_id,
                openid=f"chaos-{name}",
                real_name_state="unverified",
                is_active=True,
                created_at=uow.now,
            )
        )
        uow.session.flush()
        form = AddressForm("陈小湛", "13800000001", "440802", "跃进路 1 号", True)
        members.add_address(uow, member_id, form)
        wallet.grant(uow, [Grant(member_id, BEANS_FEN, FAR, "混沌", f"chaos:{name}")])
        return access.issue_token(uow, STORE, member_id).token


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


_UNDONE = "SELECT count(*) FROM outbox_delivery WHERE state = 'pending'"
_PARKED = "SELECT count(*) FROM outbox_delivery WHERE state = 'parked'"
_UNPAID = "SELECT id FROM shop_order WHERE id = ANY(%s) AND state = 'awaiting_payment'"
_MISSING = "SELECT count(*) FROM unnest(%s) AS x(id) WHERE id NOT IN (SELECT id FROM shop_order)"
_LINES = """
    SELECT count(*) FROM order_line l JOIN shop_order o ON o.id = l.order_id
    WHERE o.id = ANY(%s) AND o.state IN ('paid', 'completed') AND 1 <> (
        SELECT count(*) FROM fulfillment_line f WHERE f.order_line_id = l.id)
"""
_PAID = "SELECT count(*) FROM shop_order WHERE id = ANY(%s) AND state IN ('paid', 'completed')"
_UNUSED = """
    SELECT count(*) FROM unnest(%s) AS x(id)
    WHERE id NOT IN (SELECT id FROM pickup_voucher WHERE state = 'redeemed')
"""


@dataclass
class Books:
    """What the database says once everything has settled."""

    url: str

    def count(self, statement: str, ids: list[UUID] | None = None) -> int:
        with psycopg.connect(self.url, autocommit=True, connect_timeout=5) as connection:
            row = connection.execute(statement, None if ids is None else [ids]).fetchone()
        return int(row[0]) if row else 0

    def settle(self, tale: Tale) -> float:
        """Wait until nothing waits any more; return how many seconds it took."""
        began = time.monotonic()
        ids = [UUID(each) for each in tale.orders]
        while time.monotonic() - began < SETTLE_SECONDS:
            try:
                waiting = self.count(_UNDONE)
                with psycopg.connect(self.url, autocommit=True, connect_timeout=5) as connection:
                    unpaid = connection.execute(_UNPAID, [ids]).fetchall()
                if not waiting and not unpaid:
                    break
                # What notices missed, the query finds when it is due; here it is due at once.
                with psycopg.connect(self.url, autocommit=True, connect_timeout=5) as connection:
                    connection.execute("UPDATE payment SET query_at = now() WHERE state = 'open'")
            except psycopg.Error:
                pass
            time.sleep(1)
        return time.monotonic() - began


def probe(tale: Tale, books: Books) -> float:
    """Place an order and return the seconds until it is fulfilled: how long a recovery took."""
    began = time.monotonic()
    order_id = tale.buy(tale.ground.tokens[0], "shipped", random.Random(int(began)))
    if order_id is None:
        return float("inf")
    wanted = "SELECT count(*) FROM fulfillment_order WHERE order_id = ANY(%s)"
    while time.monotonic() - began < PATIENCE_SECONDS:
        try:
            if books.count(wanted, [UUID(order_id)]):
                return time.monotonic() - began
        except psycopg.Error:
            pass
        time.sleep(0.05)
    return float("inf")


def findings(tale: Tale, books: Books, service: Service) -> list[tuple[str, bool, str]]:
    """Return what must be true in the end: what, whether it is, and the figures."""
    ids = [UUID(each) for each in tale.orders]
    twice = [each for each, count in tale.redeemed.items() if count > 1]
    vouchers = [UUID(each) for each in tale.redeemed]
    paid, missing = books.count(_PAID, ids), books.count(_MISSING, ids)
    wrong, unused = books.count(_LINES, ids), books.count(_UNUSED, vouchers)
    undone, parked = books.count(_UNDONE), books.count(_PARKED)
    program = str(Path(sys.executable).with_name("mall"))
    audit = subprocess.run(
        [program, "audit"], cwd=service.folder, capture_output=True, text=True, timeout=300
    )
    last = (audit.stdout.strip().splitlines() or [audit.stderr[-300:]])[-1]
    broken = [line for line in audit.stdout.splitlines() if line.startswith("✗")]
    return [
        ("every order that was answered is there", missing == 0, f"{len(ids)}, {missing} missing"),
        ("every one of them is paid", paid == len(ids), f"{paid} of {len(ids)}"),
        ("every line is fulfilled exactly once", wrong == 0, f"{wrong} lines wrong"),
        ("every voucher is used at most once", not twice, f"{len(vouchers)}, {len(twice)} twice"),
        ("what was handed out is on record", unused == 0, f"{unused} not"),
        ("no job is lost", undone == parked == 0, f"{undone} undone, {parked} parked"),
        ("nothing was refused that should not be", not tale.problems, str(dict(tale.problems))),
        ("ledger and audit are clean", audit.returncode == 0, "; ".join([last, *broken])),
    ]


def longest_gap(tale: Tale, began: float) -> float:
    """Return the longest time in which no order was answered."""
    times = [began, *sorted(tale.answered_at), max([tale.ends_at, *tale.answered_at])]
    return max(b - a for a, b in pairwise(times))


def run(seconds: float, chosen: list[str], folder: Path) -> bool:
    """Do it; return whether everything that must be true is."""
    shutil.rmtree(folder, ignore_errors=True)
    with Service(folder) as service:
        state = service.state()
        environment = state["environment"]
        ground = plant(environment)
        tale = Tale(state["base"], environment["WECHATPAY_API_BASE"], ground, 0)
        books = Books(environment["DATABASE_URL"].replace("postgresql+psycopg", "postgresql"))
        began = time.monotonic()
        tale.ends_at = began + seconds
        threads = [threading.Thread(target=stream, args=(tale, n)) for n in range(BUYERS)]
        for thread in threads:
            thread.start()
        faults = Faults(service, environment)
        happened = _break_things(tale, books, faults, chosen)
        for thread in threads:
            thread.join()
        faults.mend()
        settled = books.settle(tale)
        found = findings(tale, books, service)
    _report(tale, happened, found, {"gap": longest_gap(tale, began), "settled": settled})
    return all(is_so for _, is_so, _ in found)


def _break_things(
    tale: Tale, books: Books, faults: Faults, chosen: list[str]
) -> list[tuple[str, str, float]]:
    happened = []
    spacing = (tale.ends_at - time.monotonic()) / (len(chosen) + 1)
    for number, name in enumerate(chosen, start=1):
        due = tale.ends_at - spacing * (len(chosen) + 1 - number)
        time.sleep(max(0.0, due - time.monotonic()))
        did = faults.do(name)
        took = probe(tale, books)
        console.print(f"  {name}: {did}; an order is fulfilled again after {took:.1f} s")
        happened.append((name, did, took))
    return happened


def _report(
    tale: Tale,
    happened: list[tuple[str, str, float]],
    found: list[tuple[str, bool, str]],
    seconds: dict[str, float],
) -> None:
    figures = Table(title="chaos")
    figures.add_column("figure")
    figures.add_column("value", justify="right")
    kinds = Counter(tale.orders.values())
    rows = {
        "orders": f"{len(tale.orders)} ({', '.join(f'{n} {k}' for k, n in kinds.items())})",
        "vouchers used": str(len(tale.redeemed)),
        "faults": str(len(happened)),
        "recoveries": str(sum(took < PATIENCE_SECONDS for *_, took in happened)),
        "longest recovery": f"{max([took for *_, took in happened], default=0):.1f} s",
        "longest gap between two orders": f"{seconds['gap']:.1f} s",
        "requests sent again": str(tale.retries),
        "requests never answered": str(tale.unanswered),
        "settled after": f"{seconds['settled']:.1f} s",
    }
    for name, value in rows.items():
        figures.add_row(name, value)
    console.print(figures)
    for what, is_so, told in found:
        console.print(f"{'✓' if is_so else '✗'} {what}: {told}")


@click.command()
@click.option("--seconds", default=240, show_default=True, help="How long orders stream in.")
@click.option("--only", default="", help="Names of faults, separated by commas; left out: all.")
def main(seconds: int, only: str) -> None:
    """Break everything in turn under a steady stream of orders, then prove that nothing is lost."""
    chosen = [name for name in only.split(",") if name] or list(FAULTS)
    unknown = sorted(set(chosen) - set(FAULTS))
    if unknown:
        raise click.ClickException(f"unknown: {', '.join(unknown)}; there are {', '.join(FAULTS)}")
    is_well = run(seconds, chosen, (VAR / "chaos").resolve())
    console.print("chaos: nothing lost, nothing twice" if is_well else "chaos: something is wrong")
    sys.exit(0 if is_well else 1)


if __name__ == "__main__":
    main()
