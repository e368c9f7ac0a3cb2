"""A roster's sheet is understood whatever a spreadsheet did to it, and waits for its people."""

import io

from openpyxl import load_workbook

from mall.kernel.sheets import writing
from tests.support.giving import Union
from tests.support.people import new_member
from tests.support.working import run_outbox, run_sweep


def notes_of(union, roster_id):
    items = union.handler.get(f"/v1/union/rosters/{roster_id}/notes").get_json()["items"]
    return {each["number"]: (each["problems"], each["warnings"]) for each in items}


def test_case_21_cells_are_cleaned_and_three_bad_rows_of_4000_are_told(union, world):
    rows = [(f"职工{n}", str(13_700_000_000 + n), f"{n:05d}", "", "") for n in range(4000)]
    rows[0] = ("陈 小 湛", "１３８００００００１１", "00000", "儿科", "1990-08-15")
    rows[1] = ("林雷州", 13800000012, 1, "", "")
    rows[10] = ("甲", rows[20][1], "00010", "", "")
    rows[30] = ("乙", "1380000", "00030", "", "")
    rows[40] = ("", rows[40][1], "00040", "", "")
    rows[50] = ("职工51", *rows[50][1:])
    roster_id = union.handler.post("/v1/union/rosters", {"name": "名册"}).get_json()["id"]
    found = union.send_roster(roster_id, rows)
    assert (found["state"], found["total_rows"], found["wrong_rows"]) == ("checked", 4000, 3)
    assert found["entry_count"] == 0
    notes = notes_of(union, roster_id)
    assert [number for number, (problems, _) in notes.items() if problems] == [22, 32, 42]
    assert notes[3][1] == ["工号 1 开头的 0 可能丢失，已补为 00001"]
    assert "同名" in notes[52][1][0]
    path = f"/v1/union/rosters/{roster_id}"
    assert union.handler.post(f"{path}/apply", {}).get_json()["code"] == "roster_has_problems"
    assert union.handler.post(f"{path}/apply", {"skips_wrong": True}).status_code == 202
    run_sweep(world, "work_rosters")
    first, second = union.handler.get(f"{path}/entries?limit=2").get_json()["items"]
    assert (first["name"], first["phone"], first["employee_no"]) == (
        "陈小湛",
        "138****0011",
        "00000",
    )
    assert (second["phone"], second["employee_no"]) == ("138****0012", "00001")
    again = union.send_roster(roster_id, [row for row in rows if row[0] not in ("", "甲", "乙")])
    assert (again["state"], again["entry_count"]) == ("ready", 3997)
    assert again["changes"]["removed"] == 0


def test_the_template_can_be_filled_in_and_the_report_names_each_row(union):
    template = union.handler.get("/v1/union/rosters/template.xlsx").data
    sheet = load_workbook(io.BytesIO(template)).worksheets[0]
    heads = [cell.value for cell in sheet[1]]
    roster_id = union.handler.post("/v1/union/rosters", {"name": "模板"}).get_json()["id"]
    path = f"/v1/union/rosters/{roster_id}"
    wrong = [("丁", "12345", "00009", "儿科", "1990-13-45")]
    union.send(f"{path}/sheet", writing.xlsx("名册", heads, wrong))
    run_sweep(union.world, "work_rosters")
    report = load_workbook(io.BytesIO(union.handler.get(f"{path}/report.xlsx").data)).active
    head, row = (list(each) for each in report.iter_rows(values_only=True))
    assert (head[0], row[0], row[1]) == ("行", 2, "丁")
    assert "手机号" in row[4] and "1990-13-45" in row[4]
    # The template as it comes, with its examples, is a roster that can be read.
    union.send(f"{path}/sheet", template)
    run_sweep(union.world, "work_rosters")
    assert union.handler.get(path).get_json()["state"] in ("ready", "checked")


def test_the_same_file_twice_changes_nothing_and_a_shorter_one_removes(union):
    rows = union.people(3, members_too=False)
    roster_id = union.roster(rows)
    assert union.send_roster(roster_id, rows)["changes"] == {
        "added": 0,
        "changed": 0,
        "removed": 0,
    }
    found = union.send_roster(roster_id, rows[:2])
    assert (found["entry_count"], found["changes"]["removed"]) == (2, 1)


def test_what_is_no_roster_is_refused_with_its_reason(union, world):
    roster_id = union.handler.post("/v1/union/rosters", {"name": "名册"}).get_json()["id"]
    content = writing.xlsx("名册", ("电话", "部门"), [("13800000001", "儿科")])
    union.send(f"/v1/union/rosters/{roster_id}/sheet", content)
    run_sweep(world, "work_rosters")
    found = union.handler.get(f"/v1/union/rosters/{roster_id}").get_json()
    assert (found["state"], found["problem"]["code"]) == ("failed", "sheet_refused")


def test_another_unions_roster_is_unknown(union, world):
    roster_id = union.roster(union.people(1, members_too=False))
    stranger = Union(world)
    assert stranger.handler.get(f"/v1/union/rosters/{roster_id}").status_code == 404


def test_only_who_handles_sends_a_roster(union):
    reply = union.approver.post("/v1/union/rosters", {"name": "名册"})
    assert (reply.status_code, reply.get_json()["code"]) == (403, "duty_missing")


def test_case_22_a_right_waits_and_is_claimed_at_the_first_login(union, audited, world):
    rows = union.people(2, members_too=False)
    packs = [union.pack(30_000)[0] for _ in range(2)]
    programme_id = union.issued(roster_id=union.roster(rows), pack_ids=packs)
    assert union.progress(programme_id)["waiting"] == 2
    person = union.member(rows[0][1])
    run_outbox(world)
    assert union.right_of(person, programme_id)["state"] == "open"
    assert union.redeem(person, programme_id, packs[0]).status_code == 201
    told = person.get("/v1/store/notices").get_json()["items"]
    assert [each["kind"] for each in told] == ["gift"]
    audited()


def test_case_22_by_employee_number_and_name_where_the_union_chose_so(union, world):
    roster_id = union.roster([("陈小湛", "", "00127", "", "")])
    person, wrong = new_member(world), new_member(world)
    body = {"union_code": union.code, "employee_no": "００127", "name": "陈 小湛"}
    assert person.put("/v1/store/me/employment", body).get_json()["code"] == "no_such_person"
    change = {"name": "工会", "claims_by_employee": True}
    assert union.operator.put(f"/v1/ops/unions/{union.id}", change).status_code == 200
    assert person.put("/v1/store/me/employment", body).get_json() == {"claimed": 1}
    found = union.handler.get(f"/v1/union/rosters/{roster_id}").get_json()
    assert found["claimed_count"] == 1
    for _ in range(5):
        wrong.put("/v1/store/me/employment", {**body, "name": "别人"})
    assert wrong.put("/v1/store/me/employment", body).get_json()["code"] == "too_many_tries"


def test_a_list_of_unions_is_imported_wholly_or_not_at_all(union):
    heads = ("工会代码", "工会名称", "上级代码")

    def send(rows):
        return union.operator.client.post(
            "/v1/ops/unions/import",
            data=writing.xlsx("工会", heads, rows),
            headers={"Authorization": f"Bearer {union.operator.token}"},
            content_type="application/octet-stream",
        )

    rows = [("T-2", "基层工会", "T-1"), ("T-1", "区总工会", "")]
    assert send(rows).get_json() == {"added": 2, "changed": 0, "unchanged": 0}
    assert send(rows).get_json() == {"added": 0, "changed": 0, "unchanged": 2}
    ring = send([("T-1", "区总工会", "T-2"), ("T-3", "新工会", "T-9")])
    assert (ring.status_code, ring.get_json()["code"]) == (422, "union_list_wrong")
    ring = send([("T-1", "区总工会", "T-2")])
    assert "环" in ring.get_json()["problems"][0]["text"]
