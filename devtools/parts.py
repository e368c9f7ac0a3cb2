"""One process of the service, with what it starts in turn."""

import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

STOP_SECONDS, GONE_SECONDS, STABLE_SECONDS = 15, 5, 20


@dataclass
class Part:
    """One process of the service: how to start it, and its log."""

    name: str
    arguments: list[str]
    log: Path
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    deaths: int = 0
    restart_at: float = 0.0
    started_at: float = 0.0
    is_asked: bool = False
    # What it has started in turn, as seen last: a killed part cannot tell any more.
    family: list[psutil.Process] = field(default_factory=list)

    def start(self) -> None:
        """Start it in a session of its own, so that Ctrl-C reaches the supervisor alone."""
        self.started_at, self.is_asked = time.monotonic(), False
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.arguments,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment,
                start_new_session=True,
            )

    def put_off(self) -> float:
        """Note that it died; return after how many seconds it is started again.

        Each time later, unless it had run for a while: then what killed it is over.
        """
        is_stable = time.monotonic() - self.started_at > STABLE_SECONDS
        self.deaths = 1 if is_stable else self.deaths + 1
        wait = min(30.0, 0.5 * 2 ** min(self.deaths, 6))
        self.restart_at = time.monotonic() + wait
        return wait

    def ask_to_stop(self) -> None:
        """Ask it to stop, once: a worker that is asked twice drops what it is at."""
        if self.process is not None and self.process.poll() is None and not self.is_asked:
            self.look_around()
            self.process.terminate()
            self.is_asked = True

    def stop(self) -> None:
        """Ask it to stop; kill it, with what it started, when it does not."""
        self.ask_to_stop()
        if self.process is not None and self.process.poll() is None:
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(5)
        self.end_family()

    def look_around(self) -> None:
        """Remember what this part has started."""
        if self.process is not None and self.process.poll() is None:
            self.family = psutil.Process(self.process.pid).children(recursive=True)

    def end_family(self) -> None:
        """Kill what this part started and left behind, and see it gone.

        Then ports are free for the next start; psutil knows a reused id from its own.
        """
        for child in self.family:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        deadline = time.monotonic() + GONE_SECONDS
        while any(map(_is_alive, self.family)) and time.monotonic() < deadline:
            time.sleep(0.02)
        self.family = []


def _is_alive(process: psutil.Process) -> bool:
    # Nobody need have collected what was killed: its parent died before it.
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
