"""What every story of a giving union has in common: officers, goods, money, papers."""

import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

from devtools.stories.telling import Person, Step, StoryFailed, Telling
from mall.kernel import clock
from mall.kernel.clock import beijing_day
from mall.kernel.money import yuan
from mall.kernel.sheets import reading, writing
from mall.kernel.sheets.cells import Limits

ROSTER_HEADS = ("姓名", "手机号", "工号", "部门", "生日")
FLOWS = ("spent_fen", "outstanding_fen", "held_fen", "lapsed_fen", "balance_fen", "paid_out_fen")
PAPERS = 7
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ADDRESS = {
    "recipient": "工会办公室",
    "phone": "13800000009",
    "region_code": "440802",
    "detail": "跃进路 1 号",
}
Item = TypeVar("Item")


def at_once(act: Callable[[Item], Any], items: Iterable[Item]) -> list[Any]:
    """Do the same for many people, four at a time; raise what went wrong first."""
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(act, items))


# Whoever counts what came, or records what was paid, leaves the acceptance to another.
OFFICERS = {
    "handler": "handles",
    "acceptor": "handles",
    "approver": "approves",
    "auditor": "audits",
}


@dataclass
class Giving(Telling):
    """A union gives something to its members: from the roster to the archive."""

    union: str = ""
    handler: Person = field(init=False)
    acceptor: Person = field(init=False)
    approver: Person = field(init=False)
    auditor: Person = field(init=False)
    rows: list[tuple[str, ...]] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)
    order_ids: set[str] = field(default_factory=set)

    @property
    def path(self) -> str:
        """Return where the story's programme is."""
        return f"/v1/union/programmes/{self.known['programme']}"

    def check(self, found: Any, wanted: Any, what: str) -> None:
        """Raise StoryFailed unless a figure is what the story says."""
        if found != wanted:
            raise StoryFailed(f"{what}: {found}, not {wanted}")

    # Who takes part

    def union_is_set_up(self) -> str:
        self.staff_signs_in()
        mark = self.known["mark"] = secrets.token_hex(4)
        union = self.open_union(f"S-{mark}", f"{self.union}（故事 {mark}）")
        for name, duty in OFFICERS.items():
            setattr(self, name, self.officer(union, name, duty))
        return f"{union['name']}: two officers handle, one approves, one audits"

    def put_on_sale(
        self, supplier: Person, title: str, price_fen: int, stock: int, **form: Any
    ) -> tuple[str, str]:
        """Put a product of one SKU on sale; return the ids of both."""
        code = secrets.token_hex(4)
        body = {
            "title": f"{title} {self.known['mark']}",
            "category_id": self.open_category(),
            "delivery_modes": ["ship", "unit_delivery"],
            "skus": [{"code": code, "list_price_fen": price_fen, "price_fen": price_fen}],
            **form,
        }
        product = self.sell(supplier, body, stock)
        return product["id"], product["skus"][0]["id"]

    def select(self, name: str, products: Sequence[str]) -> None:
        """Select products that the programme is bound to."""
        items = [{"product_id": each} for each in products]
        body = {"name": f"{name} {self.known['mark']}", "items": items}
        self.known["selection"] = self.handler.post("/v1/union/selections", body)["id"]

    def pack(self, title: str, *parts: tuple[str, int]) -> str:
        """Put a pack together from SKUs at prices of its own; return its id."""
        body = {
            "title": f"{title} {self.known['mark']}",
            "parts": [{"sku_id": sku, "quantity": 1, "price_fen": fen} for sku, fen in parts],
        }
        pack_id: str = self.handler.post("/v1/union/packs", body)["id"]
        return pack_id

    def officer_sends_roster(self, count: int, birthdays: Sequence[str] = ()) -> str:
        """Send a roster with a wrong row, then the right one."""
        first = 16_600_000_000 + secrets.randbelow(90_000_000)
        for n in range(count):
            born = birthdays[n] if n < len(birthdays) else ""
            phone = str(first + n)
            self.rows.append((f"职工{n + 1}", phone, f"E{n + 1:05d}", f"{n % 7 + 1} 科", born))
        name = f"名册 {self.known['mark']}"
        roster = self.handler.post("/v1/union/rosters", {"name": name})["id"]
        wrong = [("错号", "1380000", "E99999", "1 科", ""), *self.rows]
        self._send_sheet(roster, wrong)
        state = self._roster_in(roster, "checked")
        notes = self.handler.get(f"/v1/union/rosters/{roster}/notes")["items"]
        self.check(state["wrong_rows"], 1, "wrong rows")
        self._send_sheet(roster, self.rows)
        self.check(self._roster_in(roster, "ready")["entry_count"], count, "people on the roster")
        self.known["roster"] = roster
        text = notes[0]["problems"][0]
        return f"row {notes[0]['number']} was refused ({text}); then {count} people"

    def _send_sheet(self, roster: str, rows: Sequence[Sequence[str]]) -> None:
        sheet = writing.xlsx("名册", ROSTER_HEADS, rows)
        self.handler.send(f"/v1/union/rosters/{roster}/sheet", sheet, XLSX, 202)

    def _roster_in(self, roster: str, state: str) -> Any:
        def look() -> Any:
            found = self.handler.get(f"/v1/union/rosters/{roster}")
            return found if found["state"] == state else None

        return self.wait(f"the roster is not {state}", look)

    # The programme

    def write(self, **form: Any) -> str:
        """Write the programme and submit it; whoever wrote it does not approve it."""
        today = beijing_day(clock.now())
        body = {
            "roster_id": self.known["roster"],
            "opens_on": str(today),
            "closes_on": str(today + timedelta(days=30)),
            "name": "春节慰问",
            **form,
        }
        self.known["programme"] = self.handler.post("/v1/union/programmes", body)["id"]
        submitted = self.handler.post(f"{self.path}/submit", expect=200)
        self.handler.post(f"{self.path}/approve", self._seen(submitted), 403)
        self.known.update(submitted=submitted, budget=submitted["budget_fen"])
        budget = yuan(submitted["budget_fen"])
        return f"{submitted['head_count']} people, ¥{budget}; the author may not approve it"

    def _seen(self, submitted: Any) -> dict[str, Any]:
        codes = [each["code"] for each in submitted["warnings"]]
        return {"content_hash": submitted["content_hash"], "acknowledged_warnings": codes}

    def another_officer_approves(self) -> str:
        body = self._seen(self.known["submitted"])
        if body["acknowledged_warnings"]:
            blind = {**body, "acknowledged_warnings": []}
            self.approver.post(f"{self.path}/approve", blind, 409)
        self.approver.post(f"{self.path}/approve", body, 200)
        warnings = "、".join(body["acknowledged_warnings"]) or "no warnings"
        return f"warnings seen: {warnings}; content {body['content_hash'][:16]}"

    def union_pays(self) -> str:
        """Pay in two transfers; in between nothing is issued."""
        budget = self.known["budget"]
        first = budget // 3
        for number, amount in enumerate((first, budget - first)):
            if number:
                self.handler.post(f"{self.path}/issue", expect=409)
            transfer = {
                "amount_fen": amount,
                "bank_reference": f"{self.known['mark']}-{number}",
                "payer": self.union,
            }
            row = self.handler.post(f"{self.path}/transfers", transfer)
            ops = self.path.replace("/union/", "/ops/")
            self.operator.post(f"{ops}/transfers/{row['id']}/confirm", expect=200)
        self.check(self.handler.get(f"{self.path}/bill")["due_fen"], 0, "due")
        return (
            f"¥{yuan(first)}, then ¥{yuan(budget - first)}; with the first alone nothing is issued"
        )

    def workers_issue(self) -> str:
        began = time.monotonic()
        self.handler.post(f"{self.path}/issue", expect=202)
        self.wait("not issued", lambda: self.handler.get(f"{self.path}/progress")["listed"] == 0)
        self.wait("not active", lambda: self.handler.get(self.path)["state"] == "active")
        progress = self.handler.get(f"{self.path}/progress")
        self.check(progress["issued_fen"], self.known["budget"], "issued")
        seconds = time.monotonic() - began
        return f"{progress['issued']} entitlements, ¥{yuan(progress['issued_fen'])}, in {seconds:.1f} s"

    # Members

    def members_sign_in(self) -> str:
        """Let everybody on the roster sign in with the phone that the roster names."""

        def enter(row: tuple[str, ...]) -> Person:
            person = Person(self.base)
            name = f"story-{secrets.token_hex(6)}"
            session = {"code": f"{name}:{secrets.token_hex(4)}"}
            person.token = person.post("/v1/store/session", session)["token"]
            phone = {"code": f"phone-{row[1]}:{secrets.token_hex(4)}"}
            person.call("PUT", "/v1/store/me/phone", phone)
            home = {**ADDRESS, "recipient": row[0], "phone": row[1]}
            person.post("/v1/store/addresses", home)
            return person

        self.people = at_once(enter, self.rows)
        notices = self.wait(
            "nobody is told", lambda: self.people[-1].get("/v1/store/notices")["items"]
        )
        return f"{len(self.people)}; the last one reads: {notices[0]['text']}"

    def entitlement_of(self, person: Person) -> Any:
        """Return a member's entitlement in the story's programme, once it is there."""

        def look() -> Any:
            items = person.get("/v1/store/entitlements")["items"]
            found = [each for each in items if each["programme_id"] == self.known["programme"]]
            return found[0] if found else None

        return self.wait("the entitlement does not arrive", look)

    # Goods

    def waiting_fulfillment_orders(self, supplier: Person) -> list[Any]:
        """Return what a supplier has to send for this story, once workers have split it."""
        found = supplier.all("/v1/supplier/fulfillment-orders", state="open")
        return [each for each in found if each["order_id"] in self.order_ids]

    def dispatch_all(self, supplier: Person, count: int) -> list[Any]:
        """Send so many fulfillment orders by the supplier's own driver; return them."""

        def split() -> list[Any] | None:
            found = self.waiting_fulfillment_orders(supplier)
            return found if len(found) == count else None

        waiting: list[Any] = self.wait(f"not {count} fulfillment orders", split)
        at_once(lambda each: self.dispatch(supplier, each), waiting)
        return waiting

    def dispatch(self, supplier: Person, fulfillment_order: Any, items: Any = None) -> None:
        body = {"carrier": "self", "tracking_no": None, "items": items}
        supplier.post(f"/v1/supplier/fulfillment-orders/{fulfillment_order['id']}/shipments", body)

    def confirm_all(self, chosen: Sequence[tuple[Person, str]]) -> None:
        """Let members confirm every fulfillment order of theirs."""

        def confirm(chosen_by: tuple[Person, str]) -> None:
            person, order_id = chosen_by
            path = f"/v1/store/orders/{order_id}/fulfillment-orders"
            for each in person.get(path)["items"]:
                person.post(f"/v1/store/fulfillment-orders/{each['id']}/confirm", expect=200)

        at_once(confirm, chosen)

    # The end

    def programme_closes(self) -> None:
        """End the programme before its time and wait until all is settled."""
        self.approver.post(f"{self.path}/close", {"reason": "职工均已完成"}, 202)
        self.wait("not closed", lambda: self.handler.get(self.path)["state"] == "closed")

    def dashboard(self) -> Any:
        """Return the dashboard, its money checked: what was received is all accounted for."""
        found = self.auditor.get(f"{self.path}/dashboard")
        money = found["money"]
        self.check(sum(money[name] for name in FLOWS), money["received_fen"], "the settlement")
        return found

    def union_accepts(self) -> str:
        self.acceptor.post(f"{self.path}/accept", {"note": "数量、外观、质保期均符合"}, 200)
        delivery = self.dashboard()["delivery"]
        self.check(delivery["signed"], delivery["parts"], "signed")
        return f"{delivery['signed']} of {delivery['parts']} fulfillment orders signed for"

    def papers_agree(self) -> str:
        """Take every paper along, and compare the settlement with the ledger."""
        names = [each["name"] for each in self.auditor.get(f"{self.path}/papers")["items"]]
        self.check(len(names), PAPERS, "papers")
        for name in names:
            content = self.auditor.download(f"{self.path}/papers/{name}")
            self.check(content[:5], b"%PDF-", name)
        said = self._settlement()
        money = self.dashboard()["money"]
        for label, key in (
            ("已下单支付", "spent_fen"),
            ("职工尚未使用", "outstanding_fen"),
            ("到期失效", "lapsed_fen"),
            ("资金账户余额", "balance_fen"),
            ("已退回工会", "paid_out_fen"),
            ("合计", "received_fen"),
        ):
            self.check(said[label], money[key], f"settlement, {label}")
        return f"{PAPERS} as PDF; the settlement adds up to ¥{yuan(money['received_fen'])}"

    def _settlement(self) -> dict[str, int]:
        sheet = self.auditor.download(f"{self.path}/papers/settlement?format=xlsx")
        said: dict[str, int] = {}
        for row in reading.read_rows(sheet, Limits()):
            label, amount = row.cells.get(0), row.cells.get(1)
            if label and amount and isinstance(amount.value, (int, float)):
                # The first table is that of the money; later ones count goods.
                said.setdefault(str(label.value), round(amount.value * 100))
        return said

    def leftovers_go_back(self, wanted_fen: int) -> str:
        """Pay out what is left in the fund; it must be what the story expects."""
        left = self.dashboard()["money"]["balance_fen"]
        self.check(left, wanted_fen, "left over")
        if left:
            self.auditor.post(f"{self.path}/archive", {}, 409)
            body = {
                "amount_fen": left,
                "bank_reference": f"{self.known['mark']}-back",
                "payer": "商城",
            }
            ops = self.path.replace("/union/", "/ops/")
            row = self.operator.post(f"{ops}/payouts", body)
            self.operator.post(f"{ops}/payouts/{row['id']}/confirm", expect=409)
            self.second_operator().post(f"{ops}/payouts/{row['id']}/confirm", expect=200)
        money = self.dashboard()["money"]
        self.check((money["balance_fen"], money["paid_out_fen"]), (0, left), "the fund")
        return f"¥{yuan(left)} back at the union's bank, ¥{yuan(money['spent_fen'])} spent"

    def auditor_archives(self) -> str:
        self.auditor.post(f"{self.path}/archive", {"note": "资料齐全"}, 200)
        events = self.auditor.get(f"{self.path}/history")["events"]
        before = "0" * 64
        for event in events:
            self.check(event["previous_hash"], before, f"the chain at step {event['number']}")
            before = event["hash"]
        public = self.member.get(f"/v1/store/public-notice/{self.known['programme']}")
        self.check(public["state"], "archived", "the public notice")
        return f"{len(events)} signed steps, the last {before[:16]}"

    def beginning(self) -> list[Step]:
        """Return how every story begins."""
        return [("operators open a union and accounts for its officers", self.union_is_set_up)]

    def middle(self) -> list[Step]:
        """Return how what was written becomes what members have."""
        return [
            ("another officer approves", self.another_officer_approves),
            ("the union pays in two transfers", self.union_pays),
            ("workers issue", self.workers_issue),
        ]

    def end(self, left_over: Callable[[], int]) -> list[Step]:
        """Return how every story ends."""
        return [
            ("the union accepts", self.union_accepts),
            ("the papers agree with the ledger", self.papers_agree),
            ("what is left goes back", lambda: self.leftovers_go_back(left_over())),
            ("the auditor archives", self.auditor_archives),
            ("the audit is clean", self.audit_is_clean),
        ]
