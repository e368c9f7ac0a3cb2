"""Messages to members: how often and how long they are tried."""

from datetime import timedelta

import pytest

from mall.notification import jobs, rules
from mall.notification.service import staff


def test_the_limits_are_those_that_are_documented():
    assert (jobs.RUN_SECONDS, jobs.BATCH, rules.MAX_ATTEMPTS) == (20, 100, 6)
    assert timedelta(seconds=60) == jobs.LEASE


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(0, 30), (1, 60), (2, 120), (7, 3840), (8, 7680), (9, 7680)]
)
def test_the_wait_is_half_a_minute_and_doubles_up_to_two_hours(attempts, seconds):
    assert rules.retry_after(attempts) == timedelta(seconds=seconds)


def test_nothing_to_tell_is_nothing_told():
    """There is no transaction here that could write anything."""
    assert staff.notify(None, []) == 0
