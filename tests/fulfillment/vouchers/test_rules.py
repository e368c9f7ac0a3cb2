"""Vouchers: their codes, who may use them where, and how long."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import UUID

import pytest

from fulfillment.vouchers import rules as voucher_rules
from fulfillment.vouchers import service as voucher_service
from fulfillment.vouchers.rules import (
    NotUsed,
    UndoTooLate,
    VoucherExpired,
    VoucherRevoked,
    VoucherUsed,
    WrongStore,
    check_allowed,
    check_extension,
    check_undo,
    clerk_time,
    code_of,
    hash_of,
    plain_short,
    short_hash,
    short_of,
    shown,
    shown_short,
)
from mall.kernel.errors import Invalid
from tests.support.offers import pairs, refusals, refused, written

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)
VOUCHER = UUID(int=77)


def test_a_voucher_goes_from_state_to_state_as_the_table_says_and_no_other_way():
    assert pairs(voucher_rules.STATES) == written(
        """
        valid: redeemed revoked expired
        redeemed: valid
        """
    )


def test_the_limits_are_those_that_are_documented():
    assert (voucher_rules.LENGTH, voucher_rules.SHORT_LENGTH) == (16, 10)
    assert timedelta(minutes=10) == voucher_rules.UNDO_WITHIN
    assert timedelta(days=7) == voucher_rules.REMIND_BEFORE
    assert timedelta(days=2 * 365) == voucher_rules.MAX_EXTENSION
    clerk, store = voucher_rules.CLERK_GUESSES, voucher_rules.STORE_GUESSES
    assert (clerk.tries, clerk.span) == (10, timedelta(minutes=10))
    assert (store.tries, store.span) == (30, timedelta(hours=1))


def test_each_refusal_has_its_status():
    assert refusals(voucher_rules) == {
        "voucher_used": 409,
        "voucher_revoked": 409,
        "voucher_expired": 409,
        "voucher_wrong_store": 409,
        "short_code_ambiguous": 409,
        "undo_too_late": 409,
        "voucher_not_used": 409,
        "after_sales_pending": 409,
    }


def test_a_code_is_eighty_bits_derived_from_the_voucher_and_the_secret():
    """Computed here in another way: what was printed once must stay good."""
    digest = hmac.new(b"secret", b"voucher:" + VOUCHER.bytes, hashlib.sha256).hexdigest()
    number, digits = int(digest[:20], 16), []
    for _ in range(16):
        number, digit = divmod(number, 32)
        digits.append("0123456789ABCDEFGHJKMNPQRSTVWXYZ"[digit])
    assert number == 0
    assert code_of(VOUCHER, "secret") == "".join(digits)
    assert code_of(VOUCHER, "secret") != code_of(VOUCHER, "other")


def test_every_character_of_the_alphabet_is_used_everywhere_in_a_code():
    """A bit that were never set would halve what is to be guessed."""
    codes = [code_of(UUID(int=n), "secret") for n in range(600)]
    assert {len(set(place)) for place in zip(*codes, strict=True)} == {32}


def test_a_short_code_is_ten_digits_derived_from_the_voucher_and_the_secret():
    digest = hmac.new(b"secret", b"short:" + VOUCHER.bytes, hashlib.sha256).hexdigest()
    assert short_of(VOUCHER, "secret") == str(int(digest[:16], 16))[-10:]
    codes = [short_of(UUID(int=n), "secret") for n in range(200)]
    assert {len(code) for code in codes} == {10}
    assert {len(set(place)) for place in zip(*codes, strict=True)} == {10}


def test_codes_are_shown_in_groups():
    assert shown("0123456789ABCDEF") == "0123-4567-89AB-CDEF"
    assert shown_short("0123456789") == "0123 456 789"


@pytest.mark.parametrize("text", ["ABCD1001", "abcd-1oOi", " abCD l00I ", "AB CD-\n1-0-0-1"])
def test_a_code_is_the_same_however_it_is_typed(text):
    assert hash_of(text) == hashlib.sha256(b"ABCD1001").hexdigest()


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("0123456789", "0123456789"),
        ("0123 456 789", "0123456789"),
        ("0123-456-789 ", "0123456789"),
        ("012345678", None),
        ("01234567890", None),
        ("012345678A", None),
        ("012345678９", None),
        ("", None),
    ],
)
def test_a_short_code_is_ten_digits_and_nothing_else_is(text, digits):
    assert plain_short(text) == digits


def test_the_hash_of_a_short_code_needs_the_secret():
    expected = hmac.new(b"secret", b"short-hash:0123456789", hashlib.sha256).hexdigest()
    assert short_hash("0123456789", "secret") == expected
    assert short_hash("0123456789", "other") != expected


def test_a_clerk_reads_an_instant_as_it_is_in_beijing():
    assert clerk_time(datetime(2026, 2, 28, 16, 5, tzinfo=UTC)) == "2026-03-01 00:05"


STORES = [(UUID(int=n), f"{n}店") for n in range(1, 6)]


def test_a_voucher_is_used_in_any_of_its_stores():
    for key, _ in STORES:
        check_allowed(key, STORES)


@pytest.mark.parametrize(
    ("stores", "named"),
    [([], "—"), (STORES[:1], "1店"), (STORES[:3], "1店、2店、3店"), (STORES, "1店、2店、3店")],
)
def test_another_store_is_told_up_to_three_where_it_can_be_used(stores, named):
    refusal = refused(WrongStore, check_allowed, UUID(int=9), stores)
    assert refusal == ("code", {"stores": named})


TEN = timedelta(minutes=10)


@pytest.mark.parametrize("ago", [timedelta(0), TEN - INSTANT, TEN])
def test_a_hand_out_is_taken_back_within_ten_minutes(ago):
    check_undo(NOW - ago, NOW)


def test_a_hand_out_is_not_taken_back_an_instant_later_nor_where_there_was_none():
    refused(UndoTooLate, check_undo, NOW - TEN - INSTANT, NOW)
    refused(NotUsed, check_undo, None, NOW)


YEARS = timedelta(days=730)


@pytest.mark.parametrize("until", [NOW + INSTANT, NOW + timedelta(days=9), NOW + YEARS])
def test_an_extension_is_later_and_within_two_years(until):
    check_extension(NOW, until, NOW)


@pytest.mark.parametrize("until", [NOW - INSTANT, NOW, NOW + YEARS + INSTANT])
def test_any_other_end_is_refused(until):
    assert refused(Invalid, check_extension, NOW, until, NOW)[0] == "expires_at"


def test_an_extension_of_what_is_over_ends_two_years_from_now():
    long_ago = NOW - timedelta(days=90)
    check_extension(long_ago, long_ago + INSTANT, NOW)
    check_extension(long_ago, NOW + YEARS, NOW)


def voucher(**changes):
    return SimpleNamespace(
        **{
            "state": "valid",
            "redeemed_at": None,
            "store_id": None,
            "store_name": None,
            "request_key": None,
            "expires_at": NOW + timedelta(days=1),
            **changes,
        }
    )


UOW = SimpleNamespace(now=NOW, session=None)


@pytest.mark.parametrize("ends", [INSTANT, timedelta(days=1)])
def test_a_voucher_is_used_up_to_the_last_instant(ends):
    voucher_service._check_usable(UOW, voucher(expires_at=NOW + ends))


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"expires_at": NOW}, VoucherExpired),
        ({"expires_at": NOW - INSTANT}, VoucherExpired),
        ({"state": "revoked"}, VoucherRevoked),
        ({"state": "redeemed", "redeemed_at": NOW}, VoucherUsed),
        # What was used or revoked says so, also after its end.
        ({"state": "revoked", "expires_at": NOW}, VoucherRevoked),
        ({"state": "redeemed", "redeemed_at": NOW, "expires_at": NOW}, VoucherUsed),
    ],
)
def test_a_voucher_that_ended_was_used_or_revoked_is_not_used(changes, kind):
    refused(kind, voucher_service._check_usable, UOW, voucher(**changes))


@pytest.mark.parametrize(
    ("changes", "is_same"),
    [
        ({}, True),
        ({"state": "valid"}, False),
        ({"store_id": UUID(int=6)}, False),
        ({"request_key": "other"}, False),
        ({"request_key": None}, False),
    ],
)
def test_the_request_that_used_a_voucher_is_known_by_store_and_key(changes, is_same):
    found = voucher(**{"state": "redeemed", "store_id": UUID(int=5), "request_key": "k", **changes})
    desk = SimpleNamespace(store=SimpleNamespace(id=UUID(int=5)), request_key="k")
    assert voucher_service._is_same_request(found, desk) is is_same


def test_without_a_key_no_request_is_the_same():
    found = voucher(state="redeemed", store_id=UUID(int=5))
    desk = SimpleNamespace(store=SimpleNamespace(id=UUID(int=5)), request_key=None)
    assert voucher_service._is_same_request(found, desk) is False
