"""Somebody redeems a voucher by its code, for a person without a phone or for a relative."""

import pytest

from tests.support.database import select_rows
from tests.support.giving import Union
from tests.support.people import new_member


@pytest.fixture
def given(world):
    union = Union(world)
    rows = union.people(1) + union.people(1, members_too=False)
    packs = [union.pack(30_000)[0] for _ in range(2)]
    programme_id = union.issued(roster_id=union.roster(rows), pack_ids=packs, allows_codes=True)
    return union, programme_id, union.members[rows[0][1]], packs


def test_a_relative_redeems_by_code_and_only_once(given, audited, world):
    union, programme_id, person, packs = given
    right = union.right_of(person, programme_id)
    code = person.get(f"/v1/store/entitlements/{right['id']}").get_json()["code"]
    relative = new_member(world)
    shown = relative.post("/v1/store/vouchers/check", {"code": code}).get_json()
    assert (shown["state"], len(shown["packs"])) == ("open", 2)
    body = {"code": code.lower(), "pack_id": packs[1]}
    done = relative.post("/v1/store/vouchers/redeem", body, "k1")
    again = relative.post("/v1/store/vouchers/redeem", body, "k1")
    other = relative.post("/v1/store/vouchers/redeem", body, "k2")
    assert (done.status_code, again.data) == (201, done.data)
    assert other.get_json()["code"] == "already_redeemed"
    assert union.right_of(person, programme_id)["state"] == "redeemed"
    audited()


def test_what_nobody_has_claimed_is_redeemed_by_the_code_on_paper(given, audited, world):
    union, programme_id, _, packs = given
    [row] = select_rows(world, "SELECT code FROM entitlement WHERE state = 'waiting'")
    body = {"code": row.code, "pack_id": packs[0]}
    assert new_member(world).post("/v1/store/vouchers/redeem", body).status_code == 201
    assert union.progress(programme_id)["waiting"] == 0
    audited()


def test_ten_wrong_codes_are_enough_for_an_hour(given, world):
    union, programme_id, person, _ = given
    guesser = new_member(world)
    body = {"code": "0000-0000-0000-0000"}
    for _ in range(10):
        reply = guesser.post("/v1/store/vouchers/redeem", body)
        assert reply.get_json()["code"] == "wrong_voucher_code"
    right = union.right_of(person, programme_id)
    code = person.get(f"/v1/store/entitlements/{right['id']}").get_json()["code"]
    reply = guesser.post("/v1/store/vouchers/check", {"code": code})
    assert (reply.status_code, reply.get_json()["code"]) == (429, "too_many_tries")


@pytest.mark.parametrize(("delivery", "has_address"), [("ship", True), ("store_pickup", False)])
def test_an_order_keeps_the_address_only_where_something_is_sent(world, delivery, has_address):
    """Where somebody lives is nobody's business at a counter."""
    union = Union(world)
    rows = union.people(1)
    pack_id, _ = union.pack(30_000)
    programme_id = union.issued(
        kind="fixed", delivery=delivery, roster_id=union.roster(rows), pack_ids=[pack_id]
    )
    done = union.redeem(union.members[rows[0][1]], programme_id)
    assert done.status_code == 201, done.get_json()
    [order] = select_rows(world, "SELECT address FROM shop_order")
    assert (order.address is not None) is has_address
