"""One generation of the index, held in memory as columns beside Whoosh's postings."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from catalog.products.rules import DELIVERY_MODES
from search_index.engines import Engine, IndexUnavailable

Docs = NDArray[np.int32]
Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
# Postings that are kept in memory, in documents of all terms together: 4 bytes each.
MAX_CACHED = 1_000_000
_NONE: Docs = np.empty(0, np.int32)


# What changes by the minute and is no word: product, is anything left, how many were sold.
Figure = tuple[UUID, bool, int]


class Codes:
    """Texts as small numbers, so that they can be counted and compared in columns."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._numbers: dict[str, int] = {}

    def number(self, name: str) -> int:
        """Return the number of a text, new if it is."""
        found = self._numbers.get(name)
        if found is None:
            found = self._numbers[name] = len(self.names)
            self.names.append(name)
        return found

    def known(self, name: str) -> int:
        """Return the number of a text, -1 for none."""
        return self._numbers.get(name, -1)


@dataclass
class MultiCodes:
    """Several codes for each document: pairs of document and code, ordered by document."""

    docs: list[int] = field(default_factory=list)
    values: list[int] = field(default_factory=list)
    codes: Codes = field(default_factory=Codes)

    def add(self, doc: int, names: Iterable[str]) -> None:
        for name in names:
            self.docs.append(doc)
            self.values.append(self.codes.number(name))

    def freeze(self, size: int) -> None:
        """Turn the lists into columns."""
        docs = np.asarray(self.docs, np.int32)
        self.value_column = np.asarray(self.values, np.int32)
        # Where the values of each document begin, and where the last ones end.
        self.starts = np.searchsorted(docs, np.arange(size + 1)).astype(np.int32)
        self.docs, self.values = [], []

    def having(self, name: str, size: int) -> Mask:
        """Return which documents have a code."""
        mask = np.zeros(size, bool)
        number = self.codes.known(name)
        if number >= 0:
            places = np.flatnonzero(self.value_column == number)
            mask[np.searchsorted(self.starts, places, side="right") - 1] = True
        return mask

    def counted(self, docs: Docs) -> dict[str, int]:
        """Return how many of some documents have each code."""
        lengths = self.starts[docs + 1] - self.starts[docs]
        ends = np.cumsum(lengths)
        if not len(ends) or not ends[-1]:
            return {}
        places = np.arange(ends[-1]) + np.repeat(self.starts[docs] - (ends - lengths), lengths)
        counts = np.bincount(self.value_column[places], minlength=len(self.codes.names))
        return {self.codes.names[n]: int(counts[n]) for n in np.flatnonzero(counts)}


class Snapshot:
    """What was committed up to one instant; safe for many threads, and never changes but figures."""

    def __init__(self, state: tuple[str, int], reader: Any) -> None:
        self.state = state
        self._reader = reader
        self._lock = threading.Lock()
        self._terms: dict[tuple[str, str], Docs] = {}
        self._cached = 0
        size = self.size = int(reader.doc_count_all())
        self.ids: list[UUID | None] = [None] * size
        # Names in one piece, without spaces and signs.
        self.titles: list[str] = [""] * size
        self.keywords: list[list[str]] = [[]] * size
        self.price = np.zeros(size, np.int64)
        self.is_pavilion = np.zeros(size, bool)
        self.modes = np.zeros(size, np.int8)
        self.age = np.zeros(size, np.uint64)
        self.suppliers, self.origins = Codes(), Codes()
        self.supplier = np.zeros(size, np.int32)
        self.origin = np.zeros(size, np.int32)
        self.categories, self.tags, self.attributes = MultiCodes(), MultiCodes(), MultiCodes()
        self.brands = Codes()
        self.brand = np.zeros(size, np.int32)
        self.is_accessory = np.zeros(size, bool)
        # What facets call what they count.
        self.names: Mapping[str, Mapping[str, str]] = {}
        self.alive = np.zeros(size, bool)
        # What was not counted yet is new: it stands as if there were some.
        self.available = np.ones(size, bool)
        self.sold = np.zeros(size, np.int64)
        self.number_of: dict[UUID, int] = {}
        for doc, kept in reader.iter_docs():
            self._take(doc, UUID(kept["id"]), kept["meta"])
        for each in (self.categories, self.tags, self.attributes):
            each.freeze(size)
        self.count = int(self.alive.sum())
        self._is_whole = self.count == size
        lengths = np.fromiter((len(title) for title in self.titles), np.float32, size)
        # A short name that holds a word is more about it than a long one.
        self.shortness: Floats = np.asarray(1 / (1 + lengths / 40), np.float32)

    def _take(self, doc: int, product_id: UUID, meta: Mapping[str, Any]) -> None:
        self.alive[doc] = True
        self.ids[doc] = product_id
        self.number_of[product_id] = doc
        self.titles[doc] = meta["t"]
        self.keywords[doc] = meta["k"]
        self.price[doc] = meta["p"]
        self.is_pavilion[doc] = bool(meta["v"])
        self.modes[doc] = sum(1 << DELIVERY_MODES.index(mode) for mode in meta["m"])
        self.age[doc] = product_id.int >> 64
        self.supplier[doc] = self.suppliers.number(meta["s"])
        self.origin[doc] = self.origins.number(meta["o"])
        self.categories.add(doc, meta["c"])
        self.tags.add(doc, meta["g"])
        self.attributes.add(doc, meta["a"])
        self.brand[doc] = self.brands.number(meta["b"])
        self.is_accessory[doc] = bool(meta["x"])

    def take_figures(self, figures: Iterable[Figure]) -> None:
        """Take in what was sold and what is left."""
        for product_id, is_available, sold in figures:
            doc = self.number_of.get(product_id)
            if doc is not None:
                self.available[doc] = is_available
                self.sold[doc] = sold

    def docs(self, name: str, term: str) -> Docs:
        """Return the documents that hold a term in a field, in their order; deleted ones do not.

        Raises IndexUnavailable where the files do not say.
        """
        key = (name, term)
        found = self._terms.get(key)
        if found is None:
            try:
                found = self._read(name, term)
            except Exception as error:
                raise IndexUnavailable() from error
            # An entry itself takes as much as some fifty documents.
            self._cached += len(found) + 50
            if self._cached > MAX_CACHED:
                self._terms, self._cached = {}, len(found) + 50
            self._terms[key] = found
        return found

    def all_of(self, name: str, terms: Sequence[str]) -> Docs:
        """Return the documents that hold every one of some terms."""
        found = self.docs(name, terms[0])
        for term in terms[1:]:
            if not len(found):
                break
            found = np.intersect1d(found, self.docs(name, term), assume_unique=True)
        return found

    def phrase(self, word: str) -> Docs:
        """Return the documents whose names hold all neighbours of a word of Hanzi."""
        return self.all_of("gram", [a + b for a, b in pairwise(word)] or [word])

    def _read(self, name: str, term: str) -> Docs:
        # Whoosh's files have one position for all threads.
        with self._lock:
            if (name, term) not in self._reader:
                return _NONE
            found = np.fromiter(self._reader.postings(name, term).all_ids(), np.int32)
        if len(found) and not 0 <= found[0] <= found[-1] < self.size:
            raise IndexUnavailable()
        return found if self._is_whole else found[self.alive[found]]

    def suggestions(self) -> list[tuple[str, str, str, int]]:
        """Return every word worth suggesting: word, pinyin, initials, and how many have it."""
        with self._lock:
            found = []
            for term in self._reader.field_terms("word"):
                word, sound, letters = (term.decode() if isinstance(term, bytes) else term).split(
                    "|"
                )
                found.append((word, sound, letters, self._reader.doc_frequency("word", term)))
        return found

    def close(self) -> None:
        """Let the files go."""
        with self._lock:
            self._reader.close()


def load(engine: Engine) -> Snapshot:
    """Return the newest generation; raise IndexUnavailable where it cannot be read."""
    state = engine.state()
    try:
        return Snapshot(state, engine.open().reader())
    except IndexUnavailable:
        raise
    except Exception as error:
        raise IndexUnavailable() from error
