"""What people are told, by key: the catalogues of `mall/web/texts`, and how a text is said (ADR 0036)."""

import logging
import string
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[2] / "web" / "texts"
LANGUAGES = ("zh", "en")
SECTIONS = ("refusals", "reasons", "findings", "names", "constraints", "http")
# What is said where the catalogues lack a key.
UNKNOWN = "refusals.refused"
_COMMAS = {"zh": "、", "en": ", "}
_SEMICOLONS = {"zh": "；", "en": "; "}
# The kernel stands below structlog's settings, and children import it.
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entry:
    """A text in both languages; of a refusal also its HTTP status, of a status also its code."""

    zh: str
    en: str
    status: int | None = None
    code: str | None = None
    # Placeholders that one language leaves out on purpose.
    only_zh: tuple[str, ...] = ()
    only_en: tuple[str, ...] = ()

    @property
    def names(self) -> set[str]:
        """Return what its sentences name in braces."""
        return placeholders(self.zh) | placeholders(self.en)


@dataclass(frozen=True)
class _Read:
    entries: dict[str, Entry] = field(default_factory=dict)
    # Of each sheet the heads of its columns, first as we write it; and what its template says of them.
    heads: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)
    hints: dict[str, dict[str, str]] = field(default_factory=dict)
    patterns: list[tuple[str, str]] = field(default_factory=list)


@cache
def _read() -> _Read:
    read = _Read()
    for path in sorted(FOLDER.rglob("*.toml")):
        told = tomllib.loads(path.read_text(encoding="utf-8"))
        for sheet, heads in told.get("heads", {}).items():
            read.heads[sheet] = {key: tuple(words) for key, words in heads.items()}
        read.hints.update(told.get("hints", {}))
        read.patterns.extend((each["en"], each["zh"]) for each in told.get("validation", ()))
        for key, entry in _entries(told):
            if key in read.entries:
                raise ValueError(f"{path.name} has {key}, which another catalogue has already")
            read.entries[key] = entry
    return read


def catalogue() -> Mapping[str, Entry]:
    """Return every text by its key, `section.key` or `names.kind.key`; read once."""
    return _read().entries


def heads(sheet: str) -> Mapping[str, tuple[str, ...]]:
    """Return by column how a sheet is headed: as its template says, then how else people write it."""
    return _read().heads[sheet]


def hints(sheet: str) -> Mapping[str, str]:
    """Return by column what the template of a sheet says of it."""
    return _read().hints[sheet]


def validation() -> Sequence[tuple[str, str]]:
    """Return patterns of what is said in English of a wrong value, each with its Chinese."""
    return _read().patterns


def _entries(read: Mapping[str, Any]) -> Iterator[tuple[str, Entry]]:
    for section in SECTIONS:
        for key, told in read.get(section, {}).items():
            if section == "names":
                for name, words in told.items():
                    yield f"names.{key}.{name}", _name(name, words)
            else:
                lists = {each: tuple(told[each]) for each in ("only_zh", "only_en") if each in told}
                yield f"{section}.{key}", Entry(**{**told, **lists})


def _name(name: str, words: str | Mapping[str, str]) -> Entry:
    return Entry(words, name) if isinstance(words, str) else Entry(words["zh"], words["en"])


def placeholders(text: str) -> set[str]:
    """Return what a text names in braces."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@dataclass(frozen=True)
class Wording:
    """A text by its key, with the details that it names; said in a language where a person reads it.

    A detail may be a wording itself, or a list.
    """

    key: str
    details: Mapping[str, Any] = field(default_factory=dict)

    def said(self, language: str) -> str:
        """Return the text in `zh` or `en`; a lack of the catalogue is logged and said as a refusal."""
        entry = catalogue().get(self.key)
        if entry is None:
            log.error("wording_missing %s", self.key)
            entry = catalogue()[UNKNOWN]
        details = _Details(self.key)
        details.update({name: _said(each, language) for name, each in self.details.items()})
        return (entry.zh if language == "zh" else entry.en).format_map(details)

    @property
    def zh(self) -> str:
        return self.said("zh")

    @property
    def en(self) -> str:
        return self.said("en")


@dataclass(frozen=True)
class Finding(Wording):
    """Something that a check found, with a stable code."""

    code: str = ""

    def shown(self) -> dict[str, str]:
        """Return it as it is kept and shown."""
        return {"code": self.code, "zh": self.zh, "en": self.en}


class _Details(dict[str, Any]):
    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key

    def __missing__(self, name: str) -> str:
        log.error("wording_incomplete %s lacks %s", self.key, name)
        return "…"


def _said(detail: Any, language: str) -> Any:
    if isinstance(detail, Wording):
        return detail.said(language)
    if isinstance(detail, (list, tuple)):
        marks = _SEMICOLONS if any(isinstance(each, Wording) for each in detail) else _COMMAS
        return marks[language].join(str(_said(each, language)) for each in detail)
    return detail


def name(kind: str, key: str, /, **details: Any) -> Wording:
    """Return what one of a kind is called: a state, a duty, a carrier."""
    return Wording(f"names.{kind}.{key}", details)


def reason(key: str, /, **details: Any) -> Wording:
    """Return why something was refused."""
    return Wording(f"reasons.{key}", details)


def finding(code: str, key: str = "", /, **details: Any) -> Finding:
    """Return what was found of a row, a cell or a programme; `key` names words other than the code's."""
    return Finding(f"findings.{key or code}", details, code)


def status_of(code: str) -> int:
    """Return the HTTP status of a refusal."""
    entry = catalogue().get(f"refusals.{code}")
    return 409 if entry is None or entry.status is None else entry.status
