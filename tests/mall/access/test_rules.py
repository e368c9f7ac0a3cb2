"""Who may do what, who is one person, and by which address guesses are counted."""

from datetime import timedelta
from uuid import UUID

import pytest

from mall.access import rules as access_rules
from mall.access.rules import (
    Actor,
    DutyMissing,
    Principal,
    SamePerson,
    at_most,
    check_other_person,
    place_of,
    subject_of_name,
)
from mall.web.problems import members_of
from tests.support.offers import refusals, refused

A, B, M, N = (UUID(int=n) for n in (1, 2, 3, 4))


def test_each_role_opens_one_audience_and_has_its_own_duties():
    assert access_rules.AUDIENCE_OF_ROLE == {
        "union_officer": "union",
        "supplier": "supplier",
        "store_clerk": "pickup",
        "operator": "ops",
    }
    assert access_rules.AUDIENCES == ("store", "union", "supplier", "pickup", "ops")
    assert {
        "union_officer": ("handles", "approves", "audits"),
        "store_clerk": ("manages",),
        "operator": (
            *("reviews", "finance_enters", "finance_confirms"),
            *("service", "merchandising", "accounts", "audits"),
        ),
        "supplier": (),
    } == access_rules.DUTIES_OF_ROLE
    assert access_rules.TWO_PERSONS == ("operator", "union_officer")
    assert access_rules.SECURED == ("finance_enters", "finance_confirms", "accounts")


def test_a_password_has_twelve_characters_and_five_wrong_ones_are_free():
    assert (access_rules.MIN_PASSWORD, access_rules.MAX_PASSWORD) == (12, 128)
    allowed = access_rules.PASSWORD
    assert (allowed.purpose, allowed.tries, allowed.span) == ("password", 5, timedelta(days=1))
    assert (allowed.pause, allowed.longest) == (timedelta(seconds=30), timedelta(minutes=15))


def test_at_most_so_many_guesses_are_free_and_none_after():
    found = at_most(3, timedelta(hours=1), "code")
    assert (found.purpose, found.tries) == ("code", 3)
    assert {found.span, found.pause, found.longest} == {timedelta(hours=1)}


def test_each_refusal_has_its_status():
    assert refusals(access_rules) == {
        "unauthenticated": 401,
        "wrong_audience": 403,
        "duty_missing": 403,
        "too_many_tries": 429,
        "bad_credentials": 401,
        "locked_out": 429,
        "password_refused": 422,
        "same_person": 409,
        "totp_required": 403,
        "totp_needed": 401,
        "totp_wrong": 401,
        "totp_set": 409,
        "invitation_refused": 422,
        "username_taken": 409,
        "not_yourself": 409,
        "wechat_code_refused": 401,
        "phone_code_refused": 422,
        "wechat_unavailable": 503,
        "person_unconfirmed": 409,
        "staff_account_confirmed": 409,
    }


@pytest.mark.parametrize(
    "duty", [*access_rules.DUTIES, *access_rules.OPERATOR_DUTIES, access_rules.MANAGES]
)
def test_every_duty_has_a_name_that_its_refusal_tells(duty):
    refusal = DutyMissing(duty)
    assert refusal.field == "Authorization"
    told = members_of(refusal)
    assert told["duty"] == duty and told["duty_zh"] in refusal.sentence("zh")
    assert told["duty_zh"] != duty


def test_a_principal_of_which_nothing_is_said_has_no_duty_and_no_second_factor():
    found = Principal("ops", A, None, B)
    assert (found.duties, found.display_name, found.has_factor) == ((), "", False)
    assert found.name == f"ops:{A}"


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        (Actor(A), Actor(A), True),
        (Actor(A), Actor(B), False),
        (Actor(A, M), Actor(B, M), True),
        (Actor(A, M), Actor(B, N), False),
        (Actor(A, M), Actor(B), False),
        (Actor(A, None, "1"), Actor(B, None, "1"), True),
        (Actor(A, None, "1"), Actor(B, None, "2"), False),
        (Actor(A, None, "1"), Actor(B), False),
        (Actor(A, M, "1"), Actor(B, N, "1"), True),
        (Actor(A, M, "1"), Actor(B, M, "2"), True),
        (Actor(A, M, "1"), Actor(B, N, "2"), False),
        (Actor(A, M, "1"), Actor(A, N, "2"), True),
    ],
)
def test_two_accounts_of_one_member_or_one_phone_are_one_person(one, other, is_same):
    assert one.is_same_person(other) is is_same
    assert other.is_same_person(one) is is_same
    if is_same:
        refused(SamePerson, check_other_person, one, [Actor(UUID(int=8)), other])
    else:
        check_other_person(one, [Actor(UUID(int=8)), other])


def test_what_nobody_made_anybody_decides():
    check_other_person(Actor(A), [])


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        (None, ""),
        ("", ""),
        ("nowhere", ""),
    ],
)
def test_guesses_are_counted_by_address_and_of_ipv6_by_the_network_of_a_line(address, place):
    assert place_of(address) == place


@pytest.mark.parametrize(
    ("phone", "is_one"),
    [
        ("13000000000", True),
        ("19912345678", True),
        ("12912345678", False),
        ("1991234567", False),
        ("199123456789", False),
        ("29912345678", False),
        ("1991234567８", False),
    ],
)
def test_a_phone_number_is_one_of_a_mobile(phone, is_one):
    assert bool(access_rules.PHONE.fullmatch(phone)) is is_one


def test_a_name_that_was_typed_stands_among_the_counters_as_its_hash():
    assert subject_of_name("a") == (
        "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
    )
    assert len(subject_of_name("\ud800")) == 64
