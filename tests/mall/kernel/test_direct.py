"""AutocommitPool connections: what broke or was cut off is never lent again."""

import os
import signal
import threading

import pytest

from mall.kernel.db import AutocommitPool


class CutOff(Exception):
    """What a signal raises in the middle of a statement, as a job's time-out does."""


@pytest.fixture
def direct(database_url):
    found = AutocommitPool(database_url)
    yield found
    found.close()


def backend(direct):
    return direct.read(b"SELECT pg_backend_pid()", {})[0]


def test_a_connection_is_kept_for_the_next_statement(direct):
    assert backend(direct) == backend(direct)


def test_a_refused_statement_keeps_its_connection(direct):
    first = backend(direct)
    with pytest.raises(Exception, match="division by zero"):
        direct.read(b"SELECT 1 / 0", {})
    assert backend(direct) == first


def test_a_connection_cut_off_in_mid_statement_is_never_lent_again(direct):
    first = backend(direct)

    def cut_off(*_):
        raise CutOff

    before = signal.signal(signal.SIGUSR1, cut_off)
    timer = threading.Timer(0.3, os.kill, [os.getpid(), signal.SIGUSR1])
    try:
        timer.start()
        with pytest.raises(CutOff):
            direct.read(b"SELECT pg_sleep(5)", {})
    finally:
        timer.cancel()
        signal.signal(signal.SIGUSR1, before)
    # A write is sent once: it must not meet a connection that is still busy.
    direct.write(b"SELECT 1", {})
    assert backend(direct) != first


def test_a_broken_connection_is_replaced_without_an_error(direct, database_url):
    first = backend(direct)
    other = AutocommitPool(database_url)
    other.read(b"SELECT pg_terminate_backend(%(pid)s)", {"pid": first})
    other.close()
    assert backend(direct) != first
