"""A union with its officers, roster, packs and programmes, over HTTP."""

import functools
import itertools
import secrets
from datetime import timedelta

from mall.kernel import clock
from mall.kernel.clock import beijing_day
from mall.kernel.sheets import writing
from mall.kernel.uow import unit_of_work
from mall.members.service import members, unions
from tests.support.database import execute_sql
from tests.support.people import new_member, new_staff, second_operator
from tests.support.shop import new_sku, new_supplier
from tests.support.working import run_outbox, run_sweep

_phones = itertools.count(13_900_000_000)
HEADS = ("姓名", "手机号", "工号", "部门", "生日")
ADDRESS = {
    "recipient": "工会办公室",
    "phone": "13800000009",
    "region_code": "440802",
    "detail": "跃进路 1 号",
}


class Union:
    """A union with an officer for each duty; what it does goes over HTTP."""

    def __init__(self, world):
        self.world = world
        code = f"U-{secrets.token_hex(4)}"
        with world.app.app_context(), unit_of_work() as uow:
            self.id = unions.open_union(uow, code, f"工会 {code}").id
        self.code = code
        self.handler = new_staff(world, "union_officer", self.id, ["handles"])
        self.approver = new_staff(world, "union_officer", self.id, ["approves"])
        self.auditor = new_staff(world, "union_officer", self.id, ["audits"])
        self.operator = new_staff(world, "operator")
        self.supplier_id = new_supplier(world)

    @functools.cached_property
    def acceptor(self):
        """Return another handler: whoever records what came or was paid does not accept it."""
        return new_staff(self.world, "union_officer", self.id, ["handles"])

    def people(self, count, members_too=True):
        """Return so many people as rows of a roster, each a member with that phone or not."""
        rows = []
        for number in range(count):
            phone = str(next(_phones))
            rows.append((f"职工{number}", phone, f"E{phone[-6:]}", "综合部", ""))
            if members_too:
                self.member(phone)
        return rows

    def member(self, phone):
        """Return a member who verified this phone."""
        person = new_member(self.world)
        self.bind(person, phone)
        self.__dict__.setdefault("members", {})[phone] = person
        return person

    def bind(self, person, phone):
        with self.world.app.app_context(), unit_of_work() as uow:
            members.bind_phone(uow, person.id, phone)

    def send(self, path, content, expect=202):
        """Send a file as a request body."""
        reply = self.handler.client.post(
            path,
            data=content,
            headers={"Authorization": f"Bearer {self.handler.token}"},
            content_type="application/octet-stream",
        )
        assert reply.status_code == expect, reply.data.decode()
        return reply.get_json()

    def roster(self, rows, name=None):
        """Send a roster in, let the worker apply it, and return its id."""
        body = {"name": name or f"名册 {secrets.token_hex(3)}"}
        roster = self.handler.post("/v1/union/rosters", body).get_json()
        self.send_roster(roster["id"], rows)
        return roster["id"]

    def send_roster(self, roster_id, rows):
        self.send(f"/v1/union/rosters/{roster_id}/sheet", writing.xlsx("名册", HEADS, rows))
        run_sweep(self.world, "work_rosters")
        return self.handler.get(f"/v1/union/rosters/{roster_id}").get_json()

    def pack(self, price_fen, stock=1000, parts=1, **form):
        """Put a pack of new SKUs together that costs so much; return its id and its SKUs."""
        modes = ("ship", "store_pickup", "unit_delivery")
        skus = []
        rest = price_fen
        for number in range(parts):
            price = rest if number == parts - 1 else price_fen // parts
            rest -= price
            _, sku = new_sku(
                self.world, price, stock, self.supplier_id, delivery_modes=modes, **form
            )
            skus.append(sku)
        body = {
            "title": f"福利包 {secrets.token_hex(4)}",
            "parts": [{"sku_id": str(sku), "quantity": 1} for sku in skus],
        }
        reply = self.handler.post("/v1/union/packs", body)
        assert reply.status_code == 201, reply.get_json()
        return reply.get_json()["id"], skus

    def draft(self, **form):
        """Write a programme; return the reply."""
        today = beijing_day(clock.now())
        body = {
            "name": f"方案 {secrets.token_hex(3)}",
            "kind": "pick_one",
            "per_member_fen": 30_000,
            "opens_on": str(today),
            "closes_on": str(today + timedelta(days=10)),
            "delivery": "ship",
            **form,
        }
        return self.handler.post("/v1/union/programmes", body)

    def approved(self, **form):
        """Return the id of a programme that was submitted and approved."""
        reply = self.draft(**form)
        assert reply.status_code == 201, reply.get_json()
        path = f"/v1/union/programmes/{reply.get_json()['id']}"
        submitted = self.handler.post(f"{path}/submit")
        assert submitted.status_code == 200, submitted.get_json()
        self.approve(submitted.get_json())
        return reply.get_json()["id"]

    def approve(self, submitted, expect=200):
        body = {
            "content_hash": submitted["content_hash"],
            "acknowledged_warnings": [each["code"] for each in submitted["warnings"]],
        }
        path = f"/v1/union/programmes/{submitted['id']}/approve"
        reply = self.approver.post(path, body)
        assert reply.status_code == expect, reply.get_json()
        return reply.get_json()

    def fund(self, programme_id, amount_fen=None):
        """Transfer what is due, or so much, and let an operator confirm it."""
        path = f"/v1/union/programmes/{programme_id}"
        due = self.handler.get(f"{path}/bill").get_json()["due_fen"]
        body = {
            "amount_fen": amount_fen or due,
            "bank_reference": secrets.token_hex(8),
            "payer": "工会",
        }
        row = self.handler.post(f"{path}/transfers", body).get_json()
        ops = f"/v1/ops/programmes/{programme_id}/transfers/{row['id']}/confirm"
        reply = self.operator.post(ops)
        assert reply.status_code == 200, reply.get_json()

    def pay_out(self, programme_id, **payout):
        """Let one operator record money that goes back and another confirm it; return the reply."""
        path = f"/v1/ops/programmes/{programme_id}/payouts"
        body = {"bank_reference": secrets.token_hex(8), "payer": "商城", **payout}
        recorded = self.operator.post(path, body)
        if recorded.status_code != 201:
            return recorded
        return second_operator(self.world).post(f"{path}/{recorded.get_json()['id']}/confirm")

    def issued(self, **form):
        """Return the id of a programme that was approved, funded and issued."""
        programme_id = self.approved(**form)
        self.fund(programme_id)
        self.issue(programme_id)
        return programme_id

    def for_unit(self, rows):
        """Return a fixed pack of ¥500 for these people, to the unit, as a programme's form."""
        return {
            "kind": "fixed",
            "per_member_fen": 50_000,
            "pack_ids": [self.pack(50_000)[0]],
            "delivery": "unit_delivery",
            "unit_address": ADDRESS,
            "roster_id": self.roster(rows),
        }

    def issue(self, programme_id):
        reply = self.handler.post(f"/v1/union/programmes/{programme_id}/issue")
        assert reply.status_code == 202, reply.get_json()
        self.run()

    def run(self):
        """Let the workers do what is due."""
        run_sweep(self.world, "run_programmes")
        run_outbox(self.world)

    def due_now(self, programme_id):
        """Let the sweep look at a programme at once."""
        execute_sql(
            self.world,
            "UPDATE programme SET due_at = :at WHERE id = :id",
            at=clock.now(),
            id=programme_id,
        )

    def read(self, programme_id):
        return self.handler.get(f"/v1/union/programmes/{programme_id}").get_json()

    def bill(self, programme_id):
        return self.handler.get(f"/v1/union/programmes/{programme_id}/bill").get_json()

    def progress(self, programme_id):
        return self.handler.get(f"/v1/union/programmes/{programme_id}/progress").get_json()

    def right_of(self, person, programme_id):
        """Return what a programme gives to a member."""
        found = person.get("/v1/store/entitlements").get_json()["items"]
        [right] = [each for each in found if each["programme_id"] == programme_id]
        return right

    def redeem(self, person, programme_id, pack_id=None, key=None):
        right = self.right_of(person, programme_id)
        path = f"/v1/store/entitlements/{right['id']}/redeem"
        return person.post(path, {"pack_id": pack_id} if pack_id else {}, key)
