"""The figures: what is measured, how, and what it should reach."""

import itertools
import json
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

import psutil
from apiflask import APIFlask
from sqlalchemy import text

from bench import load, yardstick
from bench.seed import PRICE_FEN, Ground
from bench.service import Service, memory_mb
from bench.yardstick import Yardstick
from mall.kernel.uow import reading

CLIENTS = (8, 32)
WARM_SECONDS = 2
# A run is cut into so many turns, each beside one of the yardstick.
TURNS = 4
SETTLE_SECONDS = 120


@dataclass
class Figure:
    """One line of the table; rates are per second, ratios are to the yardstick of the same run."""

    name: str
    value: float
    unit: str
    clients: int | None = None
    yardstick: float | None = None
    ratio: float | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    goal: str = ""
    met: bool = True


@dataclass
class Bench:
    """The running service, what was planted in it, and how long each run takes."""

    service: Service
    base: str
    ground: Ground
    limit: Yardstick
    seconds: int
    random: random.Random
    analyze: Callable[[], None]  # what autovacuum does within a minute of a rush
    app: APIFlask  # an application of this process on the service's database


def _headers(bench: Bench, token: str | None = None, **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token or bench.random.choice(bench.ground.tokens)}", **more}


_keys = itertools.count(1)


def _order(bench: Bench, sku_ids: list[str], token: str | None = None) -> bytes:
    body = {
        "lines": [{"sku_id": sku_id, "quantity": 1} for sku_id in sku_ids],
        "tender": "beans",
        "quoted_total_fen": PRICE_FEN * len(sku_ids),
    }
    key = f"bench-{bench.random.getrandbits(64):x}-{next(_keys)}"
    headers = _headers(bench, token, **{"Idempotency-Key": key})
    return load.request_bytes(
        "POST", bench.base, "/v1/store/orders", headers, json.dumps(body).encode()
    )


def order_two_lines(bench: Bench) -> bytes:
    """Two different SKUs of a thousand, paid by beans."""
    return _order(bench, bench.random.sample(bench.ground.sku_ids, 2))


def order_hot_sku(bench: Bench) -> bytes:
    """Everybody orders the same SKU."""
    return _order(bench, bench.ground.sku_ids[:1])


def list_products(bench: Bench) -> bytes:
    """The first page of twenty, of one of the eight sorts and filters that members use most."""
    query = bench.random.choice(
        [
            "",
            "&sort=price_asc",
            "&sort=price_desc",
            "&delivery_mode=ship",
            "&min_price_fen=1000",
            "&max_price_fen=9900",
            "&q=%E5%8E%8B%E6%B5%8B",
            "&sort=newest",
        ]
    )
    return load.request_bytes(
        "GET", bench.base, f"/v1/store/products?limit=20{query}", _headers(bench)
    )


def product_detail(bench: Bench) -> bytes:
    """Any of a thousand products."""
    chosen = bench.random.choice(bench.ground.product_ids)
    return load.request_bytes("GET", bench.base, f"/v1/store/products/{chosen}", _headers(bench))


@dataclass
class Compared:
    """What turns of the service and of the yardstick, one after the other, have measured."""

    outcome: load.Outcome
    limit: float
    ratio: float

    def figure(self, name: str, unit: str, clients: int, goal: float) -> Figure:
        """Return the line of the table."""
        return Figure(
            name=name,
            value=round(self.outcome.per_second, 1),
            unit=unit,
            clients=clients,
            yardstick=round(self.limit, 1),
            ratio=round(self.ratio, 3),
            p50_ms=round(self.outcome.percentile_ms(0.50), 2),
            p95_ms=round(self.outcome.percentile_ms(0.95), 2),
            p99_ms=round(self.outcome.percentile_ms(0.99), 2),
            goal=f"ratio ≥ {goal}",
            met=self.ratio >= goal,
        )


def compared(
    bench: Bench, script: str, clients: int, turns: Sequence[Callable[[], load.Outcome]]
) -> Compared:
    """Take turns with the yardstick; the ratio is the median of the turns' ratios.

    Each turn of the yardstick waits until the workers have done what the turn before has left them:
    what they do is part of the service's work, not of the limit.
    """
    bench.limit.prepare(script, clients)
    seconds = max(1, round(bench.seconds / TURNS))
    outcomes, limits = [], []
    for turn in turns:
        settle(bench)
        limits.append(bench.limit.run(script, clients, seconds))
        outcomes.append(turn())
    whole = load.together(outcomes)
    refused = {status: n for status, n in whole.statuses.items() if status >= 300}
    if refused:
        raise RuntimeError(f"answers {refused}, first {whole.first_refusal!r}")
    pairs = zip(outcomes, limits, strict=True)
    ratio = statistics.median(each.per_second / limit for each, limit in pairs)
    return Compared(whole, statistics.mean(limits), ratio)


def settle(bench: Bench) -> None:
    """Wait until no delivery is due; raise TimeoutError after two minutes."""
    waiting = text("SELECT count(*) FROM outbox_delivery WHERE state = 'pending'")
    ends = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < ends:
        with bench.app.app_context(), reading() as session:
            if not session.scalar(waiting):
                return
        time.sleep(0.1)
    raise TimeoutError("the workers do not come to an end")


def _rate(
    bench: Bench, name: str, make: Callable[[Bench], bytes], script: str, goal: float
) -> Iterator[Figure]:
    for clients in CLIENTS:
        seconds = bench.seconds / TURNS

        def turn(clients: int = clients, seconds: float = seconds) -> load.Outcome:
            return load.run(bench.base, clients, seconds, lambda: make(bench))

        load.run(bench.base, clients, WARM_SECONDS, lambda: make(bench))
        bench.analyze()
        found = compared(bench, script, clients, [turn] * TURNS)
        shown = name if clients == CLIENTS[0] else f"{name}_{clients}_clients"
        yield found.figure(shown, "1/s", clients, goal)


READERS, ORDERS_EACH = 50, 20


def own_orders(bench: Bench) -> Iterator[Figure]:
    """A member's page of twenty orders of two lines, and a purse."""
    tokens = bench.ground.tokens[:READERS]
    orders = [
        _order(bench, bench.random.sample(bench.ground.sku_ids, 2), token)
        for token in tokens
        for _ in range(ORDERS_EACH)
    ]
    load.run_all(bench.base, CLIENTS[0], orders)
    settle(bench)
    bench.analyze()
    for name, path in (
        ("orders_page", f"/v1/store/orders?limit={ORDERS_EACH}"),
        ("beans", "/v1/store/beans"),
    ):
        requests = [
            load.request_bytes("GET", bench.base, path, {"Authorization": f"Bearer {token}"})
            for token in tokens
        ]

        def make(requests: list[bytes] = requests) -> bytes:
            return bench.random.choice(requests)

        load.run(bench.base, CLIENTS[0], WARM_SECONDS, make)
        found = load.run(bench.base, CLIENTS[0], bench.seconds, make)
        if set(found.statuses) != {200}:
            raise RuntimeError(f"{name}: answers {found.statuses}")
        yield Figure(
            name=name,
            value=round(found.per_second, 1),
            unit="1/s",
            clients=CLIENTS[0],
            p50_ms=round(found.percentile_ms(0.50), 2),
            p95_ms=round(found.percentile_ms(0.95), 2),
            p99_ms=round(found.percentile_ms(0.99), 2),
            goal="≥ 1500",
            met=found.per_second >= 1500,
        )


def memory_web(bench: Bench) -> Iterator[Figure]:
    """The largest web process, resident; after the load of the figures before it."""
    webs = [
        each for each in bench.service.processes() if "mall.shell.serving.server" in each.cmdline()
    ]
    root = min(webs, key=lambda each: each.create_time())
    sizes = [memory_mb(each)[1] for each in webs if each.pid != root.pid]
    yield Figure(
        "memory_web", round(max(sizes), 1), "MB resident", goal="< 260", met=max(sizes) < 260
    )


def memory_all(bench: Bench) -> Iterator[Figure]:
    """All processes of `make run`, the database included; shared pages counted once (PSS)."""
    sizes: dict[str, list[float]] = {}
    for process in bench.service.processes():
        with suppress(psutil.NoSuchProcess):
            sizes.setdefault(_part(process), []).append(memory_mb(process)[0])
    total = sum(map(sum, sizes.values()))
    # Two web processes of at most 260, two workers and a scheduler of the same code, the database.
    yield Figure("memory_all", round(total, 1), "MB proportional", goal="< 1300", met=total < 1300)
    for name, parts in sorted(sizes.items()):
        yield Figure(f"memory of {name}", round(max(parts), 1), f"MB, largest of {len(parts)}")


def _part(process: psutil.Process) -> str:
    words = " ".join(process.cmdline())
    for part in (
        "postgres",
        "valkey",
        "wechatpay-mock",
        "kuaidi100-mock",
        "granian",
        "mall worker",
        "mall scheduler",
    ):
        if part in words:
            return part
    return "supervisor"


def start_seconds(bench: Bench) -> Iterator[Figure]:
    """From starting `make run`'s program, installed but never run, to the first answered request."""
    took = bench.service.start_seconds
    yield Figure("start_seconds", round(took, 1), "s", goal="< 15", met=took < 15)


FIGURES: dict[str, Callable[[Bench], Iterator[Figure]]] = {
    "start_seconds": start_seconds,
    "product_list_20": lambda b: _rate(b, "product_list_20", list_products, yardstick.SPREAD, 0.5),
    "product_detail": lambda b: _rate(b, "product_detail", product_detail, yardstick.SPREAD, 0.6),
    "order_beans_2_lines": lambda b: _rate(
        b, "order_beans_2_lines", order_two_lines, yardstick.SPREAD, 0.4
    ),
    "order_hot_sku": lambda b: _rate(b, "order_hot_sku", order_hot_sku, yardstick.HOT, 0.5),
    "own_orders": own_orders,
    "memory_web": memory_web,
    "memory_all": memory_all,
}


def as_rows(figures: list[Figure]) -> list[dict[str, Any]]:
    """Return figures as `var/bench.json` keeps them."""
    return [asdict(figure) for figure in figures]


def milliseconds(times: Sequence[float]) -> dict[str, float]:
    """Return the median and the slow ends of times in seconds, in milliseconds."""
    ordered = sorted(times)
    return {
        f"p{share}_ms": round(1000 * ordered[min(len(ordered) - 1, len(ordered) * share // 100)], 2)
        for share in (50, 95, 99)
    }
