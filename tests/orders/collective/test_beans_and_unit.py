"""Restricted beans, packs for the unit, additions and withdrawals, money by QR code."""

from tests.support.database import execute_sql, select_rows
from tests.support.giving import ADDRESS
from tests.support.people import order_body
from tests.support.shop import new_sku, new_supplier, stock_of
from tests.support.wechat import pay_at_wechat
from tests.support.working import run_outbox


def test_restricted_beans_buy_within_the_selection_and_are_never_topped_up(union, audited, world):
    inside, sku = new_sku(world, 20_000)
    _, outside = new_sku(world, 5_000)
    body = {"name": "选品", "items": [{"product_id": str(inside)}]}
    selection = union.handler.post("/v1/union/selections", body).get_json()
    rows = union.people(1)
    programme_id = union.issued(
        kind="restricted", selection_id=selection["id"], roster_id=union.roster(rows)
    )
    person = union.members[rows[0][1]]
    order = order_body([outside], "beans", 5_000)
    assert person.post("/v1/store/orders", order).get_json()["code"] == "not_enough_beans"
    body = order_body([sku], "mixed", 40_000, quantity=2)
    mixed = person.post("/v1/store/orders", body).get_json()
    assert (mixed["beans_fen"], mixed["wechat_fen"]) == (0, 40_000)
    reply = person.post("/v1/store/orders", order_body([sku], "beans", 20_000))
    assert reply.status_code == 201
    [row] = select_rows(world, "SELECT * FROM order_programme")
    assert (str(row.programme_id), row.amount_fen) == (programme_id, 20_000)
    audited()


def test_a_fixed_pack_goes_to_the_unit_as_one_order_of_the_union(union, audited, world):
    pack_id, [sku] = union.pack(50_000)
    union.issued(
        kind="fixed",
        per_member_fen=50_000,
        pack_ids=[pack_id],
        delivery="unit_delivery",
        unit_address=ADDRESS,
        roster_id=union.roster(union.people(4, members_too=False)),
    )
    [order] = select_rows(world, "SELECT * FROM shop_order")
    assert (order.total_fen, order.union_id, order.state) == (200_000, union.id, "paid")
    assert stock_of(world, sku) == (996, 0)
    run_outbox(world)
    audited()


def test_case_25_partial_money_issues_nothing_and_too_much_is_surplus(union, audited):
    packs = [union.pack(30_000)[0] for _ in range(2)]
    programme_id = union.approved(roster_id=union.roster(union.people(2)), pack_ids=packs)
    union.fund(programme_id, 59_999)
    path = f"/v1/union/programmes/{programme_id}"
    assert union.handler.post(f"{path}/issue").get_json()["code"] == "wrong_state"
    union.fund(programme_id, 2)
    assert union.read(programme_id)["state"] == "funded"
    assert union.bill(programme_id)["surplus_fen"] == 1
    audited()


def test_case_25_who_is_added_is_issued_to_once_paid_and_used_rights_stay(union, audited):
    rows = union.people(3)
    packs = [union.pack(30_000)[0] for _ in range(2)]
    roster_id = union.roster(rows[:2])
    programme_id = union.issued(roster_id=roster_id, pack_ids=packs)
    union.send_roster(roster_id, rows)
    entries = union.handler.get(f"/v1/union/rosters/{roster_id}/entries").get_json()["items"]
    path = f"/v1/union/programmes/{programme_id}"
    body = {"kind": "add", "entry_id": entries[2]["id"], "reason": "新入职"}
    change = union.handler.post(f"{path}/changes", body).get_json()
    decide = f"{path}/changes/{change['id']}/decide"
    assert union.approver.post(decide, {"is_approved": True}).status_code == 200
    union.run()
    assert (union.progress(programme_id)["listed"], union.bill(programme_id)["due_fen"]) == (
        1,
        30_000,
    )
    union.fund(programme_id)
    union.run()
    assert union.progress(programme_id)["issued"] == 3
    person = union.members[rows[2][1]]
    assert union.redeem(person, programme_id, packs[0]).status_code == 201
    right = union.right_of(person, programme_id)
    body = {"kind": "withdraw", "entitlement_id": right["id"], "reason": "离职"}
    assert union.handler.post(f"{path}/changes", body).get_json()["code"] == "already_redeemed"
    audited()


def test_a_small_programme_is_paid_by_qr_code(union, audited, world):
    packs = [union.pack(30_000)[0] for _ in range(2)]
    programme_id = union.approved(roster_id=union.roster(union.people(1)), pack_ids=packs)
    payment = union.handler.post(f"/v1/union/programmes/{programme_id}/payments").get_json()
    assert (payment["amount_fen"], payment["code_url"][:7]) == (30_000, "weixin:")
    assert "SUCCESS" in pay_at_wechat(world, payment)
    run_outbox(world)
    assert union.read(programme_id)["state"] == "funded"
    audited()


def test_case_28_a_pack_of_a_suspended_supplier_is_refused_and_another_taken(union, audited, world):
    first = union.pack(30_000)[0]
    union.supplier_id = new_supplier(world)
    second = union.pack(30_000)[0]
    rows = union.people(1)
    programme_id = union.issued(roster_id=union.roster(rows), pack_ids=[first, second])
    execute_sql(
        world, "UPDATE supplier SET state = 'suspended' WHERE id = :id", id=union.supplier_id
    )
    person = union.members[rows[0][1]]
    assert union.redeem(person, programme_id, second).get_json()["code"] == "lines_unavailable"
    assert union.redeem(person, programme_id, first).status_code == 201
    audited()


def test_a_fixed_pack_goes_home_once_the_member_confirms_an_address(union, audited, world):
    pack_id, [sku] = union.pack(30_000)
    rows = union.people(2)
    programme_id = union.issued(
        kind="fixed", delivery="ship", pack_ids=[pack_id], roster_id=union.roster(rows)
    )
    person = union.members[rows[0][1]]
    right = union.right_of(person, programme_id)
    path = f"/v1/store/entitlements/{right['id']}/redeem"
    for address in person.get("/v1/store/addresses").get_json()["items"]:
        assert person.delete(f"/v1/store/addresses/{address['id']}").status_code == 204
    assert person.post(path, {}).get_json()["code"] == "address_needed"
    home = {**ADDRESS, "detail": "人民大道 2 号"}
    address = person.post("/v1/store/addresses", home).get_json()
    order = person.post(path, {"address_id": address["id"]}).get_json()
    run_outbox(world)
    [part] = select_rows(world, "SELECT delivery_mode, address FROM fulfillment_order")
    assert (part.delivery_mode, part.address["detail"]) == ("ship", "人民大道 2 号")
    assert (order["total_fen"], stock_of(world, sku)) == (30_000, (999, 0))
    audited()


def test_a_fixed_pack_is_collected_at_a_store_without_an_address(union, audited, world):
    pack_id, _ = union.pack(30_000)
    rows = union.people(1)
    programme_id = union.issued(
        kind="fixed", delivery="store_pickup", pack_ids=[pack_id], roster_id=union.roster(rows)
    )
    assert union.redeem(union.members[rows[0][1]], programme_id).status_code == 201
    run_outbox(world)
    [part] = select_rows(world, "SELECT delivery_mode, address FROM fulfillment_order")
    assert (part.delivery_mode, part.address) == ("store_pickup", None)
    audited()


def test_case_27_a_selection_that_changes_after_approval_changes_nothing(union, audited, world):
    inside, sku = new_sku(world, 20_000)
    later, new = new_sku(world, 5_000)
    body = {"name": "选品", "items": [{"product_id": str(inside)}]}
    selection = union.handler.post("/v1/union/selections", body).get_json()["id"]
    rows = union.people(1)
    programme_id = union.issued(
        kind="restricted", selection_id=selection, roster_id=union.roster(rows)
    )
    versions = {"items": [{"product_id": str(later)}]}
    changed = union.handler.put(f"/v1/union/selections/{selection}", versions)
    assert changed.get_json()["newest_version"] == 2, changed.get_json()
    person = union.members[rows[0][1]]
    refused = person.post("/v1/store/orders", order_body([new], "beans", 5_000)).get_json()
    assert refused["code"] == "not_enough_beans"
    assert person.post("/v1/store/orders", order_body([sku], "beans", 20_000)).status_code == 201
    content = union.read(programme_id)["content"]["selection"]
    assert [item["product_id"] for item in content["items"]] == [str(inside)]
    audited()
