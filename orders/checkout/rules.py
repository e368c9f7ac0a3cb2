"""How lines, offers, freight and lots become a quote. Pure arithmetic, in fen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from uuid import UUID

from catalog.stock.rules import Offer
from catalog.suppliers.rules import Parcel, RegionNotServed, freight_fen
from mall.kernel.errors import DomainError, Invalid
from mall.ledger.rules import Demand, Draw, Lot, NotEnoughBeans, assign

BEANS, WECHAT, MIXED = "beans", "wechat", "mixed"
TENDERS = (BEANS, WECHAT, MIXED)
SHIP = "ship"
MAX_LINES = 100
MAX_QUANTITY = 9_999


@dataclass(frozen=True)
class WantedLine:
    """A SKU, how many, and how it is to arrive (None: the product's first mode)."""

    sku_id: UUID
    quantity: int
    delivery_mode: str | None = None


@dataclass(frozen=True)
class Checkout:
    """What the member wants to buy and how to pay; lines None means the cart."""

    lines: tuple[WantedLine, ...] | None
    tender: str
    max_beans_fen: int | None = None
    address_id: UUID | None = None
    quoted_total_fen: int | None = None
    note: str = ""


@dataclass(frozen=True)
class QuoteLine:
    """A line at its price, with what each lot pays of it."""

    offer: Offer
    quantity: int
    delivery_mode: str
    draws: tuple[Draw, ...] = ()

    @property
    def amount_fen(self) -> int:
        return self.offer.price_fen * self.quantity

    @property
    def beans_fen(self) -> int:
        return sum(draw.amount_fen for draw in self.draws)


@dataclass(frozen=True)
class FreightLine:
    """What one supplier charges for sending."""

    supplier_id: UUID
    fee_fen: int
    draws: tuple[Draw, ...] = ()

    @property
    def beans_fen(self) -> int:
        return sum(draw.amount_fen for draw in self.draws)


@dataclass(frozen=True)
class Quote:
    """A price computed and shown, not yet agreed: its sums are taken once, by `summed`."""

    lines: tuple[QuoteLine, ...]
    freight: tuple[FreightLine, ...]
    goods_fen: int
    freight_fen: int
    beans_fen: int

    @property
    def total_fen(self) -> int:
        return self.goods_fen + self.freight_fen

    @property
    def wechat_fen(self) -> int:
        return self.total_fen - self.beans_fen

    def lot_amounts(self) -> dict[UUID, int]:
        """Return how much each lot pays in all."""
        amounts: dict[UUID, int] = {}
        drawn = [line.draws for line in self.lines] + [line.draws for line in self.freight]
        for draw in chain(*drawn):
            amounts[draw.lot_id] = amounts.get(draw.lot_id, 0) + draw.amount_fen
        return amounts

    def quantities(self) -> dict[UUID, int]:
        """Return how many of each SKU."""
        return {line.offer.sku_id: line.quantity for line in self.lines}


def summed(lines: Sequence[QuoteLine], fees: Sequence[FreightLine]) -> Quote:
    """Return the quote of these lines and fees."""
    return Quote(
        tuple(lines),
        tuple(fees),
        sum(line.amount_fen for line in lines),
        sum(line.fee_fen for line in fees),
        sum(line.beans_fen for line in lines) + sum(line.beans_fen for line in fees),
    )


class LinesUnavailable(DomainError):
    code = "lines_unavailable"


class MemberLimitReached(DomainError):
    code = "member_limit_reached"


class AlreadyDispatched(DomainError):
    code = "already_dispatched"


class ChooseAnew(DomainError):
    code = "choose_anew"


class QuoteChanged(DomainError):
    code = "quote_changed"


class CartEmpty(DomainError):
    code = "cart_empty"


class AddressNeeded(DomainError):
    code = "address_needed"


def check_lines(lines: Sequence[WantedLine], offers: Mapping[UUID, Offer]) -> list[QuoteLine]:
    """Match lines with offers; raise LinesUnavailable with a problem for each that cannot be sold.

    Raises Invalid where a quantity or delivery mode is not one the SKU allows.
    """
    if len({line.sku_id for line in lines}) != len(lines):
        raise Invalid("lines", "sku_repeated")
    matched, problems = [], []
    for index, line in enumerate(lines):
        offer = offers.get(line.sku_id)
        if offer is None or not offer.is_for_sale:
            problems.append({"sku_id": str(line.sku_id), "code": "not_for_sale"})
            continue
        _check_line(index, line, offer)
        if offer.available < line.quantity:
            problem = "sold_out" if offer.available <= 0 else "too_few_left"
            left = max(0, offer.available)
            problems.append({"sku_id": str(line.sku_id), "code": problem, "available": str(left)})
            continue
        mode = line.delivery_mode or offer.delivery_modes[0]
        matched.append(QuoteLine(offer, line.quantity, mode))
    if problems:
        raise LinesUnavailable("lines", problems=problems)
    return matched


def _check_line(index: int, line: WantedLine, offer: Offer) -> None:
    if not offer.min_per_order <= line.quantity <= offer.max_per_order:
        low, high = offer.min_per_order, offer.max_per_order
        raise Invalid(
            f"lines.{index}.quantity",
            "line_quantity_wrong",
            product=offer.title,
            low=low,
            high=high,
        )
    if line.delivery_mode is not None and line.delivery_mode not in offer.delivery_modes:
        raise Invalid(
            f"lines.{index}.delivery_mode", "line_delivery_not_offered", product=offer.title
        )


def by_programme(amounts: Mapping[UUID, int], lots: Sequence[Lot]) -> dict[UUID, int]:
    """Return how much of each programme's value these amounts of lots are."""
    programme_of = {lot.id: lot.programme_id for lot in lots}
    found: dict[UUID, int] = {}
    for lot_id, amount in amounts.items():
        programme_id = programme_of.get(lot_id)
        if programme_id is not None:
            found[programme_id] = found.get(programme_id, 0) + amount
    return found


def limited(lines: Sequence[QuoteLine]) -> dict[UUID, int]:
    """Return the days over which a member's purchases of each limited SKU are counted."""
    return {
        line.offer.sku_id: line.offer.member_limit_days
        for line in lines
        if line.offer.member_limit is not None and line.offer.member_limit_days is not None
    }


def check_member_limits(lines: Sequence[QuoteLine], bought: Mapping[UUID, int]) -> None:
    """Raise MemberLimitReached for the first SKU of which the member would have too many."""
    for index, line in enumerate(lines):
        limit, so_far = line.offer.member_limit, bought.get(line.offer.sku_id, 0)
        if limit is not None and so_far + line.quantity > limit:
            raise MemberLimitReached(
                f"lines.{index}.quantity",
                product=line.offer.title,
                days=line.offer.member_limit_days,
                limit=limit,
                bought=so_far,
            )


def freight(lines: Sequence[QuoteLine], region_code: str | None) -> list[FreightLine]:
    """Return what each supplier charges for what it ships, one template at a time.

    Raises AddressNeeded without a region, RegionNotServed where a supplier does not deliver.
    """
    groups: dict[tuple[UUID, UUID | None], list[QuoteLine]] = {}
    for line in lines:
        if line.delivery_mode == SHIP:
            template = line.offer.template
            key = (line.offer.supplier_id, template.id if template else None)
            groups.setdefault(key, []).append(line)
    if groups and region_code is None:
        raise AddressNeeded("address_id")
    fees: dict[UUID, int] = {}
    for (supplier_id, _), group in groups.items():
        parcel = Parcel(
            quantity=sum(line.quantity for line in group),
            weight_grams=sum(line.quantity * line.offer.weight_grams for line in group),
            amount_fen=sum(line.amount_fen for line in group),
        )
        fee = freight_fen(group[0].offer.template, parcel, region_code or "")
        if fee is None:
            raise RegionNotServed("address_id", supplier=group[0].offer.supplier_name)
        fees[supplier_id] = fees.get(supplier_id, 0) + fee
    return [FreightLine(supplier_id, fee) for supplier_id, fee in sorted(fees.items())]


def with_beans(
    lines: Sequence[QuoteLine],
    fees: Sequence[FreightLine],
    lots: Sequence[Lot],
    tender: str,
    max_beans_fen: int | None,
) -> Quote:
    """Let lots pay what they can and the tender allows; raise NotEnoughBeans for beans alone.

    Freight is paid only by lots that are good for everything.
    """
    if tender == WECHAT:
        return summed(lines, fees)
    quote = _assigned(lines, fees, lots, max_beans_fen if tender == MIXED else None)
    if quote.wechat_fen > 0 and not all(lot.allows_top_up for lot in lots):
        # Some beans pay for whole orders only: what needs WeChat too goes without them.
        topped = [lot for lot in lots if lot.allows_top_up]
        quote = _assigned(lines, fees, topped, max_beans_fen if tender == MIXED else None)
    if tender == BEANS and quote.wechat_fen > 0:
        raise NotEnoughBeans("tender", missing_fen=quote.wechat_fen)
    return quote


def _assigned(
    lines: Sequence[QuoteLine],
    fees: Sequence[FreightLine],
    lots: Sequence[Lot],
    limit: int | None,
) -> Quote:
    demands = [Demand(line.amount_fen, line.offer.product_id) for line in lines]
    demands += [Demand(line.fee_fen, None) for line in fees]
    draws: list[list[Draw]] = [[] for _ in demands]
    for draw in assign(lots, demands, limit):
        draws[draw.demand_index].append(draw)
    paid_lines = [
        QuoteLine(line.offer, line.quantity, line.delivery_mode, tuple(draws[index]))
        for index, line in enumerate(lines)
    ]
    paid_fees = [
        FreightLine(line.supplier_id, line.fee_fen, tuple(draws[len(lines) + index]))
        for index, line in enumerate(fees)
    ]
    return summed(paid_lines, paid_fees)
