"""Whether a process without requests goes on: its loop says so, its internal listener tells it."""

import time
from collections.abc import Callable

import orjson
from flask import Flask

from mall.kernel.db import AutocommitPool
from mall.shell.checks import readiness
from mall.shell.checks.readiness import Report
from mall.shell.checks.surroundings import Surroundings
from mall.shell.serving.internal import TEXT, Address, Answer, Listener, Paths
from mall.web.observe import exposition

# How long a loop may stand still beside what it was given time for.
STILL_SECONDS = 60.0


class Pulse:
    """The last sign of life of a loop, and until when the next one is awaited."""

    def __init__(self, is_steady: bool = False) -> None:
        self._until = float("inf") if is_steady else time.monotonic() + STILL_SECONDS

    def beat(self, seconds: float = 0.0) -> None:
        """Say that the loop goes on, and is busy for so long at most."""
        self._until = time.monotonic() + seconds + STILL_SECONDS

    def live(self) -> Answer:
        """Answer /livez."""
        is_alive = time.monotonic() <= self._until
        status = {"status": "ok" if is_alive else "failed: its loop stands still"}
        return Answer(200 if is_alive else 503, orjson.dumps(status))

    def listener(self, app: Flask, address: Address, pages: tuple[str, ...] = ()) -> Listener:
        """Return the internal listener of a process that has the application, and some pages of it."""
        surroundings: Surroundings = app.extensions["mall_surroundings"]
        pool: AutocommitPool = app.extensions["mall_pool"]
        env = app.extensions["mall_settings"].env

        def ready() -> Report:
            return Report(readiness.look(pool), surroundings.warnings())

        answers = self.answers(ready, env, (surroundings,))
        return Listener(address, Paths(answers, app.wsgi_app, pages))

    def answers(
        self, ready: Callable[[], Report], environment: str, collectors: tuple[object, ...] = ()
    ) -> dict[str, Callable[[], Answer]]:
        """Return what a process answers that is ready as it says."""

        def answer() -> Answer:
            report = ready()
            return Answer(report.status, report.encoded(environment))

        def metrics() -> Answer:
            return Answer(200, exposition(collectors), TEXT)

        return {
            "/livez": self.live,
            "/healthz": self.live,
            "/readyz": answer,
            "/metrics": metrics,
        }
