"""Text becomes words: simplified, half-width, cut by the dictionary, with synonyms and grams."""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from mall.kernel.loading import late
from mall.kernel.text import canonical
from search_index.language import tokens
from search_index.language.tokens import HANZI, LETTERS, NUMBER, Token

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
MEASURES = frozenset("个件包片支枚袋瓶盒条双套只卷张抽本块根颗粒层号级年月天")
_SYLLABLES = re.compile(
    "(?:zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw])"
    "(?:iang|iong|uang|ang|eng|ing|ong|iao|ian|uai|uan|ai|ei|ao|ou|an|en|in|un|ia|ie|iu|"
    "ua|uo|ui|ue|a|o|e|i|u)|ang|eng|ai|ei|ao|ou|an|en|er|a|o|e"
)
MAX_READINGS = 6
SAME, NARROWER = 0.85, 0.7


@dataclass(frozen=True)
class TaggedWord:
    """A word of a query with its part of speech, and whether it follows the one before at once."""

    token: Token
    speech: str = ""


def _lines(name: str) -> Iterator[str]:
    for line in (DATA / name).read_text(encoding="utf-8").splitlines():
        text = line.partition("#")[0].strip()
        if text:
            yield text


def _synonyms(lines: Iterable[str]) -> dict[str, dict[str, float]]:
    """Return for each word what else finds the same, and what that is worth."""
    found: dict[str, dict[str, float]] = {}
    for line in lines:
        first, _, narrower = line.partition(">")
        group = first.split()
        for word in group:
            known = found.setdefault(word, {})
            for other in narrower.split():
                known.setdefault(other, NARROWER)
            for other in group:
                if other != word:
                    known[other] = SAME
    return found


class Analyzer:
    """Dictionary, synonyms and conversion, loaded once in a process (0.2 s, 40 MB)."""

    def __init__(self) -> None:
        self._simplify = late("opencc").OpenCC("t2s")
        self._jieba = late("rjieba")
        self.synonyms: Mapping[str, Mapping[str, float]] = _synonyms(_lines("synonyms.txt"))
        self.fillers = frozenset(_lines("fillers.txt"))
        for word in {*_lines("dictionary.txt"), *self.synonyms, *self.fillers}:
            if len(word) > 1 and is_hanzi(word):
                self._jieba.add_word(word, 50_000, "n")
        texts = [(DATA / name).read_bytes() for name in ("dictionary.txt", "synonyms.txt")]
        # The same words by their sound, so that a misspelt one is known for what it means.
        self.synonyms_heard: dict[str, list[str]] = {}
        for word in self.synonyms:
            if len(word) > 1 and is_hanzi(word) and heard(word):
                self.synonyms_heard.setdefault(heard(word), []).append(word)
        self.latin_synonyms = [each for each in self.synonyms if each.isascii() and len(each) > 3]
        # A title is asked for by several fields, a category by many products.
        self._normal = lru_cache(512)(self._normalised)
        self._tokens = lru_cache(512)(self._tokenized)
        self.version = hashlib.sha256(b"2".join(texts)).hexdigest()[:12]

    def normalise(self, text: str) -> str:
        """Return text in lower case, half width and simplified characters, counts spelt out."""
        return self._normal(text)

    def _normalised(self, text: str) -> str:
        folded = canonical.code(text).casefold()
        return tokens.spell_counts(self._simplify.convert(folded)) if folded else ""

    def _tokenized(self, text: str) -> tuple[Token, ...]:
        return tuple(tokens.tokenize(self._normal(text)))

    def runs(self, text: str) -> list[str]:
        """Return the runs of Hanzi and of letters and digits in a text; all else separates."""
        return _RUNS.findall(self.normalise(text))

    def runs_of_normal(self, text: str) -> list[str]:
        """Return the runs of a text that is normalised already."""
        return _RUNS.findall(text)

    def words(self, text: str) -> list[str]:
        """Return the words of a text as a search finds them: long words and the ones inside."""
        cut = self._tokens(text)
        return [*self._hanzi(cut, self._jieba.cut_for_search), *self._latin(cut)]

    def whole_words(self, text: str) -> list[str]:
        """Return the words of a text, none inside another."""
        cut = self._tokens(text)
        return [*self._hanzi(cut, self.cut), *self._latin(cut)]

    def _hanzi(self, cut: Sequence[Token], cutting: Callable[[str], list[str]]) -> Iterator[str]:
        for place, token in enumerate(cut):
            if token.kind == HANZI:
                words = cutting(token.text)
                # In 24包 and 12支 nothing is a bag or a branch.
                is_count = token.is_glued and place and cut[place - 1].kind == NUMBER
                yield from words[1:] if is_count and words[0] in MEASURES else words

    def _latin(self, cut: Sequence[Token]) -> Iterator[str]:
        for term in tokens.latin_terms(cut):
            yield term
            if tokens.singular(term) != term:
                yield tokens.singular(term)
        for before, token in pairwise(cut):
            if joins := self.mixed(before, token):
                yield joins

    def mixed(self, letters: Token, hanzi: Token) -> str:
        """Return the word that letters and one Hanzi make together, as in T恤; none where none."""
        if letters.kind != LETTERS or hanzi.kind != HANZI or len(letters.text) > 4:
            return ""
        first = self.cut(hanzi.text)[0]
        is_one = len(first) == 1 and (hanzi.is_glued or len(letters.text) == 1)
        return f"{letters.text}{first}" if is_one else ""

    def cut(self, run: str) -> list[str]:
        """Return the words of a run of Hanzi."""
        found: list[str] = self._jieba.cut(run)
        return found

    def is_in_dictionary(self, word: str) -> bool:
        """Tell whether a word is one of the language, sold here or not."""
        return bool(self._jieba.has_word(word))

    def query_words(self, text: str) -> list[str]:
        """Return the words of a text, each once, none inside another; letters as they were typed."""
        found: list[str] = []
        for run in self.runs(text):
            found += self.cut(run) if is_hanzi(run) else [run]
        return list(dict.fromkeys(found))

    def said(self, text: str) -> list[TaggedWord]:
        """Return the words of a query in their order, with their parts of speech."""
        found: list[TaggedWord] = []
        for token in self._tokens(text):
            if token.kind != HANZI:
                found.append(TaggedWord(token))
                continue
            for place, (word, speech) in enumerate(self._jieba.tag(token.text)):
                glued = place > 0 or token.is_glued
                found.append(TaggedWord(Token(word, HANZI, glued), speech))
        return found


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


@lru_cache(1)
def sounds() -> Mapping[str, str]:
    """Return the reading of each common character (1 MB), for queries: pypinyin takes 55."""
    found = {}
    for line in _lines("sounds.txt"):
        syllable, characters = line.split()
        found.update(dict.fromkeys(characters, syllable))
    return found


@lru_cache(1)
def syllabary() -> frozenset[str]:
    """Return the syllables that a common character has."""
    return frozenset(sounds().values())


_FOLDS = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("ang", "an"), ("eng", "en"), ("ing", "in"))


@lru_cache(20_000)
def folded(syllable: str) -> str:
    """Return a syllable as many hear it: sh as s, ang as an, l as n."""
    for written, heard in _FOLDS:
        syllable = syllable.replace(written, heard)
    return f"n{syllable[1:]}" if syllable.startswith("l") else syllable


def heard(word: str) -> str:
    """Return how a word of Hanzi sounds, roughly; nothing where a character is unknown."""
    known = sounds()
    found = [known.get(each, "") for each in word]
    return " ".join(map(folded, found)) if all(found) else ""
