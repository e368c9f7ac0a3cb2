"""Open suppliers, change their state, keep their freight templates."""

from dataclasses import asdict, dataclass
from uuid import UUID

from sqlalchemy import func, select

from catalog.messages import SupplierChanged
from catalog.suppliers import queries, rules
from catalog.suppliers.models import ShippingTemplateRow, Supplier
from mall.kernel.db import check_limit
from mall.kernel.errors import DomainError, Invalid
from mall.kernel.ids import new_id
from mall.kernel.uow import UnitOfWork


class SupplierNameTaken(DomainError):
    code = "supplier_name_taken"
    zh = "已有同名供应商。"
    en = "There is a supplier of this name."


@dataclass(frozen=True)
class TemplateForm:
    """What a supplier fills in for a tariff."""

    name: str
    charge_by: str
    free_over_fen: int | None
    rules: tuple[rules.FreightRule, ...]


def open_supplier(uow: UnitOfWork, name: str, state: str = rules.ACTIVE) -> UUID:
    """Open a supplier, active unless it only applies; raise SupplierNameTaken."""
    if queries.find_supplier(uow.session, name) is not None:
        raise SupplierNameTaken("name")
    supplier = Supplier(id=new_id(), name=name, state=state, created_at=uow.now)
    uow.session.add(supplier)
    uow.session.flush()
    return supplier.id


def change_state(uow: UnitOfWork, supplier_id: UUID, state: str) -> Supplier:
    """Suspend, reopen or close a supplier; a suspended one sells nothing new but ships the rest."""
    supplier = queries.get_supplier(uow.session, supplier_id, for_update=True)
    if supplier.state != state:
        rules.STATES.check(supplier.state, state)
        supplier.state = state
        uow.emit(SupplierChanged(str(supplier_id)))
    return supplier


def add_template(uow: UnitOfWork, supplier_id: UUID, form: TemplateForm) -> UUID:
    """Add a freight template; raise LimitReached beyond 20."""
    _check(form)
    count = select(func.count()).select_from(ShippingTemplateRow)
    mine = count.where(ShippingTemplateRow.supplier_id == supplier_id)
    check_limit(uow.session, ("template", supplier_id), mine, rules.MAX_TEMPLATES)
    row = ShippingTemplateRow(
        id=new_id(), supplier_id=supplier_id, created_at=uow.now, **_columns(form)
    )
    uow.session.add(row)
    uow.session.flush()
    return row.id


def change_template(
    uow: UnitOfWork, supplier_id: UUID, template_id: UUID, form: TemplateForm
) -> None:
    """Replace a template; orders already placed keep the fee they were placed with."""
    _check(form)
    row = queries.own_template(uow.session, supplier_id, template_id)
    for name, value in _columns(form).items():
        setattr(row, name, value)


def _columns(form: TemplateForm) -> dict[str, object]:
    return {
        "name": form.name,
        "charge_by": form.charge_by,
        "free_over_fen": form.free_over_fen,
        "rules": [{**asdict(rule), "regions": list(rule.regions)} for rule in form.rules],
    }


def _check(form: TemplateForm) -> None:
    defaults = [rule for rule in form.rules if not rule.regions]
    if len(defaults) > 1:
        raise Invalid(
            "rules", "默认规则（不填地区）只能有一条。", "Only one rule may have no regions."
        )
    named = [code for rule in form.rules for code in rule.regions]
    if len(named) != len(set(named)):
        raise Invalid("rules", "同一地区出现了两次。", "A region is named twice.")
