"""What gathers the products of a section."""

import base64
import binascii
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from catalog.products.rules import NEWEST, PRICE_DOWN, PRICE_UP, SALES_FIRST
from mall.kernel.errors import Invalid
from mall.kernel.money import MAX_FEN

PAVILION, CATEGORY, SEASONAL = KINDS = ("pavilion", "category", "seasonal")
SORTS = (NEWEST, PRICE_UP, PRICE_DOWN, SALES_FIRST)
MAX_PICKS, MAX_SECTIONS = 500, 200


@dataclass(frozen=True)
class Rule:
    """Conditions that a product must all meet; without any, only what is picked is shown."""

    needs_assistance: bool = False
    assistance_regions: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    category_id: UUID | None = None
    min_price_fen: int | None = None
    max_price_fen: int | None = None

    @property
    def is_empty(self) -> bool:
        return self == Rule()

    def stored(self) -> dict[str, Any]:
        """Return the form in which it is kept."""
        kept = {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()}
        return {**kept, "category_id": self.category_id and str(self.category_id)}


def rule_of(stored: dict[str, Any]) -> Rule:
    """Read a rule from the form in which it is kept."""
    lists = {name: tuple(stored[name]) for name in ("assistance_regions", "origins", "tags")}
    category = stored["category_id"]
    return Rule(**{**stored, **lists, "category_id": UUID(category) if category else None})


@dataclass(frozen=True)
class SectionForm:
    """What an operator fills in for a section."""

    kind: str
    title: str
    about: str
    cover_url: str | None
    rule: Rule
    sort: str
    position: int
    is_published: bool
    starts_at: datetime | None
    ends_at: datetime | None
    picks: tuple[UUID, ...] = ()


def check(form: SectionForm) -> None:
    """Raise Invalid where a form contradicts itself."""
    if form.starts_at and form.ends_at and form.ends_at <= form.starts_at:
        raise Invalid("ends_at", "ends_before_it_began")
    low, high = form.rule.min_price_fen, form.rule.max_price_fen
    if low is not None and high is not None and high < low:
        raise Invalid("rule.max_price_fen", "price_band_reversed")
    if len(set(form.picks)) != len(form.picks):
        raise Invalid("picks", "pick_repeated")


# Behind every picked product.
NOT_PICKED = 1_000_000


@dataclass(frozen=True)
class Place:
    """Behind which product a section's listing continues, and by what that one is ordered."""

    position: int
    key: int
    product_id: UUID


def encode_place(place: Place) -> str:
    """Return the opaque text from which the next page continues."""
    text = f"{place.position}|{place.key}|{place.product_id.hex}"
    return base64.urlsafe_b64encode(text.encode()).decode()


def decode_place(cursor: str) -> Place:
    """Read it back; raise Invalid for text that is none of ours."""
    try:
        position, key, product = (
            base64.urlsafe_b64decode(cursor.encode()).decode("ascii").split("|")
        )
        found = Place(int(position), int(key), UUID(product))
    except (ValueError, binascii.Error) as error:
        raise Invalid("cursor", "cursor_wrong") from error
    if abs(found.position) > MAX_FEN or abs(found.key) > MAX_FEN:
        raise Invalid("cursor", "cursor_wrong")
    return found
