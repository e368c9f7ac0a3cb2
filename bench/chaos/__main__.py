"""`make chaos`: a steady stream of orders while everything is killed, wiped and broken in turn.

Ends with what must be true all the same: every paid order fulfilled exactly once, every voucher
used at most once, no job lost, ledger and audit clean. Prints what happened.
"""

import random
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path
from uuid import UUID

import click
import psycopg
from rich.console import Console
from rich.table import Table

from bench.chaos.books import LINES, MISSING, PAID, PARKED, UNDONE, UNUSED, Books
from bench.chaos.faults import FAULTS, Faults
from bench.chaos.ground import plant
from bench.chaos.streams import PATIENCE_SECONDS, Tale, stream
from bench.service import Service
from mall.kernel.db import driver_url

VAR = Path("var")
BUYERS = 3
console = Console(width=max(110, Console().width))


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
    paid, missing = books.count(PAID, ids), books.count(MISSING, ids)
    wrong, unused = books.count(LINES, ids), books.count(UNUSED, vouchers)
    undone, parked = books.count(UNDONE), books.count(PARKED)
    program = str(Path(sys.executable).with_name("mall"))
    audit = subprocess.run(
        [program, "audit", "--full"],
        cwd=service.folder,
        capture_output=True,
        text=True,
        timeout=300,
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
        books = Books(driver_url(environment["DATABASE_URL"]))
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
