"""The service under test: the real `make run`, in a folder of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil
import requests

START_LIMIT_SECONDS = 120


@dataclass
class Service:
    """`make run` as a process; its data lies under `folder`/var and is made anew."""

    folder: Path
    process: subprocess.Popen[bytes] | None = None
    start_seconds: float = 0.0

    def __enter__(self) -> "Service":
        self.folder.mkdir(parents=True, exist_ok=True)
        environment = {
            name: value
            for name, value in os.environ.items()
            if name not in ("DATABASE_URL", "REDIS_URL", "WECHATPAY_API_BASE", "WEIXIN_API_BASE")
        }
        environment["MALL_LOG_LEVEL"] = "WARNING"
        # One address asks as often as it can.
        environment["MALL_RATE_LIMITS"] = "0"
        environment["PYTHONPATH"] = str(Path(__file__).parent.parent)
        began = time.monotonic()
        with (self.folder / "run.log").open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "devtools", "run"],
                cwd=self.folder,
                env=environment,
                stdout=log,
                stderr=log,
            )
        self._wait(began)
        self.start_seconds = time.monotonic() - began
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)

    def _wait(self, began: float) -> None:
        while time.monotonic() - began < START_LIMIT_SECONDS:
            if self.process is None or self.process.poll() is not None:
                raise RuntimeError((self.folder / "run.log").read_text(encoding="utf-8"))
            try:
                state = self.state()
                if requests.get(f"{state['base']}/v1/store/products", timeout=2).ok:
                    return
            except (OSError, ValueError, requests.RequestException):
                pass
            time.sleep(0.05)
        raise TimeoutError("the service did not start")

    def state(self) -> dict[str, Any]:
        """Return what the running service wrote of itself."""
        found: dict[str, Any] = json.loads(
            (self.folder / "var" / "run.json").read_text(encoding="utf-8")
        )
        return found

    def processes(self) -> list[psutil.Process]:
        """Return the supervisor with everything it started, the database included."""
        assert self.process is not None
        found = [psutil.Process(self.process.pid)]
        found += found[0].children(recursive=True)
        pid_file = self.folder / "var" / "postgres" / "postmaster.pid"
        if pid_file.exists():
            postmaster = psutil.Process(int(pid_file.read_text(encoding="utf-8").split()[0]))
            found += [postmaster, *postmaster.children(recursive=True)]
        return list({each.pid: each for each in found}.values())

    def workers(self) -> list[psutil.Process]:
        """Return the processes that do jobs, and the one that started them."""
        return [each for each in self.processes() if "mall worker" in " ".join(each.cmdline())]


def memory_mb(process: psutil.Process) -> tuple[float, float]:
    """Return proportional and resident memory in MB; shared pages count by their share in the first."""
    info = process.memory_full_info()
    return info.pss / 1e6, info.rss / 1e6
