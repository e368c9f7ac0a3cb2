"""What a product looks like inside the index."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import orjson

from catalog.products.queries.searching import Searchable
from search_index.words.analysis import STOP, analyzer, grams
from search_index.words.pinyin import initials, spelling

# A long description says less with every word.
MAX_BODY_WORDS = 120


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
    name = known.words(product.title)
    keys = known.words(" ".join([*product.keywords, product.brand or ""]))
    named = [product.title, *product.keywords, product.brand or ""]
    spelt = [word for word in dict.fromkeys([*name, *keys]) if len(word) > 1]
    fields = {
        "title": _terms(name),
        "keyword": _terms(keys),
        "category": _terms(known.words(" ".join(product.category_names))),
        "supplier": _terms(known.words(product.supplier_name)),
        "origin": _terms(known.words(product.origin_name)),
        "body": _terms(known.words(f"{product.brief} {product.text}"[:4000])[:MAX_BODY_WORDS]),
        "same": _joined(
            dict.fromkeys(map(known.canonical, known.with_synonyms(named, name + keys)))
        ),
        "gram": _joined(gram for text in named for gram in grams(known.runs(text))),
        "sound": _joined(_sounds(known.runs(" ".join(named)))),
        "letters": _joined(_letters(spelt, known.runs(product.title))),
        "word": _joined(_suggestion(word) for word in _worth_suggesting(product, spelt)),
    }
    meta = {
        "f": fingerprint(product),
        "t": known.normalise(product.title),
        "k": ["".join(known.runs(word)) for word in product.keywords],
        "p": product.price_fen,
        "c": [each.hex for each in product.category_ids],
        "s": product.supplier_id.hex,
        "o": product.origin_region_code or "",
        "v": int(product.is_pavilion),
        "m": list(product.delivery_modes),
        "g": list(product.tags),
    }
    return Document(str(product.id), fields, meta)


def _joined(terms: Any) -> str:
    return " ".join(terms)


def _terms(words: Sequence[str]) -> str:
    return _joined(word for word in words if word not in STOP)


def _sounds(runs: Sequence[str]) -> list[str]:
    found: list[str] = []
    for run in runs:
        heard = spelling(run)
        found += dict.fromkeys(heard)
        found += [f"{first}_{second}" for first, second in pairwise(heard)]
    return found


def _letters(words: Sequence[str], runs: Sequence[str]) -> list[str]:
    """Return initials of words, and of neighbouring words together."""
    found = [initials(word) for word in words]
    for run in runs:
        whole = initials(run)
        found += [whole[start : start + 4] for start in range(max(0, len(whole) - 3))]
    return [each for each in dict.fromkeys(found) if len(each) > 1]


def _suggestion(word: str) -> str:
    """Return a word with its pinyin and initials, by which it is suggested."""
    return f"{word}|{''.join(spelling(word))}|{initials(word)}"


def _worth_suggesting(product: Searchable, words: Sequence[str]) -> list[str]:
    known = analyzer()
    own = [known.normalise(word) for word in product.keywords]
    names = [known.normalise(name) for name in product.category_names]
    fine = [each for each in [*own, *names, *words] if 2 <= len(each) <= 12]
    return [word for word in dict.fromkeys(fine) if " " not in word and "|" not in word]
