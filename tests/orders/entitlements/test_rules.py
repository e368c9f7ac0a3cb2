"""Entitlements: what may become of one, its code, and the day on which it is due."""

from datetime import date
from types import SimpleNamespace

import pytest

from mall.kernel.ids import ALPHABET
from orders.entitlements import rules as entitlement_rules
from orders.entitlements import service as entitlement_service
from orders.entitlements.rules import due_on, new_code, plain_code
from tests.support.offers import pairs, refusals, written


def test_an_entitlement_goes_from_state_to_state_as_the_table_says_and_no_other_way():
    assert pairs(entitlement_rules.STATES) == written(
        """
        listed: waiting open withdrawn
        waiting: open redeemed ended withdrawn
        open: redeemed ended withdrawn
        redeemed: open
        """
    )
    assert entitlement_rules.ISSUED == ("waiting", "open", "redeemed", "ended")
    assert entitlement_rules.BIRTHDAY_RULES == ("none", "day", "month")


def test_each_refusal_has_its_status():
    assert refusals(entitlement_rules) == {"already_redeemed": 409, "wrong_voucher_code": 422}


def test_a_code_is_sixteen_characters_of_five_bits_from_as_many_random_bytes(monkeypatch):
    asked = []

    def bytes_of(length):
        asked.append(length)
        return bytes(range(16, 16 + length))

    monkeypatch.setattr(entitlement_rules.secrets, "token_bytes", bytes_of)
    assert new_code() == "GHJKMNPQRSTVWXYZ"
    assert asked == [16]
    monkeypatch.setattr(
        entitlement_rules.secrets, "token_bytes", lambda length: bytes(range(240, 256))
    )
    assert new_code() == "GHJKMNPQRSTVWXYZ"
    monkeypatch.setattr(
        entitlement_rules.secrets, "token_bytes", lambda length: bytes(range(32, 48))
    )
    assert new_code() == ALPHABET[:16] == "0123456789ABCDEF"


@pytest.mark.parametrize(
    "text", ["ABCD10EF2345GHJK", "abcd-10ef-2345-ghjk", " ABCD ioEF 2345 GHJK", "abcdIOef2345ghjk"]
)
def test_a_code_is_the_same_however_it_is_typed(text):
    assert plain_code(text) == "ABCD10EF2345GHJK"


MARCH, MAY = date(2026, 3, 10), date(2026, 5, 20)


@pytest.mark.parametrize(
    ("born", "day"),
    [
        (date(1980, 3, 9), MAY),
        (date(1980, 3, 10), MARCH),
        (date(1980, 3, 11), date(2026, 3, 11)),
        (date(1980, 5, 19), date(2026, 5, 19)),
        (date(1980, 5, 20), MAY),
        (date(1980, 5, 21), MAY),
        (date(1980, 12, 31), MAY),
    ],
)
def test_by_day_an_entitlement_is_due_on_the_birthday_in_the_window_else_on_its_last_day(born, day):
    assert due_on("day", born, MARCH, MAY) == day


@pytest.mark.parametrize(
    ("born", "day"),
    [
        (date(1980, 2, 28), MAY),
        (date(1980, 3, 1), MARCH),
        (date(1980, 3, 31), MARCH),
        (date(1980, 4, 30), date(2026, 4, 1)),
        (date(1980, 5, 31), date(2026, 5, 1)),
        (date(1980, 6, 1), MAY),
    ],
)
def test_by_month_an_entitlement_is_due_on_the_first_of_the_month_or_of_the_window(born, day):
    assert due_on("month", born, MARCH, MAY) == day


@pytest.mark.parametrize(
    ("rule", "born"), [("none", date(1980, 4, 1)), ("day", None), ("month", None)]
)
def test_without_a_rule_or_a_birthday_an_entitlement_is_due_at_once(rule, born):
    assert due_on(rule, born, MARCH, MAY) is None


@pytest.mark.parametrize(
    ("rule", "born", "day"),
    [
        ("day", date(1980, 11, 5), date(2026, 11, 5)),
        ("day", date(1980, 1, 5), date(2027, 1, 5)),
        ("month", date(1980, 1, 31), date(2027, 1, 1)),
        ("month", date(1980, 10, 31), date(2026, 10, 20)),
        ("day", date(1980, 10, 19), date(2027, 2, 28)),
        ("day", date(1980, 2, 29), date(2027, 2, 28)),
    ],
)
def test_a_window_may_reach_into_the_next_year(rule, born, day):
    assert due_on(rule, born, date(2026, 10, 20), date(2027, 2, 28)) == day


@pytest.mark.parametrize(("year", "day"), [(2026, 28), (2027, 28), (2028, 29)])
def test_who_was_born_on_the_29_of_february_is_due_on_the_last_day_of_each(year, day):
    assert due_on("day", date(1980, 2, 29), date(year, 1, 1), date(year, 12, 31)) == date(
        year, 2, day
    )


def test_entitlements_are_written_two_thousand_at_a_time():
    assert entitlement_service.CHUNK == 2000


@pytest.mark.parametrize("count", range(6))
def test_a_roster_is_listed_chunk_by_chunk_from_its_first_person_to_its_last(monkeypatch, count):
    people = [SimpleNamespace(position=n) for n in range(1, count + 1)]
    listed = []
    monkeypatch.setattr(entitlement_service, "CHUNK", 2)
    # One more than a chunk is asked for, to know whether there is another.
    monkeypatch.setattr(
        entitlement_service.roster_queries,
        "people",
        lambda session, roster_id, after, limit: [p for p in people if p.position > after][:3],
    )
    monkeypatch.setattr(entitlement_service, "_row", lambda listing, person: person.position)
    monkeypatch.setattr(
        entitlement_service, "_insert", lambda uow, listing, rows: listed.append(rows)
    )
    uow = SimpleNamespace(session=SimpleNamespace(execute=lambda statement: None))
    assert entitlement_service.list_roster(uow, SimpleNamespace(programme_id=None), None) == count
    assert listed == [[*range(1, count + 1)][n : n + 2] for n in range(0, count, 2)]
    monkeypatch.undo()
