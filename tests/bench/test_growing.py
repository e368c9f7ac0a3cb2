"""The world is multiplied as it is: every table is thought of, and the books still agree."""

import psycopg
import pytest

from bench.growing import tables
from bench.growing.copying import Copier
from bench.growing.template import BEAT, Taking
from mall.kernel.db import Base
from mall.shell import wiring  # noqa: F401  (maps every model)
from tests.support.database import count_rows, database_url_of, findings_of, select_rows
from tests.support.giving import Union
from tests.support.people import new_member, order_body
from tests.support.selling import Counter, Sale
from tests.support.shop import new_sku
from tests.support.unit import Unit
from tests.support.working import run_outbox

COPIES = 3


def test_every_table_that_is_not_copied_is_named_with_its_reason():
    known = {*Base.metadata.tables, "alembic_version"}
    assert {*tables.WORLD_WIDE, *tables.SUMS, *tables.ROWS} <= known
    assert not set(tables.WORLD_WIDE) & set(tables.SUMS)
    assert all(tables.WORLD_WIDE.values())
    for name, each in tables.SUMS.items():
        assert set(each.columns) <= set(Base.metadata.tables[name].columns.keys())


@pytest.fixture
def lively(world):
    """Of much one: sales, refunds, an exchange, cakes, programmes, a load at a unit."""
    sale = Sale(world, quantity=2).deliver()
    sale.supplier_does(sale.asked(), "approve")
    sale.supplier_does(sale.returned("exchange"), "accept-goods")
    counter = Counter(world)
    assert counter.choose().status_code == 200
    assert counter.redeem(counter.codes()[0]).status_code == 200
    union = Union(world)
    rows = union.people(2)
    packs = [union.pack(30_000)[0] for _ in range(2)]
    programme_id = union.issued(roster_id=union.roster(rows), pack_ids=packs)
    assert union.redeem(union.members[rows[0][1]], programme_id, packs[0]).status_code == 201
    unit = Unit(Union(world))
    assert unit.receive(unit.send(), received=3).status_code == 201
    member, (_, sku) = new_member(world, beans_fen=5_000), new_sku(world, 1000, 50)
    for tender in ("beans", "wechat"):
        assert member.post("/v1/store/orders", order_body([sku], tender, 1000)).status_code == 201
    run_outbox(world)
    assert findings_of(world) == {}
    return world


def test_copies_keep_every_invariant_and_leave_no_table_out(lively):
    with psycopg.connect(database_url_of(lively)) as connection:
        template = Taking(connection).take()
    before = {name: count_rows(lively, name) for name in template.tables}
    Copier(database_url_of(lively), template).copy(COPIES)
    left_out = {
        name: (count, count_rows(lively, name))
        for name, count in before.items()
        if count_rows(lively, name) - count != COPIES * len(template.tables[name].rows)
    }
    assert left_out == {}
    assert sum(before.values()) > 300
    assert findings_of(lively) == {}
    # An order placed now is the newest: copies are older, in their ids and in their moments.
    newest, oldest = select_rows(lively, "SELECT max(placed_at), min(placed_at) FROM shop_order")[0]
    assert COPIES * BEAT <= newest - oldest < (COPIES + 1) * BEAT
    ids = select_rows(lively, "SELECT id FROM shop_order ORDER BY id")
    times = select_rows(lively, "SELECT id FROM shop_order ORDER BY placed_at, id")
    assert len(ids) == len(set(ids)) and ids[-1] == times[-1]
