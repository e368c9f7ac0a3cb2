"""Make selections and their versions."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalog.products.models import Product, Sku
from catalog.selections import rules
from catalog.selections.models import Selection, SelectionVersion
from catalog.selections.rules import Item
from mall.kernel.db import check_limit
from mall.kernel.errors import NotFound
from mall.kernel.ids import new_id
from mall.kernel.text import canonical
from mall.kernel.uow import UnitOfWork


@dataclass(frozen=True)
class Maker:
    """Who makes a selection, and for which union (None: for the operators)."""

    id: UUID
    scope_id: UUID | None


def add_selection(
    uow: UnitOfWork, maker: Maker, name: str, items: Sequence[Item], note: str
) -> UUID:
    """Make a selection with its first version.

    Raises SelectionNameTaken, Invalid, NotFound for an unknown product or SKU, LimitReached.
    """
    query = select(func.count()).select_from(Selection)
    query = query.where(Selection.scope_id.is_not_distinct_from(maker.scope_id))
    check_limit(uow.session, ("selection", maker.scope_id), query, rules.MAX_SELECTIONS)
    twin = select(Selection.id).where(
        Selection.scope_id.is_not_distinct_from(maker.scope_id),
        Selection.name_key == canonical.key(name),
    )
    if uow.session.scalars(twin).first() is not None:
        raise rules.SelectionNameTaken("name")
    selection = Selection(
        id=new_id(), scope_id=maker.scope_id, name=name, version=0, created_at=uow.now
    )
    uow.session.add(selection)
    uow.session.flush()
    _add_version(uow, selection, maker, items, note)
    return selection.id


def change_selection(
    uow: UnitOfWork, maker: Maker, selection_id: UUID, items: Sequence[Item], note: str
) -> int:
    """Give a selection a new version and return its number; the same content makes none.

    Versions that exist never change. Raises what adding one raises.
    """
    selection = own_selection(uow.session, maker.scope_id, selection_id, for_update=True)
    last = get_version(uow.session, selection_id, selection.version)
    if last.digest != rules.digest(items):
        _add_version(uow, selection, maker, items, note)
    return selection.version


def _add_version(
    uow: UnitOfWork, selection: Selection, maker: Maker, items: Sequence[Item], note: str
) -> None:
    rules.check(items)
    _check_known(uow.session, items)
    selection.version += 1
    uow.session.add(
        SelectionVersion(
            selection_id=selection.id,
            number=selection.version,
            items=[item.stored() for item in items],
            digest=rules.digest(items),
            note=note,
            created_at=uow.now,
            created_by=maker.id,
        )
    )
    uow.session.flush()


def _check_known(session: Session, items: Sequence[Item]) -> None:
    ids = [item.product_id for item in items]
    if len(session.scalars(select(Product.id).where(Product.id.in_(ids))).all()) != len(ids):
        raise NotFound("product", field="items")
    wanted = {(item.product_id, sku_id) for item in items for sku_id in item.sku_ids}
    query = select(Sku.product_id, Sku.id).where(Sku.id.in_([sku_id for _, sku_id in wanted]))
    if {(row[0], row[1]) for row in session.execute(query)} != wanted:
        raise NotFound("SKU", field="items")


def own_selection(
    session: Session, scope_id: UUID | None, selection_id: UUID, for_update: bool = False
) -> Selection:
    """Return a scope's own selection; raises NotFound if it is someone else's."""
    query = select(Selection).where(
        Selection.id == selection_id, Selection.scope_id.is_not_distinct_from(scope_id)
    )
    found = session.scalars(query.with_for_update() if for_update else query).first()
    if found is None:
        raise NotFound("selection")
    return found


def visible_selection(session: Session, scope_id: UUID | None, selection_id: UUID) -> Selection:
    """Return a union's own selection or one of the operators'; raises NotFound if it is someone else's."""
    found = session.get(Selection, selection_id)
    if found is None or found.scope_id not in (None, scope_id):
        raise NotFound("selection", field="selection_id")
    return found


def get_version(session: Session, selection_id: UUID, number: int) -> SelectionVersion:
    """Return a version of a selection; raise NotFound."""
    found = session.get(SelectionVersion, (selection_id, number))
    if found is None:
        raise NotFound("version", field="version")
    return found


def list_selections(
    session: Session, scope_id: UUID | None, cursor: UUID | None, limit: int
) -> list[Selection]:
    """Return a scope's selections, newest first, one more than `limit` if there are more."""
    query = select(Selection).where(Selection.scope_id.is_not_distinct_from(scope_id))
    if cursor is not None:
        query = query.where(Selection.id < cursor)
    return list(session.scalars(query.order_by(Selection.id.desc()).limit(limit + 1)))
