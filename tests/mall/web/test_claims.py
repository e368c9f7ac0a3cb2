"""What an idempotency key stands for: its lock, and the answer that it got."""

from datetime import UTC, datetime, timedelta

import pytest

from mall.kernel.uow import unit_of_work
from mall.web import idempotency
from mall.web.idempotency import (
    Answer,
    Claim,
    IdempotencyInProgress,
    IdempotencyKeyReused,
    reading,
)
from tests.support.offers import refusals, refused
from tests.support.working import in_another_thread

NOW = datetime(2026, 3, 1, tzinfo=UTC)
CLAIM = Claim("store:1", "POST /v1/store/orders", "key", b"\x01\x02")


def row(body_hash="0102", ends_in=timedelta(days=1)):
    return {
        "body_hash": body_hash,
        "http_status": 201,
        "body": "{}",
        "expires_at": (NOW + ends_in).isoformat(),
    }


def test_each_refusal_has_its_status():
    assert refusals(idempotency) == {
        "idempotency_key_reused": 422,
        "idempotency_in_progress": 409,
        "idempotency_key_missing": 400,
    }


def test_caller_operation_and_key_together_are_one():
    keys = idempotency.IdempotencyRecord.__table__.primary_key
    assert [each.name for each in keys] == ["caller", "endpoint", "key"]


def test_lock_numbers_use_all_sixty_four_bits_that_there_are():
    numbers = [Claim("a", "b", str(key), b"").lock_number for key in range(200)]
    assert len(set(numbers)) == 200
    assert -(2**63) <= min(numbers) < -(2**61)
    assert 2**61 < max(numbers) < 2**63


@pytest.mark.parametrize(
    ("caller", "endpoint", "key"), [("x", "b", "c"), ("a", "x", "c"), ("a", "b", "x")]
)
def test_another_caller_operation_or_key_has_another_lock(caller, endpoint, key):
    one = Claim("a", "b", "c", b"").lock_number
    assert Claim(caller, endpoint, key, b"").lock_number != one
    # The same request with another body waits for the first, to be refused.
    assert Claim("a", "b", "c", b"other").lock_number == one


@pytest.mark.parametrize(
    ("rows", "answer"),
    [
        ([], None),
        ([row()], Answer(201, "{}")),
        ([row(ends_in=timedelta(microseconds=1))], Answer(201, "{}")),
        ([row(ends_in=timedelta(0))], None),
        ([row(ends_in=timedelta(seconds=-1))], None),
        # What has ended says nothing of another body.
        ([row("ffff", timedelta(0))], None),
    ],
)
def test_the_first_answer_is_given_until_its_day_is_over(rows, answer):
    assert reading(CLAIM, NOW).build(rows) == answer


def test_the_same_key_with_another_body_is_refused():
    build = reading(CLAIM, NOW).build
    assert refused(IdempotencyKeyReused, build, [row("0103")])[0] == "Idempotency-Key"


def test_a_key_is_had_by_one_transaction_and_then_by_the_next(world):
    def second():
        with world.app.app_context(), unit_of_work() as uow:
            idempotency.lock(uow.session, CLAIM)

    with world.app.app_context(), unit_of_work() as uow:
        idempotency.lock(uow.session, CLAIM)
        with pytest.raises(IdempotencyInProgress):
            in_another_thread(second)
    in_another_thread(second)
