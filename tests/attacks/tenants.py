"""A whole tenant: a union, suppliers and members with one of everything that has an id."""

import secrets
from datetime import timedelta

from mall.kernel import clock
from mall.kernel.clock import beijing_day
from mall.kernel.sheets import writing
from tests.support.database import execute_sql, select_rows
from tests.support.giving import HEADS, Union
from tests.support.people import new_member, new_staff, order_body
from tests.support.selling import Counter, Sale
from tests.support.sheets import row_of, sheet
from tests.support.shop import new_sku
from tests.support.unit import Unit
from tests.support.working import run_outbox


class Tenant:
    """Its people by audience, and the ids of what is its own by the name of the parameter.

    Where two audiences call different things by one name, the key begins with the audience.
    """

    def __init__(self, world, mark):
        self.world, self.mark = world, mark
        self.union = Union(world)
        self.unit = Unit(self.union)
        self.sale, self.counter = Sale(world), Counter(world)
        self.seller, self.seller_id = self.counter.supplier, self.counter.supplier_id
        self.operator = new_staff(world, "operator")
        self.manager = new_staff(world, "store_clerk", self.counter.store_id, ["manages"])
        self.recipient = next(iter(self.union.members.values()))
        self.ids = {}
        for part in (self._buy, self._collect, self._sell, self._give, self._operate, self._owe):
            self.ids |= {name: str(value) for name, value in part().items()}

    @property
    def people(self):
        """Return everybody with a token, by audience."""
        return {
            "store": [self.sale.member, self.recipient],
            "union": [self.union.handler, self.union.approver, self.union.auditor],
            "supplier": [self.seller],
            "pickup": [self.manager],
            "ops": [self.operator],
        }

    def id_of(self, path, name):
        """Return what a parameter of a path means to this tenant; None where it means nothing."""
        audience = path.split("/")[2]
        return self.ids.get(f"{audience}.{name}", self.ids.get(name))

    def _ok(self, reply):
        assert reply.status_code < 300, (reply.status_code, reply.get_json())
        return reply.get_json()

    def _send(self, person, path, content, kind):
        headers = {"Authorization": f"Bearer {person.token}"}
        return self._ok(person.client.post(path, data=content, headers=headers, content_type=kind))

    def _one(self, statement, **values):
        return select_rows(self.world, f"{statement} LIMIT 1", **values)[0][0]

    def _buy(self):
        """Let a member buy, be sent one of two, get money back of it and ask about the other."""
        sale = self.sale
        address = sale.member.get("/v1/store/addresses").get_json()["items"][0]["id"]
        number = f"SF{secrets.randbelow(10**13):013d}"
        self._ok(sale.dispatch(1, tracking_no=number))
        first = sale.asked(quantity=1)
        self._ok(sale.supplier_does(first, "approve"))
        part = sale.part()
        shipment = sale.member.get(f"{sale.path}/shipments").get_json()["items"][0]["id"]
        case = sale.asked(quantity=1)
        return {
            "member_id": sale.member.id,
            "address_id": address,
            "order_id": sale.order["order_id"],
            "store.fulfillment_order_id": part["id"],
            "shipment_id": shipment,
            "case_id": case["id"],
            "store.sku_id": sale.sku,
            "refund_id": self._one("SELECT id FROM refund"),
            "delivery_id": self._one("SELECT id FROM outbox_delivery"),
        }

    def _collect(self):
        self._ok(self.counter.choose())
        run_outbox(self.world)
        voucher = self.counter.vouchers()[0]["id"]
        part, order = self.counter.part()["id"], self.counter.order["order_id"]
        return {
            "store_id": self.counter.store_id,
            "voucher_id": voucher,
            "pickup.order_id": order,
        } | {"supplier.fulfillment_order_id": part}

    def _sell(self):
        """Let the supplier fill its desk."""
        post, mark = self.seller.post, self.mark
        pdf = ("/v1/supplier/documents", b"%PDF-1.7 " + mark.encode(), "application/pdf")
        document = self._send(self.seller, *pdf)["id"]
        licence = {"kind": "food_licence", "number": mark, "valid_from": "2026-01-01"}
        shown = post("/v1/supplier/qualifications", {**licence, "document_id": document})
        tariff = {"name": mark, "charge_by": "piece", "rules": [{"regions": []}]}
        store = self.counter.store_id
        clerk = self._ok(post(f"/v1/supplier/stores/{store}/clerks", {"username": f"clerk.{mark}"}))
        product, _ = new_sku(self.world, 1000, 50, self.seller_id, title=f"秘密 {mark}")
        category = self._one("SELECT id FROM category")
        sku = {"code": f"NEW-{mark}", "list_price_fen": 100, "price_fen": 100}
        draft = {"title": f"待审 {mark}", "category_id": str(category), "skus": [sku]}
        draft = self._ok(post("/v1/supplier/products", draft))
        reviewed = self._ok(post(f"/v1/supplier/products/{draft['id']}/submit"))
        upload = self._send(
            self.seller, "/v1/supplier/uploads", sheet([row_of(1)]), "application/x-xlsx"
        )
        self.draft_id = draft["id"]
        user = self._ok(post("/v1/supplier/users", {"username": f"colleague.{mark}"}))
        return {
            "supplier_id": self.seller_id,
            "document_id": document,
            "qualification_id": self._ok(shown)["id"],
            "template_id": self._ok(post("/v1/supplier/shipping-templates", tariff))["id"],
            "clerk_id": clerk["id"],
            "product_id": product,
            "sku_id": self._one("SELECT id FROM sku WHERE product_id = :id", id=product),
            "category_id": category,
            "revision_id": reviewed["last_review"]["id"],
            "upload_id": upload["id"],
            "user_id": user["id"],
            "account_id": user["id"],
        } | self._send_parcel()

    def _send_parcel(self):
        """Sell and send one more, for the parcel of the supplier's own."""
        _, sku = new_sku(self.world, 1000, 50, self.seller_id)
        buyer = new_member(self.world, beans_fen=10_000)
        order = buyer.post("/v1/store/orders", order_body([sku], total_fen=1000)).get_json()
        run_outbox(self.world)
        path = f"/v1/store/orders/{order['order_id']}"
        [part] = buyer.get(f"{path}/fulfillment-orders").get_json()["items"]
        sent = f"/v1/supplier/fulfillment-orders/{part['id']}/shipments"
        self._ok(self.seller.post(sent, {"carrier": "self"}))
        parcel = buyer.get(f"{path}/shipments").get_json()["items"][0]["id"]
        line = buyer.get(path).get_json()["lines"][0]["id"]
        home = {"recipient": "仓", "phone": "13800000002", "detail": "2 号仓"}
        home["region_code"] = "440825"
        self._ok(self.seller.put("/v1/supplier/after-sales/return-address", home))
        asked = {"line_id": line, "kind": "refund_only", "quantity": 1, "reason": "damaged"}
        case = self._ok(buyer.post(f"{path}/after-sales", asked))
        return {"supplier.shipment_id": parcel, "supplier.case_id": case["id"]}

    def _give(self):
        """Let the union have one of everything beside its programme that goes to the unit."""
        unit, union = self.unit, self.union
        load = unit.send()
        self._ok(unit.receive(load, received=3, damaged=1))
        [claim] = unit.claims()
        self.hand_out_code = unit.code_of(1)
        # A second programme goes to people's homes: its rights are chosen, changed, withdrawn.
        rows = union.people(2)
        packs = [union.pack(30_000)[0] for _ in range(2)]
        self.packs = packs
        programme = union.issued(roster_id=union.roster(rows), pack_ids=packs)
        person = union.members[rows[0][1]]
        self._ok(union.redeem(person, programme, packs[0]))
        right = union.right_of(person, programme)
        self.recipient = person
        path = f"/v1/union/programmes/{programme}"
        other = union.right_of(union.members[rows[1][1]], programme)
        change = {"kind": "withdraw", "entitlement_id": other["id"], "reason": "离职"}
        change = self._ok(union.handler.post(f"{path}/changes", change))
        paid = {"amount_fen": 100, "bank_reference": secrets.token_hex(6), "payer": "工会"}
        funding = self._ok(union.handler.post(f"{path}/transfers", paid))
        part = {"sku_id": self.ids["sku_id"], "quantity": 1, "price_fen": 777}
        cheap = union.handler.post(
            "/v1/union/packs", {"title": f"询价 {self.mark}", "parts": [part]}
        )
        asked = f"/v1/union/packs/{self._ok(cheap)['id']}/price-requests"
        items = [{"product_id": str(self.sale.product)}]
        selection = self._ok(
            union.handler.post("/v1/union/selections", {"name": self.mark, "items": items})
        )
        roster = union.handler.get("/v1/union/rosters").get_json()["items"][0]["id"]
        again = writing.xlsx("名册", HEADS, [*rows, ("新人", "13700000001", "E1", "部", "")])
        union.send(f"/v1/union/rosters/{roster}/sheet", again)
        return {
            "union_id": union.id,
            "programme_id": unit.id,
            "home_programme_id": programme,
            "union.case_id": claim["id"],
            "union.change_id": change["id"],
            "entitlement_id": right["id"],
            "funding_id": funding["id"],
            "pack_id": packs[0],
            "request_id": self._ok(union.handler.post(asked, {}))["items"][0]["id"],
            "selection_id": selection["id"],
            "roster_id": roster,
        }

    def _operate(self):
        """Let operators open what is theirs for this tenant."""
        post, mark = self.operator.post, self.mark
        section = {"kind": "seasonal", "title": mark, "picks": [str(self.sale.product)]}
        path = f"/v1/ops/unions/{self.union.id}/officers"
        officer = {"username": f"officer.{mark}", "display_name": mark, "duties": ["audits"]}
        self._ok(post(path, officer))
        account = {"username": f"operator.{mark}", "display_name": mark, "duties": ["audits"]}
        self._ok(post("/v1/ops/operators", account))
        changes = self.operator.get("/v1/ops/accounts/changes").get_json()["items"]
        grant = {
            "member_ids": [self.sale.member.id],
            "amount_fen": 99_999_900,
            "expires_at": "2099-01-01T00:00:00Z",
            "programme": mark,
            "reference": mark,
        }
        self._ok(post("/v1/ops/beans/grants", grant))
        proposal = self.operator.get("/v1/ops/proposals").get_json()["items"][0]["id"]
        items = [{"product_id": str(self.sale.product)}]
        selection = self._ok(post("/v1/ops/selections", {"name": mark, "items": items}))
        parts = [{"sku_id": str(self.sale.sku), "quantity": 1}]
        pack = self._ok(post("/v1/ops/packs", {"title": mark, "parts": parts}))
        words = self._ok(post("/v1/ops/search/synonyms", {"words": [mark, f"{mark}x"]}))
        place = {"query": mark, "product_id": str(self.sale.product), "place": "pinned"}
        placed = self._ok(post("/v1/ops/search/placements", place))
        return {
            "rule_id": words["id"],
            "placement_id": placed["id"],
            "section_id": self._ok(post("/v1/ops/sections", section))["id"],
            "officer_id": self.union.handler.id,
            "ops.change_id": changes[0]["id"],
            "proposal_id": proposal,
            "ops.selection_id": selection["id"],
            "ops.pack_id": pack["id"],
        }

    def _owe(self):
        """Owe the supplier something since last week; draw up its statement."""
        post, supplier_id = self.operator.post, str(self.seller_id)
        owed = {"supplier_id": supplier_id, "amount_fen": 10_000, "note": self.mark}
        self._ok(post("/v1/ops/settlement/adjustments", owed))
        execute_sql(
            self.world, "UPDATE settlement_item SET happened_at = now() - interval '7 days'"
        )
        yesterday = str(beijing_day(clock.now()) - timedelta(days=1))
        body = {"supplier_id": supplier_id, "ends_on": yesterday}
        return {"statement_id": self._ok(post("/v1/ops/settlement/statements", body))["id"]}
