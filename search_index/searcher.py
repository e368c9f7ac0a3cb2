"""This process's view of the index: loaded ahead, renewed in the background, never in a request."""

import gc
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from search_index import snapshots
from search_index.answer.lists import Lists, NoLists
from search_index.answer.suggest import Suggester
from search_index.engines import Engine, IndexUnavailable
from search_index.language.analysis import analyzer
from search_index.snapshots import Figure, Snapshot
from search_index.words.rules import NO_EDITS, OperatorRules

log = structlog.get_logger(__name__)
# Figures and operators' rules are looked for every so many turns, searches written down more seldom.
RENEW_SECONDS, FIGURES_EVERY, COUNT_EVERY = 0.4, 5, 25
MAX_TALLIED = 500
Tallied = Mapping[str, tuple[int, int]]
Names = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Sources:
    """Where a searcher gets what is no file of the index, and where it leaves what it counted."""

    figures: Callable[[], Iterable[Figure]]
    names: Callable[[], Names]
    # Given the revision that is known; None where it is the newest.
    edits: Callable[[str], OperatorRules | None] = lambda _: None
    count: Callable[[Tallied], None] = lambda _: None
    hot_words: Callable[[], Sequence[str]] = tuple


class SearchCounts:
    """How often words were searched for in this process since it was last written down."""

    def __init__(self) -> None:
        self._counts: dict[str, tuple[int, int]] = {}
        self._lock = threading.Lock()

    def add(self, words: str, has_hits: bool) -> None:
        """Count a search; further words wait where too many are waiting to be written."""
        with self._lock:
            if words in self._counts or len(self._counts) < MAX_TALLIED:
                searches, without = self._counts.get(words, (0, 0))
                self._counts[words] = (searches + 1, without + (not has_hits))

    def take(self) -> Tallied:
        """Return what was counted, and begin anew."""
        with self._lock:
            found, self._counts = self._counts, {}
        return found


class Searcher:
    """Keeps the newest generation in memory; what it lends stays whole until the next one."""

    def __init__(self, engine: Engine, sources: Sources, lists: Lists | None = None) -> None:
        self.engine = engine
        self.edits: OperatorRules = NO_EDITS
        self.tally = SearchCounts()
        # What members searched for of late and found, as it was last looked up.
        self.hot_words: Sequence[str] = ()
        self.lists: Lists = lists or NoLists()
        self._sources = sources
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
        """Load what was committed since the last load; use nothing while the index is unavailable."""
        with self._lock:
            try:
                if self._loaded is not None and self._loaded[0].state == self.engine.state():
                    return
                snapshot = self._load()
                snapshot.take_figures(self._sources.figures())
                # Whatever is called otherwise from now on is indexed anew: another generation.
                snapshot.names = self._sources.names()
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
            loaded[0].take_figures(self._sources.figures())

    def renew_edits(self) -> None:
        """Take in what operators changed since."""
        found = self._sources.edits(self.edits.revision)
        if found is not None:
            self.edits = found

    def count(self) -> None:
        """Write down what was searched for since."""
        if found := self.tally.take():
            self._sources.count(found)

    def renew_hot_words(self) -> None:
        """Look up what members searched for of late."""
        self.hot_words = self._sources.hot_words()

    def give_up(self) -> None:
        """Mark the files in use as unreadable: nobody uses them until the index is healed.

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
            self.renew_edits()
            self.renew_hot_words()
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
        try:
            self.count()
        except Exception:
            # What was counted last is worth less than a process that ends.
            log.warning("searches_not_counted", exc_info=True)

    def _run(self) -> None:
        turn = 0
        while not self._ends.wait(RENEW_SECONDS):
            turn += 1
            try:
                self.renew()
                if turn % FIGURES_EVERY == 0:
                    self.renew_figures()
                    self.renew_edits()
                if turn % COUNT_EVERY == 0:
                    self.count()
                    self.renew_hot_words()
            except Exception:
                # The thread must outlive a database that restarts.
                log.warning("searcher_not_renewed", exc_info=True)
