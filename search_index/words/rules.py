"""What operators add to a search, as every process keeps it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from mall.kernel.errors import DomainError, Invalid

MAX_WORD, MAX_GROUP = 30, 20
# No more than this many rules of a kind: every process keeps them all.
MAX_RULES = 2000
MAX_PLACED = 50
PINNED, BURIED = "pinned", "buried"
SYNONYMS, FILLER, KEPT, FORGOTTEN = "synonyms", "filler", "kept", "forgotten"
# What is counted of a day, for how long, and how often before members see it.
MAX_COUNTED_WORDS, KEPT_DAYS = 5000, 90
HOT_DAYS, HOT_LEAST, MAX_HOT = 7, 3, 20
_LONG_NUMBER = re.compile(r"\d[\d\s-]{4,}\d")


@dataclass(frozen=True)
class Edits:
    """Operators' rules by what they are about; texts are normalised, queries without spaces."""

    revision: str = ""
    synonyms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    fillers: frozenset[str] = frozenset()
    # What was typed, and what is meant.
    kept: Mapping[str, str] = field(default_factory=dict)
    # What is never said to be meant: a word, or a pair of typed and meant.
    forgotten: frozenset[tuple[str, str]] = frozenset()
    pinned: Mapping[str, tuple[UUID, ...]] = field(default_factory=dict)
    buried: Mapping[str, frozenset[UUID]] = field(default_factory=dict)

    def is_forgotten(self, typed: str, meant: str) -> bool:
        """Tell whether operators do not want this to be said."""
        return (typed, "") in self.forgotten or (typed, meant) in self.forgotten


NO_EDITS = Edits()


def countable(words: str) -> str | None:
    """Return the words of a search as they are counted; None for what may name a person."""
    text = " ".join(words.split())
    if not text or len(text) > MAX_WORD or _LONG_NUMBER.search(text) or "@" in text:
        return None
    return text


class SearchRuleTaken(DomainError):
    code = "search_rule_taken"


class ProductPlaced(DomainError):
    code = "product_placed"


def no_word(field: str) -> Invalid:
    """Return the refusal of a text without any letter, digit or Hanzi: nobody searches for it."""
    return Invalid(field, "word_without_letters")


def same_word(field: str) -> Invalid:
    """Return the refusal of a rule that says that a word means itself."""
    return Invalid(field, "words_same")


def no_meaning() -> Invalid:
    """Return the refusal of a correction to keep that does not say what is meant."""
    return Invalid("meant", "correction_without_meaning")


@dataclass(frozen=True)
class RuleForm:
    """A rule as operators write it; `meant` is what typed words mean, or do not mean."""

    kind: str
    words: tuple[str, ...]
    meant: str | None = None


@dataclass(frozen=True)
class PlacementForm:
    """A product's place for a query; pinned ones stand by their position."""

    query: str
    product_id: UUID
    place: str
    position: int = 0
