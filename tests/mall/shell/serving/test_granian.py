"""What the service needs of granian that granian does not promise is there, or it does not start."""

import asyncio
import subprocess
import sys
from types import SimpleNamespace

import pytest
from granian import _futures

from mall.shell.serving import server
from mall.shell.serving.server import GranianChanged, granians_schedule, past_the_loop


def test_the_private_name_of_granian_is_as_the_service_needs_it():
    """Fails with a sentence that says what to do, when an upgrade takes it away."""
    try:
        assert callable(granians_schedule())
    except GranianChanged as changed:
        pytest.fail(str(changed))


def test_granian_calls_the_function_that_takes_its_place(monkeypatch):
    """Whether a request without a body really goes past the loop, and any other through it."""
    taken, left = [], []

    def answer_at_once(scope, proto, done):
        taken.append((scope, proto, done))
        return scope == "without a body"

    adapter = SimpleNamespace(app=SimpleNamespace(answer_at_once=answer_at_once))
    monkeypatch.setitem(sys.modules, server.MODULE, adapter)
    seen = []

    def through(loop, ctx, cb):
        seen.append((loop, cb))
        return left.append

    make, made = past_the_loop(through), []

    def keep(*arguments):
        made.append(make(*arguments))
        return made[-1]

    monkeypatch.setattr(_futures, "_cbsched_aioschedule", keep)
    loop = asyncio.new_event_loop()
    try:
        _futures._new_cbscheduler(loop, print, impl_asyncio=True)
    finally:
        loop.close()
    assert seen == [(loop, print)]
    for scope in ("without a body", "with one"):
        made[0](SimpleNamespace(scope=scope, proto=1, done=2))
    assert taken == [("without a body", 1, 2), ("with one", 1, 2)]
    assert [watcher.scope for watcher in left] == ["with one"]


class Asks:
    def __init__(self, loop, cb):
        _cbsched_aioschedule(loop, None, cb)  # noqa: F821


class AsksAnother:
    def __init__(self, loop, cb):
        print(loop, cb)


def as_it_was(loop, ctx, cb): ...


def with_more(loop, ctx, cb, more): ...


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ({}, "is gone"),
        ({"_cbsched_aioschedule": None}, "is gone"),
        ({"_cbsched_aioschedule": with_more, "_CBSchedulerAIO": Asks}, "takes"),
        ({"_cbsched_aioschedule": as_it_was, "_CBSchedulerAIO": AsksAnother}, "any more"),
        ({"_cbsched_aioschedule": as_it_was}, "any more"),
    ],
)
def test_another_granian_is_refused_with_a_sentence(names, told):
    with pytest.raises(GranianChanged) as refused:
        granians_schedule(SimpleNamespace(**names))
    assert told in str(refused.value) and "requirements.txt" in str(refused.value)
    good = {"_cbsched_aioschedule": as_it_was, "_CBSchedulerAIO": Asks}
    assert granians_schedule(SimpleNamespace(**good)) is as_it_was


def test_the_service_does_not_start_where_the_name_is_gone():
    code = (
        "from granian import _futures; del _futures._cbsched_aioschedule\n"
        "from mall.shell.serving import server; server.main('127.0.0.1', 1, 1, 10)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 1
    assert "cannot serve the mall" in ended.stderr and "Traceback" not in ended.stderr
