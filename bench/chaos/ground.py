"""What `make chaos` plays on: members, products, a store and its clerks."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from datetime import time as clock_time
from typing import Any
from uuid import UUID

from catalog.products import rules as product_rules
from catalog.products.service import editing
from catalog.stock import service as stock_service
from catalog.suppliers.service import supplying
from fulfillment.stores import service as store_service
from fulfillment.stores.rules import CLERK, Hours, StoreForm
from mall.access import service as access_service
from mall.access.rules import PICKUP, STORE
from mall.kernel.ids import new_id
from mall.kernel.uow import unit_of_work
from mall.ledger.rules import Grant
from mall.ledger.service import granting
from mall.members.models import Member
from mall.members.rules import AddressForm
from mall.members.service import members
from mall.shell import config
from mall.shell.app import create_app

MEMBERS, SHIPPED, COLLECTED = 24, 12, 3
PRICE_FEN, STOCK, BEANS_FEN = 1_000, 1_000_000, 500_000_000
FAR = datetime(2090, 1, 1, tzinfo=UTC)


@dataclass
class Ground:
    """Who orders what, and who hands it out."""

    tokens: list[str]
    shipped: list[str]
    collected: list[str]
    clerks: list[str]


def plant(environment: dict[str, str]) -> Ground:
    """Make members, products, a store and its clerks in the database of the service."""
    app = create_app(config.load({**environment, "MALL_LOG_LEVEL": "ERROR"}))
    run = secrets.token_hex(4)
    with app.app_context():
        with unit_of_work() as uow:
            supplier_id = supplying.open_supplier(uow, f"混沌供应商 {run}")
        shipped = [_product(supplier_id, f"{run}-{n}") for n in range(SHIPPED)]
        collected = [
            _product(supplier_id, f"{run}-c{n}", delivery_modes=("store_pickup",))
            for n in range(COLLECTED)
        ]
        clerks = _clerks(supplier_id, run)
        tokens = [_member(f"{run}-{n}") for n in range(MEMBERS)]
        app.extensions["sqlalchemy"].engine.dispose()
        app.extensions["mall_pool"].close()
    return Ground(tokens, shipped, collected, clerks)


def _product(supplier_id: UUID, name: str, **form: Any) -> str:
    with unit_of_work() as uow:
        category_id = editing.ensure_category(uow, ["混沌"])
        sku = product_rules.SkuForm(name, (), PRICE_FEN, PRICE_FEN)
        filled = product_rules.ProductForm(f"混沌 {name}", category_id, skus=(sku,), **form)
        prepared = editing.prepare(uow, supplier_id, filled, product_rules.PUBLISHED)
        [sku_id] = prepared.sku_ids.values()
        uow.defer(prepared.write, stock_service.stocking({sku_id: STOCK}, name, uow.now))
    return str(sku_id)


def _clerks(supplier_id: UUID, run: str) -> list[str]:
    hours = [Hours(day, clock_time(0), clock_time(23, 59)) for day in range(1, 8)]
    place = ("440802", "混沌路 1 号", 21.27, 110.36, "13800000001")
    with unit_of_work() as uow:
        store = store_service.add_store(uow, supplier_id, StoreForm(f"混沌店 {run}", *place, hours))
        tokens = []
        for number in range(2):
            name = f"chaos-{run}-{number}"
            new = access_service.NewStaff(name, name, secrets.token_hex(8), CLERK, store.id)
            account = access_service.open_staff_account(uow, new)
            tokens.append(access_service.issue_token(uow, PICKUP, account).token)
    return tokens


def _member(name: str) -> str:
    member_id = new_id()
    with unit_of_work() as uow:
        uow.session.add(
            Member(
                id=member_id,
                openid=f"chaos-{name}",
                real_name_state="unverified",
                is_active=True,
                created_at=uow.now,
            )
        )
        uow.session.flush()
        form = AddressForm("陈小湛", "13800000001", "440802", "跃进路 1 号", True)
        members.add_address(uow, member_id, form)
        granting.seed(uow, [Grant(member_id, BEANS_FEN, FAR, "混沌", f"chaos:{name}")])
        return access_service.issue_token(uow, STORE, member_id).token
