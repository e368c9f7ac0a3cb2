"""The short form of `make chaos`: killed, wiped and restarted under a stream of orders."""

import os
import subprocess
import sys

from bench.chaos import faults
from devtools.supervisor import POOLS
from tests.architecture.test_budgets import ROOT
from tests.support.soak import long_or_short

SHORT = ("urgent_worker", "valkey_wiped", "postgres_restarted")

SECONDS = long_or_short("14", "8")


def test_nothing_is_lost_and_nothing_happens_twice(tmp_path):
    """Case 34."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DATABASE_URL", "REDIS_URL", "WECHATPAY_API_BASE")
    }
    done = subprocess.run(
        [sys.executable, "-m", "bench.chaos", "--seconds", SECONDS, "--only", ",".join(SHORT)],
        cwd=tmp_path,
        env={**environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for name in SHORT:
        assert f"{name}: " in done.stdout
    assert "✗" not in done.stdout
    assert "chaos: nothing lost, nothing twice" in done.stdout


def test_every_part_of_the_service_is_broken_by_something():
    broken = " ".join(faults.FAULTS)
    for pool in POOLS:
        assert f"{pool}_worker" in faults.FAULTS
    for part in ("scheduler", "web", "valkey", "postgres", "gateway"):
        assert part in broken
