"""`make run` on one machine: it starts, watches, restarts, and leaves nothing behind."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
import requests

from devtools.supervisor import Stack
from tests.support.processes import DEVTOOLS, FROM_ROOT, MALL, answers, is_alive, wait_until
from tests.support.soak import long_or_short

README = Path(__file__).parents[3] / "README.md"
START_SECONDS = 60
# One that a member tells and one that a union does; all are played at length, and by `make story`.
TOLD = long_or_short(
    ("buying", "catalog", "refund", "court", "customs", "maternity", "cake"),
    ("buying", "maternity"),
)
STORY_STEPS = {
    "catalog": 17,
    "court": 18,
    "customs": 17,
    "maternity": 15,
    "cake": 20,
    "buying": 18,
    "refund": 16,
}


class Run:
    """One `make run` in a folder, and what it has said so far."""

    def __init__(self, folder, **environment):
        self.folder = folder
        self.log = folder / "said.log"
        kept = {
            name: value
            for name, value in os.environ.items()
            if name not in ("DATABASE_URL", "REDIS_URL", "WECHATPAY_API_BASE", "WEIXIN_API_BASE")
        }
        with self.log.open("wb") as stream:
            self.process = subprocess.Popen(
                [*DEVTOOLS, "run"],
                cwd=folder,
                env=kept | environment | FROM_ROOT,
                stdout=stream,
                stderr=stream,
            )

    @property
    def said(self):
        return self.log.read_text(encoding="utf-8")

    @property
    def state(self):
        return json.loads((self.folder / "var" / "run.json").read_text(encoding="utf-8"))

    def wait_for(self, text, seconds=START_SECONDS):
        wait_until(lambda: text in self.said, seconds)

    def family(self):
        found = psutil.Process(self.process.pid).children(recursive=True)
        pid_file = self.folder / "var" / "postgres" / "postmaster.pid"
        if pid_file.exists():
            found.append(psutil.Process(int(pid_file.read_text().split()[0])))
        return found

    def part(self, word):
        """Return the process that the supervisor started itself with this word."""
        parts = psutil.Process(self.process.pid).children()
        return next(each for each in parts if word in each.cmdline())

    def stop(self):
        family = self.family() if self.process.poll() is None else []
        self.process.send_signal(signal.SIGINT)
        self.process.wait(40)
        return family

    def token(self, name):
        return re.search(rf"^  {name} .*\n +(\S+)$", self.said, re.MULTILINE).group(1)


@pytest.fixture
def folder(worker_id):
    """A folder whose path is short enough for a socket, and goes with everything in it."""
    found = Path(os.environ["MALL_TEST_DIRECTORY"]) / f"run-{worker_id}"
    shutil.rmtree(found, ignore_errors=True)
    found.mkdir()
    yield found
    shutil.rmtree(found, ignore_errors=True)


def story(folder, name):
    """Play a story against what runs in a folder; a union's with a part of its people."""
    command = [*DEVTOOLS, "story", name, "--short"]
    given = {**os.environ, **FROM_ROOT}
    return subprocess.run(
        command, cwd=folder, env=given, capture_output=True, text=True, timeout=180
    )


def processes_in(folder):
    """Return the processes that run in a folder, whoever started them."""
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()).is_relative_to(folder):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def get(run, path, name):
    headers = {"Authorization": f"Bearer {run.token(name)}"}
    return requests.get(run.state["base"] + path, headers=headers, timeout=10)


def wait_until_served(run):
    headers = {"Authorization": f"Bearer {run.token('member')}"}
    wait_until(lambda: answers(f"{run.state['base']}/v1/store/beans", headers=headers), 30)


def test_a_run_starts_watches_and_leaves_nothing_behind(folder):
    bystander = subprocess.Popen(["sleep", "600"])
    # The port it would like is taken.
    blocker = socket.socket()
    blocker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    blocker.bind(("127.0.0.1", 0))
    blocker.listen()
    taken = blocker.getsockname()[1]
    run = Run(folder, MALL_PORT=str(taken))
    try:
        run.wait_for("Ctrl-C stops everything")
        base = run.state["base"]
        assert not base.endswith(f":{taken}")
        # Every address, account and curl line it printed works.
        assert requests.get(f"{base}/docs", timeout=10).status_code == 200
        assert get(run, "/v1/ops/suppliers", "operator").status_code == 200
        assert get(run, "/v1/store/beans", "member").json()["balance_fen"] == 100_000
        for line in re.findall(r"^  curl (.+)$", run.said, re.MULTILINE):
            done = subprocess.run(f"curl -sf {line}", shell=True, capture_output=True, timeout=20)
            assert json.loads(done.stdout), line
        block = re.search(r"```sh\n(API=.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
        script = block.group(1).replace(".venv/bin/mall", MALL)
        done = subprocess.run(
            ["sh", "-eu"], input=script, cwd=folder, capture_output=True, text=True, timeout=60
        )
        assert json.loads(done.stdout)["state"] == "paid", done.stderr
        shown = requests.get(f"{base}/v1/store/products?limit=100", timeout=10).json()
        assert len(shown["items"]) == 100

        # Three at a time: they mostly wait for sweeps, and must not disturb each other.
        with ThreadPoolExecutor(3) as pool:
            told = list(pool.map(lambda name: story(folder, name), TOLD))
        for name, done in zip(TOLD, told, strict=True):
            wanted = f"story: {STORY_STEPS[name]} steps, 0 failed"
            assert wanted in done.stdout, (name, done.stdout)

        second = subprocess.run(
            [*DEVTOOLS, "run"],
            cwd=folder,
            env={**os.environ, **FROM_ROOT},
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert second.returncode == 1
        assert "already runs from this folder" in second.stdout

        run.part("payments,fulfillment").kill()
        run.wait_for("! worker-urgent died")
        run.wait_for("✓ worker-urgent runs again", 20)
        run.part("mall.shell.serving.server").kill()
        run.wait_for("! serve died")
        run.wait_for("✓ serve runs again", 20)
        wait_until_served(run)
        postgres = run.family()[-1]
        postgres.send_signal(signal.SIGINT)
        run.wait_for("PostgreSQL died", 20)
        wait_until_served(run)
        spent = get(run, "/v1/store/beans", "member").json()
        assert spent["balance_fen"] < 100_000
        family = run.stop()
        assert run.process.returncode == 0
        assert not any(map(is_alive, family))
        assert [p for p in processes_in(folder) if p.pid != os.getpid()] == []
        assert bystander.poll() is None
        assert not (folder / "var" / "run.json").exists()

        again = Run(folder)
        again.wait_for("Ctrl-C stops everything")
        assert get(again, "/v1/store/beans", "member").json() == spent
        again.stop()
    finally:
        bystander.kill()
        bystander.wait(10)
        blocker.close()
        if run.process.poll() is None:
            run.stop()


def test_given_engines_replace_the_embedded_ones(folder, environment, monkeypatch):
    given = {
        name: environment[name]
        for name in ("DATABASE_URL", "REDIS_URL", "WECHATPAY_API_BASE", "KUAIDI100_KEY")
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    stack = Stack(folder / "var")
    assert stack.lock()
    try:
        stack.start_engines()
        assert stack.parts == []
        assert not (folder / "var" / "postgres").exists()
        assert given.items() <= stack.environment.items()
        # What it starts then works on them.
        assert "newest migration" in stack.run_module("mall.shell.start", "migrate")
    finally:
        stack.stop()
