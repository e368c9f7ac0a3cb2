"""What changed between putting something into the cart and looking at it again."""

from catalog.stock.rules import Offer

MAX_LINES = 100
PRICE_CHANGED, NOT_FOR_SALE, SOLD_OUT, TOO_FEW_LEFT = (
    "price_changed",
    "not_for_sale",
    "sold_out",
    "too_few_left",
)


def changes(offer: Offer | None, quantity: int, seen_price_fen: int) -> list[str]:
    """Return what the member must be told of a cart line."""
    if offer is None or not offer.is_for_sale:
        return [NOT_FOR_SALE]
    found = []
    if offer.price_fen != seen_price_fen:
        found.append(PRICE_CHANGED)
    if offer.available <= 0:
        found.append(SOLD_OUT)
    elif offer.available < quantity:
        found.append(TOO_FEW_LEFT)
    return found
