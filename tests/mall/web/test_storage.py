"""What is stored is bounded for everybody for whom it is kept, by number and by size."""

import dataclasses
import io
import os
import time
from datetime import timedelta

import pytest
from PIL import Image

from mall.kernel import clock
from mall.kernel.errors import DomainError
from mall.kernel.files import quotas
from mall.kernel.files.local import LocalFiles
from mall.kernel.files.store import PRIVATE, PrivateFiles
from mall.kernel.ids import new_id
from mall.kernel.uow import unit_of_work
from tests.support.database import count_rows, findings_of, select_rows
from tests.support.giving import HEADS, Union, writing
from tests.support.people import at_once, new_member, new_staff
from tests.support.sheets import archive, row_of, sheet
from tests.support.shop import new_supplier
from tests.support.working import run_sweep

MEGABYTE = 1024 * 1024


def picture(shade):
    out = io.BytesIO()
    Image.new("RGB", (40, 30), (shade, 0, 0)).save(out, "PNG")
    return out.getvalue()


def send(person, path, content, kind="application/octet-stream"):
    headers = {"Authorization": f"Bearer {person.token}", "Content-Type": kind}
    return person.client.post(path, data=content, headers=headers)


@pytest.fixture
def allow(world, monkeypatch):
    """Let an owner of a kind have so many files and megabytes."""

    def change(kind, files=1000, megabytes=100):
        settings = world.app.extensions["mall_settings"]
        storage = {**settings.storage, kind: (files, megabytes)}
        changed = dataclasses.replace(settings, storage=storage)
        monkeypatch.setitem(world.app.extensions, "mall_settings", changed)

    return change


class Senders:
    """One way of storing a file for each kind of owner: `how(number)` sends another one."""

    def __init__(self, world):
        self.world = world

    def documents(self):
        supplier = new_staff(self.world, "supplier", new_supplier(self.world))
        content = b"%PDF-1.7 licence"
        return "supplier", lambda n: send(supplier, "/v1/supplier/documents", content + b"%d" % n)

    def sheets(self):
        supplier = new_staff(self.world, "supplier", new_supplier(self.world))
        path = "/v1/supplier/uploads?name=s.xlsx"
        return "supplier", lambda n: send(supplier, path, sheet([row_of(n)]))

    def rosters(self):
        union = Union(self.world)
        path = "/v1/union/rosters"
        ids = [union.handler.post(path, {"name": f"名册 {n}"}).get_json()["id"] for n in range(3)]
        rows = [("陈小湛", "13800000001", "1", "儿科", "")]
        content = writing.xlsx("名册", HEADS, rows)
        return "union", lambda n: send(union.handler, f"{path}/{ids[n]}/sheet", content)

    def pictures(self):
        member = new_member(self.world)
        return "member", lambda n: send(member, "/v1/store/images", picture(n), "image/png")

    def covers(self):
        operator = new_staff(self.world, "operator")
        return "operator", lambda n: send(operator, "/v1/ops/images", picture(n), "image/png")


@pytest.mark.parametrize("what", ["documents", "sheets", "rosters", "pictures", "covers"])
def test_what_is_stored_is_bounded_by_number_and_the_refusal_says_how_much_is_used(
    world, allow, what
):
    kind, how = getattr(Senders(world), what)()
    allow(kind, files=2)
    assert [how(n).status_code < 300 for n in range(3)] == [True, True, False]
    refused = how(2)
    told = refused.get_json()
    assert (refused.status_code, told["code"], told["field"]) == (409, "storage_full", "body")
    assert (told["used_files"], told["allowed_files"]) == (2, 2)
    assert (told["used_mb"], told["allowed_mb"]) == (1, 100)
    assert count_rows(world, "stored_file") == 2
    assert findings_of(world) == {}


def test_pictures_out_of_an_archive_count_and_the_one_too_many_is_named(world, allow):
    supplier = new_staff(world, "supplier", new_supplier(world))
    upload = send(supplier, "/v1/supplier/uploads?name=s.xlsx", sheet([row_of(1)])).get_json()
    path = f"/v1/supplier/uploads/{upload['id']}"
    content = archive(["S1.png", "S1-2.png"])
    assert send(supplier, f"{path}/images", content).status_code == 202
    allow("supplier", files=3)
    for sweep in ("work_uploads", "work_large_uploads"):
        run_sweep(world, sweep)
    [problem] = supplier.get(path).get_json()["image_problems"]
    assert "存储空间不足" in problem["text"]
    assert count_rows(world, "stored_file") == 3


def test_the_same_picture_is_charged_once_to_each_who_sent_it(world):
    first, second = new_member(world), new_member(world)
    for person in (first, first, second):
        assert send(person, "/v1/store/images", picture(9), "image/png").status_code == 201
    rows = select_rows(world, "SELECT owner_id, files, bytes FROM storage_use ORDER BY owner_id")
    assert [row[1] for row in rows] == [1, 1]
    assert rows[0][2] == rows[1][2] > 0
    assert findings_of(world) == {}


def charged(world, owner, size):
    with world.app.app_context():
        try:
            with unit_of_work() as uow:
                quotas.charge(uow, owner, f"uploads/{new_id()}", size)
        except DomainError as error:
            return error.code
    return "kept"


def test_at_once_no_more_is_kept_than_fits_and_one_byte_more_does_not(world, allow):
    """Equality: what fills the room exactly still fits."""
    allow("member", files=100, megabytes=3)
    owner = quotas.Owner("member", new_id())
    acts = [lambda: charged(world, owner, MEGABYTE)] * 8
    assert sorted(at_once(*acts)) == ["kept"] * 3 + ["storage_full"] * 5
    assert charged(world, owner, 1) == "storage_full"
    other = quotas.Owner("member", new_id())
    assert charged(world, other, 3 * MEGABYTE + 1) == "storage_full"
    assert charged(world, other, 3 * MEGABYTE) == "kept"
    assert select_rows(world, "SELECT sum(files), sum(bytes) FROM storage_use") == [
        (4, 6 * MEGABYTE)
    ]
    assert findings_of(world) == {}


def test_what_is_removed_gives_its_room_back(world, allow, tmp_path, monkeypatch):
    files = PrivateFiles({area: LocalFiles(tmp_path / area) for area in PRIVATE})
    monkeypatch.setitem(world.app.extensions, "mall_private_files", files)
    union = Union(world)
    allow("union", files=2)
    roster_id = union.roster(union.people(1, members_too=False))
    union.send_roster(roster_id, union.people(2, members_too=False))
    full = send(union.handler, f"/v1/union/rosters/{roster_id}/sheet", b"a,b\n1,2\n")
    assert full.get_json()["code"] == "storage_full"
    for path in tmp_path.rglob("*.xlsx"):
        os.utime(path, (time.time() - 3 * 86_400,) * 2)
    run_sweep(world, "end_files")
    clock.shift(timedelta(days=91))
    assert run_sweep(world, "end_files") == 1
    assert select_rows(world, "SELECT files FROM storage_use") == [(1,)]
    clock.shift(timedelta(0))
    assert (
        send(union.handler, f"/v1/union/rosters/{roster_id}/sheet", b"a,b\n1,2\n").status_code < 300
    )
    assert findings_of(world) == {}
