"""Nobody's sheet waits for a stranger's: small ones have a lane of their own, suppliers take turns."""

import time

import pytest
from sqlalchemy import text

from catalog.uploads import service as upload_service
from mall.kernel.sheets import reading
from mall.kernel.uow import unit_of_work
from tests.support import harmful
from tests.support.database import execute_sql, select_rows
from tests.support.processes import wait_until
from tests.support.sheets import row_of, sheet
from tests.support.soak import LONG
from tests.support.working import run_sweep


def claimed(seller, is_large=False):
    """Claim uploads until nothing waits; return whose they were, in that order."""
    order = []
    with seller.world.app.app_context():
        while True:
            with unit_of_work() as uow:
                found = upload_service.claim(uow, is_large)
                if found is None:
                    return order
                named = text("SELECT supplier_id FROM upload WHERE id = :id")
                order.append(uow.session.scalar(named, {"id": found[0]}))


def test_suppliers_take_turns_however_many_sheets_one_has_sent(seller):
    other = seller.another()
    for _ in range(4):
        seller.send(sheet([row_of(1)]))
    other.send(sheet([row_of(1)]))
    mine, theirs = seller.supplier_id, other.supplier_id
    assert claimed(seller) == [mine, theirs, mine, mine, mine]


def test_a_small_sheet_that_takes_long_goes_on_among_the_large_ones(seller, monkeypatch):
    monkeypatch.setattr(reading, "SMALL", reading.Effort(cpu_seconds=1, wall_seconds=0.001))
    monkeypatch.setattr("catalog.uploads.process.checking.SMALL", reading.SMALL)
    made = seller.send(sheet([row_of(1)])).get_json()
    run_sweep(seller.world, "work_uploads")
    assert select_rows(seller.world, "SELECT is_large, attempts FROM upload") == [(True, 0)]
    assert run_sweep(seller.world, "work_uploads") == 0
    assert run_sweep(seller.world, "work_large_uploads") == 1
    assert seller.read(made["id"])["state"] == "checked"


def test_a_large_sheet_waits_for_a_machine_that_has_time(seller, monkeypatch):
    monkeypatch.setattr(
        "catalog.uploads.process.checking.LARGE", reading.Effort(cpu_seconds=9, wall_seconds=0.001)
    )
    made = seller.send(sheet([row_of(1)])).get_json()
    execute_sql(seller.world, "UPDATE upload SET is_large = true")
    seller.work()
    assert seller.read(made["id"])["state"] == "checking"
    monkeypatch.undo()
    execute_sql(seller.world, "UPDATE upload SET due_at = now() - interval '1 second'")
    seller.work()
    assert seller.read(made["id"])["state"] == "checked"


def test_what_is_large_or_has_pictures_or_many_rows_is_no_business_of_the_small_lane(seller):
    made = seller.send(sheet([row_of(1)])).get_json()
    seller.send(b"PK\x03\x04", f"/v1/supplier/uploads/{made['id']}/images")
    seller.send(b"a,b\n" * 60_000)
    assert claimed(seller) == []
    assert len(claimed(seller, is_large=True)) == 2


@pytest.mark.skipif(not LONG, reason="takes half a minute")
def test_meanwhile_a_two_row_sheet_is_checked_and_a_product_found(seller, start):
    """The measure of the issue, with real workers and a stranger's eight worst files."""
    world, other = seller.world, seller.another()
    for queues in ("index,notify", "sheets", "bulk"):
        start("worker", "--queues", queues, "--processes", "1")
    start("scheduler")
    names = ("millions of short strings", "a million styles", "one string without end")
    for name in [*names, "a hundred thousand defined names"] * 2:
        seller.send(harmful.SHEETS[name]())
    wait_until(lambda: select_rows(world, "SELECT 1 FROM upload WHERE state = 'checking'"), 30)
    times = []
    for number in range(4):
        began = time.monotonic()
        made = other.send(sheet([row_of(number), row_of(number + 100)])).get_json()
        wait_until(lambda made=made: other.read(made["id"])["state"] == "checked", 30)
        times.append(time.monotonic() - began)
    print("two rows checked after", [round(each, 2) for each in times])
    assert max(times) < 5
