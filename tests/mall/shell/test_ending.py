"""Private files that nobody needs any more end after their retention time, and only those."""

import os
import time
from datetime import timedelta

import pytest

from mall.kernel import clock
from mall.kernel.errors import NotFound
from mall.kernel.files.local import LocalFiles
from mall.kernel.files.store import PRIVATE, PrivateFiles
from tests.support.database import count_rows, execute_sql, findings_of, select_rows
from tests.support.giving import Union
from tests.support.people import new_staff
from tests.support.shop import new_supplier, qualify
from tests.support.working import run_sweep

DAY = timedelta(days=1)


class Cellar:
    """A folder of private files whose age can be chosen."""

    def __init__(self, world, folder):
        self.world, self.folder = world, folder
        self.files = PrivateFiles({area: LocalFiles(folder / area) for area in PRIVATE})

    def keys(self):
        found = (path for path in self.folder.rglob("*") if path.is_file())
        return {str(path.relative_to(self.folder)) for path in found}

    def settle(self):
        """Let every file be older than what may still be under way."""
        for key in self.keys():
            os.utime(self.folder / key, (time.time() - 3 * 86_400,) * 2)

    def sweep(self, after=timedelta(0)):
        clock.shift(after)
        return run_sweep(self.world, "end_files")


@pytest.fixture
def cellar(world, tmp_path, monkeypatch):
    found = Cellar(world, tmp_path)
    monkeypatch.setitem(world.app.extensions, "mall_private_files", found.files)
    return found


def test_a_superseded_roster_ends_after_its_time_and_the_last_one_stays(world, cellar, audited):
    union = Union(world)
    roster_id = union.roster(union.people(2, members_too=False))
    [first] = cellar.keys()
    union.send_roster(roster_id, union.people(3, members_too=False))
    [second] = cellar.keys() - {first}
    assert cellar.sweep() == 0
    assert count_rows(world, "ended_file") == 0, "what is a day old may be under way"
    cellar.settle()
    assert cellar.sweep() == cellar.sweep(89 * DAY) == 0
    assert cellar.sweep(90 * DAY) == 1
    assert cellar.keys() == {second}
    assert select_rows(world, "SELECT key FROM ended_file WHERE removed_at IS NOT NULL") == [
        (first,)
    ]
    assert cellar.sweep(9000 * DAY) == 0
    assert cellar.keys() == {second}
    audited()


def test_a_file_that_outlives_its_time_is_found_by_the_audit(world, cellar):
    cellar.files.put("rosters/u/forgotten.xlsx", b"names", "text/csv")
    cellar.settle()
    cellar.sweep()
    execute_sql(world, "UPDATE ended_file SET ends_at = now() - interval '2 days'")
    assert set(findings_of(world)) == {"ended_files_go"}
    cellar.sweep(DAY)
    assert (cellar.keys(), findings_of(world)) == (set(), {})


def test_what_is_in_force_again_is_kept(world, cellar):
    union = Union(world)
    union.roster(union.people(2, members_too=False))
    [key] = cellar.keys()
    cellar.settle()
    execute_sql(world, "UPDATE roster SET file_key = NULL")
    cellar.sweep()
    execute_sql(world, "UPDATE roster SET file_key = :key", key=key)
    assert cellar.sweep(9000 * DAY) == 0
    assert (cellar.keys(), count_rows(world, "ended_file")) == ({key}, 0)


def test_documents_in_force_stay_and_others_end(world, cellar):
    supplier_id = new_supplier(world)
    ends = clock.beijing_day(clock.now()) + 10 * DAY
    kept = qualify(world, supplier_id, "business_licence")
    lapsed = qualify(world, supplier_id, "food_licence", until=ends)
    assert kept != lapsed
    cellar.files.put("documents/s/loose.pdf", b"%PDF-", "application/pdf")
    keys = dict(
        select_rows(
            world,
            "SELECT q.kind, d.file_key FROM supplier_qualification q"
            " JOIN supplier_document d ON d.id = q.document_id",
        )
    )
    cellar.settle()
    cellar.sweep()
    cellar.sweep(11 * DAY)
    assert cellar.sweep(1094 * DAY) == 0
    assert cellar.sweep(1107 * DAY) == 2
    assert cellar.keys() == {keys["business_licence"]}
    with pytest.raises(NotFound):
        cellar.files.get(keys["food_licence"])


def test_sheets_and_zips_end_once_their_upload_is_done(world, cellar):
    supplier = new_staff(world, "supplier", new_supplier(world))
    headers = {"Authorization": f"Bearer {supplier.token}"}
    path = "/v1/supplier/uploads"
    for name in ("done", "open"):
        made = supplier.client.post(f"{path}?name={name}", data=b"a,b\n", headers=headers)
        supplier.client.post(
            f"{path}/{made.get_json()['id']}/images", data=b"PK\x03\x04", headers=headers
        )
    execute_sql(world, "UPDATE upload SET state = 'applied' WHERE file_name = 'done'")
    cellar.settle()
    cellar.sweep()
    assert len(cellar.keys()) == 4
    assert cellar.sweep(90 * DAY) == 2
    assert cellar.sweep(90 * DAY + timedelta(hours=1)) == 0, "the others lay for a month only now"
    assert cellar.sweep(181 * DAY) == 2
