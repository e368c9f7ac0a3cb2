"""Products are handed in, and reviewers approve them or send them back with reasons."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from catalog.messages import ProductsChanged
from catalog.onboarding.rules import Decision
from catalog.products import rules
from catalog.products.models import Product, ProductRevision
from catalog.products.queries import products
from catalog.products.rules import Change, ProductForm
from catalog.products.service import describing
from mall.kernel.errors import NotFound
from mall.kernel.ids import new_id
from mall.kernel.uow import UnitOfWork
from mall.notification.rules import NewNotice
from mall.notification.service import staff_notices


def submit(uow: UnitOfWork, supplier_id: UUID, product_id: UUID) -> None:
    """Hand a draft or a rejected product in for review; repeating changes nothing."""
    product = products.own_product(uow.session, supplier_id, product_id, for_update=True)
    if product.state == rules.IN_REVIEW:
        return
    rules.STATES.check(product.state, rules.IN_REVIEW)
    product.state = rules.IN_REVIEW
    hand_in(uow, product, describing.live_form(uow.session, product))


def hand_in(uow: UnitOfWork, product: Product, form: ProductForm) -> None:
    """Open a revision of a locked product, in place of the one that waits."""
    last = products.last_revision(uow.session, product.id)
    if last is not None and last.state == rules.IN_REVIEW:
        last.state = rules.WITHDRAWN
        # The next may only be written when no other is in review.
        uow.session.flush()
    describing.prepare_skus(uow, product, form)
    uow.session.add(
        ProductRevision(
            id=new_id(),
            product_id=product.id,
            number=(last.number if last else 0) + 1,
            content=rules.content_of(form),
            state=rules.IN_REVIEW,
            submitted_at=uow.now,
        )
    )
    uow.session.flush()


def first_revision(product_id: UUID, form: ProductForm, at: datetime) -> list[dict[str, Any]]:
    """Return the row of a new product's first revision, which waits for a reviewer."""
    row = {
        "id": new_id(),
        "product_id": product_id,
        "number": 1,
        "content": rules.content_of(form),
        "state": rules.IN_REVIEW,
        "reasons": [],
        "submitted_at": at,
    }
    return [row]


def withdraw(uow: UnitOfWork, product: Product) -> None:
    """Take back the revision of a locked product that waits, if one does."""
    revision = products.open_revision(uow.session, product.id)
    if revision is not None:
        revision.state = rules.WITHDRAWN
        uow.session.flush()


def take_back(uow: UnitOfWork, supplier_id: UUID, product_id: UUID) -> None:
    """Withdraw what waits for review; a product that was never approved is a draft again."""
    product = products.own_product(uow.session, supplier_id, product_id, for_update=True)
    withdraw(uow, product)
    if product.state == rules.IN_REVIEW:
        product.state = rules.DRAFT


def decide(
    uow: UnitOfWork, revision_id: UUID, reviewer_id: UUID, decision: Decision
) -> ProductRevision:
    """Approve a revision, which is then live, or send it back with a reason for each field.

    Raises NotFound, and WrongState where it was decided or withdrawn meanwhile.
    """
    found = uow.session.get(ProductRevision, revision_id)
    if found is None:
        raise NotFound("revision")
    # Product first, then its revision: the order in which everybody locks them.
    product = products.get_product(uow.session, found.product_id, for_update=True)
    revision = uow.session.get(
        ProductRevision, revision_id, with_for_update=True, populate_existing=True
    )
    assert revision is not None
    state = rules.APPROVED if decision.is_approved else rules.REJECTED
    rules.REVISION_STATES.check(revision.state, state)
    revision.state = state
    revision.reasons = [vars(reason) for reason in decision.reasons]
    revision.reviewed_at, revision.reviewer_id = uow.now, reviewer_id
    if decision.is_approved:
        _go_live(uow, product, revision)
    elif product.state == rules.IN_REVIEW:
        product.state = rules.REJECTED
    product.version += 1
    _tell(uow, product, revision, decision)
    return revision


def _go_live(uow: UnitOfWork, product: Product, revision: ProductRevision) -> None:
    form = rules.form_of(revision.content)
    describing.check(uow, product.supplier_id, form)
    describing.check_codes(uow, product.supplier_id, product.id, form)
    describing.write(uow, product, form)
    if product.state == rules.IN_REVIEW:
        product.state = rules.APPROVED
    else:
        uow.emit(ProductsChanged([str(product.id)]))


def replace_unseen(uow: UnitOfWork, product: Product, form: ProductForm) -> bool:
    """Replace a product's content without a reviewer, but for its freight template.

    Returns False, and leaves everything as it is, where nothing would change.
    """
    live = describing.live_form(uow.session, product)
    form = replace(form, shipping_template_id=live.shipping_template_id)
    describing.check(uow, product.supplier_id, form)
    if not rules.differences(rules.content_of(live), rules.content_of(form)):
        return False
    describing.check_codes(uow, product.supplier_id, product.id, form)
    describing.write(uow, product, form)
    uow.emit(ProductsChanged([str(product.id)]))
    return True


def _tell(uow: UnitOfWork, product: Product, revision: ProductRevision, decision: Decision) -> None:
    zh = f"商品“{product.title}”" + (
        "已通过审核。" if decision.is_approved else f"未通过：{decision.words}"
    )
    en = f"“{product.title}” was " + (
        "approved." if decision.is_approved else f"rejected: {decision.words}"
    )
    reference = f"revision:{revision.id}"
    notice = NewNotice("supplier", product.supplier_id, "product_reviewed", reference, zh, en)
    staff_notices.notify(uow, [notice])


def changes_of(
    session: Session, revision_id: UUID
) -> tuple[ProductRevision, Product, list[Change]]:
    """Return a revision and what it changes: of what is live, or of what was approved before it.

    A product that was never approved has every field changed. Raises NotFound.
    """
    revision, product, base = products.revision_with_base(session, revision_id)
    before = base.content if base is not None else {}
    if revision.state == rules.IN_REVIEW and product.state in rules.REVIEWED:
        before = rules.content_of(describing.live_form(session, product))
    return revision, product, rules.differences(before, revision.content)
