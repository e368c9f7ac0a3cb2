"""Operators grant beans, bound to a scope or not."""

import secrets
from uuid import uuid4

import pytest

from tests.support.people import new_member, new_staff, order_body
from tests.support.shop import new_sku


def grant_body(members, **more):
    return {
        "member_ids": [member.id for member in members],
        "amount_fen": 5000,
        "expires_at": "2099-01-01T00:00:00Z",
        "programme": "春节慰问",
        "reference": secrets.token_hex(8),
        **more,
    }


def test_a_grant_reaches_every_member_once_for_one_key(world, audited):
    members, operator = [new_member(world), new_member(world)], new_staff(world, "operator")
    body, key = grant_body(members), secrets.token_hex(8)
    first = operator.post("/v1/ops/beans/grants", body, key)
    again = operator.post("/v1/ops/beans/grants", body, key)
    assert first.get_json()["total_fen"] == 10_000
    assert (again.data, again.headers["Idempotency-Replayed"]) == (first.data, "true")
    for member in members:
        assert member.get("/v1/store/beans").get_json()["balance_fen"] == 5000
    audited()


def test_the_same_voucher_number_never_grants_twice(world, audited):
    member, operator = new_member(world), new_staff(world, "operator")
    body = grant_body([member])
    assert operator.post("/v1/ops/beans/grants", body).status_code == 201
    reply = operator.post("/v1/ops/beans/grants", body)
    assert (reply.status_code, reply.get_json()["code"]) == (409, "grant_repeated")
    assert member.get("/v1/store/beans").get_json()["balance_fen"] == 5000
    audited()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"amount_fen": 0}, "amount_fen"),
        ({"amount_fen": -1}, "amount_fen"),
        ({"amount_fen": 1.5}, "amount_fen"),
        ({"amount_fen": 10**12}, "amount_fen"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "2099-01-01T00:00:00"}, "expires_at"),
        ({"member_ids": []}, "member_ids"),
        ({"scope_id": str(uuid4())}, "scope_id"),
        ({"programme": ""}, "programme"),
    ],
)
def test_a_bad_grant_names_its_field_and_gives_nothing(world, change, field):
    member, operator = new_member(world), new_staff(world, "operator")
    reply = operator.post("/v1/ops/beans/grants", grant_body([member], **change))
    assert (reply.status_code, reply.get_json()["field"]) == (422, field)
    assert member.get("/v1/store/beans").get_json()["balance_fen"] == 0


def test_an_unknown_member_stops_the_whole_grant(world):
    member, operator = new_member(world), new_staff(world, "operator")
    body = grant_body([member])
    body["member_ids"].append(str(uuid4()))
    reply = operator.post("/v1/ops/beans/grants", body)
    assert (reply.status_code, reply.get_json()["code"]) == (404, "not_found")
    assert member.get("/v1/store/beans").get_json()["balance_fen"] == 0


def test_beans_of_a_scope_pay_only_for_its_products(world, audited):
    member, operator = new_member(world), new_staff(world, "operator")
    inside, sku_inside = new_sku(world, 1000)
    _, sku_outside = new_sku(world, 1000)
    scope = {"name": secrets.token_hex(8), "product_ids": [str(inside)]}
    scope_id = operator.post("/v1/ops/beans/scopes", scope).get_json()["id"]
    assert operator.post("/v1/ops/beans/scopes", scope).get_json()["id"] == scope_id
    operator.post("/v1/ops/beans/grants", grant_body([member], scope_id=scope_id))
    refused = member.post("/v1/store/orders", order_body([sku_outside], "beans", 1000))
    assert refused.get_json()["code"] == "not_enough_beans"
    placed = member.post("/v1/store/orders", order_body([sku_inside], "beans", 1000))
    assert placed.status_code == 201
    audited()


def test_a_scope_once_frozen_never_changes(world):
    operator = new_staff(world, "operator")
    (first, _), (second, _) = new_sku(world, 1000), new_sku(world, 1000)
    name = secrets.token_hex(8)
    one = {"name": name, "product_ids": [str(first)]}
    assert operator.post("/v1/ops/beans/scopes", one).status_code == 201
    reply = operator.post("/v1/ops/beans/scopes", one | {"product_ids": [str(second)]})
    assert (reply.status_code, reply.get_json()["field"]) == (422, "name")
