"""Packs for a court and for a hospital, on the figures of real purchases, to the last fen.

Head-counts are ours; the amounts are the unions'. A short run takes a part of the people and
scales nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from devtools.stories.giving import ADDRESS, Giving, at_once
from devtools.stories.telling import Person, Step, sent_by_sf
from mall.kernel.money import yuan


@dataclass
class Court(Giving):
    """340 people, ¥300 each, ¥102,000: a voucher for one of three packs."""

    union: str = "湛江市中级人民法院工会委员会"
    EACH, CHEAPER = 30_000, 28_550

    @property
    def count(self) -> int:
        return 34 if self.is_short else 340

    def packs_are_put_together(self) -> str:
        skus = [
            self.put_on_sale(self.supplier, title, fen, self.count + 10)[1]
            for title, fen in (
                ("徐闻良姜礼盒", 12_000),
                ("官渡生蚝礼盒", 18_000),
                ("雷州红薯干", 30_000),
                ("湛江菠萝干", 28_550),
            )
        ]
        self.known["packs"] = [
            self.pack("法院 A 包", (skus[0], 12_000), (skus[1], 18_000)),
            self.pack("法院 B 包", (skus[2], self.EACH)),
            self.pack("法院 C 包", (skus[3], self.CHEAPER)),
        ]
        return "A and B cost ¥300.00, C ¥285.50; A is for who chooses none"

    def officer_writes(self) -> str:
        packs = self.known["packs"]
        return self.write(
            kind="pick_one",
            per_member_fen=self.EACH,
            delivery="ship",
            pack_ids=packs,
            default_pack_id=packs[0],
            unit_address=ADDRESS,
            allows_codes=True,
        )

    def members_choose(self) -> str:
        """Let nine of ten choose; who takes C does so by code."""

        def choose(each: tuple[int, Person]) -> tuple[Person, str, int]:
            number, person = each
            wanted = (0, 0, 0, 0, 1, 1, 1, 2, 2)[number % 10]
            entitlement = self.entitlement_of(person)
            body = {"pack_id": self.known["packs"][wanted]}
            if wanted == 2:
                body["code"] = person.get(f"/v1/store/entitlements/{entitlement['id']}")["code"]
                order = person.post("/v1/store/vouchers/redeem", body)
            else:
                order = person.post(f"/v1/store/entitlements/{entitlement['id']}/redeem", body)
            return person, order["order_id"], wanted

        chosen = at_once(choose, [each for each in enumerate(self.people) if each[0] % 10 != 9])
        self.known["chosen"] = chosen
        self.order_ids |= {order_id for _, order_id, _ in chosen}
        person = chosen[0][0]
        entitlement = self.entitlement_of(person)["id"]
        again = {"pack_id": self.known["packs"][0]}
        person.post(f"/v1/store/entitlements/{entitlement}/redeem", again, 409)
        people = self.dashboard()["people"]
        self.check(people["redeemed"], len(chosen), "redeemed")
        self.check(people["not_chosen"], self.count - len(chosen), "not chosen")
        return f"{people['redeemed']} have chosen, {people['not_chosen']} have not; nobody twice"

    def member_changes_mind(self) -> str:
        person, order_id, _ = self.known["chosen"][0]
        entitlement = self.entitlement_of(person)["id"]
        body = {"pack_id": self.known["packs"][1]}
        order = person.post(f"/v1/store/entitlements/{entitlement}/change", body)
        self.known["chosen"][0] = (person, order["order_id"], 1)
        self.order_ids = self.order_ids - {order_id} | {order["order_id"]}
        return "A becomes B: one order cancelled, another placed, in one transaction"

    def officer_reminds(self) -> str:
        told = self.handler.post(f"{self.path}/reminders", expect=200)["reminded"]
        self.check(told, self.count - len(self.known["chosen"]), "reminded")
        again = self.handler.post(f"{self.path}/reminders", expect=200)["reminded"]
        return f"{told} reminded, {again} when asked again at once"

    def packs_are_sent(self) -> str:
        chosen = self.known["chosen"]
        self.dispatch_all(self.supplier, len(chosen))
        self.confirm_all([(person, order_id) for person, order_id, _ in chosen])
        person = chosen[0][0]
        entitlement = self.entitlement_of(person)["id"]
        body = {"pack_id": self.known["packs"][0]}
        person.post(f"/v1/store/entitlements/{entitlement}/change", body, 409)
        delivery = self.dashboard()["delivery"]
        return f"{delivery['shipped']} sent, {delivery['signed']} signed; too late to change"

    def silent_ones_get_the_default(self) -> str:
        self.programme_closes()
        fulfillment_orders = self.wait(
            "no fulfillment order", lambda: self.handler.get(f"{self.path}/deliveries")["items"]
        )
        self.handler.post(f"{self.path}/accept", {}, 409)
        for fulfillment_order in fulfillment_orders:
            self.dispatch(self.supplier, fulfillment_order)
        silent = self.count - len(self.known["chosen"])
        units = sum(
            line["quantity"]
            for fulfillment_order in fulfillment_orders
            for line in fulfillment_order["lines"]
        )
        self.check(units, 2 * silent, "units for the silent")
        return f"{silent} default packs go to the unit"

    def left_over(self) -> int:
        cheap = sum(1 for *_, wanted in self.known["chosen"] if wanted == 2)
        return cheap * (self.EACH - self.CHEAPER)

    def steps(self) -> Sequence[Step]:
        """Return what is told, in its order."""
        return [
            *self.beginning(),
            ("packs are put together", self.packs_are_put_together),
            ("an officer sends the roster", lambda: self.officer_sends_roster(self.count)),
            ("the officer writes and submits", self.officer_writes),
            *self.middle(),
            ("members sign in with their phones", self.members_sign_in),
            ("members choose, in the app and by code", self.members_choose),
            ("one of them thinks better of it", self.member_changes_mind),
            ("the officer reminds the others", self.officer_reminds),
            ("the supplier sends, members confirm", self.packs_are_sent),
            ("the programme closes", self.silent_ones_get_the_default),
            *self.end(self.left_over),
        ]


@dataclass
class Maternity(Giving):
    """1,400 people, ¥856.01 each, ¥1,198,414: one pack for all, delivered to the unit."""

    union: str = "湛江市妇幼保健计划生育服务中心工会委员会"
    EACH = 85_601
    PARTS = (("坡头对虾礼盒", 39_900), ("遂溪火龙果", 32_901), ("廉江红橙", 12_800))

    @property
    def count(self) -> int:
        return 14 if self.is_short else 1_400

    def pack_is_put_together(self) -> str:
        parts = [
            (self.put_on_sale(self.supplier, title, fen, self.count + 10)[1], fen)
            for title, fen in self.PARTS
        ]
        self.known["pack"] = self.pack("妇幼慰问包", *parts)
        return f"three parts, ¥{yuan(self.EACH)}"

    def officer_writes(self) -> str:
        return self.write(
            kind="fixed",
            per_member_fen=self.EACH,
            delivery="unit_delivery",
            pack_ids=[self.known["pack"]],
            unit_address=ADDRESS,
        )

    def two_loads_arrive(self) -> str:
        [fulfillment_order] = self.wait(
            "no fulfillment order", lambda: self.handler.get(f"{self.path}/deliveries")["items"]
        )
        half = self.count // 2
        items = [{"line_id": line["id"], "quantity": half} for line in fulfillment_order["lines"]]
        self.dispatch(self.supplier, fulfillment_order, items)
        self.programme_closes()
        refused = self.handler.post(f"{self.path}/accept", {}, 409)
        pick = self.supplier.download(
            f"/v1/supplier/fulfillment-orders/{fulfillment_order['id']}/pick-list"
        )
        self.check(pick[:5], b"%PDF-", "the pick list")
        self.dispatch(self.supplier, fulfillment_order)
        return f"{half}, then {self.count - half}; in between: {refused['detail']}"

    def loads_are_received(self) -> str:
        """One box of the second load is broken: the supplier sends it again."""
        first, second = self.handler.get(f"{self.path}/loads")["items"]
        receipts = f"{self.path}/receipts"
        self.handler.post(receipts, {"shipment_id": first["shipment_id"]})
        line = second["lines"][0]
        counted = {"line_id": line["line_id"], "received": line["sent"] - 1, "damaged": 1}
        body = {"shipment_id": second["shipment_id"], "lines": [counted], "wish": "replace"}
        [case] = self.handler.post(receipts, {**body, "note": "一箱压坏"})["case_ids"]
        refused = self.handler.post(f"{self.path}/accept", {}, 409)
        self.supplier.post(f"/v1/supplier/after-sales/{case}/approve", {}, 200)
        fulfillment_orders = self.handler.get(f"{self.path}/deliveries")["items"]
        [again] = [
            fulfillment_order
            for fulfillment_order in fulfillment_orders
            if fulfillment_order["case_id"] == case
        ]
        self.dispatch(self.supplier, again)
        third = self.handler.get(f"{self.path}/loads")["items"][-1]
        self.handler.post(receipts, {"shipment_id": third["shipment_id"]})
        return str(refused["detail"])

    def everybody_signs(self) -> str:
        """One shows the telephone, the others are ticked; one is absent, one gets a parcel."""
        sheet = self.auditor.download(f"{self.path}/papers/hand-out-sheet")
        self.check(sheet[:5], b"%PDF-", "the hand-out sheet")
        rows, self.rows = self.rows, self.rows[:1]
        self.members_sign_in()
        self.rows = rows
        [person] = self.people
        entitlement = self.entitlement_of(person)
        code = person.get(f"/v1/store/entitlements/{entitlement['id']}/hand-out-code")["code"]
        self.handler.post(f"{self.path}/hand-outs/scan", {"code": code}, 200)
        self.handler.post(f"{self.path}/hand-outs/scan", {"code": code}, 409)
        after, ticked = 0, 0
        while after is not None:
            path = f"{self.path}/hand-outs"
            page = self.handler.get(path, state="missing", after=after, limit=200)
            items = [
                {"recipient_id": each["recipient_id"], "state": "handed_out"}
                for each in page["items"]
            ]
            if ticked == 0:
                items[0]["state"] = "kept"
                items[1] |= {"state": "forwarded", **sent_by_sf()}
            counts = self.handler.post(path, {"items": items}, 200)
            after, ticked = page["next_after"], ticked + len(items)
        wanted = {"handed_out": self.count - 2, "kept": 1, "forwarded": 1}
        self.check(counts, wanted, "shares")
        return f"{counts['handed_out']} handed out, 1 kept, 1 forwarded; signed twice is refused"

    def steps(self) -> Sequence[Step]:
        """Return what is told, in its order."""
        return [
            *self.beginning(),
            ("a pack is put together", self.pack_is_put_together),
            ("an officer sends the roster", lambda: self.officer_sends_roster(self.count)),
            ("the officer writes and submits", self.officer_writes),
            *self.middle(),
            ("two loads arrive", self.two_loads_arrive),
            ("the officer receives them", self.loads_are_received),
            ("everybody signs", self.everybody_signs),
            *self.end(lambda: 0),
        ]
