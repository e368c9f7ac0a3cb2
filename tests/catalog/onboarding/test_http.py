"""Suppliers apply, show documents, are reviewed, and feel it when a document ends."""

import secrets
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from mall.kernel import clock
from mall.kernel.clock import beijing_day
from mall.kernel.text import canonical
from mall.web.replies import shop_window
from tests.support.database import count_rows, execute_sql
from tests.support.people import (
    Person,
    accept_invitation,
    at_once,
    new_member,
    new_staff,
    order_body,
    second_operator,
)
from tests.support.shop import new_sku, new_supplier
from tests.support.working import run_outbox, run_sweep

PDF = b"%PDF-1.7 licence"
APPROVE = {"decision": "approve"}


def application(**change):
    name = f"s{secrets.token_hex(5)}"
    body = {
        "name": f"合作社 {name}",
        "contact_name": "陈小湛",
        "contact_phone": "13800000001",
        "username": name,
        "password": "correct-horse-9",
    }
    return body | change


def applied(world):
    """Return a supplier that has applied, signed in."""
    body, guest = application(), Person(world.app)
    supplier_id = guest.post("/v1/supplier/applications", body).get_json()["supplier_id"]
    who = {"username": body["username"], "password": body["password"]}
    token = guest.post("/v1/supplier/session", who).get_json()["token"]
    return Person(world.app, token, supplier_id)


def document(supplier, content=PDF):
    headers = {"Authorization": f"Bearer {supplier.token}", "Content-Type": "application/pdf"}
    return supplier.client.post("/v1/supplier/documents", data=content, headers=headers)


def qualify(world, supplier, kind="business_licence", until="2030-12-31", **more):
    """Hand a qualification in and let an operator accept it; return its id."""
    body = {
        "kind": kind,
        "number": "440825000012345",
        "valid_from": "2020-01-01",
        "valid_until": until,
        "document_id": document(supplier).get_json()["id"],
        **({"region_code": "440825"} if kind == "assistance" else {}),
        **more,
    }
    made = supplier.post("/v1/supplier/qualifications", body).get_json()
    operator = new_staff(world, "operator")
    path = f"/v1/ops/qualifications/{made['id']}/review"
    assert operator.post(path, APPROVE).get_json()["state"] == "approved"
    return made["id"]


def test_a_merchant_applies_is_sent_back_improves_and_is_approved(world):
    supplier, operator = applied(world), new_staff(world, "operator")
    path = f"/v1/ops/suppliers/{supplier.id}/review"
    assert operator.post(path, APPROVE).get_json()["code"] == "application_not_submitted"
    assert supplier.post("/v1/supplier/profile/submit").get_json()["submitted_at"]
    waiting = operator.get("/v1/ops/supplier-applications").get_json()["items"]
    assert [each["id"] for each in waiting] == [supplier.id]
    assert operator.post(path, APPROVE).get_json()["code"] == "qualification_missing"
    reason = {"field": "business_licence", "text": "请上传营业执照"}
    back = operator.post(path, {"decision": "reject", "reasons": [reason]}).get_json()
    assert (back["state"], back["submitted_at"]) == ("applied", None)
    assert supplier.get("/v1/supplier/profile").get_json()["review_reasons"] == [reason]
    qualify(world, supplier)
    supplier.post("/v1/supplier/profile/submit")
    rejected = {"decision": "reject", "reasons": [reason], "commission_bps": 500}
    assert operator.post(path, rejected).get_json()["field"] == "commission_bps"
    done = operator.post(path, APPROVE).get_json()
    assert (done["state"], done["commission_bps"], done["review_reasons"]) == ("active", 0, [])
    told = supplier.get("/v1/supplier/notices").get_json()["items"]
    assert [each["kind"] for each in told] == ["review_decided"] * 3
    assert "请上传营业执照" in told[-1]["text"]


def test_a_first_commission_other_than_the_platforms_takes_two_persons(world, app, audited):
    settings = app.extensions["mall_settings"]
    object.__setattr__(settings, "default_commission_bps", 300)
    try:
        supplier, operator = applied(world), new_staff(world, "operator")
        qualify(world, supplier)
        supplier.post("/v1/supplier/profile/submit")
        path = f"/v1/ops/suppliers/{supplier.id}"
        done = operator.post(f"{path}/review", {**APPROVE, "commission_bps": 0}).get_json()
    finally:
        object.__setattr__(settings, "default_commission_bps", 0)
    shown = ("state", "commission_bps", "proposed_commission_bps")
    assert [done[name] for name in shown] == ["active", 300, 0]
    assert supplier.get("/v1/supplier/profile").get_json()["proposed_commission_bps"] == 0
    [waiting] = operator.get("/v1/ops/proposals?state=proposed").get_json()["items"]
    confirm = f"/v1/ops/proposals/{waiting['id']}/confirm"
    assert operator.post(confirm).get_json()["code"] == "same_person"
    assert operator.get(f"{path}/commission").get_json()["items"] == []
    # However long it waits, it begins on the day after it is confirmed.
    clock.freeze(clock.now() + timedelta(days=2))
    assert second_operator(world).post(confirm).status_code == 200
    [rate] = operator.get(f"{path}/commission").get_json()["items"]
    tomorrow = beijing_day(clock.now()) + timedelta(days=1)
    assert (rate["commission_bps"], rate["from_on"]) == (0, str(tomorrow))
    audited()


def test_who_only_applied_sells_nothing(world):
    supplier = applied(world)
    product_id, sku = new_sku(world, 1000, 5, supplier.id)
    member = new_member(world, beans_fen=5000)
    assert member.get(f"/v1/store/products/{product_id}").status_code == 404
    assert member.post("/v1/store/orders", order_body([sku], total_fen=1000)).status_code == 409


def test_a_rejection_needs_a_reason(world):
    reply = new_staff(world, "operator").post(
        f"/v1/ops/suppliers/{new_supplier(world)}/review", {"decision": "reject"}
    )
    assert (reply.status_code, reply.get_json()["field"]) == (422, "reasons")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"username": "X"}, "invalid"),
        ({"password": "short"}, "validation_failed"),
        ({"contact_phone": "phone"}, "validation_failed"),
    ],
)
def test_a_wrong_application_opens_nothing(world, change, code):
    reply = Person(world.app).post("/v1/supplier/applications", application(**change))
    assert (reply.status_code, reply.get_json()["code"]) == (422, code)
    assert count_rows(world, "supplier") == count_rows(world, "staff_account") == 0


def test_a_name_and_a_user_name_are_taken_once(world):
    body, guest = application(), Person(world.app)
    guest.post("/v1/supplier/applications", body)
    again = guest.post("/v1/supplier/applications", body).get_json()
    other = guest.post("/v1/supplier/applications", body | {"name": "另一家"}).get_json()
    assert (again["code"], other["code"]) == ("supplier_name_taken", "username_taken")
    assert count_rows(world, "supplier") == 1


# Documents and qualifications


def test_a_document_is_read_by_its_supplier_and_operators_only(world):
    supplier, stranger = applied(world), applied(world)
    made = document(supplier).get_json()["id"]
    path = f"/v1/supplier/documents/{made}"
    assert supplier.get(path).data == PDF
    assert supplier.get(path).headers["Content-Disposition"].startswith("attachment")
    assert stranger.get(path).status_code == 404
    assert new_staff(world, "operator").get(f"/v1/ops/documents/{made}").data == PDF
    assert Person(world.app).get(f"/media/documents/{supplier.id}/{made}.pdf").status_code == 404


@pytest.mark.parametrize("content", [b"", b"MZ\x90", b"<html>", b"PK\x03\x04"])
def test_what_is_no_document_is_refused(world, content):
    reply = document(applied(world), content)
    assert (reply.status_code, reply.get_json()["code"]) == (422, "document_refused")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"valid_until": "2019-12-31"}, "valid_until"),
        ({"valid_until": "2026-01-01", "valid_from": "2026-02-01"}, "valid_until"),
        ({"kind": "assistance", "region_code": None}, "region_code"),
        ({"region_code": "999999"}, "region_code"),
        ({"document_id": "019a3c5e-0000-7000-8000-000000000001"}, "document_id"),
    ],
)
def test_a_wrong_qualification_is_refused(world, change, field):
    supplier = applied(world)
    body = {"kind": "business_licence", "number": "1", "valid_from": "2020-01-01"}
    made = document(supplier).get_json()["id"]
    reply = supplier.post("/v1/supplier/qualifications", {**body, "document_id": made, **change})
    assert reply.get_json()["field"] == field
    assert supplier.get("/v1/supplier/qualifications").get_json()["items"] == []


def test_a_qualification_is_decided_once(world):
    supplier, operator = applied(world), new_staff(world, "operator")
    made = qualify(world, supplier)
    reason = [{"field": "number", "text": "不符"}]
    reply = operator.post(
        f"/v1/ops/qualifications/{made}/review", {"decision": "reject", "reasons": reason}
    )
    assert reply.get_json()["code"] == "wrong_state"


def test_what_ends_soon_is_listed_and_announced_at_each_call_once(world):
    supplier, operator = applied(world), new_staff(world, "operator")
    clock.freeze(datetime(2026, 11, 1, 4, tzinfo=UTC))
    execute_sql(world, "UPDATE supplier SET state = 'active'")
    qualify(world, supplier, "food_licence", "2026-12-15")
    path = "/v1/ops/qualifications?ending_within_days="
    assert operator.get(f"{path}30").get_json()["items"] == []
    assert len(operator.get(f"{path}60").get_json()["items"]) == 1
    told = {}
    for day in (16, 17, 40, 44, 45):
        clock.freeze(datetime(2026, 11, 1, 4, tzinfo=UTC) + timedelta(days=day))
        told[day] = [run_sweep(world, "announce_endings") for _ in range(2)]
    # 30 days before, 7 days before, and on the last day: the supplier and the operators.
    assert told == {16: [2, 0], 17: [0, 0], 40: [2, 0], 44: [2, 0], 45: [0, 0]}
    notices = supplier.get("/v1/supplier/notices").get_json()["items"]
    ending = [each for each in notices if each["kind"] == "qualification_ending"]
    assert len(ending) == 3 and "2026-12-15" in ending[0]["text"]


def test_a_renewed_qualification_is_not_announced(world):
    supplier = applied(world)
    clock.freeze(datetime(2026, 12, 1, 4, tzinfo=UTC))
    execute_sql(world, "UPDATE supplier SET state = 'active'")
    qualify(world, supplier, "food_licence", "2026-12-15")
    qualify(world, supplier, "food_licence", "2027-12-15")
    assert run_sweep(world, "announce_endings") == 0
    path = "/v1/ops/qualifications?ending_within_days=60"
    assert new_staff(world, "operator").get(path).get_json()["items"] == []


def test_qualification_expires(world):
    """Case 31: pavilion products disappear from sale the same night, open orders go on."""
    supplier_id = applied(world).id
    execute_sql(world, "UPDATE supplier SET state = 'active'")
    clock.freeze(datetime(2026, 12, 31, 15, 30, tzinfo=UTC))  # 23:30 in Beijing
    supplier = new_staff(world, "supplier", supplier_id)
    qualify(world, supplier, "assistance", "2026-12-31")
    pavilion, sku = new_sku(world, 1000, 5, supplier_id, is_pavilion=True)
    plain, _ = new_sku(world, 1000, 5, supplier_id)
    member = new_member(world, beans_fen=5000)
    placed = member.post("/v1/store/orders", order_body([sku], total_fen=1000))
    assert placed.status_code == 201
    clock.freeze(datetime(2026, 12, 31, 16, 0, tzinfo=UTC))  # midnight
    assert run_sweep(world, "withhold_unqualified") == 1
    assert run_sweep(world, "withhold_unqualified") == 0
    shop_window.clear()
    assert member.get(f"/v1/store/products/{pavilion}").status_code == 404
    assert member.get(f"/v1/store/products/{plain}").status_code == 200
    refused = member.post("/v1/store/orders", order_body([sku], total_fen=1000))
    assert refused.get_json()["code"] == "lines_unavailable"
    own = supplier.get(f"/v1/supplier/products/{pavilion}").get_json()
    assert (own["state"], own["withheld_for"]) == ("published", "assistance")
    run_outbox(world)
    parts = supplier.get("/v1/supplier/fulfillment-orders").get_json()["items"]
    parcel = {"carrier": "sf", "tracking_no": "SF1234567890123"}
    shipped = supplier.post(f"/v1/supplier/fulfillment-orders/{parts[0]['id']}/shipments", parcel)
    assert shipped.status_code == 201
    qualify(world, supplier, "assistance", "2027-12-31")
    run_outbox(world)
    shop_window.clear()
    assert member.get(f"/v1/store/products/{pavilion}").status_code == 200


def test_food_is_sold_only_under_a_food_licence(world):
    supplier, operator = applied(world), new_staff(world, "operator")
    execute_sql(world, "UPDATE supplier SET state = 'active'")
    product, _ = new_sku(world, 1000, 5, supplier.id)
    made = operator.post("/v1/ops/categories", {"path": ["测试"]}).get_json()["id"]
    change = {"name": "测试", "needs_food_licence": True}
    assert operator.put(f"/v1/ops/categories/{made}", change).status_code == 200
    run_outbox(world)
    guest = Person(world.app)
    assert guest.get(f"/v1/store/products/{product}").status_code == 404
    qualify(world, supplier, "food_licence")
    run_outbox(world)
    assert guest.get(f"/v1/store/products/{product}").status_code == 200


def test_a_suspended_supplier_sells_nothing_new_and_ships_what_is_open(world):
    supplier_id = new_supplier(world)
    supplier, operator = new_staff(world, "supplier", supplier_id), new_staff(world, "operator")
    product, sku = new_sku(world, 1000, 5, supplier_id)
    member = new_member(world, beans_fen=5000)
    member.post("/v1/store/orders", order_body([sku], total_fen=1000))
    run_outbox(world)
    operator.put(f"/v1/ops/suppliers/{supplier_id}/state", {"state": "suspended"})
    assert member.get(f"/v1/store/products/{product}").status_code == 404
    assert member.post("/v1/store/orders", order_body([sku], total_fen=1000)).status_code == 409
    [part] = supplier.get("/v1/supplier/fulfillment-orders").get_json()["items"]
    parcel = {"carrier": "sf", "tracking_no": "SF1234567890123"}
    path = f"/v1/supplier/fulfillment-orders/{part['id']}/shipments"
    assert supplier.post(path, parcel).status_code == 201


# Users


def test_a_supplier_has_several_users_and_closes_one_at_once(world):
    supplier = applied(world)
    body = {"username": f"u{secrets.token_hex(5)}"}
    made = supplier.post("/v1/supplier/users", body).get_json()
    second = accept_invitation(world, "supplier", body["username"], made["invitation"])
    assert second.get("/v1/supplier/profile").get_json()["id"] == supplier.id
    users = supplier.get("/v1/supplier/users").get_json()["items"]
    assert {each["username"] for each in users} >= {body["username"]}
    again = supplier.post("/v1/supplier/users", body).get_json()["code"]
    assert again == "username_taken"
    stranger = applied(world)
    assert stranger.delete(f"/v1/supplier/users/{made['id']}").status_code == 404
    assert second.delete(f"/v1/supplier/users/{made['id']}").get_json()["code"] == "not_yourself"
    assert supplier.delete(f"/v1/supplier/users/{made['id']}").status_code == 204
    assert second.get("/v1/supplier/profile").status_code == 401


def test_notices_are_marked_read_for_their_recipient_only(world):
    supplier, other = applied(world), applied(world)
    qualify(world, supplier)
    qualify(world, other)
    [notice] = supplier.get("/v1/supplier/notices").get_json()["items"]
    for _ in range(2):
        reply = other.post("/v1/supplier/notices/read", {"up_to": notice["id"]})
        assert reply.status_code == 204
    assert supplier.get("/v1/supplier/notices").get_json()["items"][0]["read_at"] is None
    supplier.post("/v1/supplier/notices/read", {"up_to": notice["id"]})
    assert supplier.get("/v1/supplier/notices").get_json()["items"][0]["read_at"]


def test_a_profile_names_a_known_region(world):
    supplier = applied(world)
    body = {"contact_name": "陈", "contact_phone": "0759-1234567", "origin_region_code": "440825"}
    assert supplier.put("/v1/supplier/profile", body).get_json()["origin_region_code"] == "440825"
    wrong = supplier.put("/v1/supplier/profile", body | {"origin_region_code": "999999"})
    assert (wrong.status_code, wrong.get_json()["field"]) == (404, "origin_region_code")
    assert supplier.get("/v1/supplier/profile").get_json()["origin_region_code"] == "440825"


# Strangers


def apply_from(world, address, **change):
    client = world.app.test_client()
    return client.post(
        "/v1/supplier/applications",
        json=application(**change),
        environ_base={"REMOTE_ADDR": address},
    )


def numbered(count):
    return [{"contact_phone": f"138{n:08d}"} for n in range(count)]


def test_one_stranger_does_not_use_up_everybodys_applications(world):
    """By network: the eleventh of a day is refused, wherever in it it comes from."""
    replies = [apply_from(world, f"8.8.8.{n}", **each) for n, each in enumerate(numbered(12))]
    assert [reply.status_code for reply in replies] == [201] * 10 + [429] * 2
    assert replies[-1].get_json()["code"] == "too_many_applications"
    assert apply_from(world, "8.8.9.1", contact_phone="13911111111").status_code == 201
    clock.shift(timedelta(days=1, minutes=1))
    assert apply_from(world, "8.8.8.8", contact_phone="13911111112").status_code == 201


def test_an_address_of_ones_own_proxy_limits_nobody(world):
    replies = [apply_from(world, "10.0.0.7", **each) for each in numbered(12)]
    assert {reply.status_code for reply in replies} == {201}


def test_one_phone_has_three_undecided_applications_however_it_is_written(world):
    ways = ("13800000001", "+86 138 0000 0001", "138-0000-0001")
    assert [canonical.digits(way) for way in ways] == ["13800000001"] * 3
    for number in range(3):
        assert apply_from(world, f"9.9.{number}.9").status_code == 201
    refused = apply_from(world, "9.9.8.9")
    assert (refused.status_code, refused.get_json()["field"]) == (429, "contact_phone")


def test_a_name_is_applied_for_once_however_it_is_written(world):
    assert apply_from(world, "9.9.1.9", name="湛江 Seafood 合作社").status_code == 201
    for name in ("湛江Seafood合作社", "湛江　ｓｅａｆｏｏｄ 合作社", "湛江 SEAFOOD 合作社"):
        refused = apply_from(world, "9.9.2.9", name=name, contact_phone="13900000000")
        assert refused.get_json()["code"] == "supplier_name_taken", name


def test_a_name_that_a_stranger_took_is_free_again_after_a_month(world):
    assert apply_from(world, "9.9.1.9", name="占名合作社").status_code == 201
    clock.shift(timedelta(days=29))
    assert run_sweep(world, "give_up_applications") == 0
    clock.shift(timedelta(days=31))
    assert run_sweep(world, "give_up_applications") == 1
    assert apply_from(world, "9.9.2.9", name="占名合作社").status_code == 201


def test_limits_hold_for_applications_at_the_same_instant(world):
    acts = [
        lambda n=n: apply_from(world, "8.8.8.8", contact_phone=f"137{n:08d}") for n in range(14)
    ]
    replies = at_once(*acts)
    assert sorted(reply.status_code for reply in replies) == [201] * 10 + [429] * 4


UPLOADS = ("images", "uploads", "uploads/{id}/images", "parcel-sheet")


@pytest.mark.parametrize("path", UPLOADS)
def test_an_applicant_uploads_nothing_but_documents(world, path):
    supplier = applied(world)
    headers = {"Authorization": f"Bearer {supplier.token}"}
    url = f"/v1/supplier/{path.format(id=uuid4())}"
    # The session of a closed one has ended with it.
    for state, answer in (
        ("applied", (403, "supplier_not_approved")),
        ("closed", (401, "unauthenticated")),
    ):
        execute_sql(world, f"UPDATE supplier SET state = '{state}'")
        reply = supplier.client.post(url, data=b"PK\x03\x04", headers=headers)
        assert (reply.status_code, reply.get_json()["code"]) == answer
    execute_sql(world, "UPDATE supplier SET state = 'applied'")
    assert document(supplier).status_code == 201
    execute_sql(world, "UPDATE supplier SET state = 'active'")
    reply = supplier.client.post(url, data=b"PK\x03\x04", headers=headers)
    assert reply.status_code != 403


def test_every_upload_of_a_supplier_but_documents_asks_whether_it_is_approved(app):
    """A new upload must be told apart, too."""
    takes = {
        str(rule)
        for rule in app.url_map.iter_rules()
        if str(rule).startswith("/v1/supplier/")
        and hasattr(app.view_functions[rule.endpoint], "_takes_file")
    }
    known = {f"/v1/supplier/{path.format(id='<uuid:upload_id>')}" for path in UPLOADS}
    assert takes == known | {"/v1/supplier/documents"}
