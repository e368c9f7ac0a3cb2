"""What an operator does without HTTP."""

import json
import secrets
import subprocess

import pytest

from tests.support.database import execute_sql, findings_of, select_rows
from tests.support.people import accept_invitation, new_member, new_staff, second_operator
from tests.support.processes import MALL
from tests.support.selling import Sale


def test_an_import_shows_progress_and_a_summary_and_again_changes_nothing(world, command, tmp_path):
    lines = [
        {
            "source_id": str(number),
            "title": f"海味 {number}",
            "category": ["饮食", "海味"],
            "list_price_fen": 2000,
            "skus": [{"options": [], "price_fen": 1500, "stock": 3}],
        }
        for number in range(3)
    ]
    file = tmp_path / "goods.jsonl"
    text = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines)
    file.write_text(text + "\n{broken\n", encoding="utf-8")
    first = command("catalog", "import", str(file), "--supplier", "导入商")
    assert first.returncode == 1
    assert "4 lines: 3 created, 1 failed" in first.stdout
    assert "100%" in first.stdout
    assert "line 4:" in first.stderr
    file.write_text(text, encoding="utf-8")
    again = command("catalog", "import", str(file), "--supplier", "导入商")
    assert (again.returncode, "3 lines: 3 unchanged" in again.stdout) == (0, True)


def test_beans_beyond_what_one_person_may_give_in_a_day_are_proposed(world, command):
    """The command line is one person, whoever uses it."""
    member = new_member(world)
    for number, (yuan, word) in enumerate(((900, "granted"), (101, "proposed"), (100, "granted"))):
        grant = ["beans", "grant", member.id, str(yuan), "--expires", "2099-12-31"]
        done = command(*grant, "--programme", "慰问", "--reference", f"V-{number}")
        assert word in done.stdout, done.stderr
    assert member.get("/v1/store/beans").get_json()["balance_fen"] == 100_000
    [waits] = second_operator(world).get("/v1/ops/proposals?state=proposed").get_json()["items"]
    assert (
        second_operator(world).post(f"/v1/ops/proposals/{waits['id']}/confirm").status_code == 200
    )
    assert member.get("/v1/store/beans").get_json()["balance_fen"] == 110_100
    assert findings_of(world) == {}


def test_beans_are_granted_once_for_a_reference(world, command):
    member, reference = new_member(world), secrets.token_hex(6)
    grant = ["beans", "grant", member.id, "100", "--expires", "2099-12-31"]
    grant += ["--programme", "慰问", "--reference", reference]
    first = command(*grant)
    assert (first.returncode, "granted 100 beans" in first.stdout) == (0, True)
    again = command(*grant)
    assert again.returncode == 1
    assert "used before" in again.stderr
    purse = member.get("/v1/store/beans").get_json()
    assert purse["balance_fen"] == 10_000
    # The day named is the last one, whole, in Beijing.
    assert purse["lots"][0]["expires_at"].startswith("2099-12-31T16:00:00")


def test_granting_to_nobody_says_so(world, command):
    nobody = "019a3c5e-0000-7000-8000-000000000001"
    grant = ["beans", "grant", nobody, "1", "--expires", "2099-12-31"]
    done = command(*grant, "--programme", "x", "--reference", "x")
    assert (done.returncode, "no such member" in done.stderr) == (1, True)
    assert "Traceback" not in done.stderr


def link_of(done):
    return done.stdout.strip().splitlines()[-1]


def test_staff_accounts_are_opened_by_invitation_and_closed(world, command):
    opened = command("staff", "open", "newbie", "--role", "operator")
    assert (opened.returncode, "newbie (operator) is open" in opened.stdout) == (0, True)
    path, _, code = link_of(opened).partition("#")
    person = accept_invitation(world, "ops", "newbie", {"code": code})
    assert path == "/v1/ops/password/invitation"
    assert len(person.get("/v1/ops/account").get_json()["duties"]) == 7
    again = command("staff", "invite", "newbie")
    accept_invitation(world, "ops", "newbie", {"code": link_of(again).partition("#")[2]})
    assert person.get("/v1/ops/account").status_code == 401
    assert command("staff", "disable", "newbie").returncode == 0
    body = {"username": "newbie", "password": "another-horse-9"}
    assert world.app.test_client().post("/v1/ops/session", json=body).status_code == 401
    assert command("staff", "disable", "nobody").returncode == 1


def test_what_is_done_on_the_command_line_stands_in_the_journal(world, command):
    command("staff", "open", "newbie", "--role", "operator")
    member = new_member(world)
    grant = ["beans", "grant", member.id, "5", "--expires", "2099-12-31", "--programme", "慰问"]
    assert command(*grant, "--reference", "R-9").returncode == 0
    assert command("staff", "list").returncode != 0
    found = new_staff(world, "operator").get("/v1/ops/journal?audience=cli").get_json()["items"]
    assert [each["request"].split()[-2:] for each in found] == [
        ["beans", "grant"],
        ["staff", "open"],
    ]
    assert all(each["actor_name"].startswith("cli:") for each in found)
    assert found[0]["after"]["note 0"]["yuan"] == 5


def test_a_third_operator_needs_another_also_by_the_command_line(world, command):
    one, _ = new_staff(world, "operator"), new_staff(world, "operator")
    done = command("staff", "open", "third", "--role", "operator")
    assert (done.returncode, "proposed" in done.stdout) == (0, True)
    done = command("staff", "invite", one.username)
    assert (done.returncode, "proposed" in done.stdout, "#" in done.stdout) == (0, True, False)
    found = one.get("/v1/ops/accounts/changes").get_json()["items"]
    assert [each["kind"] for each in found] == ["invite", "open"]
    path = "/v1/ops/accounts/changes/{}/confirm"
    # One's own invitation is confirmed by the other one.
    assert one.post(path.format(found[0]["id"])).get_json()["code"] == "not_yourself"
    assert one.post(path.format(found[1]["id"])).get_json()["invitation"]["code"]


@pytest.mark.parametrize(
    ("arguments", "text", "said"),
    [
        (["staff", "open", "X", "--role", "operator"], "correct-horse-9", "User names are"),
        (["staff", "open", "abc", "--role", "supplier"], "correct-horse-9", "--scope"),
        (
            [
                "staff",
                "open",
                "abc",
                "--role",
                "operator",
                "--scope",
                "019a3c5e-0000-7000-8000-000000000001",
            ],
            "correct-horse-9",
            "--scope",
        ),
    ],
)
def test_a_bad_staff_account_is_refused_in_words(world, command, arguments, text, said):
    done = command(*arguments, text=f"{text}\n")
    assert done.returncode in (1, 2)
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_migrating_again_changes_nothing(world, command):
    done = command("migrate")
    assert (done.returncode, "newest migration" in done.stdout) == (0, True)


def test_without_a_database_the_command_says_what_is_missing(tmp_path):
    done = subprocess.run(
        [MALL, "audit"], cwd=tmp_path, env={"PATH": ""}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert "DATABASE_URL is not set" in done.stderr


def test_bills_are_fetched_and_matched_on_the_command_line(world, command):
    Sale(world)
    execute_sql(world, "UPDATE payment SET created_at = created_at - interval '3 days'")
    first = command("reconcile")
    assert (first.returncode, first.stderr) == (0, "")
    day, *_ = [row.day for row in select_rows(world, "SELECT day FROM bill ORDER BY day")]
    assert f"main {day}: 0 lines, 0 differences" in first.stdout
    assert "0 bills matched" in command("reconcile").stdout
    assert "1 bills matched" in command("reconcile", "--day", str(day)).stdout
    unknown = command("reconcile", "--day", "2020-01-01")
    assert (unknown.returncode, "no bill of main is known" in unknown.stderr) == (1, True)
