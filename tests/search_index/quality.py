"""How well a search finds: queries made of names, and judgements written by hand."""

import json
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from search_index.language.analysis import Analyzer, is_hanzi
from search_index.language.pinyin import spelling

JUDGEMENTS = Path(__file__).parent / "judgements.jsonl"
# A query's answer: titles in order.
Search = Callable[[str], list[str]]
# What a slip of the hand puts in place of a character; none of them is in any name.
WRONG = "囗乂丿囧"


@dataclass(frozen=True)
class Case:
    """A query made of a product's name, and the name that must be found."""

    kind: str
    query: str
    title: str


def derive(products: list[tuple[str, str]], known: Analyzer) -> list[Case]:
    """Return the queries made of each (title, category): two inner words, a word and the category,
    a word's pinyin, one wrong character, and the words in another order.

    Of a name's words the rarest are taken: nobody looks for a thing by what a hundred share.
    """
    words = {title: _words(title, known) for title, _ in products}
    common = Counter(word for found in words.values() for word in set(found))
    cases = []
    for title, category in products:
        found = words[title]
        rare = sorted(found, key=lambda word: (common[word], -len(word)))
        inner = sorted(rare[:2], key=found.index)
        hanzi = [word for word in rare if is_hanzi(word)]
        cases.append(Case("two inner words", " ".join(inner), title))
        cases.append(Case("word and category", f"{rare[0]} {category}", title))
        # A word that several share is spelt together with its neighbour.
        cases.append(Case("pinyin", _pinyin(hanzi, found, common), title))
        cases.append(Case("wrong character", _misspelt(inner, found), title))
        cases.append(Case("reordered", " ".join(reversed(found[:5])), title))
    return cases


def _words(title: str, known: Analyzer) -> list[str]:
    found = known.query_words(title)
    kept = [word for word in found if len(word) > 1]
    return kept or found


def _pinyin(hanzi: list[str], found: list[str], common: Counter) -> str:
    first = hanzi[0]
    spelt = "".join(spelling(first))
    if common[first] <= 3 or len(hanzi) == 1:
        return spelt
    return f"{spelt} {''.join(spelling(hanzi[1]))}"


def _misspelt(inner: list[str], found: list[str]) -> str:
    text = "".join(inner)
    if len(text) < 4:
        text = "".join(found)
    place = len(text) // 2
    return text[:place] + WRONG[len(text) % len(WRONG)] + text[place + 1 :]


def rates(cases: list[Case], search: Search) -> dict[str, tuple[float, float, int]]:
    """Return by kind which share is found in the first three, in the first ten, and of how many."""
    hits: dict[str, list[int]] = {}
    for case in cases:
        found = search(case.query)[:10]
        place = found.index(case.title) + 1 if case.title in found else 99
        for kind in (case.kind, "all"):
            hits.setdefault(kind, []).append(place)
    return {
        kind: (
            sum(place <= 3 for place in places) / len(places),
            sum(place <= 10 for place in places) / len(places),
            len(places),
        )
        for kind, places in hits.items()
    }


@dataclass(frozen=True)
class Judgement:
    """What somebody would want to find for a query: 3 the thing itself, 1 something near it."""

    query: str
    grades: dict[str, int]
    is_held_out: bool


def judgements() -> list[Judgement]:
    """Return every judgement; those held out took no part in tuning."""
    rows = [json.loads(line) for line in JUDGEMENTS.read_text(encoding="utf-8").splitlines()]
    return [Judgement(row["query"], row["grades"], row["held_out"]) for row in rows]


def _gain(grades: list[int]) -> float:
    return sum((2**grade - 1) / math.log2(place + 2) for place, grade in enumerate(grades[:10]))


def ndcg(judgement: Judgement, found: list[str]) -> float:
    """Return the normalized discounted cumulative gain of the first ten."""
    ideal = _gain(sorted(judgement.grades.values(), reverse=True))
    return _gain([judgement.grades.get(title, 0) for title in found]) / ideal


def mean_ndcg(chosen: list[Judgement], search: Search) -> float:
    """Return the mean over judgements."""
    return sum(ndcg(each, search(each.query)) for each in chosen) / len(chosen)
