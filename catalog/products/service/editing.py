"""Describe products, put them on sale and take them off."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from catalog.messages import CategoryChanged, ProductsChanged, QualificationsChanged
from catalog.products import rules, statements
from catalog.products.models import Category, Product
from catalog.products.queries import products
from catalog.products.rules import ProductForm
from catalog.products.service import describing, reviewing
from mall.kernel.clock import beijing_day
from mall.kernel.db import hold_turn
from mall.kernel.errors import Invalid, LimitReached, NotFound, VersionConflict
from mall.kernel.ids import new_id
from mall.kernel.text import canonical
from mall.kernel.together import DeferredWrite, document
from mall.kernel.uow import UnitOfWork

MAX_CATEGORY_DEPTH = 3
# A supplier's table of contents stays readable, and a runaway client stays bounded.
MAX_PRODUCTS = 50_000


def ensure_category(uow: UnitOfWork, names: list[str]) -> UUID:
    """Return the category at a path of names, making what is missing."""
    if not 1 <= len(names) <= MAX_CATEGORY_DEPTH:
        raise Invalid("category", "category_levels_wrong")
    parent: Category | None = None
    for name in names:
        parent = _child(uow, parent, name)
    assert parent is not None
    return parent.id


def _child(uow: UnitOfWork, parent: Category | None, name: str) -> Category:
    parent_id = parent.id if parent else None
    found = uow.session.scalars(
        select(Category).where(
            Category.name_key == canonical.key(name),
            Category.parent_id.is_(None) if parent is None else Category.parent_id == parent_id,
        )
    ).first()
    if found is not None:
        return found
    new = Category(id=new_id(), parent_id=parent_id, name=name, path="")
    new.path = f"{parent.path if parent else ''}{new.id.hex}/"
    uow.session.add(new)
    uow.session.flush()
    return new


def change_category(
    uow: UnitOfWork, category_id: UUID, name: str, needs_food_licence: bool
) -> Category:
    """Rename a category, or say whether what is in it needs a food licence.

    Raises NotFound, and Invalid where a sister has the name.
    """
    category = uow.session.get(Category, category_id, with_for_update=True)
    if category is None:
        raise NotFound("category")
    sister = uow.session.scalars(
        select(Category.id).where(
            Category.parent_id.is_not_distinct_from(category.parent_id),
            Category.name_key == canonical.key(name),
            Category.id != category_id,
        )
    ).first()
    if sister is not None:
        raise Invalid("name", "category_name_repeated")
    category.name = name
    category.needs_food_licence = needs_food_licence
    uow.session.flush()
    uow.emit(CategoryChanged(str(category_id)))
    return category


def add_product(uow: UnitOfWork, supplier_id: UUID, form: ProductForm) -> tuple[UUID, list[UUID]]:
    """Describe a new product as a draft; return its id and its SKUs' ids in their order.

    Raises Invalid, NotFound, SkuCodeTaken and LimitReached.
    """
    describing.check(uow, supplier_id, form)
    describing.check_codes(uow, supplier_id, None, form)
    hold_turn(uow.session, "product", supplier_id)
    if products.count_of(uow.session, supplier_id) >= MAX_PRODUCTS:
        raise LimitReached(limit=MAX_PRODUCTS)
    product = Product(
        id=new_id(), supplier_id=supplier_id, state=rules.DRAFT, created_at=uow.now, version=0
    )
    uow.session.add(product)
    describing.write(uow, product, form)
    skus = products.active_skus(uow.session, product.id)
    return product.id, [sku.id for sku in skus]


@dataclass(frozen=True)
class PreparedProduct:
    """A product about to be written: its id, its SKUs' by code, and the write."""

    product_id: UUID
    sku_ids: dict[str, UUID]
    write: DeferredWrite


def prepare(uow: UnitOfWork, supplier_id: UUID, form: ProductForm, state: str) -> PreparedProduct:
    """Add a product that was checked before: as a draft, in review, or published by an operator.

    The caller defers its write.
    A SKU code taken meanwhile breaks the transaction.
    """
    product, skus, prices = describing.new_rows(supplier_id, form, state, uow.now)
    revisions = []
    if state == rules.IN_REVIEW:
        revisions = reviewing.first_revision(product["id"], form, uow.now)
    if state == rules.PUBLISHED:
        product["published_at"] = uow.now
        uow.emit(ProductsChanged([str(product["id"])]))
    values = {
        "product_rows": document([product]),
        "product_skus": document(skus),
        "product_prices": document(prices),
        "product_revisions": document(revisions),
    }
    codes = {sku["code"]: sku["id"] for sku in skus}
    return PreparedProduct(product["id"], codes, DeferredWrite(statements.ADD, values))


def change_product(
    uow: UnitOfWork, supplier_id: UUID, product_id: UUID, form: ProductForm, version: int | None
) -> None:
    """Replace a product's description; SKUs are matched by code, missing ones leave the sale.

    What was never approved changes at once. Of a reviewed product only how parcels are packed
    and counted does; all else waits for the reviewer, and the live content stays. Raises
    VersionConflict when `version` is not the current one, Invalid, NotFound, SkuCodeTaken.
    """
    describing.check(uow, supplier_id, form)
    product = products.own_product(uow.session, supplier_id, product_id, for_update=True)
    if version is not None and product.version != version:
        raise VersionConflict("If-Match")
    describing.check_codes(uow, supplier_id, product_id, form)
    if product.state not in rules.REVIEWED:
        describing.write(uow, product, form)
        if product.state == rules.IN_REVIEW:
            reviewing.replace_revision(uow, product, form)
        return
    live = rules.content_of(describing.live_form(uow.session, product))
    changes = rules.differences(live, rules.content_of(form))
    if all(map(rules.is_operational, changes)):
        reviewing.drop_revision(uow, product)
        if changes:
            describing.write(uow, product, form)
            uow.emit(ProductsChanged([str(product_id)]))
        return
    reviewing.replace_revision(uow, product, form)
    product.version += 1


def submit_draft(uow: UnitOfWork, supplier_id: UUID, product_id: UUID) -> None:
    """Hand a product in for review if it was never approved; any other is left as it is."""
    product = products.get_product(uow.session, product_id)
    if product.state in (rules.DRAFT, rules.REJECTED):
        reviewing.submit(uow, supplier_id, product_id)


def publish(uow: UnitOfWork, supplier_id: UUID, product_ids: Collection[UUID]) -> None:
    """Put approved products on sale, all or none; repeating changes nothing."""
    fresh = []
    for product_id in sorted(product_ids):
        product = products.own_product(uow.session, supplier_id, product_id, for_update=True)
        if product.state != rules.PUBLISHED:
            rules.STATES.check(product.state, rules.PUBLISHED)
            product.state = rules.PUBLISHED
            product.published_at = uow.now
            product.publish_at = None
            product.version += 1
            fresh.append(str(product_id))
    if fresh:
        uow.session.flush()
        withhold(uow, [supplier_id])
        uow.emit(ProductsChanged(fresh))


def unpublish(uow: UnitOfWork, supplier_id: UUID, product_id: UUID) -> None:
    """Take a product off sale at once; open orders go on. Repeating changes nothing."""
    product = products.own_product(uow.session, supplier_id, product_id, for_update=True)
    _unpublish(uow, product)


def take_off(uow: UnitOfWork, product_id: UUID) -> None:
    """Take any supplier's product off sale, as an operator; repeating changes nothing."""
    _unpublish(uow, products.get_product(uow.session, product_id, for_update=True))


def _unpublish(uow: UnitOfWork, product: Product) -> None:
    if product.state != rules.UNPUBLISHED:
        rules.STATES.check(product.state, rules.UNPUBLISHED)
        product.state = rules.UNPUBLISHED
        product.unpublish_at = None
        product.version += 1
        uow.emit(ProductsChanged([str(product.id)]))


def schedule(
    uow: UnitOfWork,
    supplier_id: UUID,
    product_id: UUID,
    times: tuple[datetime | None, datetime | None],
) -> None:
    """Say when a product goes on sale and when off; None for neither.

    A time that has passed when the product is approved acts then. Raises Invalid.
    """
    publish_at, unpublish_at = times
    if publish_at and unpublish_at and unpublish_at <= publish_at:
        raise Invalid("unpublish_at", "leaves_before_it_came")
    if unpublish_at and unpublish_at <= uow.now:
        raise Invalid("unpublish_at", "time_passed")
    product = products.own_product(uow.session, supplier_id, product_id, for_update=True)
    product.publish_at, product.unpublish_at = times
    product.version += 1


def run_schedule(uow: UnitOfWork, limit: int = 500) -> int:
    """Publish and unpublish what is due; return how many. Safe to repeat."""
    moved: list[str] = []
    due = (
        (rules.PUBLISHED, Product.publish_at, [rules.APPROVED, rules.UNPUBLISHED]),
        (rules.UNPUBLISHED, Product.unpublish_at, [rules.PUBLISHED]),
    )
    suppliers: set[UUID] = set()
    for state, column, before in due:
        found = (
            select(Product.id)
            .where(column <= uow.now, Product.state.in_(before))
            .order_by(Product.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        values: dict[str, Any] = {"state": state, "version": Product.version + 1, column.key: None}
        if state == rules.PUBLISHED:
            values["published_at"] = uow.now
        rows = uow.session.execute(
            update(Product)
            .where(Product.id.in_(found))
            .values(**values)
            .returning(Product.id, Product.supplier_id)
            .execution_options(synchronize_session=False)
        ).all()
        moved += [str(row.id) for row in rows]
        suppliers |= {row.supplier_id for row in rows}
    if moved:
        withhold(uow, list(suppliers))
        uow.emit(ProductsChanged(moved))
    return len(moved)


def set_tags(uow: UnitOfWork, product_id: UUID, tags: Sequence[str]) -> None:
    """Set the tags by which operators gather products for sections."""
    product = products.get_product(uow.session, product_id, for_update=True)
    product.tags = sorted(set(tags))
    uow.emit(ProductsChanged([str(product_id)]))


def withhold(uow: UnitOfWork, supplier_ids: Collection[UUID] | None = None) -> int:
    """Withhold products that lack a valid qualification, and release those that have it again.

    For some suppliers, or for all. Open orders go on. Returns how many products changed.
    """
    values = {
        "today": beijing_day(uow.now),
        "supplier_ids": None if supplier_ids is None else list(supplier_ids),
    }
    changed = [str(row.id) for row in uow.session.execute(statements.WITHHOLD, values)]
    for start in range(0, len(changed), 500):
        uow.emit(ProductsChanged(changed[start : start + 500]))
    return len(changed)


def apply_qualifications(uow: UnitOfWork, messages: Sequence[QualificationsChanged]) -> None:
    """Bring back what hung on qualifications that were accepted."""
    withhold(uow, {UUID(each.supplier_id) for each in messages})


def apply_categories(uow: UnitOfWork, messages: Sequence[CategoryChanged]) -> None:
    """Take from sale, or give back, what a change of categories concerns."""
    withhold(uow)
