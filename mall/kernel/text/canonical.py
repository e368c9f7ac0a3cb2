"""The one place where text is made canonical, and the one by which names are compared (docs/adr/0031).

What a person sees as the same is the same: whatever nobody sees is taken out. Doing it again changes
nothing.
"""

import re
import unicodedata
from collections.abc import Callable
from typing import Literal

# Marks that are no letters, and letters that are drawn as nothing.
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u2800\u3164\uffa0") | {
    chr(code)
    for first, last in ((0xFE00, 0xFE0F), (0xE0100, 0xE01EF))
    for code in range(first, last + 1)
}
_SPACES = re.compile(r"\s+")
_BREAKS = re.compile(r"\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_SPACES_OF_LINE = re.compile(r"[^\S\n]+")
# How Excel writes control characters into XML: `_x000D_` is a carriage return.
_ESCAPED = re.compile(r"_x00(?:0[0-9A-Fa-f]|1[0-9A-Fa-f]|7[Ff]|[89][0-9A-Fa-f])_")
_INTERPUNCTS = str.maketrans(dict.fromkeys("•‧・･∙⋅᛫●⸱", "·"))
_HAN = r"\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff"
_IS_HAN = re.compile(f"[{_HAN}]")
# Between two Hanzi a full stop in the middle is an interpunct, as in 买买提．艾力.
_DOTS = re.compile(f"(?<=[{_HAN}])[.．](?=[{_HAN}])")
# Most texts of a sheet: Hanzi, plain marks, single spaces. They are canonical as they are.
_PLAIN = r"[!-~\u4e00-\u9fff\u3001\u3002\uff0c\uff1a\uff1b\uff08\uff09]+"
_PLAIN_LINE = re.compile(f"{_PLAIN}(?: {_PLAIN})*")
_DASHES = re.compile("[-()\u2010-\u2015\u2212]")
_MOBILE = re.compile(r"1[3-9][0-9]{9}")


def _is_seen(character: str) -> bool:
    if character in _INVISIBLE:
        return False
    return unicodedata.category(character) not in ("Cc", "Cf") or character.isspace()


def _settled(text: str, change: Callable[[str], str]) -> str:
    """Change a text until nothing changes: what was taken out may have hidden something else."""
    while (changed := change(text)) != text:
        text = changed
    return text


def _visible(text: str, form: Literal["NFC", "NFKC"]) -> str:
    if text.isascii() and text.isprintable() and "_x00" not in text:
        return text
    text = _ESCAPED.sub(" ", unicodedata.normalize(form, text))
    return "".join(filter(_is_seen, text))


def prose(text: str) -> str:
    """Return a name, a title or a sentence of one line in canonical form (NFC)."""

    def change(text: str) -> str:
        text = _visible(text, "NFC").translate(_INTERPUNCTS)
        return _DOTS.sub("·", _SPACES.sub(" ", text).strip())

    return _settled(text, change)


def lines(text: str) -> str:
    """Return a text of several lines in canonical form; its line breaks stay."""
    if "_x" not in text and _PLAIN_LINE.fullmatch(text):
        return text
    text = text.replace("_x000D_\n", "\n").replace("_x000D_", "\n").replace("_x000A_", "\n")
    text = _BREAKS.sub("\n", text)

    def change(text: str) -> str:
        text = _SPACES_OF_LINE.sub(" ", _visible(text, "NFC").translate(_INTERPUNCTS))
        return "\n".join(line.strip() for line in text.split("\n")).strip()

    return _settled(text, change)


def code(text: str) -> str:
    """Return a code or a number in canonical form (NFKC): full width is plain."""

    def change(text: str) -> str:
        return _SPACES.sub(" ", _visible(text, "NFKC").translate(_INTERPUNCTS)).strip()

    return _settled(text, change)


def squeezed(text: str) -> str:
    """Return a code without any space."""
    return code(text).replace(" ", "")


def person(text: str) -> str:
    """Return a person's name: full width is plain, and no space stands among Hanzi."""
    name = prose(code(prose(text)))
    return prose(name.replace(" ", "")) if _IS_HAN.search(name) else name


def key(text: str) -> str:
    """Return that by which names are compared: whatever their width, case, spaces and interpuncts."""

    def change(text: str) -> str:
        return prose(squeezed(prose(text)).casefold()).replace(" ", "")

    return _settled(text, change)


def digits(text: str) -> str:
    """Return the digits of a phone number, without the country's code before a mobile one."""
    found = "".join(c for c in code(text) if c in "0123456789")
    return found[2:] if len(found) == 13 and found.startswith("86") else found


def mobile(text: str) -> str | None:
    """Return a mainland mobile number as eleven digits; None for whatever is none."""
    found = _DASHES.sub("", squeezed(text))
    found = found.removeprefix("+86")
    found = found[2:] if len(found) == 13 and found.startswith("86") else found
    return found if _MOBILE.fullmatch(found) else None
