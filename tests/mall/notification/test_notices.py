"""Notices reach whom they are for, once; WeChat messages are sent, given up, or tried again."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from mall.access.rules import OPS, STORE, SUPPLIER
from mall.kernel import clock
from mall.kernel.uow import unit_of_work
from mall.notification import rules as notification_rules
from mall.notification.rules import NewNotice
from mall.notification.service import member_notices, staff_notices
from mall.notification.service.member_notices import MemberNotice
from tests.support.database import count_rows, execute_sql, select_rows
from tests.support.people import new_member, new_staff
from tests.support.shop import new_supplier
from tests.support.wechat import ask_mock, received_by_mock
from tests.support.working import run_sweep

PATH = "cgi-bin/message/subscribe/send"


def act(world, work):
    with world.app.app_context(), unit_of_work() as uow:
        return work(uow)


def new(audience, scope_id, reference, kind="test"):
    return NewNotice(
        audience, scope_id, kind, reference, f"中文 {reference}", f"English {reference}"
    )


def texts(person, audience, **query):
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    return person.get(f"/v1/{audience}/notices?{asked}").get_json()


def test_a_reference_is_told_to_each_recipient_once(world):
    ids = [new_supplier(world) for _ in range(2)]
    both = [new(SUPPLIER, each, "r-1") for each in ids]
    assert act(world, lambda uow: staff_notices.notify(uow, both)) == 2
    assert (
        act(world, lambda uow: staff_notices.notify(uow, [*both, new(SUPPLIER, ids[0], "r-2")]))
        == 1
    )
    assert act(world, lambda uow: staff_notices.notify(uow, [])) == 0
    first, second = (new_staff(world, "supplier", each) for each in ids)
    assert [each["text"] for each in texts(first, "supplier")["items"]] == ["中文 r-2", "中文 r-1"]
    assert len(texts(second, "supplier")["items"]) == 1


def test_operators_share_theirs_and_nobody_elses(world):
    supplier = new_supplier(world)
    act(
        world,
        lambda uow: staff_notices.notify(uow, [new(OPS, None, "o"), new(SUPPLIER, supplier, "s")]),
    )
    for _ in range(2):
        found = texts(new_staff(world, "operator"), "ops")["items"]
        assert [each["text"] for each in found] == ["中文 o"]
    english = new_staff(world, "operator").call(
        "GET", "/v1/ops/notices", headers={"Accept-Language": "en"}
    )
    assert english.get_json()["items"][0]["text"] == "English o"


def test_pages_go_from_the_newest_and_what_was_seen_is_read(world):
    supplier_id = new_supplier(world)
    person = new_staff(world, "supplier", supplier_id)
    for number in range(5):
        act(
            world,
            lambda uow, n=number: staff_notices.notify(uow, [new(SUPPLIER, supplier_id, f"n{n}")]),
        )
    first = texts(person, "supplier", limit=2)
    rest = texts(person, "supplier", limit=9, cursor=first["next_cursor"])
    assert [each["text"][-1] for each in first["items"] + rest["items"]] == list("43210")
    seen = first["items"][1]["id"]
    for _ in range(2):
        assert person.post("/v1/supplier/notices/read", {"up_to": seen}).status_code in (200, 204)
    found = texts(person, "supplier", limit=9)["items"]
    assert [each["read_at"] is not None for each in found] == [False, True, True, True, True]


@pytest.fixture
def told(world):
    """Tell three members one thing; return a function that tells and the members."""
    people = [new_member(world) for _ in range(3)]
    notice = MemberNotice(
        "gift", "b-1", "已发放", "Issued", {"thing1": "长" * 30, "date2": "2027-01-01"}
    )

    def tell(which=people):
        act(world, lambda uow: member_notices.tell(uow, [UUID(each.id) for each in which], notice))

    ask_mock(world, "reset")
    return tell, people


def states(world):
    return sorted(row.state for row in select_rows(world, "SELECT state FROM wechat_message"))


def test_members_are_told_once_and_what_wechat_takes_is_cut_to_its_length(world, told):
    tell, people = told
    tell(people[:2])
    tell()
    tell([])
    assert count_rows(world, "notice WHERE audience = 'store'") == 3
    [row, *_] = select_rows(world, "SELECT data FROM wechat_message")
    assert row.data["thing1"]["value"] == "长" * member_notices.MAX_THING
    assert row.data["date2"]["value"] == "2027-01-01"


def test_a_message_is_given_up_after_so_many_attempts(world, told):
    tell, people = told
    tell(people[:1])
    ask_mock(world, "faults", {"path": PATH, "kind": "http_500", "times": 99})
    now = clock.now()
    for attempt in range(1, notification_rules.MAX_ATTEMPTS + 1):
        assert run_sweep(world, "send_wechat_messages") == 1
        [row] = select_rows(world, "SELECT state, attempts, due_at FROM wechat_message")
        is_last = attempt == notification_rules.MAX_ATTEMPTS
        assert (row.state, row.attempts) == ("failed" if is_last else "pending", attempt)
        # Not before its time.
        assert run_sweep(world, "send_wechat_messages") == 0
        now += notification_rules.retry_after(attempt) + timedelta(seconds=1)
        clock.freeze(now)
    assert run_sweep(world, "send_wechat_messages") == 0
    ask_mock(world, "faults/clear")


def test_whom_wechat_does_not_know_any_more_costs_no_call(world, told):
    tell, people = told
    tell()
    execute_sql(world, "UPDATE member SET is_active = false WHERE id = :id", id=people[0].id)
    assert run_sweep(world, "send_wechat_messages") == 2
    assert states(world) == ["failed", "sent", "sent"]
    [row] = select_rows(world, "SELECT reason, sent_at FROM wechat_message WHERE state = 'failed'")
    assert (row.reason, row.sent_at) == ("no openid", None)
    assert len(received_by_mock(world, PATH)) == 2
    # In the app it stands for everybody.
    assert len(texts(people[1], "store")["items"]) == 1


def test_waiting_doubles_and_ends(world):
    waits = [
        notification_rules.retry_after(attempts).total_seconds() for attempts in (0, 1, 2, 8, 9, 50)
    ]
    assert waits == [30, 60, 120, 7680, 7680, 7680]


def test_a_members_notice_is_nobody_elses(world):
    mine, other = new_member(world), new_member(world)
    act(world, lambda uow: staff_notices.notify(uow, [new(STORE, UUID(mine.id), "x")]))
    assert len(texts(mine, "store")["items"]) == 1
    assert texts(other, "store")["items"] == []
    body = {"up_to": str(uuid4())}
    assert other.post("/v1/store/notices/read", body).status_code in (200, 204)
    assert texts(mine, "store")["items"][0]["read_at"] is None
