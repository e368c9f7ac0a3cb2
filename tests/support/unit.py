"""A purchase that goes to the unit, and its two sides."""

from tests.support.people import new_staff

PEOPLE = 4


class Unit:
    """A fixed pack of one product for four people at ¥500, ordered for the unit, and its two sides."""

    def __init__(self, union):
        self.union, self.world = union, union.world
        self.rows = union.people(PEOPLE)
        self.id = union.issued(**union.for_unit(self.rows))
        self.path = f"/v1/union/programmes/{self.id}"
        self.supplier = new_staff(self.world, "supplier", union.supplier_id)
        [self.part] = self.deliveries()
        self.lines = self.part["lines"]

    def deliveries(self):
        return self.union.handler.get(f"{self.path}/deliveries").get_json()["items"]

    def send(self, quantity=None, part=None):
        """Let a load leave; return its parcel."""
        part = part or self.part
        body = {"carrier": "self"}
        if quantity is not None:
            body["items"] = [{"line_id": line["id"], "quantity": quantity} for line in self.lines]
        sent = self.supplier.post(f"/v1/supplier/fulfillment-orders/{part['id']}/shipments", body)
        assert sent.status_code == 201, sent.get_json()
        return self.loads()[-1]["shipment_id"]

    def loads(self):
        return self.union.handler.get(f"{self.path}/loads").get_json()["items"]

    def receive(self, shipment_id, received=None, damaged=0, key=None, **more):
        body = {"shipment_id": shipment_id, **more}
        if received is not None:
            [line] = self.lines
            counted = {"line_id": line["id"], "received": received, "damaged": damaged}
            body["lines"] = [counted]
        return self.union.handler.post(f"{self.path}/receipts", body, key)

    def claims(self):
        return self.union.handler.get(f"{self.path}/claims").get_json()["items"]

    def supplier_does(self, case_id, what, body=None):
        return self.supplier.post(f"/v1/supplier/after-sales/{case_id}/{what}", body or {})

    def people(self, state=None):
        query = f"?state={state}" if state else ""
        return self.union.handler.get(f"{self.path}/hand-outs{query}").get_json()

    def tick(self, *ticks, who=None):
        items = [
            {"recipient_id": recipient, "state": state, **more} for recipient, state, more in ticks
        ]
        return (who or self.union.handler).post(f"{self.path}/hand-outs", {"items": items})

    def close(self):
        reply = self.union.approver.post(f"{self.path}/close", {"reason": "已全部发放"})
        assert reply.status_code == 202
        self.union.run()

    def accept(self):
        return self.union.acceptor.post(f"{self.path}/accept", {"note": "核对无误"})

    def code_of(self, number):
        person = self.union.members[self.rows[number][1]]
        right = self.union.right_of(person, self.id)
        path = f"/v1/store/entitlements/{right['id']}/hand-out-code"
        return person.get(path).get_json()["code"]

    def fund(self):
        money = self.union.auditor.get(f"{self.path}/dashboard").get_json()["money"]
        return money["balance_fen"]
