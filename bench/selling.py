"""Figures of what suppliers send in, and how soon it is found."""

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import requests

from bench import catalog
from bench.bombs import BOMBS
from bench.figures import Bench, Figure, milliseconds
from bench.service import memory_mb

ROWS = 10_000
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_READ = """
import re, sys, time
from mall.kernel.sheets import cells, reading
content = sys.stdin.buffer.read()
began = time.perf_counter()
try:
    sum(1 for _ in reading.read_rows(content, cells.Limits()))
except cells.SheetRefused:
    pass
# Not what getrusage says: that of the process which forked this one counts, too.
most = re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read()).group(1)
print(time.perf_counter() - began, int(most) / 1000)
"""


# Sheets


def sheet(bench: Bench) -> Iterator[Figure]:
    """Ten thousand new products over HTTP: sent, checked, applied, by the service's own workers."""
    base = bench.base
    body = {"username": "supplier", "password": "demo-supplier-2026"}
    token = requests.post(f"{base}/v1/supplier/session", json=body, timeout=10).json()["token"]
    headers = {"Authorization": f"Bearer {token}"}
    content = catalog.sheet(ROWS, "乡村振兴/香料药材")
    peak = _Peak(bench)
    began = time.monotonic()
    reply = requests.post(
        f"{base}/v1/supplier/uploads",
        data=content,
        headers={**headers, "Content-Type": XLSX},
        timeout=60,
    )
    path = f"{base}/v1/supplier/uploads/{reply.json()['id']}"
    checked = _wait(path, headers, "checked", peak)
    if checked["counts"]["create"] != ROWS:
        raise RuntimeError(str(checked))
    between = time.monotonic()
    requests.post(f"{path}/apply", json={}, headers=headers, timeout=10).raise_for_status()
    _wait(path, headers, "applied", peak)
    ended = time.monotonic()
    yield Figure("sheet_10000_check", round(between - began, 1), "s")
    yield Figure("sheet_10000_apply", round(ended - between, 1), "s")
    took = ended - began
    yield Figure("sheet_10000", round(took, 1), "s", goal="< 60", met=took < 60)
    yield Figure(
        "sheet_10000_memory",
        round(peak.most, 1),
        "MB resident, largest worker",
        goal="< 400",
        met=peak.most < 400,
    )


class _Peak:
    """The most memory that a worker was seen with."""

    def __init__(self, bench: Bench) -> None:
        self._workers = bench.service.workers()
        self.most = 0.0

    def look(self) -> None:
        self.most = max([self.most, *(memory_mb(each)[1] for each in self._workers)])


def _wait(path: str, headers: dict[str, str], state: str, peak: _Peak) -> dict[str, Any]:
    ends = time.monotonic() + 240
    while time.monotonic() < ends:
        found: dict[str, Any] = requests.get(path, headers=headers, timeout=10).json()
        if found["state"] in (state, "failed"):
            return found
        peak.look()
        time.sleep(0.2)
    raise TimeoutError(f"the upload is not {state}")


def bombs(_: Bench) -> Iterator[Figure]:
    """How long and how much memory the worst of the harmful files takes to be refused."""
    slowest, largest = ("", 0.0), ("", 0.0)
    for name, make in BOMBS.items():
        done = subprocess.run([sys.executable, "-c", _READ], input=make(), capture_output=True)
        seconds, memory = map(float, done.stdout.split())
        slowest = max(slowest, (name, seconds), key=lambda each: each[1])
        largest = max(largest, (name, memory), key=lambda each: each[1])
    yield Figure(
        "sheet_bombs_seconds",
        round(slowest[1], 2),
        f"s, {slowest[0]}",
        goal="< 10",
        met=slowest[1] < 10,
    )
    yield Figure(
        "sheet_bombs_memory",
        round(largest[1], 1),
        f"MB, {largest[0]}",
        goal="< 400",
        met=largest[1] < 400,
    )


def freshness(bench: Bench) -> Iterator[Figure]:
    """From publishing a product over HTTP to finding it over HTTP."""
    base, times = bench.base, []
    tokens = {}
    for name, audience in (("supplier", "supplier"), ("operator", "ops")):
        body = {"username": name, "password": f"demo-{name}-2026"}
        reply = requests.post(f"{base}/v1/{audience}/session", json=body, timeout=10).json()
        tokens[name] = {"Authorization": f"Bearer {reply['token']}"}
    tree = requests.get(f"{base}/v1/store/categories", timeout=10).json()["items"]
    for number in range(10):
        mark = f"zx{random.Random(number + time.time()).getrandbits(40):x}"
        sku = {"code": mark, "list_price_fen": 100, "price_fen": 100}
        new: dict[str, Any] = {"title": f"新品 {mark}", "category_id": tree[0]["id"], "skus": [sku]}
        path = f"{base}/v1/supplier/products"
        made = requests.post(path, json=new, headers=tokens["supplier"], timeout=10).json()
        path = f"{path}/{made['id']}"
        sent = requests.post(f"{path}/submit", headers=tokens["supplier"], timeout=10).json()
        review = f"{base}/v1/ops/product-reviews/{sent['last_review']['id']}/decision"
        decision = {"decision": "approve"}
        requests.post(review, json=decision, headers=tokens["operator"], timeout=10)
        requests.post(f"{path}/publish", headers=tokens["supplier"], timeout=10).raise_for_status()
        began = time.monotonic()
        # Another question each time: what was answered a second ago is no proof.
        while time.monotonic() - began < 30:
            query = {"q": mark, "limit": str(random.randint(1, 100))}
            found = requests.get(f"{base}/v1/store/products", params=query, timeout=10).json()
            if any(item["id"] == made["id"] for item in found["items"]):
                break
            time.sleep(0.05)
        times.append(time.monotonic() - began)
    found = milliseconds(times)
    yield Figure(
        "published_to_found",
        round(max(times), 2),
        f"s, slowest of {len(times)}",
        goal="≤ 2",
        met=max(times) <= 2,
        **found,  # type: ignore[arg-type]
    )


FIGURES = {
    "sheet": sheet,
    "sheet_bombs": bombs,
    "published_to_found": freshness,
}
