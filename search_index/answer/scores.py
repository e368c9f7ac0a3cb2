"""What each document is worth as the answer to a question: arithmetic over columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from search_index import rules
from search_index.answer.question import MODEL, QueryTerm, Question
from search_index.language.analysis import SAME, Analyzer, grams, is_hanzi, readings
from search_index.language.tokens import HANZI, NUMBER, QUANTITY, singular
from search_index.rules import BOOSTS
from search_index.snapshots import Docs, Floats, Mask, Snapshot

_PLAIN = ("title", "brand", "keyword", "leaf", "attribute")


@dataclass(frozen=True)
class Scores:
    """Every document's score, which answer the question, and how many hold each word."""

    score: Floats
    # Who holds every word that must be held.
    covered: Mask
    # Who holds the thing itself, or enough of the words where none is the thing.
    near: Mask
    hits: Mapping[str, int]


class TermScores:
    """What one word of a query is worth in each document, and which of them hold it."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self.best = np.zeros(snapshot.size, np.float32)
        self.more = np.zeros(snapshot.size, np.float32)
        self.holds = np.zeros(snapshot.size, bool)
        # Whether it is a term of the index, not only how one sounds or begins.
        self.is_term = False

    def raise_to(self, docs: Docs, value: float, holds: bool = True) -> bool:
        """Let some documents be worth at least this."""
        if not len(docs):
            return False
        self.best[docs] = np.maximum(self.best[docs], np.float32(value))
        if holds:
            self.holds[docs] = True
        return True

    def find(self, term: str, factor: float = 1.0) -> bool:
        """Look a term up in every field of words; tell whether any has it."""
        found = False
        for name, boost in BOOSTS.items():
            docs = self._snapshot.docs(name, term)
            if len(docs):
                found = self.raise_to(docs, boost * factor)
                self.more[docs] += np.float32(boost)
        self.is_term = self.is_term or found
        return found


def scores(snapshot: Snapshot, known: Analyzer, question: Question, text: str) -> Scores:
    """Return what the documents are worth; a word is worth most where it was found best."""
    size = snapshot.size
    total, held = np.zeros(size, np.float32), np.zeros(size, np.float32)
    count = np.zeros(size, np.int8)
    weight = np.float32(0)
    covered = np.ones(size, bool)
    head: Mask | None = None
    is_it: Mask | None = None
    is_vague = is_term = False
    counts: dict[str, int] = {}
    for slot in question.slots:
        worth = _worth(snapshot, known, slot)
        hits = int(np.count_nonzero(worth.holds))
        is_term = is_term or worth.is_term
        # One wrong character among others bars nothing.
        is_noise = not hits and len(slot.text) == 1 and not slot.is_head
        value = np.float32(rules.rarity(snapshot.count, hits) if hits else rules.UNKNOWN)
        value *= np.float32(_emphasis(slot))
        total += value * (worth.best + np.float32(rules.MORE) * np.minimum(worth.more, 3))
        weight += value
        held[worth.holds] += value
        if slot.must_be:
            count += worth.holds
        # What praises need not be there, unless nothing is called so: it may be misspelt.
        if not is_noise and not (slot.is_optional and hits):
            covered &= worth.holds
        if slot.is_head:
            head = worth.holds & (worth.best >= np.float32(rules.LEAST_HEAD))
            is_it = worth.best >= np.float32(rules.LEAST_THING)
            is_vague = len(slot.text) == 1
        counts[slot.text] = hits
    if weight:
        total /= weight
    like, share = _likeness(snapshot, known, text)
    total += rules.LIKENESS * like**2
    enough = held >= weight * np.float32(rules.ENOUGH)
    near = enough if head is None else head
    if is_vague:
        # One character is a thing and the end of many: most of the other things must be there.
        near &= 2 * count > sum(slot.must_be for slot in question.slots)
    if not any(counts.values()):
        covered[:] = False
    _weigh(snapshot, total, covered)
    if is_term:
        # 苹果手机 and a name without its thing mean the thing itself, not what goes with it.
        aside = snapshot.is_accessory if is_it is None else snapshot.is_accessory & ~is_it
        total *= np.where(aside, np.float32(rules.ACCESSORY), np.float32(1))
    return Scores(total, covered, near | (share >= np.float32(rules.ALIKE)), counts)


def _emphasis(slot: QueryTerm) -> float:
    if slot.is_optional:
        return rules.OPTIONAL
    return rules.THING if slot.is_head else 1.0


def _weigh(snapshot: Snapshot, total: Floats, covered: Mask) -> None:
    total *= 0.7 + 0.3 * snapshot.shortness
    # Who holds every word answers the question; who holds one very well, another one.
    total *= np.where(covered, np.float32(1), np.float32(rules.PARTIAL))
    # Sold out stands behind what is left and otherwise as good; sales decide between equals.
    total *= np.where(snapshot.available, np.float32(1), np.float32(rules.SOLD_OUT))
    most = float(np.log1p(snapshot.sold.max())) if snapshot.size else 0.0
    if most:
        sales = np.log1p(snapshot.sold).astype(np.float32) / np.float32(most)
        total *= 1 + rules.SALES * sales


def _worth(snapshot: Snapshot, known: Analyzer, slot: QueryTerm) -> TermScores:
    worth = TermScores(snapshot)
    if slot.kind == HANZI:
        _find_hanzi(snapshot, known, slot, worth)
    elif slot.kind == QUANTITY:
        for term in slot.text.split("|"):
            worth.find(term)
        _find_bare(snapshot, worth, slot.pieces[0])
    elif slot.kind == NUMBER:
        worth.find(slot.text)
        worth.raise_to(snapshot.docs("title", f"#{slot.text}"), rules.BARE)
    elif slot.kind == MODEL:
        worth.find(slot.text)
        first, second = slot.pieces
        for form in {first, singular(first)}:
            both = np.intersect1d(_fields(snapshot, form), _fields(snapshot, second))
            worth.raise_to(both, rules.APART)
    else:
        _find_letters(snapshot, slot, worth)
    return worth


def _fields(snapshot: Snapshot, term: str) -> Docs:
    found = [snapshot.docs(name, term) for name in _PLAIN]
    return np.unique(np.concatenate(found))


def _find_bare(snapshot: Snapshot, worth: TermScores, number: str) -> None:
    """A number without a unit may mean the quantity: 8+256 and 256G."""
    worth.raise_to(snapshot.docs("title", number), rules.BARE)


def _find_hanzi(snapshot: Snapshot, known: Analyzer, slot: QueryTerm, worth: TermScores) -> None:
    for form, factor in slot.forms:
        worth.find(form, factor)
        if not is_hanzi(form):
            continue
        if len(form) > 1:
            worth.raise_to(snapshot.phrase(form), rules.INSIDE * factor)
        else:
            worth.raise_to(snapshot.docs("tail", form), rules.TAIL * factor)
            if form == slot.text and not slot.is_head:
                worth.raise_to(snapshot.docs("gram", form), rules.SINGLE)
        if slot.is_head:
            worth.best[snapshot.docs("leaf", form)] += np.float32(rules.IS_ONE * factor)
    for part in known.words(slot.text) if len(slot.text) > 2 else ():
        if part != slot.text and len(part) > 1:
            share = rules.PART * len(part) / len(slot.text)
            for name, boost in BOOSTS.items():
                worth.raise_to(snapshot.docs(name, part), boost * share, holds=False)


def _find_letters(snapshot: Snapshot, slot: QueryTerm, worth: TermScores) -> None:
    found = False
    for form, factor in slot.forms:
        for each in dict.fromkeys((form, singular(form))):
            found = worth.find(each, factor) or found
    if slot.pieces:
        # Typed in pieces: they may be words of their own.
        apart = [_fields(snapshot, piece) for piece in slot.pieces]
        both = apart[0]
        for other in apart[1:]:
            both = np.intersect1d(both, other)
        worth.raise_to(both, rules.PIECES)
    is_term = any(len(snapshot.docs(name, slot.text)) for name in _PLAIN)
    _find_sounds(snapshot, slot.text, worth, is_term)


def _find_sounds(snapshot: Snapshot, word: str, worth: TermScores, is_term: bool) -> None:
    found = False
    for heard in readings(word):
        if len(heard) > 1:
            pairs = [f"{first}_{second}" for first, second in pairwise(heard)]
            found = worth.raise_to(snapshot.all_of("sound", pairs), rules.SOUND) or found
        elif len(word) > 1 and not is_term:
            worth.raise_to(snapshot.docs("sound", heard[0]), rules.SYLLABLE)
    if is_term or not 2 <= len(word) <= rules.MAX_INITIALS:
        return
    worth.raise_to(snapshot.docs("letters", word), rules.INITIALS)
    worth.raise_to(snapshot.docs("letters", f"={word}"), rules.INITIALS_OF_THING)
    if len(word) >= 3 and not found:
        parts = [word] if len(word) <= 4 else [word[n : n + 4] for n in range(len(word) - 3)]
        worth.raise_to(snapshot.all_of("part", parts), rules.INITIALS_INSIDE)


def _likeness(snapshot: Snapshot, known: Analyzer, text: str) -> tuple[Floats, Floats]:
    """Return which share of a query's characters and neighbours a name has, by rarity and by number.

    It does not mind the order of words, nor one wrong character. Of less than four characters one
    wrong one leaves too little: then no name has any share by number.
    """
    like = np.zeros(snapshot.size, np.float32)
    share = np.zeros(snapshot.size, np.float32)
    weight = 0.0
    every = list(dict.fromkeys(grams(known.runs(text))[: rules.MAX_GRAMS]))
    for gram in every:
        docs = snapshot.docs("gram", gram)
        worth = rules.rarity(snapshot.count, len(docs)) if len(docs) else rules.UNKNOWN
        like[docs] += np.float32(worth)
        share[docs] += 1
        weight += worth
    singles = [gram for gram in every if len(gram) == 1]
    if len(singles) < rules.LEAST_ALIKE:
        share[:] = 0
    unknown = [each for each in singles if not len(snapshot.docs("gram", each))]
    if len(unknown) == 1:
        # One character that no name has is a slip: whoever has all the others is meant.
        others = sum(unknown[0] not in gram for gram in every)
        share[share == others] = len(every)
    return like / np.float32(weight or 1), share / np.float32(max(len(every), 1))


@dataclass(frozen=True)
class ExactMatches:
    """Which documents may be raised for their names, and by which query."""

    text: str
    question: Question
    mask: Mask


def reward_exact(snapshot: Snapshot, known: Analyzer, asked: ExactMatches, total: Floats) -> None:
    """Raise names that are the query, hold it in one piece or end with it, and keywords that are it.

    What a Chinese name ends with is what the thing is: 雷州番薯 is one, 番薯干 is made of it.
    """
    phrase = "".join(known.runs(asked.text))
    slots = asked.question.slots
    heads = [slot for slot in slots if slot.is_head] or list(slots[-1:])
    same = {phrase, *(form for slot in heads for form, worth in slot.forms if worth >= SAME)}
    ends = tuple(same)
    for doc in _first(snapshot, np.where(asked.mask, total, np.float32(0))):
        total[doc] *= 1 + _bonus(snapshot.titles[doc], snapshot.keywords[doc], phrase, ends)


def _first(snapshot: Snapshot, total: Floats) -> Docs:
    """Return the best documents, the same ones wherever they stand in the files."""
    found = np.flatnonzero(total > 0)
    if len(found) > rules.LOOKED_AT:
        least = np.partition(total[found], len(found) - rules.LOOKED_AT)[-rules.LOOKED_AT]
        found = found[total[found] >= least]
        found = found[np.lexsort((snapshot.age[found], -total[found]))][: rules.LOOKED_AT]
    return found.astype(np.int32)


def _bonus(name: str, keywords: Sequence[str], phrase: str, same: tuple[str, ...]) -> float:
    bonus = 0.0
    if name == phrase:
        bonus = rules.EXACT
    elif phrase in name:
        bonus = rules.PHRASE
    if name.endswith(same):
        bonus += rules.HEAD
    if keywords and any(word in keywords for word in same):
        bonus += rules.KEYWORD
    return bonus
