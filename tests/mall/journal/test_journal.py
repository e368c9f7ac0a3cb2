"""Every act of staff stands in the journal, as it was, for good."""

import io
import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import openpyxl
import pytest
from sqlalchemy.exc import DBAPIError

from mall.access import guard
from mall.journal import rules as journal_rules
from mall.journal import service as journal_service
from mall.journal.service import Act
from mall.kernel import clock
from mall.kernel.uow import Doer, unit_of_work
from mall.members.service import unions
from tests.mall.access.test_http import PASSWORD, sign_in
from tests.support.database import count_rows, execute_sql, select_rows
from tests.support.people import accept_invitation, at_once, new_member, new_staff
from tests.support.shop import new_store, new_supplier
from tests.support.working import in_another_thread, run_sweep

JOURNAL = "/v1/ops/journal"


@pytest.fixture
def operator(world):
    return new_staff(world, "operator")


def lines(operator, query=""):
    reply = operator.get(f"{JOURNAL}?limit=100{query}")
    assert reply.status_code == 200, reply.data.decode()
    return reply.get_json()["items"]


def close(operator, member, is_active=False):
    return operator.put(f"/v1/ops/members/{member.id}/state", {"is_active": is_active})


def test_an_act_is_written_down_with_who_what_on_what_before_and_after(world, operator):
    member = new_member(world)
    reply = close(operator, member)
    [line] = lines(operator)
    assert (line["actor_id"], line["actor_name"]) == (str(operator.id), operator.username)
    assert line["operation"] == "members_ops.set_state"
    assert line["request"] == f"PUT /v1/ops/members/{member.id}/state"
    assert line["objects"] == [member.id]
    assert line["given"] == {"is_active": False}
    assert line["before"][f"Member:{member.id}"]["is_active"] is True
    assert line["after"][f"Member:{member.id}"]["is_active"] is False
    assert (line["audience"], line["outcome"], line["address"]) == ("ops", "done", "127.0.0.1")
    assert line["request_id"] == reply.headers["X-Request-Id"]


def test_what_was_refused_is_written_down_with_the_reason(world, operator):
    member, clerk = new_member(world), new_staff(world, "operator", duties=["reviews"])
    assert close(clerk, member).status_code == 403
    [line] = lines(operator)
    assert (line["actor_id"], line["outcome"], line["after"]) == (
        str(clerk.id),
        "duty_missing",
        None,
    )


def test_an_act_that_is_undone_leaves_only_the_line_of_its_refusal(world, operator):
    body = {"code": "T-1", "name": "工会"}
    operator.post("/v1/ops/unions", body)
    assert operator.post("/v1/ops/unions", body).status_code == 409
    assert [each["outcome"] for each in lines(operator)] == ["union_code_taken", "done"]


def test_without_its_line_the_act_does_not_happen(world, operator, monkeypatch):
    member = new_member(world)

    def broken(*_):
        raise RuntimeError("no line")

    monkeypatch.setattr(journal_service, "write", broken)
    assert close(operator, member).status_code == 500
    assert member.get("/v1/store/me").status_code == 200


def test_every_audience_of_staff_is_written_down_and_no_member(world, union, operator):
    supplier_id = new_supplier(world)
    supplier = new_staff(world, "supplier", supplier_id)
    clerk = new_staff(world, "store_clerk", new_store(world, supplier_id))
    supplier.post("/v1/supplier/notices/read", {"up_to": str(operator.id)})
    union.handler.post("/v1/union/rosters", {"name": "名册"})
    clerk.post("/v1/pickup/vouchers/check", {"code": "0000000000"})
    new_member(world, beans_fen=100).post("/v1/store/addresses", {})
    assert {each["audience"] for each in lines(operator)} == {"supplier", "union", "pickup"}


def test_every_operation_of_staff_that_changes_something_leaves_a_line(app, world, operator):
    """Also of what it refuses: nothing here is right, and all of it was tried by somebody."""
    supplier_id = new_supplier(world)
    with app.app_context(), unit_of_work() as uow:
        union_id = unions.open_union(uow, "U-journal", "工会").id
    people = {
        "ops": operator,
        "union": new_staff(world, "union_officer", union_id, ["handles", "approves", "audits"]),
        "supplier": new_staff(world, "supplier", supplier_id),
        "pickup": new_staff(world, "store_clerk", new_store(world, supplier_id), ["manages"]),
    }
    asked = []
    # Signing out comes last.
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule.endswith("session")):
        audience = guard.audience_of(rule.rule)
        if audience not in people or app.view_functions[rule.endpoint].__dict__.get("_is_public"):
            continue
        path = re.sub(r"<int:[^>]+>", "2026", rule.rule)
        path = re.sub(r"<[^>]+>", str(supplier_id), path)
        for method in sorted(rule.methods - guard.READING):
            people[audience].call(method, path, {})
            asked.append(f"{method} {path}")
    assert len(asked) > 120
    found = {row.request for row in select_rows(world, "SELECT request FROM journal_line")}
    assert [each for each in asked if each not in found] == []


def test_signing_in_is_an_act_and_so_is_accepting_an_invitation(world, operator):
    sign_in(world, operator.username)
    account = new_staff(world, "supplier", new_supplier(world))
    path = f"/v1/ops/accounts/{account.id}/invitation"
    accept_invitation(
        world, "supplier", account.username, operator.post(path).get_json()["invitation"]
    )
    found = [(each["operation"], each["actor_id"]) for each in lines(operator)]
    assert ("access_ops.begin_session", str(operator.id)) in found
    assert ("account_supplier.accept", str(account.id)) in found


def test_no_password_code_secret_or_whole_phone_is_in_the_journal(world, operator):
    secrets_told = [PASSWORD, "another-horse-9", "13812345678", "4460000104999"]
    account = new_staff(world, "supplier", new_supplier(world))
    path = f"/v1/ops/accounts/{account.id}/invitation"
    invitation = operator.post(path).get_json()["invitation"]
    person = accept_invitation(world, "supplier", account.username, invitation)
    totp = operator.post("/v1/ops/totp", {"password": PASSWORD}).get_json()
    bank = {"bank": "农行", "account_name": "合作社", "account_number": "4460000104999"}
    contact = {"contact_name": "陈", "contact_phone": "13812345678", "settlement_account": bank}
    assert person.call("PUT", "/v1/supplier/profile", contact).status_code == 200
    secrets_told += [invitation["code"], totp["secret"]]
    rows = select_rows(world, "SELECT row_to_json(l)::text AS text FROM journal_line l")
    text = "".join(row.text for row in rows)
    assert [each for each in secrets_told if each in text] == []
    assert "138****5678" in text or "***5678" in text
    assert "***4999" in text


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ({"password": "x", "new_password": "y"}, {"password": "***", "new_password": "***"}),
        ({"code": "SP-1", "region_code": "440802"}, {"code": "***", "region_code": "440802"}),
        ({"note": "call 13812345678 now"}, {"note": "call 138****5678 now"}),
        ({"real_name": "陈小湛"}, {"real_name": "陈***"}),
        ({"nested": {"token": 5}}, {"nested": {"token": "***"}}),
        ({"text": "a\x00b"}, {"text": "ab"}),
        ({"a\x00\ud800": "b\ud800\x00"}, {"a?": "b?"}),
        (None, None),
    ],
)
def test_what_is_written_is_masked(value, written):
    assert journal_rules.written(value) == written


@pytest.mark.parametrize(
    "value", [list(range(10_000)), {str(n): "x" * 500 for n in range(500)}, [["x" * 300] * 50] * 50]
)
def test_what_is_written_is_bounded(value):
    assert len(str(journal_rules.written(value))) < 3 * journal_rules.MAX_BYTES


def deep(depth):
    return {"a": deep(depth - 1)} if depth else 1


def test_deep_values_end_somewhere():
    assert "…" in str(journal_rules.written(deep(200)))


def test_lines_are_found_by_actor_operation_object_audience_and_time(world, operator):
    other, member = new_staff(world, "operator"), new_member(world)
    close(operator, member)
    clock.shift(timedelta(hours=2))
    close(other, member, is_active=True)
    other.post("/v1/ops/unions", {"code": "T-2", "name": "工会"})
    wanted = {
        f"&actor_id={other.id}": 2,
        "&operation=members_ops.set_state": 2,
        f"&object={member.id}": 2,
        f"&object={member.id}&actor_id={other.id}": 1,
        "&audience=union": 0,
        f"&since={(clock.now() - timedelta(hours=1)).isoformat().replace('+00:00', 'Z')}": 2,
        f"&until={(clock.now() - timedelta(hours=1)).isoformat().replace('+00:00', 'Z')}": 1,
    }
    assert {query: len(lines(operator, query)) for query in wanted} == wanted
    first = operator.get(f"{JOURNAL}?limit=2").get_json()
    rest = operator.get(f"{JOURNAL}?limit=2&cursor={first['next_cursor']}").get_json()
    assert (len(first["items"]), len(rest["items"]), rest["next_cursor"]) == (2, 1, None)


def test_only_who_audits_reads_it(world):
    others = list(new_staff(world, "operator").get("/v1/ops/account").get_json()["duties"])
    others.remove("audits")
    person = new_staff(world, "operator", duties=others)
    for path in (JOURNAL, f"{JOURNAL}/export"):
        assert person.get(path).get_json()["code"] == "duty_missing"


def test_the_workbook_has_every_line_and_the_newest_seal(world, operator, monkeypatch):
    for _ in range(3):
        close(operator, new_member(world))
    run_sweep(world, "seal_journal")
    book = openpyxl.load_workbook(io.BytesIO(operator.get(f"{JOURNAL}/export").data))
    rows = list(book.active.values)
    assert len(rows) == 5
    newest = lines(operator)[0]
    assert rows[-1][-2:] == (3, newest["hash"])
    monkeypatch.setattr("mall.journal.ops_views.MAX_EXPORT", 2)
    assert operator.get(f"{JOURNAL}/export").get_json()["code"] == "journal_too_long"
    long = "?since=2026-01-01T00:00:00Z&until=2026-12-01T00:00:00Z"
    assert operator.get(f"{JOURNAL}/export{long}").get_json()["code"] == "journal_too_long"


def test_lines_are_sealed_once_in_a_chain_however_many_seal_and_write_at_once(world, audited):
    act = Act(Doer("ops", None, "somebody"), "test", "POST /v1/ops/test")

    def write(_):
        with world.app.app_context(), unit_of_work() as uow:
            journal_service.write(uow, act, None, {"n": 1}, "done")

    def seal():
        return run_sweep(world, "seal_journal")

    with ThreadPoolExecutor(8) as pool:
        written = [pool.submit(write, number) for number in range(40)]
        sealed = [pool.submit(seal) for _ in range(10)]
        assert [each.result(30) for each in written] == [None] * 40
        count = sum(each.result(30) for each in sealed)
    count += sum(at_once(seal, seal, seal))
    assert (count, count_rows(world, "journal_seal"), count_rows(world, "journal_pending")) == (
        40,
        40,
        0,
    )
    positions = [
        row.position for row in select_rows(world, "SELECT position FROM journal_seal ORDER BY 1")
    ]
    assert positions == list(range(1, 41))
    audited()


def test_a_line_that_commits_late_is_sealed_all_the_same(world, audited):
    act = Act(Doer("ops", None, "somebody"), "test", "POST /v1/ops/test")
    with world.app.app_context(), unit_of_work() as uow:
        journal_service.write(uow, act, None, None, "done")
        uow.session.flush()

        def another():
            with world.app.app_context(), unit_of_work() as other:
                journal_service.write(other, act, None, None, "done")
            return run_sweep(world, "seal_journal")

        assert in_another_thread(another) == 1
    assert run_sweep(world, "seal_journal") == 1
    audited()


@pytest.mark.parametrize("table", ["journal_line", "journal_seal"])
@pytest.mark.parametrize("how", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_nothing_is_taken_back(world, operator, table, how):
    close(operator, new_member(world))
    run_sweep(world, "seal_journal")
    column = "id" if table == "journal_line" else "position"
    with pytest.raises(DBAPIError, match="never changed"):
        execute_sql(world, how.replace("id = id", f"{column} = {column}").format(table))


def test_a_repeated_key_is_written_down_as_a_replay(world, operator):
    body = {
        "member_ids": [new_member(world).id],
        "amount_fen": 100,
        "expires_at": "2099-01-01T00:00:00Z",
        "programme": "慰问",
        "reference": "R-1",
    }
    replies = [operator.post("/v1/ops/beans/grants", body, "one-key") for _ in range(2)]
    assert [each.status_code for each in replies] == [201, 201], replies[0].data.decode()
    assert [each["outcome"] for each in lines(operator)] == ["replayed", "done"]


ODD = {
    "half a pair": "\ud800",
    "NUL": "a\x00b",
    "5,000 digits": 10**5000,
    "below 64 bits": -(2**70),
    "deep": {"\udfff": [{"x": "\ud83d"}]},
    "no number": float("nan"),
}


@pytest.mark.parametrize("what", ODD)
def test_whatever_was_given_can_be_written_down(what):
    """A refused request is written down as well, however odd what it says."""
    found = journal_rules.written({"name": ODD[what]})
    assert "\\u0000" not in json.dumps(found) and len(json.dumps(found)) < 300
    json.dumps(found).encode()
