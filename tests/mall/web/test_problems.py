"""Every failure is a problem document that a person understands."""

import json
from uuid import UUID

import pytest
from sqlalchemy import text

from mall.kernel.uow import unit_of_work
from search_index.rules import encode_cursor
from tests.support.people import Person, new_member, new_staff, order_body
from tests.support.shop import new_sku
from tests.support.working import in_another_thread


def cursor_of(price_fen):
    return encode_cursor(price_fen, UUID(int=1)) + "&sort=price_asc"


def test_the_language_follows_the_client(world):
    guest = Person(world.app)
    path = "/v1/store/me"
    chinese = guest.call("GET", path).get_json()
    english = guest.call("GET", path, headers={"Accept-Language": "en-GB,en;q=0.9"}).get_json()
    assert chinese["detail"] == chinese["detail_zh"] == "登录已失效，请重新登录。"
    assert english["detail"] == english["detail_en"] != english["detail_zh"]
    assert chinese["type"] == "urn:mall:problem:unauthenticated"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nowhere", 404, "not_found"),
        ("DELETE", "/v1/store/products", 405, "method_not_allowed"),
    ],
)
def test_what_the_framework_refuses_is_a_problem_too(world, method, path, status, code):
    reply = Person(world.app).call(method, path)
    assert (reply.status_code, reply.get_json()["code"]) == (status, code)
    assert reply.content_type == "application/problem+json"


@pytest.mark.parametrize("body", [b"{", b"[1]", b'"x"', b"\xff\xfe", b"null"])
def test_a_body_that_is_no_json_object_is_refused(world, body):
    member = new_member(world)
    headers = {"Authorization": f"Bearer {member.token}", "Content-Type": "application/json"}
    reply = member.client.post("/v1/store/checkout/quote", data=body, headers=headers)
    assert reply.status_code in (400, 422)
    assert reply.content_type == "application/problem+json"
    assert reply.get_json()["detail_zh"]


def test_a_body_of_another_type_is_refused(world):
    member = new_member(world)
    headers = {"Authorization": f"Bearer {member.token}", "Content-Type": "text/plain"}
    reply = member.client.post("/v1/store/addresses", data="{}", headers=headers)
    assert reply.status_code in (415, 422)


def test_a_body_over_four_megabytes_is_refused(world):
    member = new_member(world)
    reply = member.post("/v1/store/checkout/quote", {"note": "x" * (4 * 1024 * 1024 + 1)})
    assert (reply.status_code, reply.get_json()["code"]) == (413, "too_large")


def test_every_wrong_field_is_listed_in_both_languages(world):
    member = new_member(world)
    body = {"lines": [{"sku_id": "x", "quantity": 0}], "tender": "gold", "surprise": 1}
    problem = member.post("/v1/store/checkout/quote", body).get_json()
    found = {
        error["field"]: (error["detail_zh"], error["detail_en"]) for error in problem["errors"]
    }
    assert set(found) == {"lines.0.sku_id", "lines.0.quantity", "tender", "surprise"}
    for zh, en in found.values():
        assert any("\u4e00" <= character <= "\u9fff" for character in zh), zh
        assert en.isascii()


@pytest.mark.parametrize("text", ["\x00", "\ud800", "a\x00b"])
def test_text_that_cannot_be_stored_is_refused_wherever_it_comes(world, text):
    operator, guest = new_staff(world, "operator"), Person(world.app)
    member = new_member(world)

    def send(method, path, body):
        headers = {"Authorization": f"Bearer {operator.token}"} if "session" not in path else {}
        headers["Content-Type"] = "application/json"
        return guest.client.open(path, method=method, data=json.dumps(body), headers=headers)

    replies = [
        send("POST", "/v1/ops/session", {"username": text, "password": text}),
        send("POST", "/v1/ops/suppliers", {"name": f"x{text}"}),
        send("PUT", f"/v1/ops/members/{member.id}/real-name", {"real_name": text}),
        guest.client.get("/v1/store/products", query_string={"q": "x\x00"}),
        guest.client.get("/v1/store/products?cursor=" + cursor_of(10**30)),
    ]
    assert [reply.status_code for reply in replies] == [422, 422, 422, 200, 422]


@pytest.mark.parametrize("body", [b'{"note": NaN}', b'{"note": "\\ud800"}', b'{"note": Infinity}'])
def test_a_body_that_is_json_only_to_some_is_refused(world, body):
    member = new_member(world)
    headers = {"Authorization": f"Bearer {member.token}", "Idempotency-Key": "k"}
    headers["Content-Type"] = "application/json"
    reply = member.client.post("/v1/store/orders", data=body, headers=headers)
    assert reply.status_code in (400, 422)


def test_the_inside_never_shows(world, monkeypatch):
    member = new_member(world)
    monkeypatch.setattr(
        "orders.checkout.service.price", lambda *_: (_ for _ in ()).throw(KeyError("secret"))
    )
    reply = member.post("/v1/store/orders", order_body([new_sku(world, 1000)[1]], "beans", 1000))
    assert (reply.status_code, reply.get_json()["code"]) == (500, "internal_error")
    assert b"secret" not in reply.data


def test_a_lock_that_is_not_given_answers_busy(world):
    member = new_member(world)
    _, sku = new_sku(world, 1000)
    order = member.post("/v1/store/orders", order_body([sku], "wechat", 1000)).get_json()
    path = f"/v1/store/orders/{order['order_id']}/payments"
    with world.app.app_context(), unit_of_work() as uow:
        uow.session.execute(
            text("SELECT 1 FROM shop_order WHERE id = :id FOR UPDATE"),
            {"id": order["order_id"]},
        )
        reply = in_another_thread(lambda: member.post(path, {}))
    assert (reply.status_code, reply.get_json()["code"]) == (503, "busy")
    assert reply.headers["Retry-After"] == "1"


def test_every_reply_carries_a_request_id_and_keeps_a_given_one(world):
    guest = Person(world.app)
    assert len(guest.get("/healthz").headers["X-Request-Id"]) == 32
    given = guest.call("GET", "/healthz", headers={"X-Request-Id": "abc-12345678"})
    assert given.headers["X-Request-Id"] == "abc-12345678"
    forged = guest.call("GET", "/healthz", headers={"X-Request-Id": "a b\tc"})
    assert forged.headers["X-Request-Id"] != "a b\tc"
