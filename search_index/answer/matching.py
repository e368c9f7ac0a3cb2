"""Which products answer a query, and in which order: arithmetic over the columns of a snapshot."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from search_index import rules
from search_index.answer import facets, filters
from search_index.answer.question import Question, read
from search_index.answer.scores import ExactMatches, reward_exact, scores
from search_index.language.analysis import Analyzer
from search_index.rules import ListPosition, SearchRequest
from search_index.snapshots import Docs, Floats, Mask, Snapshot
from search_index.words.rules import NO_EDITS, OperatorRules

_NOTHING = Question((), ())


@dataclass(frozen=True)
class Matches:
    """Documents in order, how many there are in all, their facets, and the words that matched."""

    docs: Docs
    # By what they stand in this order, most important first; a cursor remembers the last one's.
    keys: tuple[Any, ...]
    total: int
    facets: dict[str, dict[str, int]]
    question: Question
    # How many documents hold each word of the question.
    hits: Mapping[str, int] = field(default_factory=dict)
    # Whether any product, filtered out or not, holds every word that was asked for.
    is_answered: bool = True

    @property
    def words(self) -> tuple[str, ...]:
        return self.question.words


@dataclass(frozen=True)
class _Answer:
    """What answers the words of a query, before any filter."""

    mask: Mask
    score: Floats | None = None
    question: Question = _NOTHING
    hits: Mapping[str, int] = field(default_factory=dict)
    is_answered: bool = True


def search(
    snapshot: Snapshot, known: Analyzer, wanted: SearchRequest, edits: OperatorRules = NO_EDITS
) -> Matches:
    """Return the answer to a query; no query answers with everything that the filters let through."""
    base, chosen = filters.masks(snapshot, wanted)
    answer = _answer(snapshot, known, wanted.text, edits)
    key = query_key(known, wanted.text)
    pinned = _placed(snapshot, edits.pinned.get(key, ()))
    base &= answer.mask | pinned
    mask = filters.through(base, chosen)
    docs, keys = _ordered(snapshot, mask, answer.score, wanted)
    if wanted.sort == rules.RELEVANCE and (key in edits.pinned or key in edits.buried):
        docs, keys = _rearranged(snapshot, docs, keys, edits, key)
    counts = facets.facets(snapshot, base, chosen) if wanted.has_facets else {}
    return Matches(
        docs,
        keys,
        len(docs),
        counts,
        answer.question,
        answer.hits,
        answer.is_answered or bool(pinned.any()),
    )


def is_answered(
    snapshot: Snapshot, known: Analyzer, wanted: SearchRequest, edits: OperatorRules
) -> bool:
    """Tell whether any product that filters let through holds every word; cheaper than a search."""
    question = read(snapshot, known, edits, wanted.text)
    if not question.slots:
        return False
    base, chosen = filters.masks(snapshot, wanted)
    covered = scores(snapshot, known, question, wanted.text).covered
    return bool(np.any(covered & filters.through(base, chosen)))


def query_key(known: Analyzer, text: str) -> str:
    """Return that by which queries are the same: whatever their spaces, width and signs."""
    return "".join(known.runs(text))


def _answer(snapshot: Snapshot, known: Analyzer, text: str, edits: OperatorRules) -> _Answer:
    question = read(snapshot, known, edits, text) if text.strip() else _NOTHING
    if not question.slots:
        # Nothing but signs: no product is called so, and not everything is meant.
        return _Answer(np.full(snapshot.size, not text.strip()), is_answered=not text.strip())
    found = scores(snapshot, known, question, text)
    score = found.score
    is_answered = bool(np.any(found.covered & snapshot.alive))
    # A name that is the thing, or ends with it, is a better answer, not a way past one that holds
    # every word.
    rewarded = found.covered if is_answered else np.ones(snapshot.size, bool)
    reward_exact(snapshot, known, ExactMatches(text, question, rewarded), score)
    # What is not much worse than the best is an answer, too; the rest answers another question.
    best = float(np.max(score, where=snapshot.alive, initial=0))
    good = score > max(best * rules.GOOD_ENOUGH, rules.LEAST)
    mask = snapshot.alive & (found.covered | (found.near & good))
    return _Answer(mask, score, question, found.hits, is_answered)


# Order


def _ordered(
    snapshot: Snapshot, mask: Mask, score: Floats | None, wanted: SearchRequest
) -> tuple[Docs, tuple[Any, ...]]:
    docs = np.flatnonzero(mask).astype(np.int32)
    age = snapshot.age[docs]
    if wanted.sort == rules.RELEVANCE and score is not None:
        # The last key sorts first; what is equal in all of them stands newest first.
        keys: tuple[Any, ...] = (~age, -snapshot.sold[docs], -score[docs])
    elif wanted.sort == rules.PRICE_UP:
        keys = (~age, snapshot.price[docs])
    elif wanted.sort == rules.PRICE_DOWN:
        keys = (~age, -snapshot.price[docs])
    elif wanted.sort == rules.SALES_FIRST:
        keys = (~age, -snapshot.sold[docs])
    else:
        keys = (~age,)
    order = np.lexsort(keys)
    return docs[order], tuple(key[order] for key in reversed(keys))


def _placed(snapshot: Snapshot, product_ids: Any) -> Mask:
    mask = np.zeros(snapshot.size, bool)
    mask[[snapshot.number_of[each] for each in product_ids if each in snapshot.number_of]] = True
    return mask


def _rearranged(
    snapshot: Snapshot, docs: Docs, keys: tuple[Any, ...], edits: OperatorRules, key: str
) -> tuple[Docs, tuple[Any, ...]]:
    """Put what operators pinned first, in their order, and what they buried last."""
    places = np.zeros(snapshot.size, np.int32)
    places[_placed(snapshot, edits.buried.get(key, ()))] = 1
    pinned = edits.pinned.get(key, ())
    for place, product_id in enumerate(pinned):
        number = snapshot.number_of.get(product_id)
        if number is not None:
            places[number] = place - len(pinned)
    order = np.argsort(places[docs], kind="stable")
    return docs[order], (places[docs][order], *(each[order] for each in keys))


def after(snapshot: Snapshot, found: Matches, place: ListPosition) -> int:
    """Return the index at which a listing continues that had come to a place.

    That is behind the product it ended with; where that one is listed no more, behind those that
    stand before it, so that nothing is skipped because something else left the sale.
    """
    number = snapshot.number_of.get(place.product_id)
    if number is not None:
        at = np.flatnonzero(found.docs == number)
        if len(at):
            return int(at[0]) + 1
    before = np.zeros(len(found.docs), bool)
    equal = np.ones(len(found.docs), bool)
    for key, last in zip(found.keys, place.keys, strict=False):
        before |= equal & (key < last)
        equal &= key == last
    return int(np.count_nonzero(before | equal))
