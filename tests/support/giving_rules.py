"""A union gives while everything else happens: the rules that the state machine adds for it."""

import secrets
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, consumes, multiple, rule

from mall.kernel.clock import beijing_day
from tests.support.database import execute_sql, select_rows
from tests.support.giving import ADDRESS, Union
from tests.support.people import new_member
from tests.support.working import run_outbox, run_sweep

EACH = 2000
KINDS = st.sampled_from(["pick_one", "default", "unit", "restricted", "items", "open"])
STEPS = (
    *("submit", "approve", "fund_half", "fund", "issue", "close", "accept", "archive"),
    *("withdraw", "payout", "remind"),
)


class GivingRules:
    """A mixin: programmes of every kind, and what officers and members do with them."""

    programmes = Bundle("programmes")
    changes = Bundle("changes")

    def set_up(self, people):
        """Open a union whose roster holds the members and one who is none yet."""
        self.union = Union(self.world)
        self.people = people
        rows = self.union.people(len(people) + 1, members_too=False)
        for person, row in zip(people, rows, strict=False):
            self.union.bind(person, row[1])
        self.newcomer = rows[-1][1]
        self.roster_id = self.union.roster(rows)
        self.union.supplier_id = next(iter(self.suppliers))
        self.packs = [self.union.pack(fen, stock=9)[0] for fen in (EACH, 1700)]
        items = [{"product_id": str(each)} for each in self.products]
        body = {"name": "选品", "items": items}
        self.selection = self.union.handler.post("/v1/union/selections", body).get_json()["id"]

    def _form(self, kind, leftover, days):
        today = beijing_day(self.now)
        form = {
            "kind": kind,
            "roster_id": self.roster_id,
            "per_member_fen": EACH,
            "leftover": leftover,
            "opens_on": str(today),
            "closes_on": str(today + timedelta(days=days)),
        }
        if kind in ("pick_one", "default"):
            form |= {"kind": "pick_one", "pack_ids": self.packs, "allows_codes": True}
        if kind == "default":
            form |= {"default_pack_id": self.packs[1], "unit_address": ADDRESS}
        if kind == "unit":
            more = {"pack_ids": self.packs[:1], "delivery": "unit_delivery"}
            form |= {"kind": "fixed", "unit_address": ADDRESS, **more}
        if kind in ("restricted", "items"):
            form |= {"kind": "restricted", "selection_id": self.selection}
            form |= {"max_items": 3} if kind == "items" else {"allows_top_up": True}
        return form

    @rule(
        target=programmes,
        kind=KINDS,
        leftover=st.sampled_from(["return", "lapse"]),
        days=st.integers(0, 12),
    )
    def write(self, kind, leftover, days):
        reply = self.union.draft(**self._form(kind, leftover, days))
        assert reply.status_code == 201, reply.get_json()
        return reply.get_json()["id"]

    @rule(
        target=programmes,
        kind=KINDS,
        leftover=st.sampled_from(["return", "lapse"]),
        days=st.integers(0, 12),
        packs=st.lists(st.integers(0, 1), max_size=2),
    )
    def give(self, kind, leftover, days, packs):
        """All the way to what members have and choose; where goods are gone it stops on the way."""
        programme_id = self.write(kind, leftover, days)
        for step in ("submit", "approve", "fund", "issue"):
            self.step(programme_id, step)
        self.work_off()
        for number, pack in enumerate(packs):
            self.choose(programme_id, number, pack, "redeem")
        return programme_id

    @rule(programme_id=programmes)
    def finish(self, programme_id):
        """All the way to the archive, if every step fits."""
        self.step(programme_id, "close")
        for _ in range(3):
            self.work_off()
        for part in self._parts(programme_id):
            path = f"/v1/supplier/fulfillment-orders/{part.id}/shipments"
            self.suppliers[str(part.supplier_id)].post(path, {"carrier": "self"})
            for person in self.people:
                person.post(f"/v1/store/fulfillment-orders/{part.id}/confirm")
        for step in ("accept", "payout", "archive"):
            self.step(programme_id, step)

    def _parts(self, programme_id):
        return select_rows(
            self.world,
            "SELECT f.id, f.supplier_id FROM fulfillment_order f JOIN order_programme p"
            f" ON p.order_id = f.order_id WHERE p.programme_id = '{programme_id}'",
        )

    @rule(programme_id=programmes, name=st.sampled_from(STEPS))
    def step(self, programme_id, name):
        """Take any step at any time: what does not fit is refused and changes nothing."""
        union, path = self.union, f"/v1/union/programmes/{programme_id}"
        ops = f"/v1/ops/programmes/{programme_id}"
        if name == "approve":
            found = union.read(programme_id)
            codes = [each["code"] for each in found["warnings"]]
            body = {
                "content_hash": found["content_hash"] or "",
                "acknowledged_warnings": codes,
            }
            reply = union.approver.post(f"{path}/approve", body)
        elif name in ("fund_half", "fund"):
            due = union.bill(programme_id)["due_fen"] // (2 if name == "fund_half" else 1)
            row = union.handler.post(f"{path}/transfers", self._transfer(max(1, due)))
            if row.status_code != 201:
                assert row.status_code == 409
                return
            reply = union.operator.post(f"{ops}/transfers/{row.get_json()['id']}/confirm")
            assert reply.status_code == 200
        elif name == "payout":
            surplus = union.bill(programme_id)["surplus_fen"]
            reply = union.pay_out(programme_id, **self._transfer(max(1, surplus)))
        elif name == "close":
            reply = union.approver.post(f"{path}/close", {"reason": "提前结束"})
        elif name == "accept":
            reply = union.acceptor.post(f"{path}/accept", {})
        elif name == "archive":
            reply = union.auditor.post(f"{path}/archive", {})
        elif name == "remind":
            reply = union.handler.post(f"{path}/reminders")
        else:
            body = {"reason": "改期"} if name == "withdraw" else {}
            reply = union.handler.post(f"{path}/{name}", body)
        assert reply.status_code in (200, 201, 202, 409, 422), reply.get_json()

    def _transfer(self, amount_fen):
        reference = secrets.token_hex(8)
        return {"amount_fen": amount_fen, "bank_reference": reference, "payer": "工会"}

    @rule()
    def work_off(self):
        """Let the workers issue, close and tell; what waits is looked at again at once."""
        execute_sql(self.world, "UPDATE programme SET due_at = :at WHERE due_at > :at", at=self.now)
        run_sweep(self.world, "run_programmes")
        run_outbox(self.world)

    # Members

    def _right(self, programme_id, number):
        person = self.people[number % len(self.people)]
        found = person.get("/v1/store/entitlements").get_json()["items"]
        mine = [each for each in found if each["programme_id"] == programme_id]
        return person, mine[0]["id"] if mine else None

    @rule(
        programme_id=programmes,
        number=st.integers(0, 2),
        pack=st.integers(0, 1),
        verb=st.sampled_from(["redeem", "change"]),
    )
    def choose(self, programme_id, number, pack, verb):
        person, right = self._right(programme_id, number)
        if right is None:
            return
        shown = person.get(f"/v1/store/entitlements/{right}").get_json()
        body = {"items": [{"sku_id": str(self.skus[pack][0]), "quantity": 2}]}
        if shown["packs"]:
            body = {"pack_id": self.packs[pack]}
        reply = person.post(f"/v1/store/entitlements/{right}/{verb}", body)
        assert reply.status_code in (201, 404, 409, 422), reply.get_json()

    @rule()
    def newcomer_signs_in(self):
        if self.newcomer is not None and len(self.people) == 2:
            person = new_member(self.world)
            execute_sql(self.world, "UPDATE access_token SET expires_at = '2099-01-01'")
            self.union.bind(person, self.newcomer)
            self.people = (*self.people, person)
            run_outbox(self.world)

    @rule(target=changes, programme_id=programmes, number=st.integers(0, 2))
    def propose_withdrawal(self, programme_id, number):
        path = f"/v1/union/programmes/{programme_id}"
        found = self.union.handler.get(f"{path}/recipients").get_json()["items"]
        if number >= len(found):
            return multiple()
        body = {"kind": "withdraw", "entitlement_id": found[number]["id"], "reason": "离职"}
        reply = self.union.handler.post(f"{path}/changes", body)
        if reply.status_code != 201:
            assert reply.status_code == 409
            return multiple()
        return f"{path}/changes/{reply.get_json()['id']}/decide"

    @rule(path=consumes(changes), is_approved=st.booleans())
    def decide_withdrawal(self, path, is_approved):
        reply = self.union.approver.post(path, {"is_approved": is_approved})
        assert reply.status_code in (200, 409)

    # Goods for the unit

    @rule(programme_id=programmes)
    def send_to_the_unit(self, programme_id):
        path = f"/v1/union/programmes/{programme_id}/deliveries"
        run_outbox(self.world)
        for part in self.union.handler.get(path).get_json()["items"]:
            supplier = self.suppliers[part["supplier_id"]]
            to = f"/v1/supplier/fulfillment-orders/{part['id']}/shipments"
            reply = supplier.post(to, {"carrier": "self", "tracking_no": None})
            assert reply.status_code in (201, 409)
