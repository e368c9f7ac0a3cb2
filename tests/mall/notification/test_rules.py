"""Messages to members: how often and how long they are tried."""

from datetime import timedelta

import pytest

from mall.notification import jobs as notification_jobs
from mall.notification import rules as notification_rules
from mall.notification.service import staff_notices


def test_the_limits_are_those_that_are_documented():
    assert (
        notification_jobs.RUN_SECONDS,
        notification_jobs.BATCH,
        notification_rules.MAX_ATTEMPTS,
    ) == (20, 100, 6)
    assert timedelta(seconds=60) == notification_jobs.LEASE


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(0, 30), (1, 60), (2, 120), (7, 3840), (8, 7680), (9, 7680)]
)
def test_the_wait_is_half_a_minute_and_doubles_up_to_two_hours(attempts, seconds):
    assert notification_rules.retry_after(attempts) == timedelta(seconds=seconds)


def test_nothing_to_tell_is_nothing_told():
    """There is no transaction here that could write anything."""
    assert staff_notices.notify(None, []) == 0
