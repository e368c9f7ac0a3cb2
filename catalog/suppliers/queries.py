"""Read suppliers and their templates."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog.suppliers import rules
from catalog.suppliers.models import CommissionRate, ShippingTemplateRow, Supplier
from mall.kernel.errors import NotFound
from mall.kernel.rows.shown import each_shown
from mall.kernel.text import canonical

# What must hold of the supplier of an account `s`: see mall/access/queries.py. A suspended one ships
# what is open.
STANDING = """NOT EXISTS (SELECT 1 FROM supplier x
    WHERE x.id = s.scope_id AND x.state = 'closed')"""


def get_supplier(session: Session, supplier_id: UUID, for_update: bool = False) -> Supplier:
    """Return a supplier, locked if wanted, or raise NotFound."""
    supplier = session.get(Supplier, supplier_id, with_for_update=for_update)
    if supplier is None:
        raise NotFound("supplier")
    return supplier


def check_may_upload(session: Session, supplier_id: UUID) -> None:
    """Raise NotYetApproved for a supplier that may send nothing but documents."""
    rules.check_may_upload(get_supplier(session, supplier_id).state)


def find_supplier(session: Session, name: str) -> Supplier | None:
    """Return the supplier of that name."""
    return session.scalars(select(Supplier).where(Supplier.name_key == canonical.key(name))).first()


def list_suppliers(session: Session, cursor: UUID | None, limit: int) -> list[Supplier]:
    """Return suppliers, newest first, one more than `limit` if there are more."""
    query = select(Supplier).order_by(Supplier.id.desc()).limit(limit + 1)
    if cursor is not None:
        query = query.where(Supplier.id < cursor)
    return list(session.scalars(query))


def commission_rates(session: Session, supplier_id: UUID) -> list[CommissionRate]:
    """Return the rates that were set for a supplier after its first, newest day first."""
    query = select(CommissionRate).where(CommissionRate.supplier_id == supplier_id)
    return list(session.scalars(query.order_by(CommissionRate.from_on.desc()).limit(200)))


def names(session: Session, supplier_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the names of suppliers by id."""
    rows = session.execute(select(Supplier.id, Supplier.name).where(Supplier.id.in_(supplier_ids)))
    return {row.id: row.name for row in rows}


def as_template(row: ShippingTemplateRow) -> rules.ShippingTemplate:
    """Return a template as the pure rules take it."""
    return rules.ShippingTemplate(
        row.id,
        row.supplier_id,
        row.name,
        row.charge_by,
        row.free_over_fen,
        rules.rules_from(row.rules),
    )


def templates(session: Session, ids: Collection[UUID]) -> dict[UUID, rules.ShippingTemplate]:
    """Return templates by id."""
    if not ids:
        return {}
    rows = session.scalars(select(ShippingTemplateRow).where(ShippingTemplateRow.id.in_(ids)))
    return {row.id: as_template(row) for row in rows}


def templates_of(session: Session, supplier_id: UUID) -> list[rules.ShippingTemplate]:
    """Return a supplier's templates by name."""
    rows = session.scalars(
        select(ShippingTemplateRow)
        .where(ShippingTemplateRow.supplier_id == supplier_id)
        .order_by(ShippingTemplateRow.name)
    )
    return each_shown(as_template, rows)


def own_template(session: Session, supplier_id: UUID, template_id: UUID) -> ShippingTemplateRow:
    """Return a supplier's own template; raises NotFound if it is someone else's."""
    row = session.get(ShippingTemplateRow, template_id)
    if row is None or row.supplier_id != supplier_id:
        raise NotFound("shipping template", field="shipping_template_id")
    return row
