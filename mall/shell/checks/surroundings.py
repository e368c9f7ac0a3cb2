"""What is around a process: looked at in a thread when somebody asks, never waited for long.

Nothing of it decides whether the process serves (docs/adr/0040): it is warned of and counted.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import structlog
from flask import Flask
from prometheus_client.core import GaugeMetricFamily

log = structlog.get_logger(__name__)
MAX_AGE_SECONDS, PATIENCE_SECONDS = 10.0, 1.0


@dataclass(frozen=True)
class Seen:
    """What a look found: an empty warning where all is well, and figures to be counted."""

    warning: str = ""
    metrics: tuple[GaugeMetricFamily, ...] = ()


@dataclass(frozen=True)
class Look:
    """How something is looked at, and how long what was seen may stand."""

    name: str
    see: Callable[[], Seen]
    seconds: float = MAX_AGE_SECONDS


@dataclass(eq=False)
class Surroundings:
    """The last look at everything around; one thread looks, whoever asks waits a moment for it."""

    app: Flask
    looks: tuple[Look, ...]
    _seen: dict[str, Seen] = field(default_factory=dict)
    _at: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _looking: threading.Thread | None = None

    def latest(self) -> Mapping[str, Seen]:
        """Return what is known; look anew where it is too old, and wait a second for that."""
        with self._lock:
            if self._due() and (self._looking is None or not self._looking.is_alive()):
                self._looking = threading.Thread(target=self._look, name="looks", daemon=True)
                self._looking.start()
            looking = self._looking
        if looking is not None:
            looking.join(PATIENCE_SECONDS)
        return dict(self._seen)

    def warnings(self) -> dict[str, str]:
        """Return what is not as it should be."""
        return {name: seen.warning for name, seen in self.latest().items() if seen.warning}

    def forget(self) -> None:
        """Look at everything anew when somebody asks next."""
        self._at.clear()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield all of it as metrics."""
        well = GaugeMetricFamily(
            "mall_surroundings_ok", "1 where what is around a process is well", labels=["what"]
        )
        age = GaugeMetricFamily("mall_surroundings_age_seconds", "How old that is", labels=["what"])
        for name, seen in self.latest().items():
            well.add_metric([name], 0 if seen.warning else 1)
            age.add_metric([name], time.monotonic() - self._at.get(name, time.monotonic()))
            yield from seen.metrics
        yield well
        yield age

    def _due(self) -> list[Look]:
        now = time.monotonic()
        return [each for each in self.looks if now - self._at.get(each.name, -1e9) > each.seconds]

    def _look(self) -> None:
        for each in self._due():
            try:
                with self.app.app_context():
                    found = each.see()
            except Exception as error:
                # The name alone: what an error says may quote a row.
                found = Seen(f"failed: {type(error).__name__}")
            before = self._seen.get(each.name, Seen())
            if found.warning != before.warning:
                log.warning("surroundings", what=each.name, says=found.warning or "well again")
            self._seen[each.name], self._at[each.name] = found, time.monotonic()
