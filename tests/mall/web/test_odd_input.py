"""Input that no form would send is refused with an answer, never with 500."""

import pytest

from mall.web.bounds import is_too_deep
from tests.support.people import Person, new_member, new_staff
from tests.support.shop import new_sku, new_store, new_supplier

DIGITS = "9" * 5000
DEEP = "[" * 1000 + "]" * 1000


def bodies():
    yield "deep", DEEP
    yield "deeper-than-the-parser", "[" * 200_000
    yield "deep-in-a-field", '{"code": ' + DEEP + "}"
    yield "long-number", '{"code": ' + DIGITS + "}"
    yield "huge-exponent", '{"code": 1e999999}'
    yield "not-a-number", '{"code": NaN}'
    yield "half-a-pair", '{"code": "\\ud800"}'
    yield "nul", '{"code": "\\u0000"}'


@pytest.mark.parametrize(("body",), [pytest.param(body, id=name) for name, body in bodies()])
@pytest.mark.parametrize("path", ["/v1/store/session", "/v1/ops/session", "/v1/store/orders"])
def test_json_that_means_nothing_is_malformed(world, path, body):
    client = new_member(world, address=False)
    headers = {"Idempotency-Key": "a"}
    if not path.endswith("session"):
        headers["Authorization"] = f"Bearer {client.token}"
    reply = client.client.post(path, data=body, content_type="application/json", headers=headers)
    assert reply.status_code in (400, 422) or "u0000" in body, reply.get_data()
    assert reply.status_code < 500


def test_what_is_merely_long_or_only_looks_deep_is_taken(world):
    """Brackets within text, and a hundred lines of an order."""
    body = {"code": "[{" * 500 + "x"}
    assert Person(world.app).post("/v1/store/session", body).status_code in (201, 401, 422)
    assert not is_too_deep(b'{"a": [' + b'{"b": ["\\"]},' * 500 + b"]}")
    assert is_too_deep(b"[" * 33) and not is_too_deep(b"[" * 32)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/ops/assistance/" + DIGITS,
        "/v1/ops/assistance/２０２６",
        "/v1/store/products?limit=" + DIGITS,
        "/v1/store/products?limit=1e999999",
        "/v1/store/products?limit=²",
    ],
)
def test_numbers_that_nobody_writes_are_refused(world, path):
    assert new_staff(world, "operator").get(path).status_code in (400, 403, 404, 422)


@pytest.mark.parametrize("sign", ["é", "签名", "\ud7ff", "", "x" * 1000])
def test_a_signature_of_any_letters_is_only_wrong(world, sign):
    path = "/v1/webhooks/kuaidi100/019a3c5e-0000-7000-8000-000000000001"
    reply = Person(world.app).client.post(path, data={"param": "{}", "sign": sign})
    assert reply.status_code < 500


@pytest.mark.parametrize("tag", [DIGITS, "²", "１", "-1", "é", '"9' + DIGITS + '"'])
def test_a_version_that_can_be_none_is_another_one(world, tag):
    supplier_id = new_supplier(world)
    product_id, _ = new_sku(world, 1000, supplier_id=supplier_id)
    supplier = new_staff(world, "supplier", supplier_id)
    shown = supplier.get(f"/v1/supplier/products/{product_id}").get_json()
    reply = supplier.call(
        "PUT", f"/v1/supplier/products/{product_id}", shown, headers={"If-Match": tag}
    )
    assert reply.status_code in (412, 422), reply.get_data()


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "9999-12-25"])
def test_days_at_the_ends_of_the_calendar_are_refused_or_empty(world, day):
    path = f"/v1/store/stores/{new_store(world, new_supplier(world))}/slots?first={day}"
    assert Person(world.app).get(path).status_code in (200, 422)


@pytest.mark.parametrize("fen", [0, -1, 10**30])
def test_a_limit_that_cannot_be_is_refused_and_nothing_kept(union, fen):
    reply = union.approver.put("/v1/union/policy", {"annual_member_fen": fen})
    assert reply.status_code == 422, reply.get_data()
