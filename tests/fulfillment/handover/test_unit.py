"""Case 36: loads with something missing, people who are absent, shares that are signed for twice."""

import pytest

from fulfillment.handover import rules as handover_rules
from mall.kernel import clock
from tests.races.test_last_units import together
from tests.support.database import execute_sql, select_rows
from tests.support.people import Person, new_member, new_staff
from tests.support.sheets import opened
from tests.support.shop import new_supplier
from tests.support.unit import PEOPLE, Unit
from tests.support.working import run_sweep


@pytest.fixture
def unit(union):
    return Unit(union)


def test_two_loads_come_and_the_purchase_is_accepted(unit, audited):
    first = unit.send(3)
    second = unit.send()
    assert [load["lines"][0]["sent"] for load in unit.loads()] == [3, 1]
    assert unit.receive(first).get_json()["case_ids"] == []
    assert unit.receive(second, received=1).status_code == 201
    received = [load["lines"][0]["received"] for load in unit.loads()]
    assert received == [3, 1]
    unit.close()
    assert unit.accept().get_json()["state"] == "accepted"
    audited()


def test_a_load_is_received_once(unit, audited):
    load = unit.send()
    first = unit.receive(load, received=3, key="k1")
    assert unit.receive(load, received=3, key="k1").data == first.data
    again = unit.receive(load, received=4)
    assert (again.status_code, again.get_json()["code"]) == (409, "load_received")
    assert len(unit.claims()) == 1
    audited()


def test_what_is_short_and_broken_is_refunded_to_the_fund(unit, audited):
    load = unit.send()
    assert (
        len(unit.receive(load, received=2, damaged=1, note="外箱破损").get_json()["case_ids"]) == 2
    )
    claims = unit.claims()
    assert sorted((each["reason"], each["quantity"], each["amount_fen"]) for each in claims) == [
        ("damaged", 1, 50_000),
        ("too_few", 1, 50_000),
    ]
    unit.close()
    early = unit.accept()
    assert (early.status_code, early.get_json()["code"]) == (409, "claims_open")
    before = unit.fund()
    for claim in claims:
        assert unit.supplier_does(claim["id"], "approve").get_json()["state"] == "refunded"
    assert unit.fund() - before == 100_000
    assert unit.accept().get_json()["state"] == "accepted"
    told = unit.union.handler.get("/v1/union/notices").get_json()["items"]
    assert [each["kind"] for each in told].count("after_sales") == 2
    audited()


def test_what_is_broken_is_sent_again_without_sending_anything_back(unit, world, audited):
    load = unit.send()
    [case] = unit.receive(load, received=3, damaged=1, wish="replace").get_json()["case_ids"]
    assert unit.supplier_does(case, "approve").get_json()["state"] == "replaced"
    unit.close()
    assert unit.accept().get_json()["code"] == "not_arrived"
    [again] = [each for each in unit.deliveries() if each["case_id"] == case]
    sent = unit.send(part=again)
    assert unit.receive(sent).status_code == 201
    assert unit.accept().get_json()["state"] == "accepted"
    assert {part["state"] for part in unit.deliveries()} == {"delivered"}
    audited()


def test_a_supplier_refuses_and_the_union_appeals(unit, world, audited):
    [case] = unit.receive(unit.send(), received=3).get_json()["case_ids"]
    unit.supplier_does(case, "reject", {"note": "装车时已核对"})
    path = f"{unit.path}/claims/{case}/appeal"
    assert unit.union.handler.post(path, {"note": "有照片"}).get_json()["state"] == "appealed"
    decision = {"is_granted": True, "note": "支持工会"}
    operator = new_staff(world, "operator")
    done = operator.post(f"/v1/ops/after-sales/{case}/arbitrate", decision)
    assert done.get_json()["state"] == "refunded"
    audited()


def test_a_claim_is_given_up(unit, audited):
    [case] = unit.receive(unit.send(), received=3).get_json()["case_ids"]
    path = f"{unit.path}/claims/{case}/withdraw"
    elsewhere = f"{Unit(unit.union).path}/claims/{case}/withdraw"
    assert unit.union.handler.post(elsewhere).status_code == 404
    assert unit.union.handler.post(path).get_json()["state"] == "withdrawn"
    unit.close()
    assert unit.accept().get_json()["state"] == "accepted"
    audited()


def test_silence_of_the_supplier_agrees(unit, world, audited):
    unit.receive(unit.send(), received=3)
    execute_sql(world, "UPDATE after_sales_case SET due_at = now()")
    assert run_sweep(world, "decide_by_silence") == 1
    assert unit.claims()[0]["state"] == "refunded"
    audited()


def test_what_cannot_be_counted_is_refused_and_nothing_kept(unit, audited):
    load = unit.send()
    [line] = unit.lines
    too_many = unit.receive(load, received=4, damaged=1)
    assert (too_many.status_code, too_many.get_json()["field"]) == (422, "lines.0.received")
    elsewhere = {"line_id": load, "received": 1}
    foreign = unit.receive(load, lines=[elsewhere])
    assert (foreign.status_code, foreign.get_json()["field"]) == (404, "lines.0.line_id")
    twice = {"line_id": line["id"], "received": 1}
    assert unit.receive(load, lines=[twice, twice]).status_code == 422
    assert unit.receive(line["id"]).get_json()["field"] == "shipment_id"
    assert unit.loads()[0]["received_at"] is None
    assert unit.claims() == []
    audited()


def test_another_union_sees_and_does_nothing(unit, world):
    """Case 39."""
    load = unit.send()
    other = new_staff(world, "union_officer", unit.union.id, ["audits"])
    refused = other.post(f"{unit.path}/receipts", {"shipment_id": load})
    assert refused.get_json()["code"] == "duty_missing"
    stranger = new_staff(world, "union_officer", new_supplier(world), ["handles"])
    assert stranger.post(f"{unit.path}/receipts", {"shipment_id": load}).status_code == 404
    for name in ("loads", "claims", "hand-outs"):
        assert stranger.get(f"{unit.path}/{name}").status_code == 404
    assert (
        stranger.post(f"{unit.path}/hand-outs/scan", {"code": unit.code_of(0)}).status_code == 404
    )


# Handing out


def test_people_sign_by_scan_and_by_tick(unit, audited):
    [_, second, third, fourth] = [each["recipient_id"] for each in unit.people()["items"]]
    scanned = unit.union.handler.post(f"{unit.path}/hand-outs/scan", {"code": unit.code_of(0)})
    assert scanned.get_json()["name"] == unit.rows[0][0]
    ticked = unit.tick(
        (second, "handed_out", {"note": "同事代领"}),
        (third, "kept", {}),
        (fourth, "forwarded", {"carrier": "sf", "tracking_no": "sf 1234567890123"}),
    )
    assert ticked.get_json() == {"handed_out": 2, "kept": 1, "forwarded": 1}
    found = unit.people()["items"]
    assert [each["state"] for each in found] == ["handed_out", "handed_out", "kept", "forwarded"]
    assert found[3]["tracking_no"] == "SF1234567890123"
    assert unit.people("missing")["items"] == []
    # Who was absent comes later, also after the union has accepted.
    unit.receive(unit.send())
    unit.close()
    unit.accept()
    assert unit.tick((third, "handed_out", {})).get_json()["kept"] == 0
    audited()


def test_a_share_is_signed_for_once(unit, audited):
    code = unit.code_of(0)
    path = f"{unit.path}/hand-outs/scan"
    assert unit.union.handler.post(path, {"code": code}).status_code == 200
    again = unit.union.handler.post(path, {"code": code})
    assert (again.status_code, again.get_json()["code"]) == (409, "already_handed_out")
    assert unit.rows[0][0] in again.get_json()["detail"]
    first = unit.people()["items"][0]["recipient_id"]
    # The same tick again is no second signature; anything else is refused.
    assert unit.tick((first, "handed_out", {})).status_code == 200
    assert unit.tick((first, "kept", {})).get_json()["code"] == "already_handed_out"
    assert unit.people()["counts"] == {"handed_out": 1, "kept": 0, "forwarded": 0}
    audited()


def test_two_tablets_scan_the_same_person(unit, audited):
    code = unit.code_of(0)
    path = f"{unit.path}/hand-outs/scan"
    codes = together(6, lambda _: unit.union.handler.post(path, {"code": code}).status_code)
    assert sorted(codes) == [200] + [409] * 5
    audited()


def test_all_ticks_are_kept_or_none(unit):
    [first, second, *_] = [each["recipient_id"] for each in unit.people()["items"]]
    unit.tick((second, "forwarded", {"carrier": "self"}))
    refused = unit.tick((first, "handed_out", {}), (second, "handed_out", {}))
    assert (refused.status_code, refused.get_json()["field"]) == (409, "items.1.recipient_id")
    assert len(unit.people("missing")["items"]) == PEOPLE - 1
    unlike = unit.tick((first, "forwarded", {"carrier": "sf", "tracking_no": "1"}))
    assert unlike.get_json()["code"] == "tracking_number_unlike"


def test_a_code_that_is_made_up_is_refused(unit, world):
    code = unit.code_of(0)
    path = f"{unit.path}/hand-outs/scan"
    for wrong in (code[:-1] + ("0" if code[-1] != "0" else "1"), code[:32], "x", f"{code}x"):
        reply = unit.union.handler.post(path, {"code": wrong})
        assert (reply.status_code, reply.get_json()["code"]) == (422, "wrong_hand_out_code")
    other = Unit(unit.union)
    assert unit.union.handler.post(path, {"code": other.code_of(0)}).status_code == 422
    stranger = new_member(world)
    right = unit.people()["items"][0]["recipient_id"]
    assert stranger.get(f"/v1/store/entitlements/{right}/hand-out-code").status_code == 404


def test_codes_are_kept_nowhere(unit, world):
    code = unit.code_of(0)
    unit.union.handler.post(f"{unit.path}/hand-outs/scan", {"code": code})
    proof = code.partition("-")[2]
    for table in ("entitlement", "hand_out", "programme_event"):
        assert proof not in str(select_rows(world, f"SELECT to_jsonb(t) FROM {table} t"))
    assert len(proof) == handover_rules.CODE_LENGTH


def test_what_is_not_handed_out_at_the_unit_is_refused(union):
    packs = [union.pack(30_000)[0] for _ in range(2)]
    rows = union.people(1)
    programme_id = union.issued(roster_id=union.roster(rows), pack_ids=packs)
    right = union.right_of(union.members[rows[0][1]], programme_id)["id"]
    path = f"/v1/union/programmes/{programme_id}/hand-outs"
    assert union.handler.get(path).get_json()["items"] == []
    refused = union.handler.post(path, {"items": [{"recipient_id": right, "state": "kept"}]})
    assert refused.get_json()["code"] == "not_handed_out_here"


# Papers


@pytest.mark.parametrize("kind", ["pdf", "xlsx"])
def test_the_pick_list_says_what_to_pack_for_whom(unit, world, kind):
    path = f"/v1/supplier/fulfillment-orders/{unit.part['id']}/pick-list?format={kind}"
    unit.send(3)
    reply = unit.supplier.get(path)
    assert reply.status_code == 200
    if kind == "pdf":
        assert reply.data.startswith(b"%PDF-")
        return
    rows = opened(reply.data)
    [line] = [row for row in rows if row[0] == unit.lines[0]["title"]]
    assert line[2:5] == [PEOPLE, 3, PEOPLE - 3]
    assert ["综合部", PEOPLE] in [row[:2] for row in rows]
    assert new_staff(world, "supplier", new_supplier(world)).get(path).status_code == 404
    assert Person(world.app).get(path).status_code == 401


def test_the_papers_show_what_came_and_who_signed(unit):
    unit.receive(unit.send(), received=2, damaged=1)
    first = unit.people()["items"][0]["recipient_id"]
    unit.tick((first, "handed_out", {}))
    for claim in unit.claims():
        unit.supplier_does(claim["id"], "approve")
    unit.close()
    unit.accept()
    papers = f"{unit.path}/papers"
    note = opened(unit.union.auditor.get(f"{papers}/acceptance-note?format=xlsx").data)
    [line] = [row for row in note if row[1] == unit.lines[0]["title"] and row[3] == PEOPLE]
    assert line[3:8] == [PEOPLE, PEOPLE, 2, 1, 1]
    assert any("已领取 1" in str(row[1]) for row in note)
    claims = [row for row in note if row[0] and str(row[0]).startswith("S")]
    assert {row[5] for row in claims} == {"已退款"}
    sheet = opened(unit.union.auditor.get(f"{papers}/hand-out-sheet?format=xlsx").data)
    day = f"{clock.now().astimezone(clock.BEIJING):%m-%d}"
    assert [row[5] for row in sheet if row[0] == 1] == [f"已领取 {day}"]
