"""A union's price is its supplier's price for unions, or what the supplier accepted (2.7)."""

import io

import openpyxl
import pytest

from catalog.products.rules import SkuForm
from tests.support.database import count_rows, execute_sql
from tests.support.people import Person, at_once, new_staff
from tests.support.shop import new_sku, new_supplier
from tests.support.working import run_outbox

MARKET, UNION_PRICE = 10_000, 9_000


class Deal:
    """A union, a SKU with a price of its own for unions, and who answers for it."""

    def __init__(self, world, union):
        self.world, self.union = world, union
        self.supplier = new_staff(world, "supplier", union.supplier_id)
        form = SkuForm("P-1", (), MARKET, MARKET, purchase_price_fen=UNION_PRICE)
        modes = ("ship", "unit_delivery")
        self.product, self.sku = new_sku(
            world, MARKET, 50, union.supplier_id, sku_form=form, delivery_modes=modes
        )

    def pack(self, price_fen=None, quantity=1):
        part = {"sku_id": str(self.sku), "quantity": quantity, "price_fen": price_fen}
        body = {"title": f"包 {price_fen} {quantity}", "parts": [part]}
        reply = self.union.handler.post("/v1/union/packs", body)
        assert reply.status_code == 201, reply.get_json()
        return reply.get_json()

    def read(self, pack):
        return self.union.handler.get(f"/v1/union/packs/{pack['id']}").get_json()

    def submit(self, pack, **form):
        packs = [pack["id"], self.union.pack(30_000)[0]]
        roster_id = self.union.roster(self.union.people(1))
        draft = self.union.draft(roster_id=roster_id, pack_ids=packs, **form).get_json()
        return self.union.handler.post(f"/v1/union/programmes/{draft['id']}/submit")

    def ask(self, pack):
        return self.union.handler.post(
            f"/v1/union/packs/{pack['id']}/price-requests", {"note": "四百份"}
        )

    def asked(self, pack):
        reply = self.ask(pack)
        assert reply.status_code == 201, reply.get_json()
        return reply.get_json()["items"][0]["id"]

    def answer(self, request_id, is_accepted, supplier=None):
        return (supplier or self.supplier).post(
            f"/v1/supplier/price-requests/{request_id}/answer", {"is_accepted": is_accepted}
        )


@pytest.fixture
def deal(world, union):
    return Deal(world, union)


def problems(reply):
    return [each["code"] for each in reply.get_json().get("problems", ())]


def basis(pack):
    return pack["parts"][0]["price_basis"]


def test_a_pack_costs_what_its_supplier_asks_of_unions_unless_said_otherwise(deal):
    pack = deal.pack(quantity=2)
    assert (pack["price_fen"], basis(pack)) == (2 * UNION_PRICE, "union_price")
    shown = deal.union.handler.get(f"/v1/union/products/{deal.product}/prices").get_json()
    [sku] = shown["items"]
    assert (sku["price_fen"], sku["union_price_fen"]) == (MARKET, UNION_PRICE)
    # Members never see it.
    guest = Person(deal.world.app).get(f"/v1/store/products/{deal.product}").get_json()
    assert str(UNION_PRICE) not in str(guest)


@pytest.mark.parametrize("price", [1, UNION_PRICE - 1, UNION_PRICE + 1, MARKET])
def test_a_price_that_nobody_agreed_to_cannot_be_submitted(deal, price):
    pack = deal.pack(price)
    assert basis(pack) == "not_agreed"
    refused = deal.submit(pack)
    assert (refused.status_code, "price_not_agreed" in problems(refused)) == (422, True)
    deal.asked(pack)
    assert basis(deal.read(pack)) == "asked"
    assert "price_not_agreed" in problems(deal.submit(pack))
    assert count_rows(deal.world, "programme WHERE state <> 'draft'") == 0


def test_what_the_supplier_accepts_is_ordered_settled_and_on_the_papers(deal, audited):
    world, union, price = deal.world, deal.union, 8_000
    pack = deal.pack(price)
    request_id = deal.asked(pack)
    waiting = deal.supplier.get("/v1/supplier/price-requests?state=asked").get_json()["items"]
    assert [(each["price_fen"], each["union_price_fen"]) for each in waiting] == [
        (price, UNION_PRICE)
    ]
    assert deal.answer(request_id, is_accepted=True).get_json()["state"] == "accepted"
    told = union.handler.get("/v1/union/notices").get_json()["items"]
    assert "price_answered" in {each["kind"] for each in told}
    rows = union.people(1)
    programme = union.issued(
        roster_id=union.roster(rows),
        pack_ids=[pack["id"], union.pack(price)[0]],
        per_member_fen=price,
    )
    # What was agreed stands, whatever the supplier asks of others from now on.
    execute_sql(world, "UPDATE sku SET purchase_price_fen = 9900")
    member = union.members[rows[0][1]]
    order = union.redeem(member, programme, pack["id"]).get_json()
    line = member.get(f"/v1/store/orders/{order['order_id']}").get_json()["lines"][0]
    assert line["price_fen"] == price
    run_outbox(world)
    [part] = deal.supplier.get("/v1/supplier/fulfillment-orders").get_json()["items"]
    path = f"/v1/supplier/fulfillment-orders/{part['id']}/shipments"
    deal.supplier.post(path, {"carrier": "self"})
    member.post(f"/v1/store/fulfillment-orders/{part['id']}/confirm")
    run_outbox(world)
    [item] = deal.supplier.get("/v1/supplier/settlement/items").get_json()["items"]
    assert item["amount_fen"] == price
    paper = union.handler.get(f"/v1/union/programmes/{programme}/papers/purchase-list?format=xlsx")
    sheet = openpyxl.load_workbook(io.BytesIO(paper.data)).active
    cells = {cell for row in sheet.iter_rows(values_only=True) for cell in row}
    assert {"供应商同意", 80.0} <= cells
    audited()


def test_a_refused_price_stays_refused_until_it_is_asked_for_again(deal):
    pack = deal.pack(8_000)
    request_id = deal.asked(pack)
    assert deal.ask(pack).get_json()["code"] == "no_price_to_ask_for"
    assert deal.answer(request_id, is_accepted=False).get_json()["state"] == "refused"
    assert deal.answer(request_id, is_accepted=True).get_json()["code"] == "price_request_decided"
    assert basis(deal.read(pack)) == "refused"
    assert "price_not_agreed" in problems(deal.submit(pack))
    again = deal.asked(pack)
    deal.answer(again, is_accepted=True)
    assert deal.submit(deal.read(pack)).status_code == 200


def test_consent_is_for_this_pack_this_sku_and_this_price(deal):
    pack = deal.pack(8_000)
    deal.answer(deal.asked(pack), is_accepted=True)
    other = deal.pack(8_000, quantity=2)
    assert basis(other) == "not_agreed"
    body = {
        "title": pack["title"],
        "parts": [{"sku_id": str(deal.sku), "quantity": 1, "price_fen": 7_999}],
    }
    changed = deal.union.handler.put(f"/v1/union/packs/{pack['id']}", body).get_json()
    assert basis(changed) == "not_agreed"


def test_a_pack_whose_suppliers_price_moved_must_be_agreed_anew(deal):
    pack = deal.pack()
    execute_sql(deal.world, "UPDATE sku SET purchase_price_fen = purchase_price_fen + 1")
    assert basis(deal.read(pack)) == "not_agreed"
    assert "price_not_agreed" in problems(deal.submit(pack))


def test_only_the_supplier_who_was_asked_answers_and_once(deal):
    request_id = deal.asked(deal.pack(8_000))
    stranger = new_staff(deal.world, "supplier", new_supplier(deal.world))
    assert deal.answer(request_id, is_accepted=True, supplier=stranger).status_code == 404
    assert stranger.get("/v1/supplier/price-requests").get_json()["items"] == []
    replies = at_once(
        lambda: deal.answer(request_id, is_accepted=True),
        lambda: deal.answer(request_id, is_accepted=False),
    )
    assert sorted(reply.status_code for reply in replies) == [200, 409]


def test_asked_for_twice_at_once_it_is_asked_for_once(deal):
    pack = deal.pack(8_000)
    replies = at_once(*[lambda: deal.ask(pack)] * 4)
    assert sorted(reply.status_code for reply in replies) == [201, 409, 409, 409]
    assert count_rows(deal.world, "price_request") == 1
