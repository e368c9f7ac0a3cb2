"""Beans for the customs and for birthdays, on the figures of real purchases, to the last fen.

Head-counts are ours; the amounts are the unions'. A short run takes a part of the people and
scales nothing else.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from devtools.stories.giving import Giving, at_once
from devtools.stories.telling import Person, Step, StoryFailed
from mall.kernel import clock
from mall.kernel.clock import beijing_day
from mall.kernel.money import yuan

# Stores and where they are, nearest to the members first; and where the members are.
PLACES = (("寸金店", 21.2707, 110.3594), ("廉江店", 21.6110, 110.2840))
HOME = {"latitude": 21.2650, "longitude": 110.3610}


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
        stock = 3 * self.count + 10
        titles = ("东海岛沙虫干", "流沙南珠", "覃斗芒果干")
        made = [
            self.put_on_sale(self.supplier, title, fen, stock)
            for title, fen in zip(titles, self.PRICES, strict=True)
        ]
        self.known["skus"] = [sku for _, sku in made]
        self.known["outside"] = self.put_on_sale(self.supplier, "不在选品内", 1_000, 10)[1]
        self.select("海关选品", [product for product, _ in made])
        return f"{len(made)} products"

    def officer_writes(self) -> str:
        return self.write(
            kind="restricted",
            per_member_fen=self.EACH,
            delivery="ship",
            selection_id=self.known["selection"],
        )

    def members_order(self) -> str:
        """Let nine of ten order within the selection, each something else."""

        def order(each: tuple[int, Person]) -> tuple[Person, str, int]:
            number, person = each
            self.entitlement_of(person)
            quantities = self.CHOICES[number % 3]
            lines = [
                {"sku_id": sku, "quantity": quantity}
                for sku, quantity in zip(self.known["skus"], quantities, strict=True)
                if quantity
            ]
            placed = self.order(person, lines, "beans")
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
        self.dispatch_all(self.supplier, len(placed))
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
class Cake(Giving):
    """Twelve people, ¥200 in cake beans each on their birthdays, for the cakes of two merchants."""

    union: str = "湛江市第三幼儿园工会委员会"
    EACH, LARGE, SMALL = 20_000, 12_800, 5_600
    # By the cake that each bakes.
    merchants: dict[str, Person] = field(default_factory=dict)
    shops: dict[str, list[Any]] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return 4 if self.is_short else 12

    def bakeries_open(self) -> str:
        self.merchants = {
            "六寸鲜奶蛋糕": self.merchant("赤坎烘焙坊"),
            "芒果慕斯": self.merchant("霞山蛋糕店"),
        }
        for name, merchant in self.merchants.items():
            self.shops[name] = [self.store_of(merchant, *each) for each in PLACES]
        cakes = [
            self.put_on_sale(each, title, fen, 50, delivery_modes=["store_pickup"])
            for (title, each), fen in zip(
                self.merchants.items(), (self.LARGE, self.SMALL), strict=True
            )
        ]
        self.known["skus"] = [sku for _, sku in cakes]
        self.select("蛋糕选品", [product for product, _ in cakes])
        return "two merchants, a cake and two stores each"

    def store_of(self, merchant: Person, name: str, latitude: float, longitude: float) -> Any:
        """Let a merchant open a store with a clerk and a manager, who sign in at the counter."""
        hours = [{"weekday": day, "opens": "09:00", "closes": "21:00"} for day in range(1, 8)]
        place = {"region_code": "440802", "detail": f"{name} 1 号", "phone": "13800000001"}
        position = {"latitude": latitude, "longitude": longitude}
        form = {"name": name, **place, **position, "hours": hours, "lead_hours": 12}
        store = merchant.post("/v1/supplier/stores", {**form, "daily_capacity": 40})
        store["staff"] = [self.counter_of(merchant, store["id"], each) for each in (False, True)]
        return store

    def counter_of(self, merchant: Person, store_id: str, is_manager: bool) -> Person:
        username = f"c{secrets.token_hex(4)}"
        path = f"/v1/supplier/stores/{store_id}/clerks"
        found = merchant.post(path, {"username": username, "is_manager": is_manager})
        return self.accepts("pickup", username, found["invitation"])

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
            self.entitlement_of(person)
            lines = [{"sku_id": sku, "quantity": 1} for sku in self.known["skus"]]
            return person, self.order(person, lines, "beans")["order_id"]

        placed = self.known["placed"] = at_once(order, self.people)
        self.order_ids = {order_id for _, order_id in placed}
        spent = self.dashboard()["money"]["spent_fen"]
        self.check(spent, len(placed) * (self.LARGE + self.SMALL), "spent")
        return f"{len(placed)} orders over two merchants, ¥{yuan(spent)} in beans alone"

    def members_choose_stores(self) -> str:
        """Everybody takes the nearest store of each merchant, tomorrow or the day after."""

        def choose(each: tuple[Person, str]) -> str:
            person, order_id = each
            choices = []
            for shops in self.shops.values():
                wanted = {"supplier_id": shops[0]["supplier_id"], **HOME}
                near = person.get("/v1/store/stores", **wanted)["items"]
                self.check(near[0]["name"], PLACES[0][0], "nearest")
                slots = person.get(f"/v1/store/stores/{near[0]['id']}/slots")["items"]
                choices.append({"store_id": near[0]["id"], "starts_at": slots[0]["starts_at"]})
            path = f"/v1/store/orders/{order_id}/pickup"
            found = person.call("PUT", path, {"choices": choices})["items"]
            self.check(len(found), len(self.shops), "stores chosen")
            return str(found[0]["slot_starts"])

        days = {str(each)[:10] for each in at_once(choose, self.known["placed"])}
        return f"{PLACES[0][0]} of both, on {', '.join(sorted(days))}"

    def wrong_store_refuses(self) -> str:
        person, order_id = self.known["placed"][0]
        [voucher, *_] = self.wait("no vouchers", lambda: self.vouchers_of(person, order_id))
        _, elsewhere = self.shops[voucher["title"].partition(" ")[0]]
        body = {"code": voucher["code"]}
        found = elsewhere["staff"][0].post("/v1/pickup/vouchers/redeem", body, 409)
        return str(found["detail"])

    def cakes_are_collected(self) -> str:
        placed = self.known["placed"]

        def collect(each: tuple[Person, str]) -> int:
            person, order_id = each
            vouchers = self.wait("no vouchers", lambda: self.vouchers_of(person, order_id))
            for number, voucher in enumerate(vouchers):
                store = self.shops[voucher["title"].partition(" ")[0]][0]
                code = voucher["short_code"] if number else voucher["code"]
                store["staff"][0].post("/v1/pickup/vouchers/redeem", {"code": code}, 200)
            return len(vouchers)

        handed_out = sum(at_once(collect, placed))
        self.check(handed_out, 2 * len(placed), "cakes")
        return f"{handed_out} cakes, by QR code and by short code"

    def manager_takes_one_back(self) -> str:
        """The wrong customer was scanned: the manager undoes it, the right one collects."""
        person, order_id = self.known["placed"][0]
        voucher = self.vouchers_of(person, order_id)[0]
        clerk, manager = self.shops[voucher["title"].partition(" ")[0]][0]["staff"]
        path = f"/v1/pickup/vouchers/{voucher['id']}/undo"
        clerk.post(path, {"reason": "扫错"}, 403)
        manager.post(path, {"reason": "扫错顾客，蛋糕未取走"}, 200)
        again = self.vouchers_of(person, order_id)[0]
        clerk.post("/v1/pickup/vouchers/redeem", {"code": again["code"]}, 200)
        return "the clerk may not, the manager may, and it is handed out again"

    def members_confirm(self) -> str:
        placed = self.known["placed"]
        self.confirm_all(placed)
        states = {
            person.get(f"/v1/store/orders/{order_id}")["state"] for person, order_id in placed
        }
        if states != {"completed"}:
            raise StoryFailed(str(states))
        return f"{len(placed)} orders completed"

    def vouchers_of(self, person: Person, order_id: str) -> Any:
        """Return an order's vouchers once both merchants' are there."""
        found = person.get(f"/v1/store/orders/{order_id}/vouchers")["items"]
        return found if len(found) == len(self.merchants) else None

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
            ("members choose the nearest stores and a time", self.members_choose_stores),
            ("another store of the merchant refuses", self.wrong_store_refuses),
            ("cakes are handed out", self.cakes_are_collected),
            ("a manager takes a hand-out back", self.manager_takes_one_back),
            ("members confirm", self.members_confirm),
            ("the union ends it early", self.programme_is_ended),
            *self.end(self.left_over),
        ]
