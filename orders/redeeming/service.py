"""Redeem a right, change one's mind, redeem by code."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from catalog.stock import queries as stock_queries
from catalog.stock.rules import Offer
from mall.access import service as access_service
from mall.access.rules import at_most
from mall.kernel.errors import NotFound
from mall.kernel.ids import new_id
from mall.kernel.together import Read, read_together
from mall.kernel.uow import UnitOfWork
from mall.members import queries as member_queries
from mall.members.queries import Destination
from orders.checkout import rules as checkout_rules
from orders.checkout import service as checkout_service
from orders.checkout.service import Prepaid
from orders.entitlements import queries as entitlement_queries
from orders.entitlements import rules as entitlement_rules
from orders.entitlements import service as entitlement_service
from orders.entitlements.models import Entitlement
from orders.entitlements.service import Redemption
from orders.order import rules as order_rules
from orders.order import service as order_service
from orders.programmes import queries as programme_queries
from orders.programmes.models import Programme
from orders.redeeming import queries, rules
from orders.redeeming.rules import Choice, Plan

CODES = at_most(10, timedelta(hours=1), "voucher_code")


@dataclass(frozen=True)
class Redeemed:
    """What a member gets for a right."""

    entitlement_id: UUID
    order_id: UUID
    order_no: str
    pack_id: UUID | None
    total_fen: int


def plan_by_code(session: Session, right: Entitlement, choice: Choice, at: datetime) -> Plan:
    """Work out a choice for the right that a code named; raises what planning one's own does."""
    if right.state not in (entitlement_rules.OPEN, entitlement_rules.WAITING):
        raise entitlement_rules.AlreadyRedeemed()
    programme = programme_queries.any_programme(session, right.programme_id)
    return rules.plan(queries.given_of(right, programme), choice, at, by_code=True)


def right_of_code(uow: UnitOfWork, member_id: UUID, code: str) -> Entitlement | None:
    """Return the right of a voucher code where its union allows redeeming by code.

    None counts as a wrong code: the caller commits, then refuses. Raises TooManyTries for whoever
    gave ten of them within an hour.
    """
    access_service.check_tries(uow, CODES, member_id)
    right = entitlement_queries.by_code(uow.session, entitlement_rules.plain_code(code))
    if right is not None:
        programme = programme_queries.any_programme(uow.session, right.programme_id)
        if programme.allows_codes:
            access_service.check_tries(uow, CODES, member_id)
            return right
    access_service.count_wrong_try(uow, CODES, member_id)
    return None


def reads(member_id: UUID, made: Plan, address_id: UUID | None) -> tuple[Read, Read]:
    """Return what is read for redeeming: offers and destination."""
    return (
        stock_queries.reading_offers([each.sku_id for each in made.wanted]),
        member_queries.reading_destination(member_id, address_id),
    )


def redeem(
    uow: UnitOfWork,
    member_id: UUID,
    made: Plan,
    offers: Mapping[UUID, Offer],
    destination: Destination | None,
) -> Redeemed:
    """Redeem a right: an order at frozen prices, paid wholly by the right's own lot.

    Two at once: one of them gets AlreadyRedeemed. Raises LinesUnavailable and OutOfStock where the
    choice is short (others may not be), AddressNeeded, RegionNotServed, ChoiceTooDear.
    """
    lines = rules.lines_of(made.wanted, offers, made.delivery)
    if made.pack_id is None:
        programme = programme_queries.any_programme(uow.session, made.programme_id)
        rules.check_selection(lines, programme_queries.content_of(programme)["selection"]["items"])
    region = destination.region_code if destination else None
    # Delivery is in the price, but only where the supplier delivers.
    checkout_rules.freight(lines, region)
    priced = rules.quote(lines, [(made.lot_id, made.amount_fen)])
    order_id = new_id()
    redemption = Redemption(made.entitlement_id, order_id, made.pack_id, made.by_code, uow.now)
    uow.defer(entitlement_service.redeeming(redemption))
    is_sent = made.delivery == checkout_rules.SHIP
    address = destination.snapshot() if destination and is_sent else None
    prepaid = Prepaid(made.owner_id, member_id, made.programme_id, address)
    order_no = checkout_service.defer_prepaid(uow, order_id, priced, prepaid)
    return Redeemed(made.entitlement_id, order_id, order_no, made.pack_id, priced.total_fen)


def change(uow: UnitOfWork, member_id: UUID, entitlement_id: UUID, choice: Choice) -> Redeemed:
    """Choose anew: the order is cancelled and another placed, in one transaction.

    Raises AlreadyDispatched once a parcel has left, WindowNotOpen, and all that redeeming raises;
    the first choice then stands.
    """
    entitlement_queries.own_entitlement(uow.session, member_id, entitlement_id)
    right = entitlement_service.lock(uow, entitlement_id)
    if right.order_id is None or right.state != entitlement_rules.REDEEMED:
        raise NotFound("choice")
    programme = programme_queries.any_programme(uow.session, right.programme_id)
    rules.check_open(queries.given_of(right, programme), uow.now)
    order = order_service.lock(uow, right.order_id)
    if order.member_id != member_id:
        raise NotFound("choice")
    checkout_service.cancel_paid(uow, order, f"store:{member_id}", order_rules.BY_OTHER_CHOICE)
    uow.write_deferred()
    entitlement_service.reopen(uow, right)
    made = rules.plan(queries.given_of(right, programme), choice, uow.now)
    offers, destination = read_together(uow.session, *reads(member_id, made, choice.address_id))
    done = redeem(uow, member_id, made, offers, destination)
    uow.write_deferred()
    return done


def packs_to_choose(session: Session, programme: Programme) -> list[dict[str, Any]]:
    """Return the frozen packs of a programme with what stock allows of each at this instant."""
    found = programme_queries.content_of(programme)["packs"]
    wanted = {UUID(part["sku_id"]) for pack in found for part in pack["parts"]}
    offers = stock_queries.offers(session, wanted) if wanted else {}
    return [{**pack, "available": _available(pack, offers)} for pack in found]


def _available(pack: Mapping[str, Any], offers: Mapping[UUID, Offer]) -> int:
    counts = []
    for part in pack["parts"]:
        offer = offers.get(UUID(part["sku_id"]))
        is_there = offer is not None and offer.is_for_sale
        counts.append(max(0, offer.available) // part["quantity"] if offer and is_there else 0)
    return min(counts, default=0)
