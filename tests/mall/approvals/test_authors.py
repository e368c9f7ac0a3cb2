"""Whoever touched what is approved does not approve it, by whatever account."""

import secrets
from datetime import timedelta

import pytest

from mall.kernel import clock
from mall.kernel.clock import beijing_day
from mall.kernel.sheets import writing
from tests.support.database import execute_sql, select_rows
from tests.support.giving import HEADS
from tests.support.people import new_staff, second_operator
from tests.support.shop import new_sku, new_supplier, qualify
from tests.support.working import run_sweep

PHONE = "13812340000"
APPROVE = {"decision": "approve"}


@pytest.fixture
def author(world, union):
    """An officer whose other account approves."""
    return new_staff(world, "union_officer", union.id, ["handles"], phone=PHONE)


@pytest.fixture
def twin(world, union):
    return new_staff(world, "union_officer", union.id, ["approves"], phone=PHONE)


def approve(who, submitted):
    body = {
        "content_hash": submitted["content_hash"],
        "acknowledged_warnings": [each["code"] for each in submitted["warnings"]],
    }
    return who.post(f"/v1/union/programmes/{submitted['id']}/approve", body)


def submitted(union, **form):
    path = f"/v1/union/programmes/{union.draft(**form).get_json()['id']}"
    reply = union.handler.post(f"{path}/submit")
    assert reply.status_code == 200, reply.get_json()
    return reply.get_json()


def products(union):
    return [{"product_id": str(new_sku(union.world, 1000, 9)[0])} for _ in range(2)]


def touch_roster(union, author, form, rows):
    path = f"/v1/union/rosters/{form['roster_id']}/sheet"
    author.client.post(
        path,
        data=writing.xlsx("名册", HEADS, rows),
        headers={"Authorization": f"Bearer {author.token}"},
        content_type="application/octet-stream",
    )
    run_sweep(union.world, "work_rosters")


def touch_pack(union, author, form, rows):
    path = f"/v1/union/packs/{form['pack_ids'][0]}"
    found = author.get(path).get_json()
    parts = [{name: each[name] for name in ("sku_id", "quantity")} for each in found["parts"]]
    body = {"title": f"{found['title']} 甲", "parts": parts}
    assert author.put(path, body).status_code == 200


def touch_selection(union, author, form, rows):
    path = f"/v1/union/selections/{form['selection_id']}"
    assert author.put(path, {"items": products(union)}).status_code == 200


def touch_programme(union, author, form, rows):
    """Write into the draft itself; tried by hand below."""


TOUCHES = [touch_roster, touch_pack, touch_selection]


@pytest.mark.parametrize("touch", TOUCHES)
def test_whoever_touched_what_a_programme_freezes_does_not_approve_it(
    union, author, twin, audited, touch
):
    rows = union.people(1)
    form = {"roster_id": union.roster(rows)}
    if touch is touch_selection:
        body = {"name": secrets.token_hex(4), "items": products(union)}
        selection = union.handler.post("/v1/union/selections", body).get_json()["id"]
        form |= {"kind": "restricted", "selection_id": selection}
    else:
        form |= {"pack_ids": [union.pack(30_000)[0] for _ in range(2)]}
    before = submitted(union, **form)
    assert approve(twin, before).status_code == 200
    touch(union, author, form, rows)
    found = submitted(union, **form)
    refused = approve(twin, found)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "own_programme")
    reason = {"reason": "x"}
    path = f"/v1/union/programmes/{found['id']}"
    assert twin.post(f"{path}/reject", reason).get_json()["code"] == "own_programme"
    assert union.read(found["id"])["state"] == "submitted"
    assert approve(union.approver, found).status_code == 200
    # What an approval looked at is settled: the next one has other authors.
    assert approve(twin, submitted(union, **form)).status_code == 200
    audited()


def test_what_is_touched_after_the_submission_counts_for_the_next_approval(
    union, author, twin, audited
):
    rows = union.people(1)
    packs = [union.pack(30_000)[0] for _ in range(2)]
    form = {"roster_id": union.roster(rows), "pack_ids": packs}
    first = submitted(union, **form)
    touch_roster(union, author, form, rows)
    assert approve(union.approver, first).status_code == 200
    later = submitted(union, **form)
    assert approve(twin, later).get_json()["code"] == "own_programme"
    assert approve(union.approver, later).status_code == 200
    audited()


def test_whoever_wrote_into_the_roster_does_not_add_somebody_of_it(union, author, twin, audited):
    rows = union.people(1)
    packs = [union.pack(30_000)[0] for _ in range(2)]
    roster = union.roster(rows)
    programme_id = union.approved(roster_id=roster, pack_ids=packs)
    touch_roster(union, author, {"roster_id": roster}, [*rows, *union.people(1)])
    entry = union.handler.get(f"/v1/union/rosters/{roster}/entries").get_json()["items"][-1]
    path = f"/v1/union/programmes/{programme_id}/changes"
    body = {"kind": "add", "entry_id": entry["id"], "reason": "新入职"}
    change = union.handler.post(path, body).get_json()
    decide = f"{path}/{change['id']}/decide"
    refused = twin.post(decide, {"is_approved": True})
    assert refused.get_json()["code"] == "own_programme"
    assert union.approver.post(decide, {"is_approved": True}).status_code == 200
    audited()


# The operators' side: a supplier's user who is an operator, too


@pytest.fixture
def user(world):
    """A supplier's user with the phone of an operator."""
    person = new_staff(world, "supplier", new_supplier(world), phone=PHONE)
    [row] = select_rows(world, f"SELECT scope_id FROM staff_account WHERE id = '{person.id}'")
    person.supplier_id = row.scope_id
    return person


def product(world, user):
    operator = new_staff(world, "operator")
    category = operator.post("/v1/ops/categories", {"path": ["测试"]}).get_json()["id"]
    sku = {"code": secrets.token_hex(4), "list_price_fen": 100, "price_fen": 100}
    body = {"title": "良姜", "category_id": category, "skus": [sku]}
    made = user.post("/v1/supplier/products", body).get_json()
    found = user.post(f"/v1/supplier/products/{made['id']}/submit").get_json()
    return found["last_review"]["id"]


def reviewed(world, user):
    return f"/v1/ops/product-reviews/{product(world, user)}/decision", APPROVE


def reviewed_with_others(world, user):
    ids = {"revision_ids": [product(world, user)]}
    return "/v1/ops/product-reviews/decisions", APPROVE | ids


def qualified(world, user):
    headers = {"Authorization": f"Bearer {user.token}", "Content-Type": "application/pdf"}
    sent = user.client.post("/v1/supplier/documents", data=b"%PDF-1.7", headers=headers)
    body = {
        "kind": "business_licence",
        "number": "1",
        "valid_from": "2020-01-01",
        "document_id": sent.get_json()["id"],
    }
    made = user.post("/v1/supplier/qualifications", body).get_json()
    return f"/v1/ops/qualifications/{made['id']}/review", APPROVE


def applied(world, user):
    execute_sql(world, "UPDATE supplier SET state = 'applied' WHERE id = :id", id=user.supplier_id)
    qualify(world, user.supplier_id, "business_licence")
    assert user.post("/v1/supplier/profile/submit").status_code == 200
    return f"/v1/ops/suppliers/{user.supplier_id}/review", APPROVE


def with_account(world, user):
    account = {"bank": "农行", "account_name": "合作社", "account_number": "44600001"}
    contact = {"contact_name": "陈", "contact_phone": "13800000001"}
    user.put("/v1/supplier/profile", contact | {"settlement_account": account})
    [waits] = second_operator(world).get("/v1/ops/proposals?state=proposed").get_json()["items"]
    return f"/v1/ops/proposals/{waits['id']}/confirm", None


MADE = [reviewed, reviewed_with_others, qualified, applied, with_account]


@pytest.mark.parametrize("made", MADE)
def test_whoever_made_it_for_a_supplier_does_not_approve_it_as_an_operator(
    world, user, audited, made
):
    path, body = made(world, user)
    twin = new_staff(world, "operator", phone=PHONE)
    refused = twin.post(path, body)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "same_person")
    assert new_staff(world, "operator").post(path, body).status_code == 200
    audited()


def test_whoever_drafted_a_statement_does_not_agree_to_it_for_the_supplier(world, user, audited):
    operator = new_staff(world, "operator", phone=PHONE)
    body = {"supplier_id": str(user.supplier_id), "amount_fen": 100, "note": "补"}
    operator.post("/v1/ops/settlement/adjustments", body)
    clock.freeze(clock.now() + timedelta(days=1))
    ends_on = str(beijing_day(clock.now()) - timedelta(days=1))
    draft = {"supplier_id": str(user.supplier_id), "ends_on": ends_on}
    made = operator.post("/v1/ops/settlement/statements", draft).get_json()
    path = f"/v1/supplier/settlement/statements/{made['id']}/confirm"
    assert user.post(path).get_json()["code"] == "same_person"
    assert new_staff(world, "supplier", user.supplier_id).post(path).status_code == 200
    audited()
