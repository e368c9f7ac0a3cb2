"""Read sections, their products, and the pavilion by place of origin."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, false, func, literal, or_, select, tuple_
from sqlalchemy.orm import Session

from catalog.onboarding import queries as onboarding_queries
from catalog.onboarding.models import Qualification
from catalog.onboarding.rules import ASSISTANCE
from catalog.pavilion import rules
from catalog.pavilion.models import Section, SectionPick
from catalog.pavilion.rules import Rule
from catalog.products.models import Category, Product, ProductFigure
from catalog.products.queries.products import is_shown, items
from catalog.suppliers.models import Supplier
from mall.kernel.clock import beijing_day
from mall.kernel.errors import NotFound
from mall.kernel.rows.shown import each_shown
from mall.members import queries as member_queries


def sections(session: Session, now: datetime | None) -> list[Section]:
    """Return the sections that are shown at an instant, in their order; None: every section."""
    query = select(Section).order_by(Section.position, Section.id).limit(rules.MAX_SECTIONS)
    if now is not None:
        query = query.where(_is_open(now))
    return list(session.scalars(query))


def _is_open(now: datetime) -> ColumnElement[bool]:
    return and_(
        Section.is_published,
        or_(Section.starts_at.is_(None), Section.starts_at <= now),
        or_(Section.ends_at.is_(None), Section.ends_at > now),
    )


def get_section(
    session: Session, section_id: UUID, now: datetime | None = None, for_update: bool = False
) -> Section:
    """Return a section, if it is shown at an instant where one is given; raise NotFound."""
    query = select(Section).where(Section.id == section_id)
    if now is not None:
        query = query.where(_is_open(now))
    section = session.scalars(query.with_for_update() if for_update else query).first()
    if section is None:
        raise NotFound("section")
    return section


def picks(session: Session, section_id: UUID) -> list[UUID]:
    """Return what is picked for a section, in its order."""
    query = select(SectionPick.product_id).where(SectionPick.section_id == section_id)
    return list(session.scalars(query.order_by(SectionPick.position)))


def _any_region(column: Any, codes: Sequence[str]) -> ColumnElement[bool]:
    return or_(*(column.startswith(code, autoescape=True) for code in codes))


def _assisted(now: datetime, regions: Sequence[str]) -> ColumnElement[bool]:
    """Return the condition that a supplier holds an assistance qualification, of some regions."""
    query = select(Qualification.supplier_id).where(
        Qualification.kind == ASSISTANCE, onboarding_queries.is_valid(beijing_day(now))
    )
    if regions:
        query = query.where(_any_region(Qualification.region_code, regions))
    return Supplier.id.in_(query)


def _matches(rule: Rule, now: datetime) -> ColumnElement[bool]:
    if rule.is_empty:
        return false()
    found: list[ColumnElement[bool]] = []
    if rule.needs_assistance or rule.assistance_regions:
        found.append(_assisted(now, rule.assistance_regions))
    if rule.origins:
        origin = func.coalesce(Product.origin_region_code, Supplier.origin_region_code)
        found.append(_any_region(origin, rule.origins))
    if rule.tags:
        found.append(or_(*(Product.tags.contains([tag]) for tag in rule.tags)))
    if rule.category_id is not None:
        below = Category.path.contains(f"{rule.category_id.hex}/", autoescape=True)
        found.append(Product.category_id.in_(select(Category.id).where(below)))
    if rule.min_price_fen is not None:
        found.append(Product.price_fen >= rule.min_price_fen)
    if rule.max_price_fen is not None:
        found.append(Product.price_fen <= rule.max_price_fen)
    return and_(*found)


def products_of(
    session: Session, section: Section, now: datetime, place: rules.Place | None, limit: int
) -> list[Row[Any]]:
    """Return a page of a section's products on sale: picked ones first, then what its rule finds.

    One more than `limit` if there are more.
    """
    picked = SectionPick.product_id == Product.id
    position = func.coalesce(SectionPick.position, rules.NOT_PICKED).label("position")
    orders: dict[str, ColumnElement[Any]] = {
        rules.NEWEST: literal(0),
        rules.PRICE_UP: Product.price_fen.expression,
        rules.PRICE_DOWN: -Product.price_fen,
        rules.SALES_FIRST: -func.coalesce(ProductFigure.sold, 0),
    }
    key = orders[section.sort].label("key")
    query = (
        items()
        .add_columns(position, key)
        .outerjoin(SectionPick, picked & (SectionPick.section_id == section.id))
        .outerjoin(ProductFigure, ProductFigure.product_id == Product.id)
        .where(
            is_shown(),
            or_(SectionPick.product_id.is_not(None), _matches(rules.rule_of(section.rule), now)),
        )
        .order_by(position, key, Product.id.desc())
        .limit(limit + 1)
    )
    if place is not None:
        here = tuple_(position.element, key.element, literal(place.product_id))
        query = query.where(here > tuple_(literal(place.position), literal(place.key), Product.id))
    return list(session.execute(query))


def place_of(row: Row[Any]) -> str:
    """Return the cursor that continues a section's listing behind a row."""
    return rules.encode_place(rules.Place(row.position, row.key, row.id))


# The rural-revitalization pavilion


@dataclass(frozen=True)
class PavilionSupplier:
    """A supplier of the pavilion as members meet it."""

    id: UUID
    name: str
    story: str
    cover_url: str | None
    origin_region_code: str | None
    origin_name: str | None
    assistance_region_code: str
    assistance_region_name: str
    valid_until: str | None
    product_count: int
    sold_count: int
    dispatches_from: str | None


def pavilion_suppliers(
    session: Session, now: datetime, supplier_id: UUID | None = None
) -> list[PavilionSupplier]:
    """Return the active suppliers that hold an assistance qualification, by place of origin."""
    on = beijing_day(now)
    held = (
        select(
            Qualification.supplier_id,
            Qualification.region_code,
            Qualification.valid_until,
            func.row_number()
            .over(
                partition_by=Qualification.supplier_id,
                order_by=Qualification.valid_until.desc().nulls_first(),
            )
            .label("rank"),
        )
        .where(Qualification.kind == ASSISTANCE, onboarding_queries.is_valid(on))
        .subquery()
    )
    counts = (
        select(
            Product.supplier_id,
            func.count().label("products"),
            func.coalesce(func.sum(ProductFigure.sold), 0).label("sold"),
        )
        .join(Supplier, Supplier.id == Product.supplier_id)
        .outerjoin(ProductFigure, ProductFigure.product_id == Product.id)
        .where(is_shown(), Product.is_pavilion)
        .group_by(Product.supplier_id)
        .subquery()
    )
    query = (
        select(Supplier, held.c.region_code, held.c.valid_until, counts.c.products, counts.c.sold)
        .join(held, (held.c.supplier_id == Supplier.id) & (held.c.rank == 1))
        .outerjoin(counts, counts.c.supplier_id == Supplier.id)
        .where(Supplier.state == "active")
        .order_by(Supplier.origin_region_code, Supplier.name)
        .limit(2000)
    )
    if supplier_id is not None:
        query = query.where(Supplier.id == supplier_id)
    rows = session.execute(query).all()
    codes = {row[0].origin_region_code for row in rows} | {row[1] for row in rows}
    names = member_queries.region_names(session, {code for code in codes if code})
    return each_shown(lambda row: _supplier(row, names), rows)


def _supplier(row: Any, names: dict[str, str]) -> PavilionSupplier:
    supplier, region, until, product_count, sold_count = row
    origin = supplier.origin_region_code
    return PavilionSupplier(
        id=supplier.id,
        name=supplier.name,
        story=supplier.story,
        cover_url=supplier.cover_url,
        origin_region_code=origin,
        origin_name=names.get(origin) if origin else None,
        assistance_region_code=region,
        assistance_region_name=names.get(region, region),
        valid_until=until.isoformat() if until else None,
        product_count=product_count or 0,
        sold_count=int(sold_count or 0),
        # Pavilion goods are sent from where they grow; without a place nothing is promised.
        dispatches_from=names.get(origin) if origin else None,
    )
