"""This process's view of the index: loaded ahead, renewed in the background, never in a request."""

import gc
import threading
from collections.abc import Callable, Iterable, Mapping

import structlog

from search_index import snapshot as snapshots
from search_index.engine import Engine, IndexUnavailable
from search_index.snapshot import Figure, Snapshot
from search_index.suggest import Suggester
from search_index.words.analysis import analyzer

log = structlog.get_logger(__name__)
RENEW_SECONDS, FIGURES_EVERY = 0.4, 5
Names = Mapping[str, Mapping[str, str]]


class Searcher:
    """Keeps the newest generation in memory; what it lends stays whole until the next one."""

    def __init__(
        self,
        engine: Engine,
        figures: Callable[[], Iterable[Figure]],
        names: Callable[[], Names],
    ) -> None:
        self.engine = engine
        self._figures = figures
        self._names = names
        self._loaded: tuple[Snapshot, Suggester] | None = None
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._ends = threading.Event()

    def current(self) -> tuple[Snapshot, Suggester]:
        """Return the newest generation that is loaded; raise IndexUnavailable while none is."""
        loaded = self._loaded
        if loaded is None:
            raise IndexUnavailable()
        return loaded

    def renew(self) -> None:
        """Load what was committed since, if anything was; an index that is gone is let go."""
        with self._lock:
            try:
                if self._loaded is not None and self._loaded[0].state == self.engine.state():
                    return
                snapshot = self._load()
                snapshot.take_figures(self._figures())
                # Whatever is called otherwise from now on is indexed anew: another generation.
                snapshot.names = self._names()
                self._loaded = (snapshot, Suggester(snapshot.suggestions()))
                # What was loaded before leaves in one piece, and now: it is large.
                gc.collect()
            except IndexUnavailable:
                self._loaded = None

    def _load(self) -> Snapshot:
        """Load the newest generation; what is there but cannot be read is said to be broken."""
        try:
            return snapshots.load(self.engine)
        except IndexUnavailable:
            self.engine.folder()
        try:
            # It may just have been swapped; or it is broken.
            return snapshots.load(self.engine)
        except IndexUnavailable:
            self.engine.mark_broken()
            raise

    def renew_figures(self) -> None:
        """Take in what was sold and what is left since."""
        loaded = self._loaded
        if loaded is not None:
            loaded[0].take_figures(self._figures())

    def give_up(self) -> None:
        """Say that the files in use do not answer: nobody uses them until they are mended.

        Where none are in use there is nothing to say.
        """
        if self._loaded is not None:
            self._loaded = None
            self.engine.mark_broken()

    def start(self) -> None:
        """Load the dictionary and the index now, and keep them new from a thread of their own."""
        analyzer()
        try:
            self.renew()
        except Exception:
            # Without its database a process starts all the same, and looks again in a moment.
            log.warning("searcher_not_loaded", exc_info=True)
        if self._thread is None or not self._thread.is_alive():
            self._ends.clear()
            self._thread = threading.Thread(target=self._run, name="searcher", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._ends.set()
        if self._thread is not None:
            self._thread.join(10)

    def _run(self) -> None:
        turn = 0
        while not self._ends.wait(RENEW_SECONDS):
            turn += 1
            try:
                self.renew()
                if turn % FIGURES_EVERY == 0:
                    self.renew_figures()
            except Exception:
                # The thread must outlive a database that restarts.
                log.warning("searcher_not_renewed", exc_info=True)
