"""A file is read by a child within limits, and whatever becomes of the child is told."""

import contextlib
import os
import signal
import sys
import threading
import time

import psutil
import pytest

from mall.kernel.sandbox import frames, pool
from mall.kernel.sandbox.frames import BROKEN, MEMORY, STARVED, TIME, Limits, NotPlain, Refusal
from mall.kernel.sandbox.pool import FilesBusy, Pool

QUICK = Limits(cpu_seconds=1, wall_seconds=3.0, output_bytes=3_000_000)


def let(name, content=b"abc", limits=QUICK, **options):
    return pool.read(f"tests.support.tasks:{name}", content, options, limits)


def test_a_child_sends_json_and_bytes():
    found = let("echo", b"x" * 5_000_000, a=1)
    assert list(found.pieces()) == [{"options": {"a": 1}, "size": 5_000_000}, b"\x00bytes"]
    assert found.is_done and found.peak_bytes > 0


@pytest.mark.parametrize(
    ("name", "endings"),
    [
        ("eat_memory", {MEMORY}),
        ("spin", {TIME, STARVED}),
        ("hang", {STARVED}),
        ("crash", {BROKEN}),
        ("talk", {BROKEN}),
        ("no_such_task", {BROKEN}),
    ],
)
def test_whatever_becomes_of_a_child_is_told_in_time(name, endings):
    began = time.monotonic()
    found = let(name)
    assert found.ending in endings and not found.is_done
    assert time.monotonic() - began < 8
    assert found.peak_bytes <= 300 * 1024 * 1024
    assert let("echo").is_done


def test_what_was_sent_before_the_end_is_there():
    assert list(let("spin").pieces()) == [{"begun": True}]


@pytest.mark.parametrize("what", ["float('nan')", "float('inf')", "{1: object()}", "10**5000"])
def test_only_plain_data_comes_back(what):
    found = let("say_odd_things", what=what)
    with contextlib.suppress(NotPlain):
        assert not found.is_done or list(found.pieces()) == []


def test_a_child_sees_no_secret_and_no_file_of_the_service(tmp_path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")
    [seen] = let("look_around").pieces()
    assert seen["environment"] == ["LANG", "PYTHONPATH"]
    assert len(seen["files"]) <= 8
    let("write", path=str(tmp_path / "written"))
    assert not (tmp_path / "written").exists() or (tmp_path / "written").stat().st_size == 0


def test_the_next_file_is_read_when_the_nursery_was_killed():
    let("echo")
    os.kill(pool._pool._nursery.pid, signal.SIGKILL)
    pool._pool._nursery.wait(5)
    assert let("echo").is_done


def test_two_files_at_once_and_the_third_is_told_to_come_again():
    two = Pool()
    taken = [two._turns.acquire(timeout=0) for _ in range(pool.CHILDREN)]
    assert all(taken)
    with pytest.raises(FilesBusy):
        two.read("tests.support.tasks:echo", b"", {}, Limits(turn_seconds=0.01))


def test_threads_share_a_nursery():
    found = []
    threads = [threading.Thread(target=lambda: found.append(let("echo"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(found) == 8 and all(each.is_done for each in found)


def test_a_forked_process_has_a_nursery_of_its_own():
    let("echo")
    ours = pool._pool._nursery.pid
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        done = let("echo").is_done
        os.write(writes, f"{done} {pool._pool._nursery.pid}".encode())
        pool.close()
        os._exit(0)
    os.waitpid(child, 0)
    done, theirs = os.read(reads, 100).decode().split()
    assert (done, theirs != str(ours)) == ("True", True)
    assert let("echo").is_done and pool._pool._nursery.pid == ours


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_children_leave_nothing_behind():
    for name in ("echo", "crash", "eat_memory"):
        let(name)
    nursery = psutil.Process(pool._pool._nursery.pid)
    deadline = time.monotonic() + 5
    while nursery.children() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert nursery.children() == []
    assert nursery.num_fds() < 12


@pytest.mark.parametrize(
    "told",
    [
        {"reason": "no_such_reason", "details": {}},
        {"reason": "cell_too_long", "details": {}},
        {"reason": "cell_too_long", "details": "A1"},
        {"reason": "file_empty"},
        ["file_empty"],
        None,
    ],
)
def test_a_refusal_that_no_child_of_ours_says_is_not_believed(told):
    with pytest.raises((KeyError, TypeError)):
        frames.refusal(told)


def test_of_a_childs_refusal_only_short_details_that_its_words_name_are_taken():
    told = {"reason": "cell_too_long", "details": {"address": "A" * 9999, "field": "x"}}
    assert frames.refusal(told) == Refusal("cell_too_long", {"address": "A" * 200})
    told = {"reason": "rows_hidden", "details": {"rows": [*range(99)], "count": 10**30}}
    found = frames.refusal(told).details
    assert (len(found["rows"]), found["count"]) == (50, str(10**30))
