"""What a product looks like inside the index."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import orjson

from catalog.products.queries.searching import Searchable
from search_index.language.analysis import STOP, analyzer, grams, is_hanzi
from search_index.language.pinyin import initials, spelling

# A long description says less with every word.
MAX_BODY_WORDS = 120
# What facets and filters know of a product: more attributes, and longer ones, are only searched.
MAX_ATTRIBUTES, MAX_NAME, MAX_VALUE = 12, 10, 20
MAX_OPTIONS = 60
# The name of a category, or a word in a name, by which a thing only goes with another.
_ACCESSORY = ("配件", "周边", "耗材", "适用", "适配", "兼容")


@dataclass(frozen=True)
class Document:
    """One product as the index takes it: terms by field, and what filters and sorts need."""

    id: str
    fields: dict[str, str]
    meta: dict[str, Any]


def fingerprint(product: Searchable) -> str:
    """Return what changes when anything of a product changes that the index holds."""
    text = orjson.dumps([analyzer().version, vars(product)], default=str)
    return hashlib.sha256(text).hexdigest()[:16]


def document(product: Searchable) -> Document:
    """Return a product's document."""
    known = analyzer()
    name = known.whole_words(product.title)
    every = known.words(product.title)
    keys = known.words(" ".join(product.keywords))
    named = [product.title, *product.keywords, product.brand or ""]
    leaf, above = product.category_names[-1:], product.category_names[:-1]
    spelt = [word for word in dict.fromkeys([*name, *every, *keys]) if len(word) > 1]
    runs = [run for text in named for run in known.runs(text)]
    values = [value for _, value in [*product.attributes, *product.options[:MAX_OPTIONS]]]
    leaf_words = [*(known.normalise(each) for each in leaf), *_last_words(leaf)]
    fields = {
        "title": _terms(name),
        "inner": _terms(set(every) - set(name)),
        "brand": _terms(known.words(product.brand or "")),
        "keyword": _terms(keys),
        "leaf": _joined(dict.fromkeys(word for word in leaf_words if " " not in word)),
        "category": _terms(known.words(" ".join([*above, *leaf]))),
        "attribute": _terms(known.words(" ".join(values))),
        "supplier": _terms(known.words(product.supplier_name)),
        "origin": _terms(known.words(product.origin_name)),
        "body": _terms(known.words(f"{product.brief} {product.text}"[:4000])[:MAX_BODY_WORDS]),
        "tail": _joined(dict.fromkeys(w[-1] for w in [*name, *leaf_words] if is_hanzi(w))),
        "gram": _joined(dict.fromkeys(gram for gram in grams(runs))),
        "sound": _joined(_sounds(runs)),
        "letters": _joined([*_letters([*name, *keys]), *_ends(runs, leaf_words)]),
        "part": _joined(_parts(runs)),
        "word": _joined(_suggestion(word) for word in _worth_suggesting(product, spelt)),
    }
    return Document(str(product.id), fields, _meta(product))


def _meta(product: Searchable) -> dict[str, Any]:
    known = analyzer()
    leaf = product.category_names[-1] if product.category_names else ""
    return {
        "f": fingerprint(product),
        "t": "".join(known.runs(product.title)),
        "k": ["".join(known.runs(word)) for word in product.keywords],
        "p": product.price_fen,
        "c": [each.hex for each in product.category_ids],
        "s": product.supplier_id.hex,
        "o": product.origin_region_code or "",
        "v": int(product.is_pavilion),
        "m": list(product.delivery_modes),
        "g": list(product.tags),
        "b": product.brand or "",
        "a": _choices(product),
        "x": int(any(word in leaf or word in product.title for word in _ACCESSORY)),
    }


def _choices(product: Searchable) -> list[str]:
    """Return the attributes and options that can be chosen from, as `name:value`."""
    found = dict.fromkeys(
        f"{name}:{value}"
        for name, value in [*product.attributes, *product.options]
        if 0 < len(name) <= MAX_NAME and 0 < len(value) <= MAX_VALUE and ":" not in name
    )
    return list(found)[: MAX_ATTRIBUTES + MAX_OPTIONS]


def _joined(terms: Any) -> str:
    return " ".join(terms)


def _terms(words: Iterable[str]) -> str:
    return _joined(dict.fromkeys(word for word in words if word not in STOP))


def _last_words(names: Sequence[str]) -> list[str]:
    known = analyzer()
    return [cut[-1] for name in names for run in known.runs(name) if (cut := known.cut(run))]


def _sounds(runs: Sequence[str]) -> list[str]:
    found: list[str] = []
    for run in runs:
        heard = spelling(run)
        found += heard
        found += [f"{first}_{second}" for first, second in pairwise(heard)]
    return list(dict.fromkeys(found))


def _letters(words: Sequence[str]) -> list[str]:
    """Return initials of words, and of neighbouring words together."""
    spelt = [initials(word) for word in words]
    found = list(spelt)
    for start in range(len(spelt)):
        whole = spelt[start]
        for other in spelt[start + 1 : start + 4]:
            if not other or not whole:
                break
            whole += other
            found.append(whole)
    return [each for each in dict.fromkeys(found) if 1 < len(each) <= 8]


def _ends(runs: Sequence[str], leaf_words: Sequence[str]) -> list[str]:
    """Return the initials of what a name's pieces end with and its category says, marked so."""
    known = analyzer()
    last = [known.cut(run)[-1] for run in runs if is_hanzi(run)]
    found = dict.fromkeys(initials(word) for word in [*last, *leaf_words])
    return [f"={each}" for each in found if 1 < len(each) <= 8]


def _parts(runs: Sequence[str]) -> list[str]:
    """Return the initials of any three and four characters that follow each other."""
    found: dict[str, None] = {}
    for run in runs:
        whole = initials(run)
        for length in (3, 4):
            for start in range(len(whole) - length + 1):
                found[whole[start : start + length]] = None
    return list(found)


def _suggestion(word: str) -> str:
    """Return a word with its pinyin and initials, by which it is suggested."""
    return f"{word}|{''.join(spelling(word))}|{initials(word)}"


def _worth_suggesting(product: Searchable, words: Sequence[str]) -> list[str]:
    known = analyzer()
    own = [known.normalise(word) for word in [*product.keywords, product.brand or ""]]
    names = [known.normalise(name) for name in product.category_names]
    fine = [each for each in [*own, *names, *words] if 2 <= len(each) <= 12]
    return [word for word in dict.fromkeys(fine) if not set(" |#") & set(word)]
