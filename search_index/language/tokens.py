"""Letters, digits and units, split and joined the same way in names and in queries."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_HANZI = "\u3400-\u4dbf\u4e00-\u9fff"
HANZI, LETTERS, NUMBER, QUANTITY = "hanzi", "letters", "number", "quantity"

# Unit as written: unit of its dimension, and how many of those it is.
_UNITS = {
    "mg": ("mg", 1), "毫克": ("mg", 1),
    "g": ("g", 1), "克": ("g", 1), "kg": ("g", 1000), "公斤": ("g", 1000), "千克": ("g", 1000),
    "斤": ("g", 500),
    "ml": ("ml", 1), "毫升": ("ml", 1), "l": ("ml", 1000), "升": ("ml", 1000),
    "mm": ("mm", 1), "毫米": ("mm", 1), "cm": ("mm", 10), "厘米": ("mm", 10), "公分": ("mm", 10),
    "m": ("mm", 1000), "米": ("mm", 1000),
    "gb": ("gb", 1), "tb": ("gb", 1024), "t": ("gb", 1024), "mb": ("mb", 1),
    "mah": ("mah", 1), "毫安时": ("mah", 1), "毫安": ("mah", 1),
    "w": ("w", 1), "瓦": ("w", 1), "kw": ("w", 1000), "千瓦": ("w", 1000),
    "hz": ("hz", 1), "赫兹": ("hz", 1), "khz": ("hz", 1000),
    "v": ("v", 1), "伏": ("v", 1),
    "寸": ("inch", 1), "英寸": ("inch", 1), "吋": ("inch", 1), "inch": ("inch", 1),
    "匹": ("hp", 1), "p": ("hp", 1),
}  # fmt: skip
# Sizes of memory: grams of 256G are gigabytes as well.
_MEMORY = frozenset({4, 6, 8, 12, 16, 24, 32, 64, 128, 256, 512, 1024, 2048})
# These Hanzi begin a word of their own: 5米粉, 3升级.
_WORDS_OF_UNITS = "(?!饭|粉|面|色|糊|线|级|降|力|隆|片)"
_LATIN_UNITS = sorted((u for u in _UNITS if u.isascii()), key=len, reverse=True)
_HANZI_UNITS = sorted((u for u in _UNITS if not u.isascii()), key=len, reverse=True)
_TOKENS = re.compile(
    rf"(?P<value>(?<![a-z0-9.])\d+(?:\.\d+)?) ?"
    rf"(?P<unit>(?:{'|'.join(_LATIN_UNITS)})(?![a-z0-9])|(?:{'|'.join(_HANZI_UNITS)}){_WORDS_OF_UNITS})"
    rf"|(?P<number>\d+(?:\.\d+)?)|(?P<letters>[a-z]+)|(?P<hanzi>[{_HANZI}]+)"
)
# A digit that counts things is written out: 4件套 is 四件套.
_COUNTED = re.compile(
    r"(?<![a-z0-9.+*x/-])([1-9])(?=[件层人门段档头合刀片只支枚袋瓶盒包条双套孔轮座])"
)
_DIGITS = dict(zip("123456789", "一二三四五六七八九", strict=True))


@dataclass(frozen=True)
class Token:
    """A piece of text of one kind, and whether it follows the one before without a space."""

    text: str
    kind: str
    is_glued: bool = False
    # A quantity's number as it was written.
    value: str = ""


def spell_counts(text: str) -> str:
    """Return a text with the digits that count things as Hanzi."""
    return _COUNTED.sub(lambda found: _DIGITS[found.group(1)], text)


def _amount(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")


def quantities(value: str, unit: str) -> tuple[str, ...]:
    """Return a quantity in the unit of its dimension; letters that mean two give both."""
    if len(value) > 12:
        return (f"{value[:12]}{unit}",)
    name, factor = _UNITS[unit]
    number = float(value)
    found = [f"{_amount(number * factor)}{name}"]
    if unit == "g" and number in _MEMORY:
        found.append(f"{_amount(number)}gb")
    return tuple(found)


def tokenize(text: str) -> list[Token]:
    """Return the tokens of a text that is normalised already."""
    found: list[Token] = []
    last = -1
    for match in _TOKENS.finditer(text):
        glued = match.start() == last
        last = match.end()
        if match["unit"]:
            texts = "|".join(quantities(match["value"], match["unit"]))
            found.append(Token(texts, QUANTITY, glued, match["value"]))
        else:
            kind = match.lastgroup or HANZI
            found.append(Token(match.group(), kind, glued))
    return found


def latin_terms(tokens: Sequence[Token]) -> Iterator[str]:
    """Give the terms by which a name's letters, numbers and quantities are found.

    `#256` says that a number stands there, whatever its unit; neighbours are given joined, too.
    """
    for place, token in enumerate(tokens):
        before = tokens[place - 1] if place else None
        if token.kind == QUANTITY:
            yield from token.text.split("|")
            yield f"#{token.value}"
        elif token.kind == NUMBER:
            yield token.text
            yield f"#{token.text}"
        elif token.kind == LETTERS:
            yield token.text
        if before and before.kind in (LETTERS, NUMBER) and token.kind in (LETTERS, NUMBER):
            yield f"{before.text}{token.text}"
        elif before and before.kind == LETTERS and token.kind == QUANTITY:
            yield f"{before.text}{token.value}"


def singular(word: str) -> str:
    """Return an English word without the `s` of its plural."""
    return word[:-1] if len(word) > 4 and word.endswith("s") and not word.endswith("ss") else word
