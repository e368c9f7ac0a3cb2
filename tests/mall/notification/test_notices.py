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
    ids = [world.supplier() for _ in range(2)]
    both = [new(SUPPLIER, each, "r-1") for each in ids]
    assert act(world, lambda uow: staff_notices.notify(uow, both)) == 2
    assert (
        act(world, lambda uow: staff_notices.notify(uow, [*both, new(SUPPLIER, ids[0], "r-2")]))
        == 1
    )
    assert act(world, lambda uow: staff_notices.notify(uow, [])) == 0
    first, second = (world.staff("supplier", each) for each in ids)
    assert [each["text"] for each in texts(first, "supplier")["items"]] == ["中文 r-2", "中文 r-1"]
    assert len(texts(second, "supplier")["items"]) == 1


def test_operators_share_theirs_and_nobody_elses(world):
    supplier = world.supplier()
    act(
        world,
        lambda uow: staff_notices.notify(uow, [new(OPS, None, "o"), new(SUPPLIER, supplier, "s")]),
    )
    for _ in range(2):
        found = texts(world.staff("operator"), "ops")["items"]
        assert [each["text"] for each in found] == ["中文 o"]
    english = world.staff("operator").call(
        "GET", "/v1/ops/notices", headers={"Accept-Language": "en"}
    )
    assert english.get_json()["items"][0]["text"] == "English o"


def test_pages_go_from_the_newest_and_what_was_seen_is_read(world):
    supplier_id = world.supplier()
    person = world.staff("supplier", supplier_id)
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
    people = [world.member() for _ in range(3)]
    notice = MemberNotice(
        "gift", "b-1", "已发放", "Issued", {"thing1": "长" * 30, "date2": "2027-01-01"}
    )

    def tell(which=people):
        act(world, lambda uow: member_notices.tell(uow, [UUID(each.id) for each in which], notice))

    world.mock("reset")
    return tell, people


def states(world):
    return sorted(row.state for row in world.rows("SELECT state FROM wechat_message"))


def test_members_are_told_once_and_what_wechat_takes_is_cut_to_its_length(world, told):
    tell, people = told
    tell(people[:2])
    tell()
    tell([])
    assert world.count("notice WHERE audience = 'store'") == 3
    [row, *_] = world.rows("SELECT data FROM wechat_message")
    assert row.data["thing1"]["value"] == "长" * member_notices.MAX_THING
    assert row.data["date2"]["value"] == "2027-01-01"


def test_a_message_is_given_up_after_so_many_attempts(world, told):
    tell, people = told
    tell(people[:1])
    world.mock("faults", {"path": PATH, "kind": "http_500", "times": 99})
    now = clock.now()
    for attempt in range(1, notification_rules.MAX_ATTEMPTS + 1):
        assert world.run_sweep("send_wechat_messages") == 1
        [row] = world.rows("SELECT state, attempts, due_at FROM wechat_message")
        is_last = attempt == notification_rules.MAX_ATTEMPTS
        assert (row.state, row.attempts) == ("failed" if is_last else "pending", attempt)
        # Not before its time.
        assert world.run_sweep("send_wechat_messages") == 0
        now += notification_rules.retry_after(attempt) + timedelta(seconds=1)
        clock.freeze(now)
    assert world.run_sweep("send_wechat_messages") == 0
    world.mock("faults/clear")


def test_whom_wechat_does_not_know_any_more_costs_no_call(world, told):
    tell, people = told
    tell()
    world.execute("UPDATE member SET is_active = false WHERE id = :id", id=people[0].id)
    assert world.run_sweep("send_wechat_messages") == 2
    assert states(world) == ["failed", "sent", "sent"]
    [row] = world.rows("SELECT reason, sent_at FROM wechat_message WHERE state = 'failed'")
    assert (row.reason, row.sent_at) == ("no openid", None)
    assert len(world.received(PATH)) == 2
    # In the app it stands for everybody.
    assert len(texts(people[1], "store")["items"]) == 1


def test_waiting_doubles_and_ends(world):
    waits = [
        notification_rules.retry_after(attempts).total_seconds() for attempts in (0, 1, 2, 8, 9, 50)
    ]
    assert waits == [30, 60, 120, 7680, 7680, 7680]


def test_a_members_notice_is_nobody_elses(world):
    mine, other = world.member(), world.member()
    act(world, lambda uow: staff_notices.notify(uow, [new(STORE, UUID(mine.id), "x")]))
    assert len(texts(mine, "store")["items"]) == 1
    assert texts(other, "store")["items"] == []
    body = {"up_to": str(uuid4())}
    assert other.post("/v1/store/notices/read", body).status_code in (200, 204)
    assert texts(mine, "store")["items"][0]["read_at"] is None
