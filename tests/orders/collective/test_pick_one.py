"""A pick-one programme from its draft to its end."""

from datetime import timedelta

import pytest

from mall.kernel import clock
from tests.support.database import count_rows, execute_sql, select_rows
from tests.support.giving import ADDRESS
from tests.support.people import Person, new_staff
from tests.support.shop import stock_of
from tests.support.working import run_outbox


@pytest.fixture
def given(union):
    """Three people, two packs of ¥300: issued, and nobody has chosen."""
    rows = union.people(3)
    packs = [union.pack(30_000, parts=2) for _ in range(2)]
    programme_id = union.issued(
        roster_id=union.roster(rows), pack_ids=[pack_id for pack_id, _ in packs]
    )
    people = [union.members[row[1]] for row in rows]
    return programme_id, people, packs


def test_everybody_chooses_and_every_fen_is_where_it_belongs(union, given, audited, world):
    programme_id, people, packs = given
    assert union.read(programme_id)["state"] == "active"
    bill = union.bill(programme_id)
    assert (bill["budget_fen"], bill["issued_fen"], bill["balance_fen"]) == (90_000, 90_000, 0)
    for number, person in enumerate(people):
        reply = union.redeem(person, programme_id, packs[number % 2][0])
        assert reply.status_code == 201, reply.get_json()
        order = person.get(f"/v1/store/orders/{reply.get_json()['order_id']}").get_json()
        assert (order["state"], order["total_fen"], order["wechat_fen"]) == ("paid", 30_000, 0)
    run_outbox(world)
    assert count_rows(world, "fulfillment_order") == 3
    audited()


def test_the_same_request_again_gets_the_same_answer_and_another_is_refused(union, given, audited):
    programme_id, [person, *_], [(first, _), (second, _)] = given
    once = union.redeem(person, programme_id, first, key="k1")
    again = union.redeem(person, programme_id, first, key="k1")
    other = union.redeem(person, programme_id, second, key="k2")
    assert (once.status_code, again.data) == (201, once.data)
    assert other.get_json()["code"] == "already_redeemed"
    audited()


def test_a_choice_is_changed_until_a_parcel_leaves(union, given, audited, world):
    programme_id, [person, *_], [(first, _), (second, [sku, _])] = given
    supplier = new_staff(world, "supplier", union.supplier_id)
    union.redeem(person, programme_id, first)
    right = union.right_of(person, programme_id)
    path = f"/v1/store/entitlements/{right['id']}/change"
    before = stock_of(world, sku)
    changed = person.post(path, {"pack_id": second})
    assert changed.status_code == 201, changed.get_json()
    run_outbox(world)
    assert stock_of(world, sku) == (before[0] - 1, 0)
    audited()
    [part] = person.get(
        f"/v1/store/orders/{changed.get_json()['order_id']}/fulfillment-orders"
    ).get_json()["items"]
    sent = supplier.post(
        f"/v1/supplier/fulfillment-orders/{part['id']}/shipments",
        {"carrier": "sf", "tracking_no": "SF1234567890123"},
    )
    assert sent.status_code == 201, sent.get_json()
    late = person.post(path, {"pack_id": first})
    assert late.get_json()["code"] == "already_dispatched"
    audited()


def test_what_nobody_chose_returns_to_the_union(union, given, audited, world):
    programme_id, [person, *_], [(first, _), _] = given
    union.redeem(person, programme_id, first)
    clock.freeze(clock.now() + timedelta(days=12))
    execute_sql(world, "UPDATE access_token SET expires_at = '2099-01-01'")
    union.due_now(programme_id)
    union.run()
    assert union.read(programme_id)["state"] == "closed"
    assert union.bill(programme_id)["surplus_fen"] == 60_000
    audited()
    too_much = union.pay_out(programme_id, amount_fen=60_001)
    assert too_much.get_json()["code"] == "payout_too_large"
    assert union.pay_out(programme_id, amount_fen=60_000).status_code == 200
    assert union.bill(programme_id)["balance_fen"] == 0
    audited()


def test_the_silent_get_the_default_pack_at_the_unit(union, audited, world):
    rows = union.people(2) + union.people(1, members_too=False)
    packs = [union.pack(30_000)[0], union.pack(29_000)[0]]
    programme_id = union.issued(
        roster_id=union.roster(rows),
        pack_ids=packs,
        default_pack_id=packs[1],
        unit_address=ADDRESS,
    )
    union.redeem(union.members[rows[0][1]], programme_id, packs[0])
    path = f"/v1/union/programmes/{programme_id}/close"
    assert union.approver.post(path, {"reason": "提前结束"}).status_code == 202
    union.run()
    assert union.read(programme_id)["state"] == "closed"
    [order] = select_rows(world, "SELECT * FROM shop_order WHERE union_id IS NOT NULL")
    assert (order.total_fen, order.address["detail"]) == (58_000, ADDRESS["detail"])
    assert union.bill(programme_id)["surplus_fen"] == 2_000
    audited()


def test_the_default_is_given_however_late_the_closing_is_done(union, audited, world):
    """The scheduler was down until long after the rights had ended: what they hold still orders."""
    rows = union.people(2)
    packs = [union.pack(30_000)[0] for _ in range(2)]
    union.issued(
        roster_id=union.roster(rows),
        pack_ids=packs,
        default_pack_id=packs[1],
        unit_address=ADDRESS,
    )
    [last] = select_rows(world, "SELECT max(expires_at) AS expires_at FROM bean_lot")
    clock.freeze(last.expires_at + timedelta(days=10))
    execute_sql(world, "UPDATE programme SET due_at = now()")
    union.run()
    [programme] = select_rows(world, "SELECT state FROM programme")
    assert programme.state == "closed"
    [order] = select_rows(world, "SELECT total_fen FROM shop_order WHERE union_id IS NOT NULL")
    assert order.total_fen == 60_000
    audited()


def test_the_public_notice_says_what_is_given_and_names_nobody(union, given, world):
    programme_id, *_ = given
    guest = Person(world.app)
    [item] = guest.get("/v1/store/public-notice").get_json()["items"]
    assert (item["union_name"], item["head_count"]) == (f"工会 {union.code}", 3)
    reply = guest.get(f"/v1/store/public-notice/{programme_id}")
    found = reply.get_json()
    assert [pack["price_fen"] for pack in found["packs"]] == [30_000, 30_000]
    acts = [each["act"] for each in found["approvals"]]
    assert acts == ["submitted", "approved", "funded", "issuing", "active"]
    assert "职工" not in reply.data.decode()


def test_officers_are_opened_with_their_duties(union, world):
    path = f"/v1/ops/unions/{union.id}/officers"
    body = {"username": "li.wei", "display_name": "李伟", "duties": ["audits"]}
    change = union.operator.post(path, body).get_json()
    assert (change["state"], change["duties"]) == ("proposed", ["audits"])
    confirm = f"/v1/ops/accounts/changes/{change['id']}/confirm"
    assert union.operator.post(confirm).get_json()["code"] == "same_person"
    assert new_staff(world, "operator").post(confirm).status_code == 200
    assert union.operator.post(path, body).get_json()["code"] == "username_taken"
    assert len(union.operator.get(path).get_json()["items"]) == 4
