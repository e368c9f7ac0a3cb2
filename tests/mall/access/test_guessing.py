"""Guessing is slow, tells nothing, and keeps nobody out but the guesser."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from mall.access import rules as access_rules
from mall.access import service as access_service
from mall.kernel import clock
from mall.kernel.uow import unit_of_work
from tests.mall.access.test_http import PASSWORD, sign_in
from tests.support.database import count_rows, select_rows
from tests.support.people import new_member, new_staff
from tests.support.shop import new_supplier
from tests.support.working import in_another_thread, run_sweep

ELSEWHERE = "198.51.100.7"


def wait_of(reply):
    assert (reply.status_code, reply.get_json()["code"]) == (429, "locked_out")
    return int(reply.headers["Retry-After"])


def test_each_wrong_password_after_the_fifth_waits_twice_as_long_up_to_a_quarter_of_an_hour(world):
    operator = new_staff(world, "operator")
    clock.freeze(clock.now())
    for _ in range(5):
        assert sign_in(world, operator.username, "wrong").status_code == 401
    waits = []
    for _ in range(7):
        waits.append(wait_of(sign_in(world, operator.username)))
        clock.freeze(clock.now() + timedelta(seconds=waits[-1]))
        assert sign_in(world, operator.username, "wrong").status_code == 401
    assert [each - 1 for each in waits] == [30, 60, 120, 240, 480, 900, 900]
    clock.freeze(clock.now() + timedelta(minutes=15, seconds=1))
    assert sign_in(world, operator.username).status_code == 201


def test_the_owner_gets_in_from_another_address_while_somebody_guesses(world):
    operator = new_staff(world, "operator")
    for _ in range(6):
        sign_in(world, operator.username, "wrong")
    wait_of(sign_in(world, operator.username))
    assert sign_in(world, operator.username, address=ELSEWHERE).status_code == 201
    # What the owner does elsewhere does not help the guesser.
    wait_of(sign_in(world, operator.username))


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("", "no address", True),
    ],
)
def test_one_line_is_one_address(one, other, is_same):
    assert (access_rules.place_of(one) == access_rules.place_of(other)) is is_same


def test_a_name_that_does_not_exist_is_answered_word_for_word_as_one_that_does(world):
    clock.freeze(clock.now())
    real, closed = new_staff(world, "operator").username, new_staff(world, "operator").username
    with world.app.app_context(), unit_of_work() as uow:
        access_service.disable_staff_account(uow, closed)
    supplier = new_staff(world, "supplier", new_supplier(world)).username
    names = (real, closed, supplier, "nobody-here", "no such name \u4e2d\u6587", "x" * 64)
    told = {
        name: [
            (reply.status_code, reply.get_json(), reply.headers.get("Retry-After"))
            for reply in (sign_in(world, name, "wrong") for _ in range(8))
        ]
        for name in names
    }
    assert [each[0] for each in told[real]] == [401] * 5 + [429] * 3
    assert all(each == told[real] for each in told.values())


def test_what_was_typed_as_a_name_is_not_kept(world):
    typed = f"oops-{secrets.token_hex(8)}"
    sign_in(world, typed, "wrong")
    rows = select_rows(world, "SELECT row_to_json(g)::text AS text FROM guess_counter g")
    assert rows and not any(typed in row.text for row in rows)


def test_an_operators_reset_opens_the_account_to_whoever_was_slowed_down(world):
    operator = new_staff(world, "operator")
    for address in ("192.0.2.1", ELSEWHERE):
        for _ in range(5):
            sign_in(world, operator.username, "wrong", address=address)
        wait_of(sign_in(world, operator.username, address=address))
    with world.app.app_context(), unit_of_work() as uow:
        access_service.forget_tries(
            uow, access_rules.PASSWORD, access_rules.subject_of_name(operator.username)
        )
    for address in ("192.0.2.1", ELSEWHERE):
        assert sign_in(world, operator.username, address=address).status_code == 201


def test_thirty_two_at_once_get_exactly_the_tries_that_one_gets(world):
    operator = new_staff(world, "operator")
    with ThreadPoolExecutor(32) as pool:
        replies = list(
            pool.map(lambda _: sign_in(world, operator.username, "wrong").status_code, range(32))
        )
    assert (replies.count(401), replies.count(429)) == (5, 27)


@pytest.mark.parametrize("limit", [1, 5, 10])
def test_any_counter_gives_exactly_its_tries_to_however_many_at_once(world, limit):
    allowance = access_rules.at_most(limit, timedelta(hours=1), "anything")

    def guess(_):
        with world.app.app_context():
            try:
                with unit_of_work() as uow:
                    access_service.count_wrong_try(uow, allowance, "somebody")
            except access_rules.TooManyTries as error:
                assert 0 < error.details["retry_after_seconds"] <= 3601
                return False
            return True

    with ThreadPoolExecutor(32) as pool:
        assert sum(pool.map(guess, range(32))) == limit
    clock.freeze(clock.now() + timedelta(hours=1, seconds=1))
    assert [guess(0) for _ in range(limit + 1)] == [True] * limit + [False]


def test_a_guesser_holds_nothing_that_the_owner_waits_for(world):
    """A guess whose transaction hangs: the owner signs in, is changed, and guesses elsewhere."""
    operator = new_staff(world, "operator")
    name = access_rules.subject_of_name(operator.username)
    with world.app.app_context(), unit_of_work() as uow:
        access_service.count_wrong_try(uow, access_rules.PASSWORD, name, "192.0.2.1")
        uow.session.flush()
        reply = in_another_thread(lambda: sign_in(world, operator.username, address=ELSEWHERE))
        assert reply.status_code == 201


def outcomes(replies):
    codes = [reply.status_code for reply in replies]
    assert set(codes) <= {401, 429}
    return codes.count(401), codes.count(429)


@pytest.mark.parametrize("threads", [1, 16])
def test_one_password_over_fifty_names_from_one_address_is_slowed_and_nobody_else(world, threads):
    clock.freeze(clock.now())
    here, elsewhere = "192.0.2.50", "192.0.2.51"
    colleague, owner = (new_staff(world, "operator").username for _ in range(2))
    assert sign_in(world, colleague, address=here).status_code == 201
    # Half of them exist.
    names = [new_staff(world, "operator").username for _ in range(5)]
    names += [f"nobody-{number}" for number in range(45)]
    with ThreadPoolExecutor(threads) as pool:
        replies = list(pool.map(lambda name: sign_in(world, name, "wrong", address=here), names))
    assert outcomes(replies) == (40, 10)
    # The right password of somebody who was never here tells nothing while that lasts.
    wait = wait_of(sign_in(world, owner, address=here))
    assert sign_in(world, owner, address=elsewhere).status_code == 201
    assert sign_in(world, colleague, "wrong", address=here).status_code == 401
    assert sign_in(world, colleague, address=here).status_code == 201
    clock.freeze(clock.now() + timedelta(seconds=wait))
    assert sign_in(world, "nobody-50", "wrong", address=here).status_code == 401
    assert wait_of(sign_in(world, "nobody-51", "wrong", address=here)) > wait
    clock.freeze(clock.now() + timedelta(hours=1))
    assert sign_in(world, owner, address=here).status_code == 201


def test_many_addresses_over_one_name_are_slowed_and_its_owner_is_not(world):
    clock.freeze(clock.now())
    owner, other = (new_staff(world, "operator").username for _ in range(2))
    home, addresses = "192.0.2.60", [f"198.51.100.{number}" for number in range(40)]
    assert sign_in(world, owner, address=home).status_code == 201
    for name in (owner, "nobody-here"):
        replies = [sign_in(world, name, "wrong", address=each) for each in addresses]
        assert outcomes(replies) == (30, 10), name
    assert sign_in(world, owner, address=home).status_code == 201
    assert sign_in(world, other, address=addresses[0]).status_code == 201
    # At a new place the owner waits as long as the guessers do, or asks for an invitation.
    wait = wait_of(sign_in(world, owner, address="192.0.2.61"))
    clock.freeze(clock.now() + timedelta(seconds=wait))
    assert sign_in(world, owner, address="192.0.2.61").status_code == 201


def test_places_are_forgotten_after_half_a_year(world):
    operator = new_staff(world, "operator").username
    assert sign_in(world, operator, address="192.0.2.70").status_code == 201
    clock.freeze(clock.now() + timedelta(days=181))
    run_sweep(world, "forget_ended_sessions")
    assert count_rows(world, "known_place") == 0


def test_counters_that_are_over_are_swept(world):
    sign_in(world, "nobody-here", "wrong")
    clock.freeze(clock.now() + timedelta(days=1, seconds=1))
    sign_in(world, "nobody-else", "wrong")
    run_sweep(world, "forget_ended_sessions")
    left = select_rows(world, "SELECT count(*) AS n FROM guess_counter GROUP BY purpose")
    assert [row.n for row in left] == [1, 1, 1]


def test_phone_codes_that_wechat_refused_are_counted(world):
    member = new_member(world)
    for _ in range(10):
        reply = member.put("/v1/store/me/phone", {"code": "bad-code"})
        assert reply.get_json()["code"] == "phone_code_refused"
    reply = member.put("/v1/store/me/phone", {"code": "phone-13800000001"})
    assert (reply.status_code, reply.get_json()["code"]) == (429, "too_many_tries")


def test_a_right_password_forgets_the_wrong_ones_of_its_own_address_only(world):
    operator = new_staff(world, "operator")
    for _ in range(2):
        for _ in range(4):
            assert sign_in(world, operator.username, "wrong").status_code == 401
        assert sign_in(world, operator.username, PASSWORD).status_code == 201
