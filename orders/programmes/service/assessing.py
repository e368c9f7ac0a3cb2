"""What a programme would be at this instant: its content, what forbids it, what is to be judged."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from catalog.packs import queries as pack_queries
from catalog.packs import rules as pack_rules
from catalog.packs.rules import PackOffer
from catalog.products.queries import products
from catalog.selections import service as selection_service
from mall.kernel.money import yuan
from mall.kernel.text.wording import Finding, finding
from mall.members.rosters import queries as roster_queries
from mall.members.service import unions
from orders.entitlements import queries as entitlement_queries
from orders.programmes import queries, rules
from orders.programmes.models import Programme, UnionPolicy


@dataclass
class Assessment:
    """A content with what was found of it."""

    content: dict[str, Any]
    errors: list[Finding]
    warnings: list[Finding]

    @property
    def content_hash(self) -> str:
        return rules.content_hash(self.content)


def assess(session: Session, programme: Programme) -> Assessment:
    """Work out a programme whose recipients are listed; nothing is changed."""
    union = unions.get_union(session, programme.union_id)
    found = Assessment(_frame(session, programme, union.name), [], [])
    if programme.pack_ids:
        offered = pack_queries.packs_of(session, programme.union_id, programme.pack_ids)
        _pack_prices(found, programme, offered)
        _pack_parts(found, programme, offered)
        # Only what can be sold has a content; what cannot is an error already.
        found.content["packs"] = [
            pack.content() for pack in offered if len(pack.offers) == len(pack.parts)
        ]
    if programme.selection_id is not None:
        _selection(session, found, programme)
    _policy(session, found, programme)
    if programme.birthday != "none":
        _birthdays(session, found, programme)
    return found


def shown_of(session: Session, programme: Programme) -> list[Any] | None:
    """Return what the products of a programme's selection are called and cost today."""
    if programme.selection_id is None or programme.selection_version is None:
        return None
    version = selection_service.get_version(
        session, programme.selection_id, programme.selection_version
    )
    return products.shown(session, [UUID(item["product_id"]) for item in version.items])


def _frame(session: Session, programme: Programme, union_name: str) -> dict[str, Any]:
    names = (
        *("union_id", "number", "name", "kind", "roster_id", "per_member_fen", "head_count"),
        *("budget_fen", "default_pack_id", "max_items", "opens_on", "closes_on", "expires_on"),
        *("delivery", "unit_address", "leftover", "allows_top_up", "allows_codes", "birthday"),
        *("festival", "note"),
    )
    values = {name: getattr(programme, name) for name in names}
    plain = {
        name: str(value) if value is not None and not isinstance(value, (int, str, dict)) else value
        for name, value in values.items()
    }
    return {
        **plain,
        "union_name": union_name,
        "recipients_digest": entitlement_queries.digest(session, programme.id),
        "packs": [],
        "selection": None,
    }


def _pack_prices(found: Assessment, programme: Programme, offered: list[PackOffer]) -> None:
    amount = programme.per_member_fen
    for pack in offered:
        title, price = pack.title, pack.price_fen
        if price > amount:
            found.errors.append(
                finding("pack_too_dear", title=title, price=yuan(price), amount=yuan(amount))
            )
        elif price < amount and programme.delivery == rules.UNIT:
            found.errors.append(finding("pack_price_differs", title=title, amount=yuan(amount)))
        elif price < amount:
            found.warnings.append(
                finding("pack_cheaper", title=title, price=yuan(price), amount=yuan(amount))
            )
        if price > pack.market_fen:
            found.warnings.append(
                finding(
                    "above_market", title=title, price=yuan(price), market=yuan(pack.market_fen)
                )
            )


def _pack_parts(found: Assessment, programme: Programme, offered: list[PackOffer]) -> None:
    total = 0
    for pack in offered:
        gone = [
            str(part.sku_id) if part.sku_id not in pack.offers else pack.offers[part.sku_id].title
            for part in pack.parts
            if part.sku_id not in pack.offers or not pack.offers[part.sku_id].is_for_sale
        ]
        if gone or not pack.is_active:
            names = "、".join(gone) or pack.title
            found.errors.append(finding("not_for_sale", title=pack.title, names=names))
            continue
        _agreed_prices(found, pack)
        if programme.delivery not in pack.delivery_modes:
            found.errors.append(finding("delivery_not_offered", title=pack.title))
        total += pack.available
        if programme.kind == rules.FIXED:
            _stock(found, pack.title, pack.available, programme.head_count)
    if programme.kind == rules.PICK_ONE and not found.errors:
        _stock(found, "、".join(pack.title for pack in offered), total, programme.head_count)


def _agreed_prices(found: Assessment, pack: PackOffer) -> None:
    """Find prices that no supplier named or accepted: a union does not write a supplier's price."""
    wrong = [
        pack.offers[part.sku_id].title
        for part in pack.parts
        if pack.basis(part) not in pack_rules.AGREED
    ]
    if wrong:
        names = "、".join(wrong)
        found.errors.append(finding("price_not_agreed", title=pack.title, names=names))


def _stock(found: Assessment, title: str, available: int, wanted: int) -> None:
    if available < wanted:
        found.warnings.append(
            finding("stock_short", title=title, available=available, wanted=wanted)
        )


def _selection(session: Session, found: Assessment, programme: Programme) -> None:
    assert programme.selection_id is not None and programme.selection_version is not None
    chosen = selection_service.visible_selection(
        session, programme.union_id, programme.selection_id
    )
    version = selection_service.get_version(session, chosen.id, programme.selection_version)
    found.content["selection"] = {
        "selection_id": str(chosen.id),
        "name": chosen.name,
        "version": version.number,
        "digest": version.digest,
        "items": version.items,
    }
    if programme.shown is not None:
        found.content["selection"]["shown_digest"] = rules.content_hash({"shown": programme.shown})
    if programme.max_items is None and any(item["sku_ids"] for item in version.items):
        found.errors.append(finding("selection_by_sku"))
    shown = products.on_sale(session, [UUID(item["product_id"]) for item in version.items])
    missing = len(version.items) - len(shown)
    if not shown:
        found.errors.append(finding("nothing_on_sale"))
    elif missing:
        found.warnings.append(finding("partly_off_sale", missing=missing))
    modes = [each for each in shown if programme.delivery not in each.delivery_modes]
    if modes:
        found.warnings.append(
            finding("delivery_not_offered", "selection_delivery_not_offered", count=len(modes))
        )
    if shown and min(each.price_fen for each in shown) > programme.per_member_fen:
        found.warnings.append(finding("amount_too_small"))


def _policy(session: Session, found: Assessment, programme: Programme) -> None:
    policy = session.get(UnionPolicy, programme.union_id)
    if policy is None:
        return
    if policy.annual_member_fen is not None:
        over = queries.count_over_limit(
            session,
            programme.id,
            programme.union_id,
            programme.opens_on.year,
            policy.annual_member_fen,
        )
        if over:
            limit = yuan(policy.annual_member_fen)
            found.warnings.append(finding("annual_limit", over=over, limit=limit))
    if policy.festivals and programme.festival not in policy.festivals:
        names = "、".join(policy.festivals)
        found.warnings.append(finding("festival_not_listed", names=names))
    if policy.min_assistance_bps and programme.pack_ids:
        _assistance(session, found, programme, policy.min_assistance_bps)


def _assistance(session: Session, found: Assessment, programme: Programme, least: int) -> None:
    for pack in pack_queries.packs_of(session, programme.union_id, programme.pack_ids):
        assisted = sum(
            part.quantity * (part.price_fen or 0)
            for part in pack.parts
            if part.sku_id in pack.offers and pack.offers[part.sku_id].assistance_id
        )
        share = 10_000 * assisted // pack.price_fen
        if share < least:
            found.warnings.append(
                finding("assistance_share", title=pack.title, share=yuan(share), least=yuan(least))
            )


def _birthdays(session: Session, found: Assessment, programme: Programme) -> None:
    unknown = roster_queries.count_without_birthday(session, programme.roster_id)
    if unknown:
        found.warnings.append(finding("birthday_unknown", unknown=unknown))
