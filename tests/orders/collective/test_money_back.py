"""Money and rights that go back: before the issue, after it, and what a union allows itself."""

from tests.support.database import execute_sql, select_rows
from tests.support.wechat import ask_mock, received_by_mock
from tests.support.working import run_sweep


def payout(union, programme_id, amount_fen):
    return union.pay_out(programme_id, amount_fen=amount_fen)


def test_a_funded_programme_is_withdrawn_once_its_money_is_back(union, audited, world):
    packs = [union.pack(30_000)[0] for _ in range(2)]
    programme_id = union.approved(roster_id=union.roster(union.people(2)), pack_ids=packs)
    union.fund(programme_id)
    path = f"/v1/union/programmes/{programme_id}"
    refused = union.handler.post(f"{path}/withdraw", {"reason": "改期"})
    assert (refused.status_code, refused.get_json()["code"]) == (409, "still_funded")
    assert payout(union, programme_id, 60_000).status_code == 200
    assert union.read(programme_id)["state"] == "approved"
    assert union.handler.post(f"{path}/withdraw", {"reason": "改期"}).status_code == 200
    assert union.read(programme_id)["state"] == "withdrawn"
    for verb in ("issue", "submit", "transfers"):
        body = {"amount_fen": 1, "bank_reference": "x", "payer": "x"} if verb == "transfers" else {}
        assert union.handler.post(f"{path}/{verb}", body).status_code == 409, verb
    audited()


def test_a_withdrawn_right_leaves_its_money_in_the_fund_until_it_is_paid_out(union, audited):
    rows = union.people(2)
    packs = [union.pack(30_000)[0] for _ in range(2)]
    programme_id = union.issued(roster_id=union.roster(rows), pack_ids=packs)
    person = union.members[rows[0][1]]
    right = union.right_of(person, programme_id)
    path = f"/v1/union/programmes/{programme_id}"
    body = {"kind": "withdraw", "entitlement_id": right["id"], "reason": "离职"}
    change = union.handler.post(f"{path}/changes", body).get_json()
    decide = f"{path}/changes/{change['id']}/decide"
    applied = union.approver.post(decide, {"is_approved": True})
    assert applied.get_json()["state"] == "applied"
    assert union.approver.post(decide, {"is_approved": True}).get_json()["code"] == "wrong_state"
    assert union.redeem(person, programme_id, packs[0]).get_json()["code"] == "already_redeemed"
    found = union.auditor.get(f"{path}/dashboard").get_json()
    assert (found["people"]["recipients"], found["people"]["withdrawn"]) == (1, 1)
    money = found["money"]
    assert (money["budget_fen"], money["balance_fen"]) == (30_000, 30_000)
    assert union.bill(programme_id)["surplus_fen"] == 30_000
    audited()
    assert payout(union, programme_id, 30_001).get_json()["code"] == "payout_too_large"
    assert payout(union, programme_id, 30_000).status_code == 200
    audited()


def test_a_rejected_change_changes_nothing(union, audited):
    rows = union.people(1)
    packs = [union.pack(30_000)[0] for _ in range(2)]
    programme_id = union.issued(roster_id=union.roster(rows), pack_ids=packs)
    path = f"/v1/union/programmes/{programme_id}"
    right = union.right_of(union.members[rows[0][1]], programme_id)
    body = {"kind": "withdraw", "entitlement_id": right["id"], "reason": "误报"}
    change = union.handler.post(f"{path}/changes", body).get_json()
    decide = f"{path}/changes/{change['id']}/decide"
    assert union.approver.post(decide, {"is_approved": False}).get_json()["state"] == "rejected"
    assert union.redeem(union.members[rows[0][1]], programme_id, packs[0]).status_code == 201
    union.run()
    audited()


def test_the_approver_is_warned_beyond_what_the_union_allows_itself(union, world):
    policy = {
        "annual_member_fen": 50_000,
        "festivals": ["春节", "中秋节"],
        "min_assistance_bps": 3000,
    }
    assert union.handler.put("/v1/union/policy", policy).status_code == 403
    assert union.approver.put("/v1/union/policy", policy).status_code == 200
    rows = union.people(2)
    packs = [union.pack(30_000)[0] for _ in range(2)]
    form = {"roster_id": union.roster(rows), "pack_ids": packs, "festival": "春节"}

    def warned(**more):
        draft = union.draft(**{**form, **more}).get_json()
        reply = union.handler.post(f"/v1/union/programmes/{draft['id']}/submit").get_json()
        return [each["code"] for each in reply["warnings"]]

    assert warned() == ["assistance_share", "assistance_share"]
    # The first counts already: a second one goes beyond the year.
    assert "annual_limit" in warned()
    assert "festival_not_listed" in warned(festival="情人节")


def test_subscribe_messages_are_sent_refused_and_tried_again(union, world):
    ask_mock(world, "reset")
    rows = union.people(3)
    packs = [union.pack(30_000)[0] for _ in range(2)]
    union.issued(roster_id=union.roster(rows), pack_ids=packs)
    path = "cgi-bin/message/subscribe/send"
    for kind in ("refused", "http_500"):
        ask_mock(world, "faults", {"path": path, "kind": kind, "times": 1})
    assert run_sweep(world, "send_wechat_messages") == 3
    states = sorted(row.state for row in select_rows(world, "SELECT state FROM wechat_message"))
    assert states == ["pending", "refused", "sent"]
    assert run_sweep(world, "send_wechat_messages") == 0
    execute_sql(world, "UPDATE wechat_message SET due_at = now() - interval '1 second'")
    assert run_sweep(world, "send_wechat_messages") == 1
    states = sorted(row.state for row in select_rows(world, "SELECT state FROM wechat_message"))
    assert states == ["refused", "sent", "sent"]
    sent = received_by_mock(world, path)
    assert len(sent) == 4
    # Refused by WeChat or not: in the app it stands.
    for row in rows:
        assert union.members[row[1]].get("/v1/store/notices").get_json()["items"]
