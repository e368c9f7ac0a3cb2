"""Text becomes words: simplified, half-width, cut by the dictionary, with synonyms and grams."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib import import_module
from itertools import pairwise
from pathlib import Path

from mall.kernel.text import canonical

DATA = Path(__file__).parent / "data"
_HANZI = "\u3400-\u4dbf\u4e00-\u9fff"
_RUNS = re.compile(rf"[{_HANZI}]+|[a-z0-9]+")
_IS_HANZI = re.compile(rf"[{_HANZI}]+")
# Words that say nothing of what is sought.
STOP = frozenset(
    [
        "的",
        "了",
        "和",
        "与",
        "及",
        "或",
        "在",
        "是",
        "款",
        "装",
        "个",
        "一",
        "二",
        "三",
        "四",
        "有",
        "用",
        "可",
        "式",
    ]
)
_SYLLABLES = re.compile(
    "(?:zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw])"
    "(?:iang|iong|uang|ang|eng|ing|ong|iao|ian|uai|uan|ai|ei|ao|ou|an|en|in|un|ia|ie|iu|"
    "ua|uo|ui|ue|a|o|e|i|u)|ang|eng|ai|ei|ao|ou|an|en|er|a|o|e"
)
MAX_READINGS = 6


def _lines(name: str) -> Iterator[str]:
    for line in (DATA / name).read_text(encoding="utf-8").splitlines():
        text = line.partition("#")[0].strip()
        if text:
            yield text


class Analyzer:
    """Dictionary, synonyms and conversion, loaded once in a process (0.2 s, 40 MB)."""

    def __init__(self) -> None:
        # Named, not imported: 40 MB that only whoever searches or indexes needs.
        self._simplify = import_module("opencc").OpenCC("t2s")
        self._jieba = import_module("rjieba")
        groups = [line.split() for line in _lines("synonyms.txt")]
        for word in [*_lines("dictionary.txt"), *(word for group in groups for word in group)]:
            if len(word) > 1:
                self._jieba.add_word(word, 50_000, "n")
        # What means the same shares a name: that of the first word of its group.
        self.synonyms: dict[str, str] = {}
        for group in groups:
            first = self.synonyms.get(group[0], group[0])
            for word in group:
                self.synonyms.setdefault(word, first)
        texts = [(DATA / name).read_bytes() for name in ("dictionary.txt", "synonyms.txt")]
        self.version = hashlib.sha256(b"1".join(texts)).hexdigest()[:12]

    def normalise(self, text: str) -> str:
        """Return text in lower case, half width and simplified characters."""
        folded = canonical.code(text).casefold()
        return self._simplify.convert(folded) if folded else ""

    def runs(self, text: str) -> list[str]:
        """Return the runs of Hanzi and of letters and digits in a text; all else separates."""
        return _RUNS.findall(self.normalise(text))

    def runs_of_normal(self, text: str) -> list[str]:
        """Return the runs of a text that is normalised already."""
        return _RUNS.findall(text)

    def words(self, text: str) -> list[str]:
        """Return the words of a text as a search finds them: long words and the ones inside."""
        found: list[str] = []
        for run in self.runs(text):
            if is_hanzi(run):
                found += self._jieba.cut_for_search(run)
            else:
                found.append(run)
        return found

    def query_words(self, text: str) -> list[str]:
        """Return the words of a query, each once, none inside another."""
        found: list[str] = []
        for run in self.runs(text):
            found += self._jieba.cut(run) if is_hanzi(run) else [run]
        return list(dict.fromkeys(found))

    def with_synonyms(self, texts: Iterable[str], words: Iterable[str]) -> list[str]:
        """Return the words in texts that have synonyms, also where they were cut otherwise."""
        found = [word for word in words if word in self.synonyms]
        whole = " ".join(run for text in texts for run in self.runs(text))
        return found + [word for word in self.synonyms if len(word) > 1 and word in whole]

    def canonical(self, word: str) -> str:
        """Return the name that a word shares with its synonyms."""
        return self.synonyms.get(word, word)


@lru_cache(1)
def analyzer() -> Analyzer:
    """Return this process's analyzer; the first call loads it."""
    return Analyzer()


def is_hanzi(text: str) -> bool:
    """Tell whether a text is Hanzi throughout."""
    return _IS_HANZI.fullmatch(text) is not None


def grams(runs: Iterable[str]) -> list[str]:
    """Return single Hanzi and pairs of neighbours: what remains of a word cut or spelt wrongly."""
    found: list[str] = []
    for run in runs:
        if is_hanzi(run):
            found += run
            found += [first + second for first, second in pairwise(run)]
        else:
            found.append(run)
    return found


@lru_cache(4096)
def readings(letters: str) -> tuple[tuple[str, ...], ...]:
    """Return how letters may read as pinyin, the fewest syllables first; nothing where they do not.

    Letters seldom say where a syllable ends: `ange` is an-ge and ang-e, `liang` li-ang too.
    """
    text = letters.replace("v", "u")
    ends: dict[int, list[tuple[str, ...]]] = {len(text): [()]}
    for start in range(len(text) - 1, -1, -1):
        found = [
            (text[start : start + length], *rest)
            for length in range(min(6, len(text) - start), 0, -1)
            if _SYLLABLES.fullmatch(text, start, start + length)
            for rest in ends.get(start + length, ())
        ]
        ends[start] = sorted(found, key=len)[:MAX_READINGS]
    best = ends[0]
    return tuple(each for each in best if len(each) <= len(best[0]) + 1)
