"""Hanzi become pinyin, for the index only: queries bring their own letters.

The table takes 55 MB and is loaded by whoever spells the first word, not by every process.
"""

from functools import lru_cache

from mall.kernel.loading import late
from search_index.language.analysis import is_hanzi


@lru_cache(50_000)
def spelling(word: str) -> tuple[str, ...]:
    """Return a word's syllables, `lü` as `lu`; none for what is no Hanzi."""
    if not is_hanzi(word):
        return ()
    spelt: list[str] = late("pypinyin").lazy_pinyin(word, errors="ignore", v_to_u=False)
    return tuple(syllable.replace("v", "u") for syllable in spelt)


def initials(word: str) -> str:
    """Return the first letter of each syllable: fs for 番薯."""
    return "".join(syllable[0] for syllable in spelling(word))
