"""The index follows the catalog, whatever happens to its files."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import pytest

from mall.kernel.uow import reading
from mall.web.replies import shop_window
from search_index import indexing
from search_index import jobs as search_jobs
from search_index.engines import Engine, IndexUnavailable
from tests.support.database import execute_sql, select_rows
from tests.support.people import new_member, new_staff
from tests.support.processes import wait_until
from tests.support.shop import new_sku, new_supplier
from tests.support.working import in_another_thread, run_sweep


def test_a_change_is_found_after_its_message_and_a_removal_never_shown(shop):
    supplier_id = new_supplier(shop.world)
    shop.build()
    product_id, _ = new_sku(shop.world, 1000, 5, supplier_id, title="良姜片")
    assert shop.find("良姜") == []
    shop.follow()
    assert shop.find("良姜") == ["良姜片"]
    seller = new_staff(shop.world, "supplier", supplier_id)
    seller.post(f"/v1/supplier/products/{product_id}/unpublish")
    shop_window.clear()
    # The index still names it; what is shown is checked against the database.
    assert shop.find("良姜") == []
    shop.follow()
    assert shop.ask(q="良姜").get_json()["total"] == 0


def test_a_page_is_full_although_the_index_names_what_is_gone(shop):
    for number in range(12):
        new_sku(shop.world, 1000, 5, title=f"良姜片{number:02}")
    shop.build()
    found = shop.find("良姜", limit=6)
    execute_sql(
        shop.world, "UPDATE product SET state = 'unpublished' WHERE title = ANY(:t)", t=found
    )
    shop_window.clear()
    rest = shop.find("良姜", limit=6)
    assert len(rest) == 6 and not set(rest) & set(found)


def test_a_renamed_supplier_or_category_is_found_by_its_new_name(shop):
    operator = new_staff(shop.world, "operator")
    new_sku(shop.world, 1000, 5, title="无名")
    shop.build()
    tree = new_member(shop.world).get("/v1/store/categories").get_json()["items"]
    change = {"name": "香料药材", "needs_food_licence": False}
    operator.put(f"/v1/ops/categories/{tree[0]['id']}", change)
    shop.follow()
    assert shop.find("香料") == ["无名"]
    supplier_id = select_rows(shop.world, "SELECT supplier_id FROM product")[0][0]
    operator.put(f"/v1/ops/suppliers/{supplier_id}/state", {"state": "suspended"})
    shop.follow()
    assert shop.ask(q="香料").get_json()["total"] == 0


def test_verify_finds_and_mends_what_differs(shop):
    ids = [new_sku(shop.world, 1000, 5, title=f"良姜片{number}")[0] for number in range(3)]
    shop.build()
    execute_sql(shop.world, "UPDATE product SET state = 'unpublished' WHERE id = :id", id=ids[0])
    execute_sql(shop.world, "UPDATE product SET title = '沙虫干' WHERE id = :id", id=ids[1])
    new_sku(shop.world, 1000, 5, title="新来的")
    found = shop.verify(repairs=False)
    assert (found.missing, found.stale, found.left_over) == (1, 1, 1)
    assert shop.verify().total == 3
    assert shop.verify().total == 0
    shop.look()
    assert shop.find("沙虫") == ["沙虫干"]


# What may happen to the files (case 33)


def deleted(engine):
    shutil.rmtree(engine.root)


def emptied(engine):
    for path in engine.folder().iterdir():
        path.unlink()


def truncated(engine):
    for path in engine.folder().glob("*.seg"):
        os.truncate(path, path.stat().st_size // 3)


def garbled(engine):
    for path in engine.folder().iterdir():
        path.write_bytes(b"\x00garbage" * 50)


def pointing_nowhere(engine):
    (engine.root / "CURRENT").write_text("g-nothing", encoding="ascii")


@pytest.mark.parametrize("spoil", [deleted, emptied, truncated, garbled, pointing_nowhere])
def test_a_spoilt_index_is_fallen_back_from_and_heals_itself(shop, spoil):
    """Case 33."""
    new_sku(shop.world, 1000, 5, title="徐闻良姜片")
    shop.build()
    spoil(shop.engine)
    # A process that starts now finds the files as they are.
    shop.searcher._loaded = None
    shop.searcher.renew()
    shop_window.clear()
    reply = shop.ask(q="良姜")
    titles = [item["title"] for item in reply.get_json()["items"]]
    assert titles == ["徐闻良姜片"]
    assert reply.headers["Search-Engine"] == "database"
    assert shop.suggest("良") == []
    assert run_sweep(shop.world, "heal_index")
    assert not run_sweep(shop.world, "heal_index")
    shop.look()
    reply = shop.ask(q="liangjiang")
    assert reply.headers["Search-Engine"] == "index"
    assert [item["title"] for item in reply.get_json()["items"]] == ["徐闻良姜片"]


def test_files_that_break_in_the_middle_of_a_search_are_given_up(shop, monkeypatch):
    """Case 33."""
    new_sku(shop.world, 1000, 5, title="徐闻良姜片")
    shop.build()
    snapshot, _ = shop.searcher.current()
    monkeypatch.setattr(snapshot, "_read", lambda *_: 1 / 0)
    reply = shop.ask(q="良姜")
    assert reply.headers["Search-Engine"] == "database"
    assert shop.engine.needs_rebuild()
    assert run_sweep(shop.world, "heal_index")
    shop.look()
    assert shop.ask(q="良姜").headers["Search-Engine"] == "index"


HOLD = """
import sys, time
from pathlib import Path
from search_index.engines import Engine
with Engine(Path(sys.argv[1])).writing():
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_lock_dies_with_its_process(shop):
    """Case 33: locked by a dead process."""
    new_sku(shop.world, 1000, 5, title="徐闻良姜片")
    shop.build()
    program = [sys.executable, "-c", HOLD, str(shop.engine.root)]
    holder = subprocess.Popen(program, stdout=subprocess.PIPE)
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(IndexUnavailable), shop.engine.writing(seconds=0.2):
        pass
    assert shop.find("良姜") == ["徐闻良姜片"]
    holder.kill()
    holder.wait(10)
    holder.stdout.close()
    with shop.engine.writing(seconds=5):
        pass


DIE = """
import os, signal, sys
from pathlib import Path
from search_index.documents import Document
from search_index.engines import Engine
engine = Engine(Path(sys.argv[1]))
with engine.writing():
    writer = engine.open().writer()
    for number in range(200):
        writer.update_document(id=f"x{number}", title="killed", meta={"f": "", "t": ""})
    real = os.rename
    os.rename = os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
    writer.commit()
"""


def test_a_writer_killed_in_mid_commit_leaves_the_last_commit_in_use(shop):
    """Case 33."""
    new_sku(shop.world, 1000, 5, title="徐闻良姜片")
    shop.build()
    done = subprocess.run([sys.executable, "-c", DIE, str(shop.engine.root)], timeout=60)
    assert done.returncode == -signal.SIGKILL
    shop.searcher.give_up()
    (shop.engine.root / "BROKEN").unlink()
    shop.look()
    assert shop.ask(q="良姜").headers["Search-Engine"] == "index"
    assert shop.find("良姜") == ["徐闻良姜片"] and shop.find("killed") == []
    new_sku(shop.world, 1000, 5, title="良姜红茶")
    shop.follow()
    assert sorted(shop.find("良姜")) == ["徐闻良姜片", "良姜红茶"]
    assert shop.verify(repairs=False).total == 0


def test_two_writers_take_turns_and_lose_nothing(shop):
    """Case 33."""
    ids = [new_sku(shop.world, 1000, 5, title=f"良姜片{number}")[0] for number in range(24)]
    execute_sql(shop.world, "UPDATE product SET title = title || '改'")
    execute_sql(
        shop.world, "UPDATE product SET state = 'unpublished' WHERE id = ANY(:ids)", ids=ids[12:]
    )
    shop.build()
    execute_sql(shop.world, "UPDATE product SET state = 'published', title = title || '又改'")

    def put(product_id):
        with shop.app.app_context(), reading() as session:
            indexing._put(session, shop.engine, [product_id])

    threads = [threading.Thread(target=put, args=[product_id]) for product_id in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert shop.verify(repairs=False).total == 0


def test_a_second_rebuild_gives_way_to_the_first(shop):
    """Case 33."""
    new_sku(shop.world, 1000, 5, title="良姜片")
    with shop.engine.rebuilding(), pytest.raises(IndexUnavailable), shop.engine.rebuilding():
        pass
    with shop.engine.rebuilding():
        assert run_sweep(shop.world, "heal_index") is False
    assert run_sweep(shop.world, "heal_index") is True


def test_members_search_while_the_index_is_rebuilt(shop):
    """Case 33."""
    for number in range(30):
        new_sku(shop.world, 1000, 5, title=f"良姜片{number}")
    shop.build()
    answers, ends = [], threading.Event()

    def search():
        while not ends.is_set():
            shop_window.clear()
            reply = shop.ask(q="良姜", limit=5)
            answers.append((reply.headers["Search-Engine"], len(reply.get_json()["items"])))

    searching = threading.Thread(target=search)
    searching.start()
    try:
        for _ in range(3):
            shop.build()
    finally:
        ends.set()
        searching.join(30)
    assert len(answers) > 3 and set(answers) == {("index", 5)}
    assert len([path for path in shop.engine.root.glob("g*") if path.is_dir()]) <= 2


def test_what_changes_during_a_rebuild_is_not_lost(shop, monkeypatch):
    product_id, _ = new_sku(shop.world, 1000, 5, title="良姜片")
    shop.build()
    real = indexing._batches

    def changing(session):
        yield from real(session)
        in_another_thread(
            lambda: execute_sql(
                shop.world, "UPDATE product SET title = '沙虫干' WHERE id = :i", i=product_id
            )
        )
        monkeypatch.setattr(indexing, "_batches", real)

    monkeypatch.setattr(indexing, "_batches", changing)
    shop.build()
    assert shop.find("沙虫") == ["沙虫干"]


# As its user would


def test_a_searcher_renews_itself_in_the_background(shop):
    new_sku(shop.world, 1000, 5, title="良姜片")
    shop.searcher.start()
    try:
        with shop.app.app_context(), reading() as session:
            indexing.rebuild(session, shop.engine, lambda _: None)
        began = time.monotonic()

        def is_found():
            shop_window.clear()
            return shop.ask(q="良姜").headers.get("Search-Engine") == "index"

        wait_until(is_found)
        assert time.monotonic() - began < 20
    finally:
        shop.searcher.stop()


def test_an_operator_rebuilds_verifies_and_asks_on_the_command_line(shop, command):
    new_sku(shop.world, 1000, 5, title="徐闻良姜片")
    refused = command("search", "verify")
    assert refused.returncode == 1 and "mall search rebuild" in refused.stderr
    assert "1 products are indexed" in command("search", "rebuild").stdout
    asked = command("search", "query", "liangjiang")
    assert "1. 徐闻良姜片  ¥10.00" in asked.stdout and "1 found by the index" in asked.stdout
    execute_sql(shop.world, "UPDATE product SET title = '沙虫干'")
    differs = command("search", "verify", "--no-repair")
    assert (differs.returncode, "0 missing, 1 stale" in differs.stdout) == (1, True)
    assert "mended" in command("search", "verify").stdout
    assert "沙虫干" in command("search", "query", "沙虫").stdout


def test_jobs_are_harmless_where_nothing_is_to_do(shop):
    shop.build()
    with shop.app.app_context():
        assert search_jobs.heal_index() is False
        assert search_jobs.verify_index() == 0
    assert Engine(shop.engine.root / "none").needs_rebuild()
