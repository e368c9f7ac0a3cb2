"""How a right becomes an order at frozen prices."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from catalog.stock.rules import Offer
from mall.kernel.errors import DomainError, Invalid, NotFound
from mall.ledger.rules import Draw
from orders.checkout import rules as checkout_rules
from orders.checkout.rules import Quote, QuoteLine, WantedLine
from orders.programmes import rules as programme_rules


@dataclass(frozen=True)
class Choice:
    """What a member chooses: a pack, or items of the selection; and where it goes."""

    pack_id: UUID | None = None
    items: tuple[WantedLine, ...] = ()
    address_id: UUID | None = None


@dataclass(frozen=True)
class Wanted:
    """A SKU of a choice: how many, and its frozen price (None: today's)."""

    sku_id: UUID
    quantity: int
    price_fen: int | None


@dataclass(frozen=True)
class Plan:
    """A choice worked out: what is wanted, how it is delivered, and what pays for it."""

    entitlement_id: UUID
    programme_id: UUID
    pack_id: UUID | None
    wanted: tuple[Wanted, ...]
    delivery: str
    amount_fen: int
    lot_id: UUID
    owner_id: UUID
    by_code: bool = False


@dataclass(frozen=True)
class Given:
    """A right with what its programme says of redeeming it."""

    entitlement_id: UUID
    state: str
    lot_id: UUID | None
    amount_fen: int
    # Whose it is; before anybody claimed it, the right itself stands for them.
    owner_id: UUID
    programme_id: UUID
    programme_state: str
    is_closing: bool
    kind: str
    max_items: int | None
    delivery: str
    opens_on: date
    closes_on: date
    pack_ids: tuple[UUID, ...]
    # Frozen, as they were approved; of many perhaps only the one that is chosen.
    packs: Sequence[Mapping[str, Any]]

    @property
    def has_vouchers(self) -> bool:
        """Say whether it is redeemed at all: beans are spent, unit packs are handed out."""
        return self.lot_id is not None and programme_rules.has_vouchers(
            self.kind, self.max_items, self.delivery
        )


class NotRedeemable(DomainError):
    code = "not_redeemable"


class WindowNotOpen(DomainError):
    code = "window_not_open"


class TooManyItems(DomainError):
    code = "too_many_items"


class ChoiceTooDear(DomainError):
    code = "choice_too_dear"


def check_window(opens_on: date, closes_on: date, at: datetime) -> None:
    """Raise WindowNotOpen outside the days of a programme; midnight in Beijing ends it."""
    if not programme_rules.begins_at(opens_on) <= at < programme_rules.ends_at(closes_on):
        raise WindowNotOpen(opens_on=str(opens_on), closes_on=str(closes_on))


REDEEMABLE = (programme_rules.ISSUING, programme_rules.ACTIVE)


def check_open(given: Given, at: datetime) -> None:
    """Raise WindowNotOpen where the rights of a programme cannot be redeemed now."""
    if given.programme_state not in REDEEMABLE or given.is_closing:
        raise WindowNotOpen(opens_on=str(given.opens_on), closes_on=str(given.closes_on))
    check_window(given.opens_on, given.closes_on, at)


def plan(given: Given, choice: Choice, at: datetime, by_code: bool = False) -> Plan:
    """Work out what a choice would be. Raises NotRedeemable, WindowNotOpen, TooManyItems, NotFound."""
    if not given.has_vouchers or given.lot_id is None:
        raise NotRedeemable()
    check_open(given, at)
    pack_id = None
    if given.max_items is not None:
        wanted = wanted_of_items(choice.items, given.max_items)
    else:
        pack_id = chosen_pack(given.pack_ids, choice)
        wanted = wanted_of_pack(_pack(given, pack_id))
    return Plan(
        given.entitlement_id,
        given.programme_id,
        pack_id,
        wanted,
        given.delivery,
        given.amount_fen,
        given.lot_id,
        given.owner_id,
        by_code,
    )


def chosen_pack(pack_ids: Sequence[UUID], choice: Choice) -> UUID | None:
    """Return the pack that is chosen: where there is one only, it need not be named."""
    return pack_ids[0] if choice.pack_id is None and len(pack_ids) == 1 else choice.pack_id


def _pack(given: Given, pack_id: UUID | None) -> Mapping[str, Any]:
    for pack in given.packs:
        if pack_id is not None and pack["pack_id"] == str(pack_id):
            return pack
    raise NotFound("pack", field="pack_id")


def wanted_of_pack(pack: Mapping[str, Any], count: int = 1) -> tuple[Wanted, ...]:
    """Return what so many frozen packs are made of, at the prices that were approved."""
    return tuple(
        Wanted(UUID(part["sku_id"]), count * part["quantity"], part["price_fen"])
        for part in pack["parts"]
    )


def wanted_of_items(items: Sequence[WantedLine], max_items: int) -> tuple[Wanted, ...]:
    """Return what was chosen freely; raise TooManyItems, and Invalid for a SKU named twice."""
    if sum(item.quantity for item in items) > max_items:
        raise TooManyItems("items", max_items=max_items)
    if not items:
        raise Invalid("items", "nothing_chosen")
    if len({item.sku_id for item in items}) != len(items):
        raise Invalid("items", "sku_repeated")
    return tuple(Wanted(item.sku_id, item.quantity, None) for item in items)


def check_selection(lines: Sequence[QuoteLine], items: Sequence[Mapping[str, Any]]) -> None:
    """Raise Invalid for a line that the frozen selection does not hold."""
    allowed = {item["product_id"]: set(item["sku_ids"]) for item in items}
    for index, line in enumerate(lines):
        skus = allowed.get(str(line.offer.product_id))
        if skus is None or (skus and str(line.offer.sku_id) not in skus):
            raise Invalid(f"items.{index}.sku_id", "not_in_selection", product=line.offer.title)


def lines_of(
    wanted: Sequence[Wanted], offers: Mapping[UUID, Offer], delivery: str
) -> list[QuoteLine]:
    """Return the lines of an order at frozen prices.

    Raises LinesUnavailable with each SKU that is off sale or short: a suspended supplier's pack
    cannot be redeemed while the others can.
    """
    lines, problems = [], []
    for each in wanted:
        offer = offers.get(each.sku_id)
        if offer is None or not offer.is_for_sale:
            problems.append({"sku_id": str(each.sku_id), "code": "not_for_sale"})
        elif offer.available < each.quantity:
            code = "sold_out" if offer.available <= 0 else "too_few_left"
            left = str(max(0, offer.available))
            problems.append({"sku_id": str(each.sku_id), "code": code, "available": left})
        else:
            price = offer.price_fen if each.price_fen is None else each.price_fen
            frozen = dataclasses.replace(offer, price_fen=price)
            lines.append(QuoteLine(frozen, each.quantity, delivery))
    if problems:
        raise checkout_rules.LinesUnavailable("pack_id", problems=problems)
    return lines


def quote(lines: Sequence[QuoteLine], lots: Sequence[tuple[UUID, int]]) -> Quote:
    """Return the quote of lines that these lots pay wholly, in their order; freight is included.

    Raises ChoiceTooDear where they do not reach.
    """
    total = sum(line.amount_fen for line in lines)
    there = sum(amount for _, amount in lots)
    if total > there:
        raise ChoiceTooDear("items", total_fen=total, amount_fen=there)
    purse = [[lot_id, amount] for lot_id, amount in lots]
    paid = []
    for index, line in enumerate(lines):
        open_fen, draws = line.amount_fen, []
        while open_fen:
            lot_id, left = purse[0]
            assert isinstance(lot_id, UUID) and isinstance(left, int)
            taken = min(left, open_fen)
            if taken:
                draws.append(Draw(lot_id, index, taken))
            open_fen -= taken
            if left == taken:
                purse.pop(0)
            else:
                purse[0][1] = left - taken
        paid.append(QuoteLine(line.offer, line.quantity, line.delivery_mode, tuple(draws)))
    return checkout_rules.summed(paid, [])
