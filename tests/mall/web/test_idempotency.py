"""One key, one effect."""

import secrets
from datetime import timedelta

import pytest
from sqlalchemy import text

from mall.kernel import clock
from mall.kernel.uow import unit_of_work
from tests.support.people import grant_beans, new_member, order_body
from tests.support.shop import new_sku
from tests.support.working import in_another_thread, lock_number, run_sweep


def orders_of(member):
    return member.get("/v1/store/orders").get_json()["items"]


def test_the_same_key_and_body_returns_the_first_answer(world, audited):
    """Case 10."""
    member = new_member(world, beans_fen=5000)
    body, key = order_body([new_sku(world, 1000)[1]], "beans", 1000), secrets.token_hex(8)
    first = member.post("/v1/store/orders", body, key)
    again = member.post("/v1/store/orders", body, key)
    assert (again.status_code, again.data) == (201, first.data)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(orders_of(member)) == 1
    audited()


def test_the_replay_answers_even_when_what_it_bought_with_is_gone(world):
    """Case 10: the first order emptied the purse, the cart and the shelf."""
    member = new_member(world, beans_fen=1000)
    _, sku = new_sku(world, 1000, 1)
    member.put(f"/v1/store/cart/{sku}", {"quantity": 1})
    body, key = {"tender": "beans", "quoted_total_fen": 1000}, secrets.token_hex(8)
    first = member.post("/v1/store/orders", body, key)
    again = member.post("/v1/store/orders", body, key)
    assert (first.status_code, again.data) == (201, first.data)


def test_the_same_key_with_another_body_is_refused(world):
    """Case 10."""
    member = new_member(world, beans_fen=5000)
    _, sku = new_sku(world, 1000)
    key = secrets.token_hex(8)
    assert member.post("/v1/store/orders", order_body([sku], "beans", 1000), key).status_code == 201
    reply = member.post("/v1/store/orders", order_body([sku], "mixed", 1000), key)
    assert (reply.status_code, reply.get_json()["code"]) == (422, "idempotency_key_reused")
    assert len(orders_of(member)) == 1


def test_the_order_of_a_bodys_members_does_not_matter(world):
    member = new_member(world, beans_fen=5000)
    body, key = order_body([new_sku(world, 1000)[1]], "beans", 1000), secrets.token_hex(8)
    first = member.post("/v1/store/orders", body, key)
    again = member.post("/v1/store/orders", dict(reversed(body.items())), key)
    assert again.data == first.data


def test_a_key_is_good_for_a_new_order_after_a_day(world, audited):
    """Case 10."""
    member = new_member(world, beans_fen=5000)
    body, key = order_body([new_sku(world, 1000)[1]], "beans", 1000), secrets.token_hex(8)
    first = member.post("/v1/store/orders", body, key).get_json()
    clock.freeze(clock.now() + timedelta(hours=23, minutes=59))
    assert member.post("/v1/store/orders", body, key).get_json() == first
    clock.freeze(clock.now() + timedelta(minutes=2))
    second = member.post("/v1/store/orders", body, key).get_json()
    assert second["order_id"] != first["order_id"]
    assert len(orders_of(member)) == 2
    audited()


def test_two_members_may_use_the_same_key(world):
    _, sku = new_sku(world, 1000)
    body, key = order_body([sku], "beans", 1000), secrets.token_hex(8)
    for _ in range(2):
        member = new_member(world, beans_fen=1000)
        assert member.post("/v1/store/orders", body, key).status_code == 201
        assert len(orders_of(member)) == 1


def test_a_refusal_is_not_kept_so_a_retry_may_succeed(world):
    member = new_member(world)
    body, key = order_body([new_sku(world, 1000)[1]], "beans", 1000), secrets.token_hex(8)
    assert member.post("/v1/store/orders", body, key).status_code == 409
    grant_beans(world, member, 1000)
    assert member.post("/v1/store/orders", body, key).status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 129, "tab\there"])
def test_a_missing_or_malformed_key_is_refused(world, key):
    member = new_member(world, beans_fen=1000)
    body = order_body([new_sku(world, 1000)[1]], "beans", 1000)
    reply = member.call("POST", "/v1/store/orders", body, headers={"Idempotency-Key": key})
    assert (reply.status_code, reply.get_json()["code"]) == (400, "idempotency_key_missing")
    assert orders_of(member) == []


def test_while_the_first_still_runs_the_second_is_told_so(world, audited):
    """Case 10: the lock that a running request holds is held here by hand."""
    member = new_member(world, beans_fen=1000)
    body, key = order_body([new_sku(world, 1000)[1]], "beans", 1000), secrets.token_hex(8)
    number = lock_number(member, "POST /v1/store/orders", key)
    with world.app.app_context(), unit_of_work() as uow:
        uow.session.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": number})
        reply = in_another_thread(lambda: member.post("/v1/store/orders", body, key))
        assert (reply.status_code, reply.get_json()["code"]) == (409, "idempotency_in_progress")
    assert member.get("/v1/store/beans").get_json()["balance_fen"] == 1000
    assert member.post("/v1/store/orders", body, key).status_code == 201
    audited()


def test_answers_past_their_time_are_forgotten(world):
    member = new_member(world, beans_fen=1000)
    member.post("/v1/store/orders", order_body([new_sku(world, 1000)[1]], "beans", 1000))
    clock.freeze(clock.now() + timedelta(days=2))
    assert run_sweep(world, "forget_old") >= 1
    assert run_sweep(world, "forget_old") == 0
