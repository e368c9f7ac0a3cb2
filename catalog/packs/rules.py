"""What a pack is: parts whose prices add up, and whose stock is its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from catalog.stock.rules import Offer
from mall.kernel.errors import DomainError, Invalid
from mall.kernel.money import MAX_FEN

MAX_PARTS, MAX_PACKS, MAX_QUANTITY = 50, 1000, 100


@dataclass(frozen=True)
class Part:
    """So many of a SKU, each at this price (None: at its supplier's price for unions)."""

    sku_id: UUID
    quantity: int
    price_fen: int | None = None


@dataclass(frozen=True)
class PackForm:
    """What is said of a pack."""

    title: str
    parts: tuple[Part, ...]
    brief: str = ""
    image_url: str | None = None
    is_active: bool = True


# What a part's price rests on: the supplier's price for unions, its consent, or nothing yet.
UNION_PRICE, ACCEPTED, ASKED, REFUSED, NOT_AGREED = BASES = (
    *("union_price", "accepted", "asked", "refused", "not_agreed"),
)
AGREED = (UNION_PRICE, ACCEPTED)


@dataclass(frozen=True)
class Answer:
    """What a supplier says to a price that was asked for, and who says it."""

    is_accepted: bool
    answer: str
    by: str


@dataclass(frozen=True)
class Consent:
    """What became of the last question about one price of one SKU in a pack."""

    request_id: UUID
    state: str
    decided_at: datetime | None


@dataclass(frozen=True)
class PackOffer:
    """A pack with what its parts are at this instant."""

    id: UUID
    title: str
    brief: str
    image_url: str | None
    is_active: bool
    version: int
    price_fen: int
    parts: tuple[Part, ...]
    offers: Mapping[UUID, Offer]
    # By SKU and price: what its supplier said of it.
    consents: Mapping[tuple[UUID, int], Consent] = field(default_factory=dict)

    def basis(self, part: Part) -> str:
        """Return what the price of a part rests on at this instant."""
        offer, price = self.offers.get(part.sku_id), part.price_fen or 0
        if offer is not None and price == offer.union_price_fen:
            return UNION_PRICE
        consent = self.consents.get((part.sku_id, price))
        return consent.state if consent is not None else NOT_AGREED

    @property
    def available(self) -> int:
        """Return how many packs could be put together now."""
        counts = [
            max(0, self.offers[part.sku_id].available) // part.quantity
            if part.sku_id in self.offers and self.offers[part.sku_id].is_for_sale
            else 0
            for part in self.parts
        ]
        return min(counts, default=0)

    @property
    def delivery_modes(self) -> frozenset[str]:
        """Return how the whole pack can be delivered."""
        modes = [frozenset(offer.delivery_modes) for offer in self.offers.values()]
        return frozenset.intersection(*modes) if modes else frozenset()

    @property
    def market_fen(self) -> int:
        """Return what its parts cost by themselves today."""
        return sum(
            part.quantity * self.offers[part.sku_id].price_fen
            for part in self.parts
            if part.sku_id in self.offers
        )

    def content(self) -> dict[str, Any]:
        """Return what a programme freezes of it: prices and parts, nothing that moves by itself."""
        return {
            "pack_id": str(self.id),
            "title": self.title,
            "price_fen": self.price_fen,
            "parts": [self._part(part) for part in self.parts],
        }

    def _part(self, part: Part) -> dict[str, Any]:
        offer = self.offers[part.sku_id]
        return {
            "sku_id": str(part.sku_id),
            "product_id": str(offer.product_id),
            "supplier_id": str(offer.supplier_id),
            "supplier_name": offer.supplier_name,
            "title": offer.title,
            "options": list(offer.options),
            "quantity": part.quantity,
            "price_fen": part.price_fen,
            "price_basis": self.basis(part),
            "price_request_id": self._consent_id(part),
        }

    def _consent_id(self, part: Part) -> str | None:
        if self.basis(part) != ACCEPTED:
            return None
        return str(self.consents[part.sku_id, part.price_fen or 0].request_id)


class PackTitleTaken(DomainError):
    code = "pack_title_taken"


class NothingToAskFor(DomainError):
    code = "no_price_to_ask_for"


class PriceDecided(DomainError):
    code = "price_request_decided"


def priced(parts: Sequence[Part], offers: Mapping[UUID, Offer]) -> tuple[Part, ...]:
    """Return parts with the price of each; raise Invalid for a SKU named twice or unknown."""
    if len({part.sku_id for part in parts}) != len(parts):
        raise Invalid("parts", "sku_repeated")
    found = []
    for index, part in enumerate(parts):
        offer = offers.get(part.sku_id)
        if offer is None:
            raise Invalid(f"parts.{index}.sku_id", "sku_unknown")
        price = offer.union_price_fen if part.price_fen is None else part.price_fen
        if price < 1:
            raise Invalid(f"parts.{index}.price_fen", "part_price_not_positive")
        found.append(Part(part.sku_id, part.quantity, price))
    return tuple(found)


def price_of(parts: Sequence[Part]) -> int:
    """Return a pack's price: the sum over its parts, so that nothing is ever rounded."""
    total = sum(part.quantity * (part.price_fen or 0) for part in parts)
    if not 0 < total <= MAX_FEN:
        raise Invalid("parts", "pack_price_not_positive")
    return total
