"""Operators arrange the storefront."""

from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select

from catalog.pavilion import queries, rules
from catalog.pavilion.models import Section, SectionPick
from catalog.pavilion.rules import SectionForm
from catalog.products.models import Category, Product
from mall.kernel.db import check_limit
from mall.kernel.errors import DomainError, NotFound
from mall.kernel.ids import new_id
from mall.kernel.uow import UnitOfWork


class SectionTitleTaken(DomainError):
    code = "section_title_taken"


def add_section(uow: UnitOfWork, form: SectionForm) -> UUID:
    """Add a section; raise Invalid, NotFound, SectionTitleTaken and LimitReached."""
    count = select(func.count()).select_from(Section)
    check_limit(uow.session, ("section", None), count, rules.MAX_SECTIONS)
    _check(uow, form, None)
    section = Section(id=new_id(), created_at=uow.now, **_columns(form))
    uow.session.add(section)
    uow.session.flush()
    _pick(uow, section.id, form)
    return section.id


def change_section(uow: UnitOfWork, section_id: UUID, form: SectionForm) -> None:
    """Replace a section; raises what adding one raises."""
    section = queries.get_section(uow.session, section_id, for_update=True)
    _check(uow, form, section_id)
    for name, value in _columns(form).items():
        setattr(section, name, value)
    _pick(uow, section_id, form)


def remove_section(uow: UnitOfWork, section_id: UUID) -> None:
    """Remove a section; its products stay as they are."""
    section = queries.get_section(uow.session, section_id, for_update=True)
    uow.session.execute(delete(SectionPick).where(SectionPick.section_id == section_id))
    uow.session.delete(section)


def _check(uow: UnitOfWork, form: SectionForm, section_id: UUID | None) -> None:
    rules.check(form)
    twin = uow.session.scalars(select(Section.id).where(Section.title == form.title)).first()
    if twin is not None and twin != section_id:
        raise SectionTitleTaken("title")
    category_id = form.rule.category_id
    if category_id is not None and uow.session.get(Category, category_id) is None:
        raise NotFound("category", field="rule.category_id")
    known = uow.session.scalars(select(Product.id).where(Product.id.in_(form.picks))).all()
    if len(known) != len(form.picks):
        raise NotFound("product", field="picks")


def _columns(form: SectionForm) -> dict[str, Any]:
    left_out = {"picks", "rule"}
    kept = {name: value for name, value in vars(form).items() if name not in left_out}
    return {**kept, "rule": form.rule.stored()}


def _pick(uow: UnitOfWork, section_id: UUID, form: SectionForm) -> None:
    uow.session.execute(delete(SectionPick).where(SectionPick.section_id == section_id))
    uow.session.add_all(
        SectionPick(section_id=section_id, product_id=product_id, position=position)
        for position, product_id in enumerate(form.picks)
    )
    uow.session.flush()
