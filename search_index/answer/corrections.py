"""What was probably meant by a query: only what finds more, and is likelier."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from search_index import rules
from search_index.answer import matching
from search_index.answer.matching import Matches
from search_index.answer.suggest import LIKELIER, NearWord, Suggester, windows
from search_index.language.analysis import Analyzer, is_hanzi
from search_index.language.tokens import LETTERS
from search_index.rules import SearchRequest
from search_index.snapshots import Snapshot
from search_index.words.rules import OperatorRules

MAX_TRIED, MAX_WINDOWS = 4, 100


@dataclass(frozen=True)
class CorrectedQuery:
    """A query in other words, what that finds, and whether it is answered instead."""

    text: str
    found: Matches
    is_instead: bool


def meant(
    snapshot: Snapshot,
    suggester: Suggester,
    known: Analyzer,
    wanted: SearchRequest,
    edits: OperatorRules,
) -> tuple[Matches, CorrectedQuery | None]:
    """Return what a query finds and, where that is likelier and more, what it probably meant.

    Where no product holds every word, the first correction that finds products that do is answered.
    """
    kept = _kept(known, edits, wanted.text)
    if kept is not None:
        found = matching.search(snapshot, known, replace(wanted, text=kept), edits)
        return found, CorrectedQuery(kept, found, True)
    found = matching.search(snapshot, known, wanted, edits)
    if not found.question.slots or (found.is_answered and not _rare(found)):
        return found, None
    plain = replace(wanted, has_facets=False)
    for text in _tried(suggester, known, wanted.text, found, edits):
        if not matching.is_answered(snapshot, known, replace(plain, text=text), edits):
            continue
        other = matching.search(snapshot, known, replace(plain, text=text), edits)
        if found.is_answered and other.total <= found.total:
            continue
        is_instead = not found.is_answered
        if is_instead and wanted.has_facets:
            other = matching.search(snapshot, known, replace(wanted, text=text), edits)
        return found, CorrectedQuery(text, other, is_instead)
    return found, None


def _kept(known: Analyzer, edits: OperatorRules, text: str) -> str | None:
    """Return a query with the words replaced for which operators say what is meant."""
    if not edits.kept:
        return None
    whole = edits.kept.get(matching.query_key(known, text))
    if whole is not None:
        return whole
    runs = known.runs(text)
    if not any(run in edits.kept for run in runs):
        return None
    return " ".join(edits.kept.get(run, run) for run in runs)


def _rare(found: Matches) -> list[str]:
    """Return letters that next to no product has: a slip of a supplier's hand may be among them."""
    return [
        slot.text
        for slot in found.question.slots
        if slot.kind == LETTERS and 0 < found.hits.get(slot.text, 0) <= 2 and len(slot.text) > 4
    ]


def _tried(
    suggester: Suggester, known: Analyzer, text: str, found: Matches, edits: OperatorRules
) -> Iterator[str]:
    """Give queries with something else in place of what was not found, the likeliest first."""
    normal = known.normalise(text)
    pieces = dict.fromkeys(_replacements(suggester, known, normal, found, edits))
    for _, typed, word in sorted(pieces, key=lambda each: each[0])[:MAX_TRIED]:
        yield _replaced(normal, typed, word)
    # Two words wrong at once.
    best: dict[str, str] = {}
    for _, typed, word in sorted(pieces, key=lambda each: each[0]):
        if not any(set(typed) & set(other) and typed in other for other in best):
            best.setdefault(typed, word)
    if len(best) > 1:
        for typed, word in best.items():
            normal = _replaced(normal, typed, word)
        yield normal


def _replaced(normal: str, typed: str, word: str) -> str:
    if typed in normal:
        return normal.replace(typed, word, 1)
    # Typed in pieces.
    joined = normal.replace(" ", "").replace("-", "")
    return joined.replace(typed, word, 1) if typed in joined else word


def _replacements(
    suggester: Suggester, known: Analyzer, normal: str, found: Matches, edits: OperatorRules
) -> Iterator[tuple[NearWord, str, str]]:
    unknown = {s.text for s in found.question.slots if not found.hits.get(s.text)}
    rare = set(_rare(found)) if found.is_answered else set()
    for slot in found.question.slots:
        if slot.kind != LETTERS or slot.text not in unknown | rare:
            continue
        for near in suggester.near_letters(slot.text):
            is_likelier = -near.rarity >= LIKELIER * found.hits.get(slot.text, 0)
            if is_likelier and not edits.is_forgotten(slot.text, near.word):
                yield near, slot.text, near.word
    if found.is_answered:
        return
    for run in known.runs_of_normal(normal):
        if is_hanzi(run):
            yield from _hanzi(suggester, known, run, found, edits)


def _hanzi(
    suggester: Suggester, known: Analyzer, run: str, found: Matches, edits: OperatorRules
) -> Iterator[tuple[NearWord, str, str]]:
    is_unknown = np.ones(len(run), bool)
    for text, hits in found.hits.items():
        place = run.find(text)
        if hits and len(text) > 1 and place >= 0:
            is_unknown[place : place + len(text)] = False
    for filler in known.fillers:
        place = run.find(filler)
        if place >= 0 and len(filler) > 1:
            is_unknown[place : place + len(filler)] = False
    things = [text for text, hits in found.hits.items() if hits and len(text) > 1]
    looked_at = windows(run[: rules.MAX_TERMS * 3], list(is_unknown))
    for window in islice(looked_at, MAX_WINDOWS):
        has_context = any(text not in window for text in things)
        for near in suggester.near_hanzi(known, window, has_context):
            if not edits.is_forgotten(window, near.word):
                yield near, window, near.word
