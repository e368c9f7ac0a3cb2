"""Programmes: which forms can be, what each kind gives, and the life of one."""

from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from mall.kernel.errors import Invalid
from mall.kernel.text.wording import finding
from mall.web.problems import members_of
from orders.programmes import rules as programme_rules
from orders.programmes.rules import (
    ProgrammeForm,
    ProgrammeRefused,
    begins_at,
    canonical,
    check_form,
    content_hash,
    ends_at,
    event_hash,
    has_beans,
    has_vouchers,
    unseen,
)
from orders.programmes.service import lifecycle
from tests.support.offers import pairs, refusals, refused, written

A, B, SELECTION = UUID(int=1), UUID(int=2), UUID(int=3)
UNIT = {"city": "湛江"}
PACKS = tuple(UUID(int=10 + n) for n in range(11))
# A form of each kind that can be.
FIXED = {"kind": "fixed", "pack_ids": (A,)}
PICK = {"kind": "pick_one", "pack_ids": (A, B)}
RESTRICTED = {"kind": "restricted", "selection_id": SELECTION}
BEANS = {"kind": "open"}
CAKE = {"kind": "cake", "selection_id": SELECTION, "delivery": "store_pickup"}
OPENS = date(2026, 3, 1)


def form(basis, **changes):
    said = {
        "name": "春节",
        "roster_id": UUID(int=9),
        "per_member_fen": 10000,
        "opens_on": OPENS,
        "closes_on": date(2026, 3, 31),
        "expires_on": None,
        "delivery": "ship",
    }
    return ProgrammeForm(**{**said, **basis, **changes})


def test_a_programme_goes_from_state_to_state_as_the_table_says_and_no_other_way():
    assert pairs(programme_rules.STATES) == written(
        """
        draft: submitted withdrawn
        submitted: approved rejected withdrawn
        rejected: draft withdrawn
        approved: funded withdrawn
        funded: issuing withdrawn approved
        issuing: active
        active: closed
        closed: accepted
        accepted: archived
        """
    )
    assert set(programme_rules.STATES.states) - set(programme_rules.DECIDED) == {
        *("draft", "submitted", "rejected", "withdrawn")
    }


def test_the_limits_are_those_that_are_documented():
    assert (programme_rules.MAX_PACKS, programme_rules.MAX_ITEMS) == (10, 50)
    assert (
        programme_rules.GENESIS
        == "0000000000000000000000000000000000000000000000000000000000000000"
    )
    assert programme_rules.KINDS == ("fixed", "pick_one", "restricted", "open", "cake")


def test_each_refusal_has_its_status():
    assert refusals(programme_rules) == {
        "programme_refused": 422,
        "content_changed": 409,
        "own_programme": 409,
        "warnings_unseen": 409,
    }


def test_a_form_of_which_nothing_else_is_said_returns_what_is_left_and_allows_nothing():
    found = form(BEANS)
    assert (found.pack_ids, found.default_pack_id, found.selection_id) == ((), None, None)
    assert (found.max_items, found.unit_address, found.festival) == (None, None, None)
    assert (found.leftover, found.birthday, found.note) == ("return", "none", "")
    assert (found.allows_top_up, found.allows_codes) == (False, False)


def test_a_refusal_names_all_that_was_found():
    refusal = ProgrammeRefused([finding("nothing_on_sale"), finding("partly_off_sale", missing=2)])
    assert refusal.sentence("zh") == "方案不能提交：选品中没有在售商品；选品中有 2 个商品不在售"
    assert refusal.sentence("en") == (
        "The programme cannot be submitted: Nothing in the selection is on sale; "
        "2 products of the selection are not on sale"
    )
    assert members_of(refusal)["problems"] == [
        {
            "code": "nothing_on_sale",
            "zh": "选品中没有在售商品",
            "en": "Nothing in the selection is on sale",
        },
        {
            "code": "partly_off_sale",
            "zh": "选品中有 2 个商品不在售",
            "en": "2 products of the selection are not on sale",
        },
    ]
    assert refusal.field == "programme"


GOOD = [
    (FIXED, {}),
    (PICK, {}),
    (RESTRICTED, {}),
    (BEANS, {}),
    (CAKE, {}),
    # One day; the last day of two years; an expiry on the day on which it ends.
    (BEANS, {"closes_on": OPENS}),
    (BEANS, {"closes_on": date(2028, 3, 1)}),
    (BEANS, {"expires_on": date(2026, 3, 31)}),
    (BEANS, {"expires_on": date(2026, 4, 1)}),
    (PICK, {"pack_ids": PACKS[:2]}),
    (PICK, {"pack_ids": PACKS[:10]}),
    (PICK, {"default_pack_id": B, "unit_address": UNIT}),
    (PICK, {"allows_codes": True}),
    (FIXED, {"delivery": "unit_delivery", "unit_address": UNIT}),
    (FIXED, {"delivery": "store_pickup", "allows_codes": True}),
    (RESTRICTED, {"max_items": 3, "allows_codes": True}),
    (RESTRICTED, {"allows_top_up": True}),
    (BEANS, {"allows_top_up": True, "birthday": "month"}),
    (CAKE, {"allows_top_up": True, "birthday": "day"}),
]
BAD = [
    (BEANS, {"closes_on": date(2026, 2, 28)}, "closes_on"),
    (BEANS, {"closes_on": date(2028, 3, 2)}, "closes_on"),
    (BEANS, {"expires_on": date(2026, 3, 30)}, "expires_on"),
    (FIXED, {"pack_ids": ()}, "pack_ids"),
    (FIXED, {"pack_ids": (A, B)}, "pack_ids"),
    (PICK, {"pack_ids": (A,)}, "pack_ids"),
    (PICK, {"pack_ids": PACKS}, "pack_ids"),
    (PICK, {"pack_ids": (A, A)}, "pack_ids"),
    (RESTRICTED, {"pack_ids": (A,)}, "pack_ids"),
    (BEANS, {"pack_ids": (A,)}, "pack_ids"),
    (CAKE, {"pack_ids": (A,)}, "pack_ids"),
    (RESTRICTED, {"selection_id": None}, "selection_id"),
    (CAKE, {"selection_id": None}, "selection_id"),
    (FIXED, {"selection_id": SELECTION}, "selection_id"),
    (PICK, {"selection_id": SELECTION}, "selection_id"),
    (BEANS, {"selection_id": SELECTION}, "selection_id"),
    (PICK, {"default_pack_id": PACKS[0], "unit_address": UNIT}, "default_pack_id"),
    (FIXED, {"default_pack_id": A, "unit_address": UNIT}, "default_pack_id"),
    (PICK, {"default_pack_id": A}, "unit_address"),
    (FIXED, {"max_items": 3}, "max_items"),
    (PICK, {"max_items": 3}, "max_items"),
    (BEANS, {"max_items": 3}, "max_items"),
    (CAKE, {"max_items": 3}, "max_items"),
    (FIXED, {"delivery": "unit_delivery"}, "unit_address"),
    (PICK, {"delivery": "unit_delivery", "unit_address": UNIT}, "delivery"),
    (BEANS, {"delivery": "unit_delivery", "unit_address": UNIT}, "delivery"),
    (CAKE, {"delivery": "ship"}, "delivery"),
    (
        FIXED,
        {"delivery": "unit_delivery", "unit_address": UNIT, "allows_codes": True},
        "allows_codes",
    ),
    (RESTRICTED, {"allows_codes": True}, "allows_codes"),
    (BEANS, {"allows_codes": True}, "allows_codes"),
    (CAKE, {"allows_codes": True}, "allows_codes"),
    (FIXED, {"allows_top_up": True}, "allows_top_up"),
    (PICK, {"allows_top_up": True}, "allows_top_up"),
    (RESTRICTED, {"max_items": 3, "allows_top_up": True}, "allows_top_up"),
    (FIXED, {"birthday": "day"}, "birthday"),
    (PICK, {"birthday": "month"}, "birthday"),
    (RESTRICTED, {"birthday": "day"}, "birthday"),
]


@pytest.mark.parametrize(("basis", "changes"), GOOD)
def test_a_form_whose_parts_fit_together_can_be(basis, changes):
    check_form(form(basis, **changes))


@pytest.mark.parametrize(("basis", "changes", "field"), BAD)
def test_a_form_whose_parts_do_not_fit_is_refused_for_the_one_that_does_not(basis, changes, field):
    assert refused(Invalid, check_form, form(basis, **changes))[0] == field


@pytest.mark.parametrize(
    ("kind", "max_items", "vouchers", "of_unit", "beans"),
    [
        ("fixed", None, True, False, False),
        ("pick_one", None, True, False, False),
        ("restricted", None, False, False, True),
        ("restricted", 3, True, True, False),
        ("open", None, False, False, True),
        ("cake", None, False, False, True),
    ],
)
def test_a_kind_gives_either_vouchers_or_beans_or_what_the_unit_hands_out(
    kind, max_items, vouchers, of_unit, beans
):
    assert has_vouchers(kind, max_items, "ship") is vouchers
    assert has_vouchers(kind, max_items, "store_pickup") is vouchers
    assert has_vouchers(kind, max_items, "unit_delivery") is of_unit
    assert has_beans(kind, max_items) is beans


def test_a_day_is_that_of_beijing_from_midnight_to_midnight():
    assert begins_at(OPENS) == datetime(2026, 2, 28, 16, tzinfo=UTC)
    assert ends_at(OPENS) == datetime(2026, 3, 1, 16, tzinfo=UTC)


def test_there_is_one_form_of_a_content_only():
    assert canonical({"b": 1, "a": ["豆", A]}) == f'{{"a":["豆","{A}"],"b":1}}'
    assert content_hash({"b": 1, "a": 2}) == content_hash({"a": 2, "b": 1})
    assert content_hash({"a": 1}) == (
        "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"
    )
    assert event_hash(["a", "b"]) == content_hash_of_text("a\nb")
    assert event_hash(["a", "b"]) != event_hash(["b", "a"])


def content_hash_of_text(text):
    return programme_rules.hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("warned", "named", "left"),
    [
        ([], [], []),
        (["b", "a"], [], ["a", "b"]),
        (["b", "a"], ["a"], ["b"]),
        (["a"], ["a", "c"], []),
        (["a", "a"], [], ["a"]),
    ],
)
def test_warnings_that_were_not_named_are_unseen(warned, named, left):
    assert unseen([{"code": code} for code in warned], named) == left


def test_a_union_has_five_hundred_open_programmes_at_most():
    assert lifecycle.MAX_OPEN == 500
