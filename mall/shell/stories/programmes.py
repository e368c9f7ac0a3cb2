"""Four purchases of the trade, on the figures of real ones, played over HTTP to the last fen.

Head-counts are ours; the amounts are the unions'. A short run takes a part of the people and
scales nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from mall.kernel import clock
from mall.kernel.clock import beijing_day
from mall.kernel.money import yuan
from mall.shell.stories.giving import ADDRESS, Giving, at_once
from mall.shell.stories.telling import Person, Step, StoryFailed


@dataclass
class Court(Giving):
    """340 people, ¥300 each, ¥102,000: a voucher for one of three packs."""

    union: str = "湛江市中级人民法院工会委员会"
    EACH, CHEAPER = 30_000, 28_550

    @property
    def count(self) -> int:
        return 34 if self.is_short else 340

    def packs_are_put_together(self) -> str:
        self.open_category()
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
            right = self.right_of(person)
            body = {"pack_id": self.known["packs"][wanted]}
            if wanted == 2:
                body["code"] = person.get(f"/v1/store/entitlements/{right['id']}")["code"]
                order = person.post("/v1/store/vouchers/redeem", body)
            else:
                order = person.post(f"/v1/store/entitlements/{right['id']}/redeem", body)
            return person, order["order_id"], wanted

        chosen = at_once(choose, [each for each in enumerate(self.people) if each[0] % 10 != 9])
        self.known["chosen"] = chosen
        self.order_ids |= {order_id for _, order_id, _ in chosen}
        person = chosen[0][0]
        right = self.right_of(person)["id"]
        again = {"pack_id": self.known["packs"][0]}
        person.post(f"/v1/store/entitlements/{right}/redeem", again, 409)
        people = self.dashboard()["people"]
        self.check(people["redeemed"], len(chosen), "redeemed")
        self.check(people["not_chosen"], self.count - len(chosen), "not chosen")
        return f"{people['redeemed']} have chosen, {people['not_chosen']} have not; nobody twice"

    def member_changes_mind(self) -> str:
        person, order_id, _ = self.known["chosen"][0]
        right = self.right_of(person)["id"]
        body = {"pack_id": self.known["packs"][1]}
        order = person.post(f"/v1/store/entitlements/{right}/change", body)
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
        self.send_parts(self.supplier, len(chosen))
        self.confirm_all([(person, order_id) for person, order_id, _ in chosen])
        person = chosen[0][0]
        right = self.right_of(person)["id"]
        body = {"pack_id": self.known["packs"][0]}
        person.post(f"/v1/store/entitlements/{right}/change", body, 409)
        delivery = self.dashboard()["delivery"]
        return f"{delivery['shipped']} sent, {delivery['signed']} signed; too late to change"

    def silent_ones_get_the_default(self) -> str:
        self.programme_closes()
        parts = self.wait("no part", lambda: self.handler.get(f"{self.path}/deliveries")["items"])
        self.handler.post(f"{self.path}/accept", {}, 409)
        for part in parts:
            self.send_part(self.supplier, part)
        silent = self.count - len(self.known["chosen"])
        units = sum(line["quantity"] for part in parts for line in part["lines"])
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
class Customs(Giving):
    """990 people, ¥870.70 each, ¥861,993: beans for anything within a selection."""

    union: str = "湛江海关工会委员会"
    EACH = 87_070
    PRICES = (39_900, 26_800, 12_800)
    CHOICES = ((2, 0, 0), (0, 3, 0), (1, 1, 1))

    @property
    def count(self) -> int:
        return 22 if self.is_short else 990

    def goods_are_selected(self) -> str:
        self.open_category()
        stock = 3 * self.count + 10
        titles = ("东海岛沙虫干", "流沙南珠", "覃斗芒果干")
        made = [
            self.put_on_sale(self.supplier, title, fen, stock)
            for title, fen in zip(titles, self.PRICES, strict=True)
        ]
        self.known["skus"] = [sku for _, sku in made]
        self.known["outside"] = self.put_on_sale(self.supplier, "不在选品内", 1_000, 10)[1]
        items = [{"product_id": product} for product, _ in made]
        body = {"name": f"海关选品 {self.known['mark']}", "items": items}
        self.known["selection"] = self.handler.post("/v1/union/selections", body)["id"]
        return f"{len(items)} products"

    def officer_writes(self) -> str:
        return self.write(
            kind="restricted",
            per_member_fen=self.EACH,
            delivery="ship",
            selection_id=self.known["selection"],
        )

    def _order(self, person: Person, lines: list[Any], expect: int) -> Any:
        want = {"lines": lines, "tender": "beans"}
        quote = person.post("/v1/store/checkout/quote", want, expect=200)
        return person.post(
            "/v1/store/orders", {**want, "quoted_total_fen": quote["total_fen"]}, expect
        )

    def members_order(self) -> str:
        """Let nine of ten order within the selection, each something else."""

        def order(each: tuple[int, Person]) -> tuple[Person, str, int]:
            number, person = each
            self.right_of(person)
            quantities = self.CHOICES[number % 3]
            lines = [
                {"sku_id": sku, "quantity": quantity}
                for sku, quantity in zip(self.known["skus"], quantities, strict=True)
                if quantity
            ]
            placed = self._order(person, lines, 201)
            return person, placed["order_id"], placed["total_fen"]

        placed = at_once(order, [each for each in enumerate(self.people) if each[0] % 10 != 9])
        self.known["placed"] = placed
        self.order_ids = {order_id for _, order_id, _ in placed}
        found = self.dashboard()
        self.check(found["money"]["spent_fen"], sum(fen for *_, fen in placed), "spent")
        self.check(found["people"]["not_chosen"], self.count - len(placed), "not begun")
        return f"{len(placed)} orders, ¥{yuan(found['money']['spent_fen'])}"

    def nothing_else_can_be_bought(self) -> str:
        person = self.people[9]
        outside = [{"sku_id": self.known["outside"], "quantity": 1}]
        body = {"lines": outside, "tender": "beans", "quoted_total_fen": 1_000}
        found = person.post("/v1/store/orders", body, 409)
        return str(found["detail"])

    def goods_are_sent(self) -> str:
        placed = self.known["placed"]
        self.send_parts(self.supplier, len(placed))
        self.confirm_all([(person, order_id) for person, order_id, _ in placed])
        delivery = self.dashboard()["delivery"]
        return f"{delivery['shipped']} sent, {delivery['signed']} signed"

    def beans_are_called_in(self) -> str:
        self.programme_closes()
        money = self.dashboard()["money"]
        self.check(money["outstanding_fen"], 0, "still with members")
        return f"¥{yuan(money['returned_fen'])} back in the fund"

    def left_over(self) -> int:
        budget: int = self.known["budget"]
        return budget - sum(fen for *_, fen in self.known["placed"])

    def steps(self) -> Sequence[Step]:
        """Return what is told, in its order."""
        return [
            *self.beginning(),
            ("goods are selected", self.goods_are_selected),
            ("an officer sends the roster", lambda: self.officer_sends_roster(self.count)),
            ("the officer writes and submits", self.officer_writes),
            *self.middle(),
            ("members sign in with their phones", self.members_sign_in),
            ("members order within the selection", self.members_order),
            ("nothing else can be bought with it", self.nothing_else_can_be_bought),
            ("the supplier sends, members confirm", self.goods_are_sent),
            ("what nobody spent is called in", self.beans_are_called_in),
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
        self.open_category()
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
        [part] = self.wait("no part", lambda: self.handler.get(f"{self.path}/deliveries")["items"])
        half = self.count // 2
        items = [{"line_id": line["id"], "quantity": half} for line in part["lines"]]
        self.send_part(self.supplier, part, items)
        self.programme_closes()
        refused = self.handler.post(f"{self.path}/accept", {}, 409)
        self.send_part(self.supplier, part)
        return f"{half}, then {self.count - half}; in between: {refused['detail']}"

    def everybody_signs(self) -> str:
        name = f"{self.path}/papers/hand-out-sheet"
        sheet = self.auditor.download(name)
        self.check(sheet[:5], b"%PDF-", "the hand-out sheet")
        return f"a sheet of {len(sheet) // 1024} KB for {self.count} signatures"

    def steps(self) -> Sequence[Step]:
        """Return what is told, in its order."""
        return [
            *self.beginning(),
            ("a pack is put together", self.pack_is_put_together),
            ("an officer sends the roster", lambda: self.officer_sends_roster(self.count)),
            ("the officer writes and submits", self.officer_writes),
            *self.middle(),
            ("two loads arrive", self.two_loads_arrive),
            ("everybody signs", self.everybody_signs),
            *self.end(lambda: 0),
        ]


@dataclass
class Cake(Giving):
    """Twelve people, ¥200 in cake beans each on their birthdays, for the cakes of two merchants."""

    union: str = "湛江市第三幼儿园工会委员会"
    EACH, LARGE, SMALL = 20_000, 12_800, 5_600
    merchants: tuple[Person, ...] = ()

    @property
    def count(self) -> int:
        return 4 if self.is_short else 12

    def bakeries_open(self) -> str:
        self.open_category()
        self.merchants = (self.merchant("赤坎烘焙坊"), self.merchant("霞山蛋糕店"))
        cakes = [
            self.put_on_sale(each, title, fen, 50, delivery_modes=["store_pickup"])
            for each, title, fen in (
                (self.merchants[0], "六寸鲜奶蛋糕", self.LARGE),
                (self.merchants[1], "芒果慕斯", self.SMALL),
            )
        ]
        self.known["skus"] = [sku for _, sku in cakes]
        items = [{"product_id": product} for product, _ in cakes]
        body = {"name": f"蛋糕选品 {self.known['mark']}", "items": items}
        self.known["selection"] = self.handler.post("/v1/union/selections", body)["id"]
        return "two merchants, a cake each, collected at the store"

    def officer_sends_birthdays(self) -> str:
        """Half of them have their birthday today, the others in forty days."""
        today = beijing_day(clock.now())
        later = today + timedelta(days=40)
        days = [f"1990-{day:%m-%d}" for day in [today, later] * (self.count // 2)]
        # A leap day that 1990 has not is never asked for: both days exist in it or are skipped.
        return self.officer_sends_roster(
            self.count, [day.replace("02-29", "02-28") for day in days]
        )

    def officer_writes(self) -> str:
        today = beijing_day(clock.now())
        return self.write(
            name="生日蛋糕券",
            kind="cake",
            per_member_fen=self.EACH,
            delivery="store_pickup",
            selection_id=self.known["selection"],
            birthday="day",
            closes_on=str(today + timedelta(days=60)),
            expires_on=str(today + timedelta(days=90)),
        )

    def workers_issue(self) -> str:
        self.handler.post(f"{self.path}/issue", expect=202)
        self.wait("not active", lambda: self.handler.get(self.path)["state"] == "active")
        progress = self.handler.get(f"{self.path}/progress")
        self.check((progress["issued"], progress["listed"]), (self.count // 2,) * 2, "birthdays")
        return (
            f"{progress['issued']} have their birthday today; {progress['listed']} wait for theirs"
        )

    def members_sign_in(self) -> str:
        rows = self.rows
        self.rows = rows[::2]
        try:
            return super().members_sign_in()
        finally:
            self.rows = rows

    def members_combine_cakes(self) -> str:
        def order(person: Person) -> tuple[Person, str]:
            self.right_of(person)
            lines = [{"sku_id": sku, "quantity": 1} for sku in self.known["skus"]]
            want = {"lines": lines, "tender": "beans"}
            quote = person.post("/v1/store/checkout/quote", want, expect=200)
            body = {**want, "quoted_total_fen": quote["total_fen"]}
            return person, person.post("/v1/store/orders", body)["order_id"]

        placed = self.known["placed"] = at_once(order, self.people)
        self.order_ids = {order_id for _, order_id in placed}
        spent = self.dashboard()["money"]["spent_fen"]
        self.check(spent, len(placed) * (self.LARGE + self.SMALL), "spent")
        return f"{len(placed)} orders over two merchants, ¥{yuan(spent)} in beans alone"

    def cakes_are_collected(self) -> str:
        placed = self.known["placed"]
        for each in self.merchants:
            self.send_parts(each, len(placed))
        self.confirm_all(placed)
        states = {
            person.get(f"/v1/store/orders/{order_id}")["state"] for person, order_id in placed
        }
        if states != {"completed"}:
            raise StoryFailed(str(states))
        return f"{2 * len(placed)} cakes"

    def programme_is_ended(self) -> str:
        self.programme_closes()
        people = self.dashboard()["people"]
        return f"{people['withdrawn']} birthdays were still to come: their money stays in the fund"

    def left_over(self) -> int:
        budget: int = self.known["budget"]
        return budget - len(self.known["placed"]) * (self.LARGE + self.SMALL)

    def steps(self) -> Sequence[Step]:
        """Return what is told, in its order."""
        return [
            *self.beginning(),
            ("two bakeries open", self.bakeries_open),
            ("an officer sends the roster with birthdays", self.officer_sends_birthdays),
            ("the officer writes and submits", self.officer_writes),
            *self.middle(),
            ("members sign in with their phones", self.members_sign_in),
            ("members combine cakes of both", self.members_combine_cakes),
            ("cakes are handed out", self.cakes_are_collected),
            ("the union ends it early", self.programme_is_ended),
            *self.end(self.left_over),
        ]
