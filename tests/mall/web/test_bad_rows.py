"""One bad row hides no other: every list, with odd JSON planted in every table."""

import json
from types import SimpleNamespace

import pytest
from marshmallow import fields
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB

from mall.kernel.db import Base
from mall.kernel.rows.shown import Unreadable, each_shown
from mall.kernel.rows.sweeping import one_by_one
from mall.kernel.uow import reading, unit_of_work
from mall.shell import wiring
from mall.web.fields import page
from mall.web.replies import shop_window
from orders.collective.service import issuing
from search_index import indexing
from search_index.engines import Engine
from tests.support.database import break_rules_if_any, execute_sql, select_rows
from tests.support.people import new_staff
from tests.support.selling import Sale
from tests.support.shop import new_sku, new_store, new_supplier

COLUMNS = [
    (table.name, column.name, next(iter(table.primary_key)).name)
    for table in Base.metadata.sorted_tables
    for column in table.columns
    if isinstance(column.type, JSONB) and not table.name.startswith(("journal", "ledger"))
]
# Values that no code of ours writes.
ODD = [5, "x", [1], [{"name": 1}], {}, {"a": None}]


def plant(world, odd):
    """Write odd JSON into every column of the first row of every table."""
    for table, column, key in COLUMNS:
        break_rules_if_any(
            world,
            f"UPDATE {table} SET {column} = CAST('{json.dumps(odd)}' AS jsonb)"
            f" WHERE ctid = (SELECT ctid FROM {table} ORDER BY {key} LIMIT 1)",
        )


def lists(app):
    """Return every address without a parameter whose reply has items."""
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        schema = getattr(view, "_spec", {}).get("response", {}).get("schema")
        is_list = isinstance(getattr(schema, "fields", {}).get("items"), fields.List)
        if is_list and not rule.arguments and "GET" in rule.methods:
            yield rule.rule


@pytest.fixture
def unchecked(world):
    """Take the checks of shape away, as they are where rows are older than they."""
    checks = select_rows(
        world,
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE conname LIKE '%\\_shape'",
    )
    assert len(checks) > 40
    execute_sql(world, "".join(f"ALTER TABLE {t} DROP CONSTRAINT {name};" for t, name, _ in checks))
    yield
    with world.app.app_context(), unit_of_work() as uow:
        # As good as new: a check that is not valid is another one.
        uow.session.execute(text("SET LOCAL session_replication_role = replica"))
        for table in sorted({table for table, *_ in checks}):
            uow.session.execute(text(f"DELETE FROM {table}"))
        for check in checks:
            uow.session.execute(text("ALTER TABLE {} ADD CONSTRAINT {} {}".format(*check)))


@pytest.fixture
def people(world, union, unchecked):
    """Somebody of each audience, with two of what lists show behind them."""
    supplier_id = new_supplier(world)
    supplier, ops = new_staff(world, "supplier", supplier_id), new_staff(world, "operator")
    products, skus = zip(*(new_sku(world, 1000, 5, supplier_id) for _ in range(2)), strict=True)
    for number in range(2):
        tariff = {"name": f"运费{number}", "charge_by": "piece", "rules": [{"first_fee_fen": 1}]}
        assert supplier.post("/v1/supplier/shipping-templates", tariff).status_code == 201
        new_store(world, supplier_id)
        rule = {"assistance_regions": [], "origins": [], "tags": ["x"]}
        section = {"kind": "pavilion", "title": f"馆{number}", "rule": rule}
        assert ops.post("/v1/ops/sections", section).status_code == 201
        chosen = {"name": f"选{number}", "items": [{"product_id": str(products[0])}]}
        assert union.handler.post("/v1/union/selections", chosen).status_code == 201
        pack = {"title": f"包{number}", "parts": [{"sku_id": str(skus[number]), "quantity": 1}]}
        assert ops.post("/v1/ops/packs", pack).status_code == 201
        union.roster(union.people(1))
    sale = Sale(world)
    sale.place({"lines": [{"sku_id": str(skus[1]), "quantity": 1}], "tender": "mixed"})
    return {
        "supplier": supplier,
        "ops": ops,
        "union": union.handler,
        "store": sale.member,
        "pickup": new_staff(world, "store_clerk", new_store(world, supplier_id)),
    }


def test_no_list_fails_for_odd_json_and_each_shows_the_other_rows(world, people):
    found = {}
    for path in lists(world.app):
        person = people.get(path.split("/")[2])
        reply = person.get(path)
        if reply.status_code == 200:
            found[path] = (person, len(reply.get_json()["items"]))
    assert len(found) > 25
    many = {path for path, (_, count) in found.items() if count >= 2}
    assert len(many) > 8, many
    failed = set()
    for odd in ODD:
        plant(world, odd)
        shop_window.clear()
        for path, (person, count) in found.items():
            reply = person.get(path)
            shown = len(reply.get_json().get("items", ()))
            if reply.status_code != 200 or shown < min(count - 1, 1):
                failed.add((path, reply.status_code, shown))
    assert failed == set()


def test_a_page_of_bad_rows_leads_on_to_what_follows():
    rows = [SimpleNamespace(id=number, value=None if number < 3 else "x") for number in range(4)]
    first = page(rows[:3], 2, lambda row: row.value.upper())
    assert first == {"items": [], "next_cursor": 1}
    assert page([Unreadable(3), *rows[3:]], 2, lambda row: row.value) == {
        "items": ["x"],
        "next_cursor": None,
    }


def test_what_fails_is_left_out_and_time_limits_are_not():
    assert each_shown(lambda n: 6 // n, [1, 0, 2]) == [6, 3]


def test_a_sweep_goes_on_behind_what_fails():
    done = []

    def act(item):
        if item == 1:
            raise KeyError(item)
        done.append(item)
        return True

    assert (one_by_one("test", [0, 1, 2], act), done) == (2, [0, 2])


def test_no_sweep_fails_for_odd_json(world, people):
    """Whatever is due is due, and the first row of every table has JSON that nobody wrote."""
    past = "now() - interval '40 days'"
    for statement in (
        f"UPDATE shop_order SET pay_by = {past}",
        f"UPDATE fulfillment_order SET dispatch_by = {past}, confirm_by = {past}",
        f"UPDATE product SET publish_at = {past}, state = 'approved'",
    ):
        break_rules_if_any(world, statement)
    plant(world, {"a": None})
    for sweep, *_ in wiring.SWEEPS:
        # What it cannot do it logs; it never ends with an error.
        with world.app.app_context():
            sweep()
    assert select_rows(world, "SELECT count(*) FROM product WHERE state = 'published'") == [(3,)]
    assert select_rows(
        world, "SELECT count(*) FROM fulfillment_order WHERE reminded_at IS NULL"
    ) == [(0,)]


def test_a_programme_that_fails_lets_the_others_go_on(world, union, monkeypatch):
    programmes = [union.approved(kind="fixed", **given(union)) for _ in range(2)]
    for programme_id in programmes:
        union.fund(programme_id)
    issue = issuing.issue_chunk

    def fail_for_the_first(uow, programme):
        return {}["x"] if str(programme.id) == programmes[0] else issue(uow, programme)

    monkeypatch.setattr(issuing, "issue_chunk", fail_for_the_first)
    union.handler.post(f"/v1/union/programmes/{programmes[0]}/issue")
    union.issue(programmes[1])
    state = "SELECT state FROM programme WHERE id = :id"
    assert select_rows(world, state, id=programmes[0]) == [("issuing",)]
    assert select_rows(world, state, id=programmes[1]) == [("active",)]


def given(union):
    return {"pack_ids": [union.pack(30_000)[0]], "roster_id": union.roster(union.people(1))}


def test_the_index_is_built_of_what_can_be_read(world, people, tmp_path):
    plant(world, 5)
    engine = Engine(tmp_path)
    with world.app.app_context(), reading() as session:
        assert indexing.rebuild(session, engine, lambda _: None) == 2
        assert indexing.verify(session, engine, repairs=False).missing == 0
