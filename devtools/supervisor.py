"""Everything on one machine: starts, watches, restarts and stops the parts of `make run`."""

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil
import requests

from devtools import engines
from devtools.parts import Part
from mall.shell.merchants import DEMO_MCH_ID
from mall.shell.running import RUN_FILE, VAR, base_of_running, environment_of_running
from mall.shell.serving.ports import PortTaken, free_port, hold_from

ROOT = Path(__file__).parent.parent
LOCK_FILE = "run.lock"
WEB_PORT, MOCK_PORT, TRACKING_PORT, VALKEY_PORT = 8000, 12111, 12113, 16379
# The first of the ports where parts say how they are.
INTERNAL_PORT = 9111
_FIXTURES = ROOT / "mocks" / "wechatpay" / "fixtures"
# The files of the merchant that the mock of WeChat Pay knows.
MOCK_MERCHANT = {
    "WECHATPAY_CERT_FILE": str(_FIXTURES / f"merchant_{DEMO_MCH_ID}_cert.pem"),
    "WECHATPAY_KEY_FILE": str(_FIXTURES / f"merchant_{DEMO_MCH_ID}_key.pem"),
    "WECHATPAY_PUBLIC_KEYS_DIR": str(_FIXTURES / "public_keys"),
}
# What the stand-in of kuaidi100 takes.
TRACKING_KEY, TRACKING_CUSTOMER = "demo-kuaidi100-key", "demo-kuaidi100-customer"
READY_SECONDS = 60
# What is urgent never waits for what is large, nor does anybody's sheet for a stranger's.
POOLS = {
    "urgent": "payments,fulfillment",
    "steady": "index,notify",
    "sheets": "sheets",
    "bulk": "bulk",
}
LOOK_AROUND_TICKS = 6
# What is not installed with the mall is found by its folder.
_FROM_ROOT = {"PYTHONPATH": str(ROOT)}
# What the others use; it goes last.
ENGINES = ("valkey", "wechatpay-mock", "kuaidi100-mock")


def say(text: str) -> None:
    """Tell the person at the terminal."""
    print(text, flush=True)


@dataclass
class Stack:
    """The whole service under one roof."""

    var: Path
    environment: dict[str, str] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)
    base: str = ""
    # Where each part says how it is.
    internal: dict[str, str] = field(default_factory=dict)
    _lock: IO[str] | None = None
    _postgres: engines.PostgresServer | None = None
    _is_stopping: bool = False
    # Why the port is not the one it would be, for the banner.
    port_note: str = ""
    # Holds the port of the web server until the end.
    _held: socket.socket | None = None

    def lock(self) -> bool:
        """Take the folder for this run; False if another run has it."""
        self.var.mkdir(exist_ok=True)
        self._lock = (self.var / LOCK_FILE).open("a+", encoding="utf-8")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        self._end_leftovers()
        return True

    def _end_leftovers(self) -> None:
        """End what a killed supervisor left behind: same id and same start time, so ours."""
        try:
            state = json.loads((self.var / RUN_FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return
        for pid, created in state.get("processes", []):
            try:
                process = psutil.Process(pid)
                if abs(process.create_time() - created) < 1:
                    say(f"ending {process.name()} ({pid}), left behind by an earlier run")
                    process.kill()
            except psutil.Error:
                continue
        (self.var / RUN_FILE).unlink(missing_ok=True)

    def start_engines(self) -> None:
        """Start the embedded database, Valkey and mock unless the environment names others."""
        given = os.environ
        metrics = (self.var / "metrics").resolve()
        shutil.rmtree(metrics, ignore_errors=True)
        metrics.mkdir()
        env = {
            "MALL_MEDIA_DIR": str((self.var / "media").resolve()),
            **given,
            "PYTHONUNBUFFERED": "1",
            "PROMETHEUS_MULTIPROC_DIR": str(metrics),
        }
        if not given.get("DATABASE_URL"):
            self._postgres = engines.start_postgres((self.var / "postgres").resolve())
            env["DATABASE_URL"] = engines.ensure_database(self._postgres, "mall")
        if not given.get("REDIS_URL"):
            port = free_port(VALKEY_PORT)
            env["REDIS_URL"] = f"redis://127.0.0.1:{port}/0"
            command = engines.valkey_command((self.var / "valkey").resolve(), port)
            self._start_part("valkey", command, dict(given))
        wanted = int(given.get("MALL_PORT", WEB_PORT))
        web_port, self._held = hold_from(wanted)
        if web_port != wanted:
            self.port_note = f"   (port {wanted} is taken; MALL_PORT chooses another)"
        self.base = f"http://127.0.0.1:{web_port}"
        env.setdefault("WECHATPAY_NOTIFY_URL", f"{self.base}/v1/webhooks/wechat/pay")
        env.setdefault("WECHATPAY_REFUND_NOTIFY_URL", f"{self.base}/v1/webhooks/wechat/refund")
        self.environment = env
        if not given.get("WECHATPAY_API_BASE"):
            port = free_port(MOCK_PORT)
            env["WECHATPAY_API_BASE"] = f"http://127.0.0.1:{port}"
            self._start_mock("wechatpay", "--http-port", str(port), "--https-port", "-1")
            for name, value in MOCK_MERCHANT.items():
                env.setdefault(name, value)
            self._wait_for(f"http://127.0.0.1:{port}/_mock/trades", 20)

        if not given.get("KUAIDI100_KEY"):
            port = free_port(TRACKING_PORT)
            base = f"http://127.0.0.1:{port}"
            env["KUAIDI100_API_BASE"] = base
            env["KUAIDI100_KEY"], env["KUAIDI100_CUSTOMER"] = TRACKING_KEY, TRACKING_CUSTOMER
            env["KUAIDI100_CALLBACK_URL"] = f"{self.base}/v1/webhooks/kuaidi100"
            self._start_mock("kuaidi100", "--port", str(port))
            self._wait_for(f"{base}/_mock/received", 20)

    def _start(self, arguments: list[str], name: str = "") -> None:
        program = str(Path(sys.executable).with_name("mall"))
        port = free_port(INTERNAL_PORT)
        self.internal[name or arguments[0]] = f"http://127.0.0.1:{port}"
        command = [program, *arguments, "--internal-port", str(port)]
        self._start_part(name or arguments[0], command, self.environment)

    def _start_mock(self, module: str, *arguments: str) -> None:
        command = [sys.executable, "-m", f"mocks.{module}", *arguments]
        self._start_part(f"{module}-mock", command, {**self.environment, **_FROM_ROOT})

    def _start_part(self, name: str, arguments: list[str], environment: dict[str, str]) -> None:
        logs = self.var / "log"
        logs.mkdir(exist_ok=True)
        part = Part(name, arguments, logs / f"{name}.log", environment)
        part.start()
        self.parts.append(part)

    def run_module(self, module: str, *arguments: str) -> str:
        """Run a command of a package to its end and return what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            env={**self.environment, **_FROM_ROOT},
            capture_output=True,
            text=True,
            timeout=300,
        )
        if done.returncode != 0:
            said = f"{done.stdout}{done.stderr}"
            raise RuntimeError(f"{module} {' '.join(arguments)} failed:\n{said}")
        return done.stdout

    def start_processes(self, web_workers: int = 2) -> None:
        """Start web server, a worker for each pool of queues, and scheduler."""
        port = self.base.rpartition(":")[2]
        self._start(["serve", "--held", "--port", port, "--workers", str(web_workers)])
        for pool, queues in POOLS.items():
            arguments = ["worker", "--queues", queues, "--processes", "1"]
            self._start(arguments, f"worker-{pool}")
        self._start(["scheduler"])
        self.write_run_file()

    def write_run_file(self) -> None:
        """Note what runs, for commands in this folder and for the next run's clean-up."""
        kept = ["DATABASE_URL", "REDIS_URL", "WECHATPAY_API_BASE", "WEIXIN_API_BASE"]
        kept += [
            "MALL_MEDIA_DIR",
            *MOCK_MERCHANT,
            "WECHATPAY_NOTIFY_URL",
            "WECHATPAY_REFUND_NOTIFY_URL",
        ]
        kept += [name for name in self.environment if name.startswith("KUAIDI100_")]
        processes = []
        for part in self.parts:
            if part.process is not None and part.process.poll() is None:
                root = psutil.Process(part.process.pid)
                processes += [(p.pid, p.create_time()) for p in (root, *root.children(True))]
        state = {
            "pid": os.getpid(),
            "base": self.base,
            "internal": self.internal,
            "environment": {
                name: self.environment[name] for name in kept if name in self.environment
            },
            "processes": processes,
        }
        target = self.var / RUN_FILE
        target.with_suffix(".new").write_text(json.dumps(state), encoding="utf-8")
        target.with_suffix(".new").replace(target)

    def _wait_for(self, url: str, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        answer = "no answer"
        while time.monotonic() < deadline and not self._is_stopping:
            try:
                reply = requests.get(url, timeout=2)
                if reply.ok:
                    return
                answer = reply.text[:500]
            except requests.RequestException as error:
                answer = type(error).__name__
            time.sleep(0.1)
        if self._is_stopping:
            raise RuntimeError("stopped while starting")
        raise RuntimeError(f"{url} is not ready after {seconds:.0f} s: {answer}")

    def wait_ready(self) -> None:
        """Wait until requests are answered and what follows an order is worked for."""
        for base in (self.base, self.internal["worker-urgent"]):
            self._wait_for(f"{base}/readyz", READY_SECONDS)

    def watch_once(self) -> None:
        """Restart what has died, and say so; later each time it dies again."""
        if self._postgres is not None and not self._postgres.get_postmaster_info().is_running():
            say("! PostgreSQL died; starting it again")
            self._postgres.ensure_postgres_running()
        for part in self.parts:
            if part.process is None or part.process.poll() is None:
                continue
            if part.restart_at == 0.0:
                wait = part.put_off()
                code = part.process.returncode
                part.end_family()
                say(f"! {part.name} died (exit {code}); again in {wait:.0f} s, see {part.log}")
            elif time.monotonic() >= part.restart_at:
                part.restart_at = 0.0
                part.start()
                self.write_run_file()
                say(f"✓ {part.name} runs again")

    def watch(self) -> None:
        """Watch until told to stop."""
        ticks = 0
        while not self._is_stopping:
            # Walking the table of processes is the dearest part of watching.
            if ticks % LOOK_AROUND_TICKS == 0:
                for part in self.parts:
                    part.look_around()
            self.watch_once()
            ticks += 1
            time.sleep(0.5)

    def ask_to_stop(self, *_: object) -> None:
        """Note that a signal asked us to stop."""
        self._is_stopping = True

    def stop(self) -> None:
        """Stop everything this run started, users of the engines first."""
        users = [part for part in self.parts if part.name not in ENGINES]
        # All at once: each takes a second or two to end what it is at.
        for part in users:
            part.ask_to_stop()
        for part in [*reversed(users), *reversed(self.parts)]:
            part.stop()
        if self._postgres is not None:
            engines.stop_postgres(self._postgres)
        if self._held is not None:
            self._held.close()
        (self.var / RUN_FILE).unlink(missing_ok=True)


def _banner(stack: Stack, accounts: dict[str, dict[str, str]], seconds: float) -> str:
    lines = ["", f"The mall runs (ready in {seconds:.1f} s).", ""]
    lines.append(f"  API    {stack.base}/v1{stack.port_note}")
    lines.append(f"  docs   {stack.base}/docs")
    lines.append(f"  mock   {stack.environment['WECHATPAY_API_BASE']}")
    lines.append(f"  parcels  {stack.environment['KUAIDI100_API_BASE']}")
    lines.append(f"  logs   {stack.var}/log")
    lines += ["", "Demo accounts (tokens are fresh with every start):"]
    for name, account in accounts.items():
        lines.append(f"  {name:<10} {account['about']}")
        lines.append(f"  {'':<10} {account['token']}")
    lines += ["", "Try:"]
    lines.append(f"  curl '{stack.base}/v1/store/products?q=良姜&limit=3'")
    if "member" in accounts:
        token = accounts["member"]["token"]
        lines.append(f"  curl -H 'Authorization: Bearer {token}' {stack.base}/v1/store/beans")
    token = accounts["supplier"]["token"]
    lines.append(
        f"  curl -H 'Authorization: Bearer {token}' {stack.base}/v1/supplier/fulfillment-orders"
    )
    lines += ["", "`make story` plays the main job; Ctrl-C stops everything.", ""]
    return "\n".join(lines)


def run(var: Path = VAR) -> int:
    """Run the whole service until Ctrl-C; return the exit status."""
    began = time.monotonic()
    stack = Stack(var)
    if not stack.lock():
        say(f"The mall already runs from this folder ({var}/run.lock is taken).")
        say("Stop it with Ctrl-C in its terminal first, or use another clone.")
        return 1
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, stack.ask_to_stop)
    try:
        say("Starting database, Valkey and mock WeChat …")
        stack.start_engines()
        stack.run_module("mall.shell.start", "migrate")
        say("Seeding the demo …")
        accounts = json.loads(stack.run_module("devtools", "demo"))
        stack.start_processes()
        stack.wait_ready()
        say(_banner(stack, accounts, time.monotonic() - began))
        stack.watch()
        say("\nStopping …")
    except (RuntimeError, PortTaken) as error:
        say(f"✗ {error}")
        return 1
    finally:
        stack.stop()
    say("Stopped.")
    return 0


def run_story(base: str | None, play: Callable[[str, dict[str, str]], int]) -> int:
    """Play a story against the service that runs here, or one started for it alone."""
    running = environment_of_running()
    if base is not None:
        return play(base, {**os.environ, **running})
    if running:
        return play(base_of_running(), {**os.environ, **running})
    say("No service runs here; starting one for the story …")
    stack = Stack(VAR)
    if not stack.lock():
        say("A service is starting here; wait for it and try again.")
        return 1
    try:
        stack.start_engines()
        stack.run_module("mall.shell.start", "migrate")
        stack.run_module("devtools", "demo")
        stack.start_processes()
        stack.wait_ready()
        return play(stack.base, stack.environment)
    except (RuntimeError, PortTaken) as error:
        say(f"✗ {error}")
        return 1
    finally:
        stack.stop()


if __name__ == "__main__":
    sys.exit(run())
