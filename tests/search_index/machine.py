"""Spellings that a machine makes of names: the same things as people type them."""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass

from search_index.language.analysis import analyzer, is_hanzi
from search_index.language.pinyin import spelling

# How a unit is written otherwise.
UNITS = {
    "gb": ("g", "G", " GB"),
    "g": ("克", " g"),
    "tb": ("t", "T"),
    "mah": ("毫安", "毫安时", " mAh"),
    "毫安": ("mAh", "mah"),
    "毫安时": ("mAh", "毫安"),
    "ml": ("毫升", "ML"),
    "l": ("升", "L"),
    "升": ("L", "l"),
    "kg": ("公斤", "千克", "KG"),
    "公斤": ("kg", "千克"),
    "w": ("瓦", "W"),
    "英寸": ("寸", "吋"),
    "寸": ("英寸",),
    "匹": ("p", "P"),
    "mm": ("毫米",),
    "cm": ("厘米", "公分"),
    "米": ("m",),
}
_QUANTITY = re.compile(
    r"(\d+(?:\.\d+)?)(gb|tb|mah|毫安时|毫安|ml|kg|公斤|英寸|cm|mm|[glw升寸匹米](?![a-z]))"
)
_LATIN = re.compile(r"[a-z]{5,}")
_MIXED = re.compile(r"[a-z]+[- ]?\d+[a-z]*|\d+[a-z]{2,}\d+")
_HANZI = re.compile(r"[\u4e00-\u9fff]{3,}")


@dataclass(frozen=True)
class Variant:
    """A spelling, what it was made of, and the names that hold that."""

    kind: str
    query: str
    origin: str
    titles: frozenset[str]


def _drawn(title: str, chance: random.Random) -> Iterator[tuple[str, str, str]]:
    """Give kind, spelling and origin of what can be made of one name."""
    text = title.casefold()
    for found in _MIXED.finditer(text):
        whole = found.group()
        atoms = re.findall(r"[a-z]+|\d+", whole)
        yield "joined", "".join(atoms), whole
        yield "split", " ".join(atoms), whole
    for found in re.finditer(r"[a-z]{2,} [a-z]{2,}", text):
        yield "joined", found.group().replace(" ", ""), found.group()
    for found in _LATIN.finditer(text):
        word = found.group()
        place = chance.randrange(1, len(word) - 2)
        if word[place] != word[place + 1]:
            swapped = word[:place] + word[place + 1] + word[place] + word[place + 2 :]
            yield "transposed", swapped, word
        yield "plural", word[:-1] if word.endswith("s") else f"{word}s", word
        if len(word) > 5:
            place = chance.randrange(1, len(word) - 1)
            yield "missing letter", word[:place] + word[place + 1 :], word
        place = chance.randrange(2, len(word) - 1)
        yield "split", f"{word[:place]} {word[place:]}", word
    for found in _QUANTITY.finditer(text):
        yield "unit", found.group(1) + chance.choice(UNITS[found.group(2)]), found.group()
    for run in _HANZI.findall(text):
        length = chance.randint(3, min(5, len(run)))
        start = chance.randrange(len(run) - length + 1)
        part = run[start : start + length]
        yield "initials of a part", "".join(each[0] for each in spelling(part)), part
        words = [w for w in analyzer().query_words(run) if len(w) > 1 and is_hanzi(w)]
        if words:
            word = chance.choice(words)
            sound = "".join(spelling(word))
            if len(sound) > 5:
                place = chance.randrange(1, len(sound) - 2)
                if sound[place] != sound[place + 1]:
                    swapped = sound[:place] + sound[place + 1] + sound[place] + sound[place + 2 :]
                    yield "pinyin transposed", swapped, word


def variants(titles: list[str], count: int = 300, seed: int = 16) -> list[Variant]:
    """Return so many spellings, of each kind as evenly as there are any."""
    chance = random.Random(seed)
    by_kind: dict[str, dict[str, str]] = {}
    for title in titles:
        for kind, query, origin in _drawn(title, chance):
            if query != origin:
                by_kind.setdefault(kind, {}).setdefault(query, origin)
    pools = {
        kind: chance.sample(sorted(found.items()), len(found)) for kind, found in by_kind.items()
    }
    chosen: list[Variant] = []
    while len(chosen) < count and any(pools.values()):
        for kind, pool in pools.items():
            if pool and len(chosen) < count:
                query, origin = pool.pop()
                holding = frozenset(each for each in titles if origin in each.casefold())
                chosen.append(Variant(kind, query, origin, holding))
    return chosen
