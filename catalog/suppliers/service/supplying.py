"""Open suppliers, change their state, keep their freight templates."""

from dataclasses import asdict, dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from catalog.messages import SupplierChanged
from catalog.suppliers import queries, rules
from catalog.suppliers.models import CommissionRate, ShippingTemplateRow, Supplier
from mall.access.rules import SUPPLIER
from mall.kernel.clock import beijing_day
from mall.kernel.db import check_limit
from mall.kernel.errors import DomainError, Invalid
from mall.kernel.ids import new_id
from mall.kernel.money import percent
from mall.kernel.uow import UnitOfWork
from mall.notification.rules import NewNotice
from mall.notification.service import staff_notices


class SupplierNameTaken(DomainError):
    code = "supplier_name_taken"


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
    supplier.commission_bps = uow.settings.default_commission_bps
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


def set_commission(
    uow: UnitOfWork, supplier_id: UUID, from_on: date, commission_bps: int, by: str
) -> None:
    """Set the commission of what a supplier sells from a day on; tell the supplier.

    The same day again replaces what was set for it. Raises NotFound and NotFromThen. What was sold
    before keeps the rate that its line was sold at.
    """
    supplier = queries.get_supplier(uow.session, supplier_id, for_update=True)
    rules.check_from(from_on, beijing_day(uow.now))
    values = {"commission_bps": commission_bps, "set_by": by, "set_at": uow.now}
    uow.session.execute(
        insert(CommissionRate)
        .values(supplier_id=supplier.id, from_on=from_on, **values)
        .on_conflict_do_update(index_elements=["supplier_id", "from_on"], set_=values)
    )
    rate = f"{percent(commission_bps)} %"
    notice = NewNotice(
        SUPPLIER,
        supplier.id,
        "commission_changed",
        f"commission:{supplier.id}:{from_on}:{uow.now.isoformat()}",
        f"自 {from_on} 起售出的商品，平台服务费率为 {rate}。",
        f"The commission of what you sell from {from_on} on is {rate}.",
    )
    staff_notices.notify(uow, [notice])


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
        raise Invalid("rules", "default_rule_repeated")
    named = [code for rule in form.rules for code in rule.regions]
    if len(named) != len(set(named)):
        raise Invalid("rules", "region_repeated")
