"""What the figures are measured on: products, members with tokens and beans."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from apiflask import APIFlask
from sqlalchemy import insert, text

from catalog.products import rules as product_rules
from catalog.products.rules import PUBLISHED
from catalog.products.service import editing
from catalog.stock import service as stock_service
from catalog.suppliers.service import supplying
from mall.access import service as access_service
from mall.access.rules import STORE
from mall.kernel.ids import new_id
from mall.kernel.uow import unit_of_work
from mall.ledger.rules import Grant
from mall.ledger.service import granting
from mall.members.models import Member
from mall.members.rules import AddressForm
from mall.members.service import members

MEMBERS, PRODUCTS, SUPPLIERS = 2_000, 1_000, 20
PRICE_FEN, STOCK, BEANS_FEN = 4_950, 10_000_000, 900_000_000
FAR = datetime(2090, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Ground:
    """Ids and tokens to make requests of."""

    tokens: list[str]
    product_ids: list[str]
    sku_ids: list[str]


def plant(app: APIFlask, member_count: int = MEMBERS) -> Ground:
    """Make the ground in the database of this application."""
    run = secrets.token_hex(4)
    with app.app_context():
        product_ids, sku_ids = _products(run)
        tokens = _members(run, member_count)
    analyze(app)
    return Ground(tokens, product_ids, sku_ids)


def analyze(app: APIFlask) -> None:
    """Let the planner know the tables: plans made for empty ones are dropped."""
    with app.app_context(), unit_of_work() as uow:
        uow.session.execute(text("ANALYZE"))


def _products(run: str) -> tuple[list[str], list[str]]:
    product_ids, sku_ids = [], []
    for number in range(SUPPLIERS):
        with unit_of_work() as uow:
            category_id = editing.ensure_category(uow, ["压测", f"分类 {number % 8}"])
            supplier_id = supplying.open_supplier(uow, f"压测供应商 {run}-{number}")
            for each in range(PRODUCTS // SUPPLIERS):
                form = product_rules.ProductForm(
                    title=f"压测商品 {run}-{number}-{each}",
                    category_id=category_id,
                    brief="压测用，产地直发，香浓可口",
                    image_urls=("/media/ab/1-1280.webp",),
                    skus=(
                        product_rules.SkuForm(f"A{each}", (("规格", "标准"),), 6_800, PRICE_FEN),
                    ),
                )
                prepared = editing.prepare(uow, supplier_id, form, PUBLISHED)
                [sku_id] = prepared.sku_ids.values()
                uow.defer(prepared.write, stock_service.stocking({sku_id: STOCK}, run, uow.now))
                # Its fragments are those of the next one, too: each is a statement.
                uow.write_deferred()
                product_ids.append(str(prepared.product_id))
                sku_ids.append(str(sku_id))
    return product_ids, sku_ids


def _members(run: str, count: int) -> list[str]:
    tokens = []
    address = AddressForm("陈小湛", "13800000001", "440802", "跃进路 1 号", True)
    for start in range(0, count, 500):
        with unit_of_work() as uow:
            ids = [new_id() for _ in range(min(500, count - start))]
            rows = [
                {
                    "id": each,
                    "openid": f"bench-{run}-{start}-{n}",
                    "real_name_state": "unverified",
                    "is_active": True,
                    "created_at": uow.now,
                }
                for n, each in enumerate(ids)
            ]
            uow.session.execute(insert(Member), rows)
            for each in ids:
                members.add_address(uow, each, address)
                tokens.append(access_service.issue_token(uow, STORE, each).token)
            granting.seed(
                uow,
                [Grant(each, BEANS_FEN, FAR, "压测", f"bench:{run}:{each}") for each in ids],
            )
    return tokens
