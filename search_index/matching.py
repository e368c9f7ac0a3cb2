"""Which products answer a query, and in which order: arithmetic over the columns of a snapshot."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any
from uuid import UUID

import numpy as np

from catalog.products.rules import DELIVERY_MODES
from search_index import rules
from search_index.rules import BOOSTS, Place, Wanted
from search_index.snapshot import Docs, Floats, Mask, Snapshot
from search_index.words.analysis import STOP, Analyzer, grams, is_hanzi, readings


@dataclass(frozen=True)
class Found:
    """Documents in order, how many there are in all, their facets, and the words that matched."""

    docs: Docs
    # By what they stand in this order, most important first; a cursor remembers the last one's.
    keys: tuple[Any, ...]
    total: int
    facets: dict[str, dict[str, int]]
    words: tuple[str, ...]
    matched: frozenset[str] = field(default_factory=frozenset)


def search(snapshot: Snapshot, known: Analyzer, wanted: Wanted) -> Found:
    """Return the answer to a query; no query answers with everything that the filters let through."""
    mask = _filtered(snapshot, wanted)
    words = known.query_words(wanted.text)[: rules.MAX_TERMS]
    score: Floats | None = None
    matched: frozenset[str] = frozenset()
    if words:
        score, covered, matched = _scores(snapshot, known, words, wanted.text)
        mask &= covered | _good_enough(score, mask)
        _reward_exact(snapshot, known, score, wanted.text)
    elif wanted.text.strip():
        # Nothing but signs: no product is called so, and not everything is meant.
        mask[:] = False
    docs, keys = _ordered(snapshot, mask, score, wanted)
    facets = _facets(snapshot, mask) if wanted.has_facets else {}
    return Found(docs, keys, int(mask.sum()), facets, tuple(words), matched)


# Filters


def _filtered(snapshot: Snapshot, wanted: Wanted) -> Mask:
    mask = snapshot.alive.copy()
    size = snapshot.size
    if wanted.category_id is not None:
        mask &= snapshot.categories.having(wanted.category_id.hex, size)
    if wanted.tag is not None:
        mask &= snapshot.tags.having(wanted.tag, size)
    if wanted.supplier_id is not None:
        mask &= snapshot.supplier == snapshot.suppliers.known(wanted.supplier_id.hex)
    if wanted.origin is not None:
        names = snapshot.origins.names
        inside = np.fromiter((n.startswith(wanted.origin) for n in names), bool, len(names))
        mask &= inside[snapshot.origin] if len(names) else False
    if wanted.is_pavilion is not None:
        mask &= snapshot.is_pavilion == wanted.is_pavilion
    if wanted.delivery_mode is not None:
        mask &= (snapshot.modes & (1 << DELIVERY_MODES.index(wanted.delivery_mode))) != 0
    if wanted.in_stock:
        mask &= snapshot.available
    if wanted.min_price_fen is not None:
        mask &= snapshot.price >= wanted.min_price_fen
    if wanted.max_price_fen is not None:
        mask &= snapshot.price <= wanted.max_price_fen
    if wanted.product_ids is not None:
        mask &= _only(snapshot, wanted.product_ids)
    return mask


def _only(snapshot: Snapshot, product_ids: frozenset[UUID]) -> Mask:
    mask = np.zeros(snapshot.size, bool)
    mask[[snapshot.number_of[each] for each in product_ids if each in snapshot.number_of]] = True
    return mask


# Scores


def _scores(
    snapshot: Snapshot, known: Analyzer, words: Sequence[str], text: str
) -> tuple[Floats, Mask, frozenset[str]]:
    """Return every document's score, which hold each word of the query, and the known words.

    A word is worth most where it was found best.
    """
    total = np.zeros(snapshot.size, np.float32)
    weight = np.float32(0)
    covered = np.ones(snapshot.size, bool)
    matched = set()
    meant = [word for word in words if word not in STOP] or list(words)
    for word in meant:
        value, is_word = _slot(snapshot, known, word)
        covered &= value > rules.SINGLE if is_hanzi(word) and len(word) > 1 else value > 0
        hits = int(np.count_nonzero(value))
        worth = np.float32(rules.rarity(snapshot.size, hits) if hits else rules.UNKNOWN)
        total += worth * value
        weight += worth
        if is_word:
            matched.add(word)
    total /= weight
    total += rules.LIKENESS * _likeness(snapshot, known, text) ** 2
    total *= 0.7 + 0.3 * snapshot.shortness
    # Who holds every word answers the question; who holds one very well, another one.
    total *= np.where(covered, np.float32(1), np.float32(rules.PARTIAL))
    # Sold out stands behind what is left and otherwise as good; sales decide between equals.
    total *= np.where(snapshot.available, np.float32(1), np.float32(rules.SOLD_OUT))
    most = float(np.log1p(snapshot.sold.max())) if snapshot.size else 0.0
    if most:
        sales = np.log1p(snapshot.sold).astype(np.float32) / np.float32(most)
        total *= 1 + rules.SALES * sales
    return total, covered, frozenset(matched)


def _slot(snapshot: Snapshot, known: Analyzer, word: str) -> tuple[Floats, bool]:
    """Return what one word of a query is worth in each document, and whether it is a known word."""
    best = np.zeros(snapshot.size, np.float32)

    def raise_to(docs: Docs, value: float) -> bool:
        best[docs] = np.maximum(best[docs], np.float32(value))
        return len(docs) > 0

    is_word = False
    for name, boost in BOOSTS.items():
        is_word = raise_to(snapshot.docs(name, word), boost) or is_word
    canonical = known.canonical(word)
    if word in known.synonyms:
        is_word = raise_to(snapshot.docs("same", canonical), rules.SYNONYM) or is_word
    for part in known.words(word) if len(word) > 2 else ():
        if part != word and len(part) > 1:
            share = rules.PART * len(part) / len(word)
            for name, boost in BOOSTS.items():
                raise_to(snapshot.docs(name, part), boost * share)
    if is_hanzi(word):
        raise_to(
            _all(snapshot, "gram", _pairs(word)), rules.INSIDE if len(word) > 1 else rules.SINGLE
        )
    else:
        is_word = _sounds(snapshot, word, raise_to) or is_word
    return best, is_word


def _sounds(snapshot: Snapshot, word: str, raise_to: object) -> bool:
    assert callable(raise_to)
    found = False
    for heard in readings(word):
        if len(heard) > 1:
            pairs = [f"{first}_{second}" for first, second in pairwise(heard)]
            found = raise_to(_all(snapshot, "sound", pairs), rules.SOUND) or found
        elif len(word) > 1:
            found = raise_to(snapshot.docs("sound", heard[0]), rules.SYLLABLE) or found
    if 2 <= len(word) <= rules.MAX_INITIALS and word.isalpha():
        parts = [word] if len(word) <= 4 else [word[n : n + 4] for n in range(len(word) - 3)]
        found = raise_to(_all(snapshot, "letters", parts), rules.INITIALS) or found
    return bool(found)


def _pairs(word: str) -> list[str]:
    return [first + second for first, second in pairwise(word)] or [word]


def _all(snapshot: Snapshot, name: str, terms: Sequence[str]) -> Docs:
    """Return the documents that hold every one of some terms."""
    found = snapshot.docs(name, terms[0])
    for term in terms[1:]:
        if not len(found):
            break
        found = np.intersect1d(found, snapshot.docs(name, term), assume_unique=True)
    return found


def _likeness(snapshot: Snapshot, known: Analyzer, text: str) -> Floats:
    """Return which share of a query's characters and neighbours a name has, by their rarity.

    It does not mind the order of words, nor one wrong character.
    """
    like = np.zeros(snapshot.size, np.float32)
    weight = 0.0
    for gram in dict.fromkeys(grams(known.runs(text))[: rules.MAX_GRAMS]):
        docs = snapshot.docs("gram", gram)
        worth = rules.rarity(snapshot.size, len(docs)) if len(docs) else rules.UNKNOWN
        like[docs] += np.float32(worth)
        weight += worth
    return like / np.float32(weight) if weight else like


def _reward_exact(snapshot: Snapshot, known: Analyzer, total: Floats, text: str) -> None:
    """Raise names that are the query, hold it in one piece or end with it, and keywords that are it.

    What a Chinese name ends with is what the thing is: 雷州番薯 is one, 番薯干 is made of it.
    """
    phrase = "".join(known.runs(text))
    name_of = known.canonical(phrase)
    same = tuple(word for word, name in known.synonyms.items() if name == name_of) or (phrase,)
    top = np.argsort(-total, kind="stable")[: rules.LOOKED_AT]
    for doc in top[total[top] > 0]:
        name = "".join(known.runs_of_normal(snapshot.titles[doc]))
        bonus = 0.0
        if name == phrase:
            bonus = rules.EXACT
        elif phrase in name:
            bonus = rules.PHRASE
        if name.endswith(same):
            bonus += rules.HEAD
        if any(word in snapshot.keywords[doc] for word in same):
            bonus += rules.KEYWORD
        total[doc] *= 1 + bonus


def _good_enough(score: Floats, mask: Mask) -> Mask:
    """Return what is not much worse than the best: the rest answers another question."""
    best = float(np.max(score, where=mask, initial=0))
    return score > max(best * rules.GOOD_ENOUGH, rules.LEAST)


# Order and facets


def _ordered(
    snapshot: Snapshot, mask: Mask, score: Floats | None, wanted: Wanted
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


def after(snapshot: Snapshot, found: Found, place: Place) -> int:
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


def _facets(snapshot: Snapshot, mask: Mask) -> dict[str, dict[str, int]]:
    prices = snapshot.price[mask]
    edges = np.searchsorted(rules.PRICE_EDGES, prices, side="right")
    bands = np.bincount(edges, minlength=len(rules.PRICE_EDGES) + 1)
    suppliers = np.bincount(snapshot.supplier[mask], minlength=len(snapshot.suppliers.names))
    origins = np.bincount(snapshot.origin[mask], minlength=len(snapshot.origins.names))
    modes = snapshot.modes[mask]
    return {
        "category": snapshot.categories.counted(mask),
        "supplier": {
            snapshot.suppliers.names[n]: int(suppliers[n]) for n in np.flatnonzero(suppliers)
        },
        "origin": {
            snapshot.origins.names[n]: int(origins[n])
            for n in np.flatnonzero(origins)
            if snapshot.origins.names[n]
        },
        "delivery_mode": {
            mode: int(((modes & (1 << n)) != 0).sum()) for n, mode in enumerate(DELIVERY_MODES)
        },
        "pavilion": {"true": int(snapshot.is_pavilion[mask].sum())},
        "in_stock": {"true": int(snapshot.available[mask].sum())},
        "price": {rules.band_name(n): int(count) for n, count in enumerate(bands) if count},
    }
