"""What a search means, what a match is worth, and the cursor that continues a listing."""

import base64
import binascii
import html
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from catalog.products.rules import NEWEST, PRICE_DOWN, PRICE_UP, SALES_FIRST
from mall.kernel.errors import Invalid
from mall.kernel.text import canonical

MAX_QUERY, MAX_TERMS, MAX_GRAMS, MAX_INITIALS = 200, 12, 80, 8
RELEVANCE = "relevance"
SORTS = (RELEVANCE, NEWEST, PRICE_UP, PRICE_DOWN, SALES_FIRST)
MAX_FACET = 30
MAX_BRANDS, MAX_ATTRIBUTES, MAX_CHOICE = 10, 10, 60
_LIST_KEY = re.compile(r"(?:[0-9a-f]{24})?")
# A listing goes no deeper: who has not found it by then changes the query.
MAX_DEPTH = 1000

# What a word is worth where it stands: name before keywords before description. Tuned on two
# thirds of tests/search_index/judgements.jsonl and on what is `seen` in tests/search_index/shops;
# the rest was only measured.
BOOSTS = {
    "title": 1.0,
    "brand": 0.9,
    "leaf": 0.85,
    "keyword": 0.8,
    "inner": 0.65,
    "attribute": 0.55,
    "category": 0.45,
    "supplier": 0.4,
    "origin": 0.4,
    "body": 0.27,
}
INSIDE, SINGLE, TAIL, KIND = 0.6, 0.25, 0.7, 0.75
SOUND, SYLLABLE, INITIALS, INITIALS_INSIDE = 0.75, 0.3, 0.5, 0.35
# A number without its unit, a model's letters and number apart, letters in pieces.
BARE, APART, PIECES = 0.5, 0.45, 0.75
LIKENESS = 0.5
# A name that has so much of a query's characters is meant, though a word is wrong.
ALIKE, LEAST_ALIKE = 0.6, 4
# A word or a pair of characters that no product has says little about any.
UNKNOWN, PART = 1.5, 0.35
# Each further field that holds a word says it again; the thing says more than what it is like.
MORE, THING, OPTIONAL = 0.06, 1.5, 0.3
# What its category says that it is, it is; initials of what a name ends with are meant first.
IS_ONE, INITIALS_OF_THING = 0.4, 0.6
# Who has the thing only in the description has another one; how much is enough without a thing.
LEAST_HEAD, LEAST_THING, ENOUGH = 0.3, 0.7, 0.5
EXACT, PHRASE, HEAD, KEYWORD = 1.0, 0.3, 0.25, 0.25
SOLD_OUT, SALES, PARTIAL, ACCESSORY = 0.75, 0.03, 0.6, 0.6
GOOD_ENOUGH, LEAST = 0.35, 0.12
LOOKED_AT = 60


@dataclass(frozen=True)
class Wanted:
    """What somebody looks for."""

    text: str = ""
    category_id: UUID | None = None
    supplier_id: UUID | None = None
    origin: str | None = None
    tag: str | None = None
    is_pavilion: bool | None = None
    delivery_mode: str | None = None
    in_stock: bool = False
    min_price_fen: int | None = None
    max_price_fen: int | None = None
    product_ids: frozenset[UUID] | None = None
    brands: tuple[str, ...] = ()
    # As `name:value`; of one name any of its values, of several names all.
    attributes: tuple[str, ...] = ()
    sort: str = RELEVANCE
    has_facets: bool = False


def rarity(size: int, count: int) -> float:
    """Return what a term is worth that so many of all documents have: more, the fewer they are."""
    return math.log1p((size + 1) / (count + 0.5))


def terms(query: str) -> tuple[str, ...]:
    """Split a query into lower-case, half-width terms; punctuation alone searches nothing."""
    text = canonical.code(query[:MAX_QUERY]).casefold()
    words = "".join(c if c.isalnum() else " " for c in text).split()
    return tuple(dict.fromkeys(words))[:MAX_TERMS]


class Marker:
    """Marks the words of a query in texts."""

    def __init__(self, words: Sequence[str]) -> None:
        kept = sorted({word for word in words if word}, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, kept)) or r"(?!)", re.IGNORECASE)

    def mark(self, text: str) -> str:
        """Return a text as HTML with the words marked; all else in it is escaped."""
        out, last = [], 0
        for match in self._pattern.finditer(text):
            out += [html.escape(text[last : match.start()])]
            out += ["<em>", html.escape(match.group()), "</em>"]
            last = match.end()
        return "".join([*out, html.escape(text[last:])])


def encode_cursor(price_fen: int, product_id: UUID) -> str:
    """Return the opaque text from which the next page continues."""
    return base64.urlsafe_b64encode(f"{price_fen}:{product_id.hex}".encode()).decode()


def decode_cursor(cursor: str) -> tuple[int, UUID]:
    """Read a cursor back; raise Invalid for text that is none of ours."""
    try:
        price, _, key = base64.urlsafe_b64decode(cursor.encode()).decode().partition(":")
        return int(price), UUID(key)
    except (ValueError, binascii.Error) as error:
        raise bad_cursor() from error


@dataclass(frozen=True)
class Place:
    """Where a search's listing has come to: how far, and the last product with what orders it."""

    depth: int
    product_id: UUID
    price_fen: int
    # Under what the list is kept that was begun; none where it is not.
    list_key: str = ""
    keys: tuple[float, ...] = ()


def encode_place(place: Place) -> str:
    """Return the opaque text from which the next page of a search continues."""
    parts = [place.depth, place.product_id.hex, place.price_fen, place.list_key, *place.keys]
    return base64.urlsafe_b64encode("|".join(map(str, parts)).encode()).decode()


def decode_place(cursor: str) -> Place:
    """Read it back; raise Invalid for text that is none of ours."""
    try:
        text = base64.urlsafe_b64decode(cursor.encode()).decode("ascii")
        depth, key, price, list_key, *keys = text.split("|")
        found = Place(int(depth), UUID(key), int(price), list_key, tuple(map(float, keys)))
    except (ValueError, binascii.Error) as error:
        raise bad_cursor() from error
    if not _LIST_KEY.fullmatch(found.list_key):
        raise bad_cursor()
    if not 0 < found.depth <= MAX_DEPTH or len(found.keys) > 4:
        raise bad_cursor()
    return found


def bad_cursor() -> Invalid:
    """Return the refusal of a cursor that is none of ours."""
    return Invalid("cursor", "cursor_wrong")
