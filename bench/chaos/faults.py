"""What `make chaos` breaks, and how."""

import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import requests
from redis import Redis
from redis.exceptions import RedisError

from bench.service import Service
from devtools.supervisor import POOLS

# How long the gateway stays broken, and what its calls answer meanwhile.
GATEWAY_SECONDS = 6
# How long Valkey says nothing at all: longer than any patience with it.
AWAY_SECONDS = 30
PATIENCE_SECONDS = 20
GATEWAY_FAULTS = (("order", "system_error"), ("query", "system_error"), ("order", "drop"))


class Faults:
    """Breaks parts of a running service, always by signal or through their own interfaces."""

    def __init__(self, service: Service, environment: dict[str, str]) -> None:
        self._service = service
        self._redis_url = environment["REDIS_URL"]
        self._mock = environment["WECHATPAY_API_BASE"]

    def do(self, name: str) -> str:
        """Break one thing and say what was done."""
        return FAULTS[name](self)

    def mend(self) -> None:
        """Let the gateway answer as it should."""
        requests.post(f"{self._mock}/_mock/faults/clear", timeout=10)

    def _named(self, *words: str) -> list[psutil.Process]:
        found = []
        for process in self._service.processes():
            with suppress(psutil.Error):
                if all(word in " ".join(process.cmdline()) for word in words):
                    found.append(process)
        return sorted(found, key=lambda each: each.create_time())

    def _kill(self, *words: str, which: int = 0) -> str:
        deadline = time.monotonic() + PATIENCE_SECONDS
        # What another fault ended a moment ago is about to be started again.
        while not (found := self._named(*words)) and time.monotonic() < deadline:
            time.sleep(0.2)
        if not found:
            raise RuntimeError(f"nobody to kill: {' '.join(words)}")
        victim = found[which]
        victim.send_signal(signal.SIGKILL)
        return f"SIGKILL to {victim.pid} of {len(found)}"

    def urgent_worker(self) -> str:
        return self._kill("mall worker", POOLS["urgent"])

    def steady_worker(self) -> str:
        return self._kill("mall worker", POOLS["steady"])

    def sheets_worker(self) -> str:
        return self._kill("mall worker", f"--queues {POOLS['sheets']} ")

    def bulk_worker(self) -> str:
        return self._kill("mall worker", f"--queues {POOLS['bulk']} ")

    def scheduler(self) -> str:
        return self._kill("mall scheduler")

    def web_process(self) -> str:
        return self._kill("mall.shell.serving.server", which=-1)

    def web_server(self) -> str:
        return self._kill("mall.shell.serving.server", which=0)

    def valkey_wiped(self) -> str:
        with suppress(RedisError):
            Redis.from_url(self._redis_url, socket_timeout=5).flushall()
        return "FLUSHALL"

    def valkey_killed(self) -> str:
        return self._kill("valkey")

    def valkey_away(self) -> str:
        """Let it hang: connections stay open, nobody answers."""
        [process] = self._named("valkey")[:1]
        process.suspend()
        time.sleep(AWAY_SECONDS)
        process.resume()
        return f"silent for {AWAY_SECONDS} s"

    def postgres_restarted(self) -> str:
        pid = int(self._postmaster().read_text(encoding="utf-8").split()[0])
        psutil.Process(pid).send_signal(signal.SIGINT)
        return f"fast shutdown of {pid}"

    def postgres_crashed(self) -> str:
        """Kill one of its processes: the server ends every session and recovers from its log."""
        pid = int(self._postmaster().read_text(encoding="utf-8").split()[0])
        backends = psutil.Process(pid).children()
        backends[-1].send_signal(signal.SIGKILL)
        return f"SIGKILL to {backends[-1].pid}, a process of the server"

    def _postmaster(self) -> Path:
        return self._service.folder / "var" / "postgres" / "postmaster.pid"

    def gateway_broken(self) -> str:
        for operation, kind in GATEWAY_FAULTS:
            fault = {"operation": operation, "kind": kind, "times": 1000}
            requests.post(f"{self._mock}/_mock/faults", json=fault, timeout=10)
        time.sleep(GATEWAY_SECONDS)
        self.mend()
        return f"WeChat answered with errors for {GATEWAY_SECONDS} s"


FAULTS: dict[str, Callable[[Faults], str]] = {
    "urgent_worker": Faults.urgent_worker,
    "valkey_wiped": Faults.valkey_wiped,
    "scheduler": Faults.scheduler,
    "web_process": Faults.web_process,
    "gateway_broken": Faults.gateway_broken,
    "postgres_restarted": Faults.postgres_restarted,
    "steady_worker": Faults.steady_worker,
    "sheets_worker": Faults.sheets_worker,
    "bulk_worker": Faults.bulk_worker,
    "valkey_killed": Faults.valkey_killed,
    "valkey_away": Faults.valkey_away,
    "web_server": Faults.web_server,
    "postgres_crashed": Faults.postgres_crashed,
}
