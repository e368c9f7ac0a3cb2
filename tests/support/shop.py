"""What is sold: suppliers, products, stock and stores, straight through the services."""

import secrets
from datetime import date, time
from uuid import UUID

from sqlalchemy import text

from catalog.onboarding.rules import Decision, QualificationForm
from catalog.onboarding.service import applications
from catalog.products import rules as product_rules
from catalog.products.queries import products
from catalog.products.service import editing, reviewing
from catalog.stock import queries as stock_queries
from catalog.stock import service as stock_service
from catalog.suppliers.rules import FreightRule
from catalog.suppliers.service import supplying
from fulfillment.stores import service as store_service
from fulfillment.stores.rules import Hours, StoreForm
from mall.kernel.uow import unit_of_work
from tests.support.database import execute_sql

# Who reviews where it does not matter who does.
NOBODY = UUID(int=0)


def reprice(world, supplier_id, product_id, price_fen):
    """Give a product's only SKU another price."""
    execute_sql(
        world,
        "UPDATE sku SET price_fen = :price, list_price_fen = :price WHERE product_id = :id",
        price=price_fen,
        id=product_id,
    )


def charge_freight(world, supplier_id, product_ids, fee_fen, closed=()):
    """Give products a tariff of one fee for each order, and regions that are not served."""
    tariff = [FreightRule((), True, 1000, fee_fen, 1, 0)]
    if closed:
        tariff.append(FreightRule(closed, False))
    with world.app.app_context(), unit_of_work() as uow:
        form = supplying.TemplateForm(f"运费 {secrets.token_hex(3)}", "piece", None, tuple(tariff))
        template_id = supplying.add_template(uow, supplier_id, form)
        uow.session.execute(
            text("UPDATE product SET shipping_template_id = :t WHERE id = ANY(:ids)"),
            {"t": template_id, "ids": list(product_ids)},
        )


def fill_cart(world, person, count):
    """Put so many different SKUs of one supplier into a cart."""
    supplier_id = new_supplier(world)
    for _ in range(count):
        _, sku = new_sku(world, 100, 5, supplier_id)
        reply = person.put(f"/v1/store/cart/{sku}", {"quantity": 1})
        assert reply.status_code == 200


def new_supplier(world):
    with world.app.app_context(), unit_of_work() as uow:
        return supplying.open_supplier(uow, f"供应商 {secrets.token_hex(6)}")


def new_store(world, supplier_id, **form):
    """Open a store of a merchant in Zhanjiang, every day from 9 to 21; return its id."""
    hours = [Hours(day, time(9), time(21)) for day in range(1, 8)]
    given = {
        "name": f"门店 {secrets.token_hex(3)}",
        "region_code": "440802",
        "detail": "寸金路 12 号",
        "latitude": 21.2707,
        "longitude": 110.3594,
        "phone": "13800000001",
        "hours": hours,
        **form,
    }
    with world.app.app_context(), unit_of_work() as uow:
        return store_service.add_store(uow, supplier_id, StoreForm(**given)).id


def new_sku(world, price_fen=1000, stock_count=100, supplier_id=None, **form):
    """Put a product with one SKU on sale; return (product id, SKU id)."""
    supplier_id = supplier_id or new_supplier(world)
    with world.app.app_context(), unit_of_work() as uow:
        category_id = editing.ensure_category(uow, ["测试"])
        code = f"A-{secrets.token_hex(6)}"
        sku = product_rules.SkuForm(code, (), max(price_fen, 1), price_fen)
        sku = form.pop("sku_form", sku)
        title = form.pop("title", f"商品 {secrets.token_hex(4)}")
        filled = product_rules.ProductForm(title, category_id, skus=(sku,), **form)
        product_id, [sku_id] = editing.add_product(uow, supplier_id, filled)
        reviewing.submit(uow, supplier_id, product_id)
        _approve(uow, product_id)
        editing.publish(uow, supplier_id, [product_id])
        if stock_count:
            stock_service.set_on_hand(uow, sku_id, stock_count, "test", "test")
    if not world.has_index:
        execute_sql(world, "DELETE FROM outbox_delivery WHERE queue = 'index'")
    return product_id, sku_id


def set_stock(world, sku_id, count):
    with world.app.app_context(), unit_of_work() as uow:
        stock_service.set_on_hand(uow, sku_id, count, "test", "test")


def stock_of(world, sku_id):
    with world.app.app_context(), unit_of_work() as uow:
        return stock_queries.levels(uow.session, [sku_id]).get(sku_id)


def approve_product(world, product_id):
    """Let an operator approve what a supplier handed in of a product."""
    with world.app.app_context(), unit_of_work() as uow:
        _approve(uow, product_id)


def _approve(uow, product_id):
    revision = products.open_revision(uow.session, product_id)
    reviewing.decide(uow, revision.id, NOBODY, Decision(True))


def qualify(world, supplier_id, kind, until=None, region_code=None):
    """Give a supplier an accepted qualification; return its id."""
    with world.app.app_context(), unit_of_work() as uow:
        document_id = applications.add_document(uow, supplier_id, b"%PDF-1.7")
        begins = date(2020, 1, 1)
        form = QualificationForm(kind, "1", begins, until, document_id, region_code)
        row = applications.add_qualification(uow, supplier_id, form)
        applications.review_qualification(uow, row.id, row.id, Decision(True))
        editing.withhold(uow, [supplier_id])
        return row.id
