"""Completions while somebody types, and the word that was probably meant."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rapidfuzz import process
from rapidfuzz.distance import OSA

from search_index.language.analysis import (
    Analyzer,
    analyzer,
    heard,
    is_hanzi,
    readings,
    sounds,
    syllabary,
)

MAX_SCANNED = 3000
MAX_NEAR = 8
# From so many letters on one edit is a slip, and two are.
ONE_EDIT, TWO_EDITS = 5, 8
# How much likelier a word must be than a rare one that was found.
LIKELIER = 5


@dataclass(frozen=True, order=True)
class NearWord:
    """A word that may have been meant: how far it is, how many have it (fewer first), the word."""

    cost: float
    rarity: int
    word: str


class Suggester:
    """The words of one generation of the index, by their beginnings and by their near misses."""

    def __init__(self, words: Iterable[tuple[str, str, str, int]]) -> None:
        self._words = list(words)
        keys = []
        for number, (word, sound, letters, _) in enumerate(self._words):
            keys += [(key, number) for key in {word, sound, letters} if key]
        keys.sort()
        self._keys = [key for key, _ in keys]
        self._numbers = [number for _, number in keys]
        self._heard: dict[str, list[int]] = {}
        # Words of Hanzi by their length.
        self._sized: dict[int, list[int]] = {}
        # Letters by their length: names in letters and the pinyin of the others.
        self._lengths: dict[int, dict[str, int]] = {}
        for number, (word, sound, _, count) in enumerate(self._words):
            if is_hanzi(word):
                self._heard.setdefault(heard(word), []).append(number)
                self._sized.setdefault(len(word), []).append(number)
            for key in (word, sound):
                if key.isascii() and len(key) > 3 and not key.isdecimal():
                    known = self._lengths.setdefault(len(key), {})
                    if key not in known or count > self._words[known[key]][3]:
                        known[key] = number
        self._heard.pop("", None)
        # Brands that are written in letters elsewhere: what they mean may be here.
        for word in analyzer().latin_synonyms:
            known = self._lengths.setdefault(len(word), {})
            if word not in known:
                known[word] = len(self._words)
                self._words.append((word, "", "", 0))

    def complete(self, text: str, limit: int) -> list[str]:
        """Return words that begin with a text, its pinyin or its initials, the most used first.

        Of several words only the last is completed.
        """
        runs = analyzer().runs(text)
        for head, tail in ((runs[:0], "".join(runs)), (runs[:-1], runs[-1] if runs else "")):
            if not tail:
                return []
            found = self._beginning(tail, limit)
            if found:
                before = " ".join(head)
                return [f"{before} {word}".strip() for word in found]
        return []

    def _beginning(self, prefix: str, limit: int) -> list[str]:
        start = bisect_left(self._keys, prefix)
        best: dict[int, tuple[bool, int]] = {}
        for place in range(start, min(start + MAX_SCANNED, len(self._keys))):
            key = self._keys[place]
            if not key.startswith(prefix):
                break
            number = self._numbers[place]
            rank = (key != prefix, -self._words[number][3])
            best[number] = min(best.get(number, rank), rank)
        ordered = sorted(best, key=lambda number: (best[number], self._words[number][0]))
        return [self._words[number][0] for number in ordered[:limit]]

    # Near misses

    def near_letters(self, text: str) -> list[NearWord]:
        """Return the words that letters may have been meant for, the likeliest first."""
        most = 2 if len(text) >= TWO_EDITS else 1
        if len(text) < 4:
            return []
        # What reads as pinyin is a word: it is sold here or not, but hardly misspelt.
        is_sound = any(len(each) > 1 and _is_spoken(each) for each in readings(text))
        found: dict[str, NearWord] = {}
        for length in range(len(text) - most, len(text) + most + 1):
            known = self._lengths.get(length)
            if not known:
                continue
            for key, cost, _ in process.extract(
                text, known.keys(), scorer=OSA.distance, score_cutoff=most, limit=MAX_NEAR
            ):
                if not cost or not _is_slip(text, key, is_sound):
                    continue
                word, _, _, count = self._words[known[key]]
                far = cost + (0.5 if key[0] != text[0] else 0)
                near = NearWord(far, -count, word)
                found[word] = min(found.get(word, near), near)
        return sorted(found.values())[:MAX_NEAR]

    def near_hanzi(self, known: Analyzer, window: str, has_context: bool) -> list[NearWord]:
        """Return the words that Hanzi may have been meant for: by sound, or with two swapped.

        A word of the language is only taken for another where the rest of the query speaks for it.
        """
        if known.is_in_dictionary(window) and not has_context:
            return []
        found = []
        for number in self._heard.get(heard(window), ()):
            word, _, _, count = self._words[number]
            # Two that have a character in common are likelier than two that have none.
            shared = len(set(word) & set(window))
            found.append(NearWord(1.0 if shared else 1.5, -count, word))
        found += [NearWord(1.2, 0, word) for word in known.synonyms_heard.get(heard(window), ())]
        found += self._written_alike(known, window)
        swapped = {
            window[:n] + window[n + 1] + window[n] + window[n + 2 :] for n in range(len(window) - 1)
        }
        doubled = {
            window[:n] + window[n + 1 :]
            for n in range(1, len(window))
            if len(window) > 2 and window[n] == window[n - 1]
        }
        for word in swapped | doubled:
            count = self._count(word)
            if count:
                found.append(NearWord(1.0, -count, word))
        return sorted(each for each in found if each.word != window)[:MAX_NEAR]

    def _written_alike(self, known: Analyzer, window: str) -> list[NearWord]:
        """Return words that differ by one character that is hardly ever used: drawn like another."""
        rare = [place for place, each in enumerate(window) if each not in sounds()]
        if len(window) < 3 or len(rare) != 1:
            return []
        before, after = window[: rare[0]], window[rare[0] + 1 :]
        every = [
            *((self._words[n][0], self._words[n][3]) for n in self._sized.get(len(window), ())),
            *((word, 0) for word in known.synonyms if len(word) == len(window)),
        ]
        return [
            NearWord(1.3, -count, word)
            for word, count in every
            if word.startswith(before) and word.endswith(after)
        ]

    def _count(self, word: str) -> int:
        place = bisect_left(self._keys, word)
        while place < len(self._keys) and self._keys[place] == word:
            found, _, _, count = self._words[self._numbers[place]]
            if found == word:
                return count
            place += 1
        return 0


def _is_spoken(syllables: Sequence[str]) -> bool:
    """Tell whether every syllable is one of the language, and none a single letter."""
    return all(len(each) > 1 and each in syllabary() for each in syllables)


def _is_slip(text: str, key: str, is_sound: bool) -> bool:
    """Tell whether a word may have been typed as a text by a slip of the hand."""
    is_swap = len(text) == len(key) and sorted(text) == sorted(key)
    if is_sound or len(text) < ONE_EDIT:
        return is_swap
    # The first letter is seldom wrong.
    return is_swap or key[0] == text[0] or key[1:] == text or len(text) >= TWO_EDITS - 1


def windows(run: str, is_unknown: Sequence[bool]) -> Iterator[str]:
    """Give the pieces of a run that hold something unknown, long ones first."""
    for length in range(min(6, len(run)), 1, -1):
        for start in range(len(run) - length + 1):
            if any(is_unknown[start : start + length]):
                yield run[start : start + length]
