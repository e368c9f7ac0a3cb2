"""What the adapter takes of clients: size, pace, and all together; and who takes no reply."""

import asyncio
import contextlib
import socket

import pytest

from mall.shell.serving import bodies
from mall.shell.serving.bodies import SMALL_BYTES, Body, BodyRefused, Budget, Pace
from mall.shell.serving.slow_readers import CAN_LOOK, Patience, SlowReaders, UntakenReplies
from tests.support.processes import wait_until

AT_ONCE = Pace(start_seconds=0.05, bytes_per_second=1_000_000)


async def chunks(parts, pause=0.0, forever=False):
    for part in parts:
        yield part
        await asyncio.sleep(pause)
    if forever:
        await asyncio.Event().wait()


def read(source, length, limit=1000, budget=None, pace=AT_ONCE):
    body = Body(budget or Budget(10**9))
    try:
        asyncio.run(bodies.read(source, length, limit, pace, body))
        return body.content()
    finally:
        body.release()


def refused(*arguments, **more):
    with pytest.raises(BodyRefused) as caught:
        read(*arguments, **more)
    return caught.value.status


def test_a_complete_body_is_returned_whole():
    assert read(chunks([b"ab", b"c"]), 3) == b"abc"
    assert read(chunks([b"ab", b"c", b""]), None) == b"abc"


def test_a_body_is_refused_that_is_too_large_slow_or_broken_off():
    assert refused(chunks([]), 1001) == 413
    assert refused(chunks([b"x" * 600] * 2 + [b""]), None) == 413
    assert refused(chunks([b"x"], forever=True), 1000) == 408
    # A byte now and then is as good as silence.
    assert refused(chunks([b"x"] * 1000, pause=0.01), 1000) == 408
    assert refused(chunks([b"x", b""]), 2) == 400
    assert refused(chunks([b"x", b"", b""]), None) == 400


def test_large_bodies_share_a_budget_that_small_ones_do_not_need():
    budget = Budget(3 * SMALL_BYTES)
    large, small = [b"x" * SMALL_BYTES] * 4, [b"x" * SMALL_BYTES]
    limit = 10 * SMALL_BYTES
    assert refused(chunks(large), 4 * SMALL_BYTES, limit, budget) == 503
    assert budget.used == 0
    budget.take(3 * SMALL_BYTES)
    assert len(read(chunks(small), SMALL_BYTES, limit, budget)) == SMALL_BYTES


def test_large_replies_are_admitted_up_to_a_limit():
    replies = UntakenReplies(100, Patience())
    assert [replies.admit(f"client:{n}", 40) for n in range(3)] == [True, True, False]


@pytest.mark.skipif(not CAN_LOOK, reason="only Linux tells how much of a reply was taken")
def test_a_client_that_takes_no_reply_is_cut_off_and_one_that_does_is_not():
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(2)]
    served = [listening.accept()[0] for _ in clients]
    slow = SlowReaders(port, Patience(span_seconds=0.05, span_bytes=1, whole_seconds=60))
    for each in served:
        each.setblocking(False)
        # More than the kernel keeps.
        while True:
            try:
                each.send(b"x" * 1_000_000)
            except BlockingIOError:
                break
    clients[0].settimeout(0.2)
    with contextlib.suppress(TimeoutError):
        while clients[0].recv(1_000_000):
            pass

    def is_cut_off(which):
        slow.look()
        try:
            which.send(b"more")
        except BlockingIOError:
            return False
        except OSError:
            return True
        return False

    wait_until(lambda: is_cut_off(served[1]), 5)
    assert not is_cut_off(served[0])
    for each in (*clients, *served, listening):
        each.close()


def test_nothing_is_remembered_of_connections_that_ended():
    slow = SlowReaders(1, Patience())
    slow._seen["127.0.0.1:5"] = object()
    slow.look()
    assert slow._seen == {}
