"""Completions while somebody types, and the word that was probably meant."""

from bisect import bisect_left
from collections.abc import Iterable

from search_index.words.analysis import analyzer, is_hanzi

MAX_SCANNED = 3000


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
        self._near: dict[str, list[int]] = {}
        self._exact: dict[str, list[int]] = {}
        self._known = set()
        for number, (word, sound, _, _) in enumerate(self._words):
            self._known.add(word)
            for key in {word, sound}:
                self._exact.setdefault(key, []).append(number)
            for pattern in {*_patterns(word), *(_patterns(sound) if len(sound) > 4 else ())}:
                self._near.setdefault(pattern, []).append(number)

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

    def correct(self, words: list[str], runs: list[str], is_found: set[str]) -> str | None:
        """Return a query with its unknown words replaced by near ones; None where nothing is near."""
        changed = False
        out = []
        for run in runs:
            inside = [word for word in words if word in run]
            if all(word in is_found for word in inside):
                out.append(run)
                continue
            fixed = self._correct_run(run, is_found)
            changed = changed or fixed is not None
            out.append(fixed or run)
        return " ".join(out) if changed else None

    def _correct_run(self, run: str, is_found: set[str]) -> str | None:
        if not is_hanzi(run):
            return self._nearest(run) if len(run) > 3 else None
        # The longest window that is a known word but for one character.
        for length in (6, 5, 4, 3, 2):
            for start in range(len(run) - length + 1):
                window = run[start : start + length]
                near = None if window in self._known else self._nearest(window)
                if near is not None and not _covered(window, is_found):
                    return run[:start] + near + run[start + length :]
        return None

    def _nearest(self, text: str) -> str | None:
        near = {n for pattern in _patterns(text) for n in self._near.get(pattern, ())}
        if len(text) > 3 and not is_hanzi(text):
            # One too many, one too few.
            fewer = {text[:place] + text[place + 1 :] for place in range(len(text))}
            near |= {n for each in fewer for n in self._exact.get(each, ())}
            more = {f"{text[:place]}?{text[place:]}" for place in range(len(text) + 1)}
            near |= {n for each in more for n in self._near.get(each, ())}
        if not near:
            return None
        word, sound, _, _ = max((self._words[n] for n in near), key=lambda each: each[3])
        return word if text not in (word, sound) else None


def _covered(window: str, is_found: set[str]) -> bool:
    """Tell whether known words make up a whole window."""
    rest = window
    for word in sorted(is_found, key=len, reverse=True):
        if len(word) > 1:
            rest = rest.replace(word, "")
    return not rest


def _patterns(word: str) -> list[str]:
    """Return a word with each of its characters left open: what one typo away has in common."""
    if len(word) < 2 or (len(word) < 4 and not is_hanzi(word)):
        return []
    return [f"{word[:place]}?{word[place + 1 :]}" for place in range(len(word))]
