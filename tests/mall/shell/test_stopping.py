"""A stop is heard at any moment, by whoever was forked just now too (docs/adr/0040)."""

import os
import signal
import subprocess
import sys
import time

import pytest
from rq.exceptions import StopRequested

from mall.kernel import queue as rq_queues
from mall.shell.background.worker import MallWorker
from mall.shell.serving import counters
from mall.shell.serving.server import _WakeUp
from mall.shell.serving.stopping import Stop

# A parent that hears stops forks a child that loads for long, as one that begins to work does.
FORKING = """
import multiprocessing, os, sys, time
from mall.shell.serving.stopping import Stop, fork_without_handlers
fork_without_handlers()
stop = Stop()
stop.listen()
def load():
    print(os.getpid(), flush=True)
    time.sleep(60)
child = multiprocessing.get_context("fork").Process(target=load)
child.start()
child.join()
print(child.exitcode, stop.is_asked, flush=True)
"""


def test_a_child_that_is_still_loading_ends_at_once_though_its_parent_has_a_handler():
    parent = subprocess.Popen([sys.executable, "-c", FORKING], stdout=subprocess.PIPE, text=True)
    child = int(parent.stdout.readline())
    os.kill(child, signal.SIGTERM)
    said, _ = parent.communicate(timeout=20)
    assert said.split() == [str(-signal.SIGTERM), "False"]


def test_what_granians_loop_forgets_is_not_forgotten_once_a_stop_was_asked_for():
    woken = _WakeUp()
    woken.set()
    woken.clear()
    assert not woken.is_set()
    woken.is_kept = True
    woken.set()
    woken.clear()
    assert woken.is_set()


def test_one_signal_that_comes_twice_is_one_and_a_later_one_ends_whatever_is_done():
    stop, woken = Stop(), []
    stop.wake = lambda: woken.append(1)
    stop._hear(signal.SIGTERM, None)
    stop._hear(signal.SIGINT, None)
    assert (stop.is_asked, woken) == (True, [1, 1])
    stop._asked_at -= 10
    with pytest.raises(SystemExit) as ended:
        stop._hear(signal.SIGTERM, None)
    assert ended.value.code == 128 + signal.SIGTERM


def test_a_worker_stops_at_once_while_it_waits_and_after_its_job_while_it_works(world):
    stop = Stop()
    connection = rq_queues.connect_worker(world.app.extensions["mall_settings"].redis_url)
    ours = MallWorker(["bulk"], connection, world.app, stop)
    ours._install_signal_handlers()
    with pytest.raises(StopRequested):
        stop.wake()
    ours._is_busy = True
    stop.wake()
    assert ours._stop_requested
    # Where the exception was lost on its way the next look finds the stop.
    stop._event.set()
    with pytest.raises(StopRequested):
        ours.dequeue_job_and_maintain_ttl(5)


@pytest.mark.parametrize("part", ["serve", "worker", "scheduler"])
def test_no_part_swallows_a_stop_that_comes_while_it_starts(start, part):
    """The windows of old lay seconds after the start; `make production` tries them all."""
    arguments = {
        "serve": ["serve", "--port", "0", "--workers", "1"],
        "worker": ["worker", "--processes", "2", "--queues", "bulk"],
        "scheduler": ["scheduler"],
    }[part]
    process = start(*arguments)
    time.sleep(1)
    process.terminate()
    assert process.wait(9) in (0, -signal.SIGTERM)


def test_folders_of_counters_that_a_killed_command_left_are_removed_and_no_others(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    code = "import os; from mall.shell.serving import counters; counters.share(os.environ)"
    killed = f"{code}; os.kill(os.getpid(), 9)"
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", killed], env=environment, timeout=20)
    [left] = tmp_path.iterdir()
    ours = {}
    counters.share(ours)
    assert not left.exists()
    counters.share({})
    assert os.path.isdir(ours[counters.FOLDER])
    counters.remove_own(ours)
    # One that was named from outside is somebody else's.
    given = {counters.FOLDER: str(tmp_path)}
    counters.share(given)
    counters.remove_own(given)
    assert tmp_path.is_dir()
    assert not os.path.exists(ours[counters.FOLDER])
