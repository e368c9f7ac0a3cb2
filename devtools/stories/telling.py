"""Who plays a story, and how it is told."""

import json
import secrets
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

PATIENCE_SECONDS = 30
# Tokens of operators by name, as JSON, and the program that audits: of an installation without the
# demo. Left out, the demo's accounts and this folder's program are used.
OPERATORS, PROGRAM = "STORY_OPERATORS", "STORY_MALL"
APPROVE = {"decision": "approve"}
# The status that a reply must have, or those of which one is right.
Expected = int | tuple[int, ...]


def sent_by_sf() -> dict[str, str]:
    """Return a carrier and a number that no other parcel has."""
    return {"carrier": "sf", "tracking_no": f"SF{secrets.randbelow(10**13):013d}"}


class StoryFailed(Exception):
    """A step did not go as told."""


@dataclass
class Person:
    """Somebody with a token."""

    base: str
    token: str = ""

    def call(
        self, method: str, path: str, body: Any = None, expect: Expected = 200, key: str = ""
    ) -> Any:
        """Send a request; return its JSON, or raise StoryFailed if the status is another."""
        reply = requests.request(
            method, self.base + path, json=body, headers=self._headers(method, key), timeout=15
        )
        return self._checked(reply, f"{method} {path}", expect)

    def _headers(self, method: str, key: str = "") -> dict[str, str]:
        headers = {"Accept-Language": "en"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if method == "POST":
            headers["Idempotency-Key"] = key or secrets.token_hex(16)
        return headers

    def _checked(self, reply: requests.Response, what: str, expect: Expected) -> Any:
        if reply.status_code not in (expect if isinstance(expect, tuple) else (expect,)):
            raise StoryFailed(f"{what}: {reply.status_code}, not {expect}: {reply.text[:400]}")
        kind = reply.headers.get("Content-Type", "")
        return reply.json() if "json" in kind and reply.content else reply.text

    def get(self, path: str, **query: Any) -> Any:
        reply = requests.get(
            self.base + path, params=query, headers=self._headers("GET"), timeout=15
        )
        return self._checked(reply, f"GET {path}", 200)

    def all(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """Return what stands on every page of a listing."""
        found: list[dict[str, Any]] = []
        while True:
            page = self.get(path, limit=100, **query)
            found += page["items"]
            if page["next_cursor"] is None:
                return found
            query["cursor"] = page["next_cursor"]

    def post(self, path: str, body: Any = None, expect: int = 201) -> Any:
        return self.call("POST", path, body, expect)

    def send(self, path: str, content: bytes, kind: str, expect: int = 201) -> Any:
        """Send a file as the body."""
        headers = {**self._headers("POST"), "Content-Type": kind}
        reply = requests.post(self.base + path, data=content, headers=headers, timeout=60)
        return self._checked(reply, f"POST {path}", expect)

    def download(self, path: str) -> bytes:
        """Return a file."""
        reply = requests.get(self.base + path, headers=self._headers("GET"), timeout=60)
        self._checked(reply, f"GET {path}", 200)
        return reply.content


Step = tuple[str, Callable[[], str | None]]


@dataclass
class Telling(ABC):
    """Steps told one after the other, and what they have found out so far."""

    base: str
    mock: str
    environment: Mapping[str, str]
    # Whether a part of the people will do.
    is_short: bool = False
    member: Person = field(init=False)
    supplier: Person = field(init=False)
    operator: Person = field(init=False)
    known: dict[str, Any] = field(default_factory=dict)
    told: int = 0

    def __post_init__(self) -> None:
        self.member, self.supplier = Person(self.base), Person(self.base)
        self.operator = Person(self.base)

    @abstractmethod
    def steps(self) -> Sequence[Step]:
        """Return what is told, in its order."""

    def tell(self, line: str, act: Callable[[], str | None]) -> None:
        """Do one step and say so in a line."""
        self.told += 1
        try:
            found = act()
        except (StoryFailed, requests.RequestException, KeyError, IndexError) as error:
            print(f"✗ {line}\n  {type(error).__name__}: {error}", flush=True)
            raise StoryFailed(line) from error
        print(f"✓ {line}{': ' + found if found else ''}", flush=True)

    def wait(self, what: str, look: Callable[[], Any]) -> Any:
        """Return what `look` finds as soon as it finds anything; raise StoryFailed in the end."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            found = look()
            if found:
                return found
            time.sleep(0.1)
        raise StoryFailed(f"{what}: not after {PATIENCE_SECONDS} s")

    def member_signs_in(self) -> str:
        code = f"story-{secrets.token_hex(4)}:{secrets.token_hex(4)}"
        reply = self.member.post("/v1/store/session", {"code": code})
        self.member.token = reply["token"]
        self.known["member_id"] = reply["member_id"]
        self.member.call("POST", "/v1/store/session", {"code": code}, expect=401)
        return "a new member; the same code again is refused"

    def accepts(self, audience: str, username: str, invitation: Any) -> Person:
        """Return an invited person who chose a password, signed in and proved who they are."""
        person, password = Person(self.base), f"story-{secrets.token_hex(8)}"
        body = {"code": invitation["code"], "password": password}
        person.post(f"/v1/{audience}/password/invitation", body, expect=200)
        who = {"username": username, "password": password}
        person.token = person.post(f"/v1/{audience}/session", who)["token"]
        self.proves_who(who)
        return person

    def proves_who(self, who: Mapping[str, str]) -> None:
        """Let somebody of staff prove in the mini-program who they are: as a member, by a phone."""
        member = Person(self.base)
        code = {"code": f"staff-{secrets.token_hex(6)}:{secrets.token_hex(4)}"}
        member.token = member.post("/v1/store/session", code)["token"]
        phone = f"phone-138{secrets.randbelow(10**8):08d}:{secrets.token_hex(4)}"
        member.call("PUT", "/v1/store/me/phone", {"code": phone})
        member.post("/v1/store/me/staff-account", dict(who), expect=200)

    def operator_named(self, name: str) -> Person:
        """Return an operator who is signed in."""
        tokens = json.loads(self.environment.get(OPERATORS, "{}"))
        person = Person(self.base, tokens.get(name, ""))
        if not person.token:
            body = {"username": name, "password": f"demo-{name}-2026"}
            person.token = person.post("/v1/ops/session", body)["token"]
        return person

    def second_operator(self) -> Person:
        """Return the operator who confirms what the other one proposes."""
        return self.operator_named("operator2")

    def grant(self, amount_fen: int) -> None:
        """Grant beans to the member; beyond what one operator may in a day the second confirms."""
        body = {
            "member_ids": [self.known["member_id"]],
            "amount_fen": amount_fen,
            "expires_at": "2030-12-31T16:00:00Z",
            "programme": "故事慰问",
            "reference": secrets.token_hex(8),
        }
        reply = self.operator.call("POST", "/v1/ops/beans/grants", body, expect=(201, 202))
        if "lot_ids" not in reply:
            path = f"/v1/ops/proposals/{reply['id']}/confirm"
            self.operator.post(path, expect=409)
            self.second_operator().post(path, expect=200)

    def staff_signs_in(self) -> None:
        self.operator = self.operator_named("operator")
        self.supplier = self.merchant("徐闻故事合作社")

    def open_union(self, code: str, name: str) -> Any:
        """Open a union; return it."""
        return self.operator.post("/v1/ops/unions", {"code": code, "name": name})

    def officer(self, union: Any, name: str, duty: str) -> Person:
        """Return an officer whom two operators let in."""
        username = f"{name}-{secrets.token_hex(4)}"
        officer = {"username": username, "display_name": username, "duties": [duty]}
        path = f"/v1/ops/unions/{union['id']}/officers"
        change = self.operator.post(path, officer, expect=202)
        path = f"/v1/ops/accounts/changes/{change['id']}/confirm"
        invitation = self.second_operator().post(path, expect=200)["invitation"]
        return self.accepts("union", username, invitation)

    def merchant(self, name: str) -> Person:
        """Return a supplier that applied and was admitted."""
        mark, person = f"m{secrets.token_hex(4)}", Person(self.base)
        who = {"username": mark, "password": f"story-{mark}-pass"}
        contact = {"contact_name": "陈小湛", "contact_phone": "13800000001"}
        body = {**who, **contact, "name": f"{name} {mark}"}
        supplier_id = person.post("/v1/supplier/applications", body)["supplier_id"]
        person.token = person.post("/v1/supplier/session", who)["token"]
        self.proves_who(who)
        account = {"bank": "湛江农商银行", "account_name": name, "account_number": "4460000104"}
        person.call("PUT", "/v1/supplier/profile", {**contact, "settlement_account": account})
        for kind in ("business_licence", "food_licence"):
            document = person.send("/v1/supplier/documents", b"%PDF-1.7", "application/pdf")["id"]
            span = {"valid_from": "2026-01-01", "valid_until": "2036-12-31"}
            paper = {"kind": kind, "number": f"{kind}-{mark}", "document_id": document, **span}
            person.post("/v1/supplier/qualifications", paper)
        person.post("/v1/supplier/profile/submit", expect=200)
        path = f"/v1/ops/suppliers/{supplier_id}"
        for each in self.operator.get(f"{path}/qualifications")["items"]:
            self.operator.post(f"/v1/ops/qualifications/{each['id']}/review", APPROVE, 200)
        self.operator.post(f"{path}/review", {**APPROVE, "commission_bps": 500}, 200)
        return person

    def member_adds_address(self) -> str:
        body = {"recipient": "陈小湛", "phone": "13800000001", "region_code": "440802"}
        reply = self.member.post("/v1/store/addresses", {**body, "detail": "跃进路 1 号"})
        return str(reply["region"])

    def open_category(self) -> str:
        """Return the category that the stories' products are in."""
        path = {"path": ["乡村振兴", "香料药材"]}
        category_id: str = self.operator.post("/v1/ops/categories", path)["id"]
        return category_id

    def sell(self, supplier: Person, form: dict[str, Any], on_hand: int) -> Any:
        """Put a product on sale: stock, review, publication; return it."""
        product = supplier.post("/v1/supplier/products", form)
        for each in product["skus"]:
            stock = {"on_hand": on_hand, "reason": "到货"}
            supplier.call("PUT", f"/v1/supplier/skus/{each['id']}/stock", stock)
        path = f"/v1/supplier/products/{product['id']}"
        review = supplier.post(f"{path}/submit", expect=200)["last_review"]["id"]
        decision = {"decision": "approve"}
        self.operator.post(f"/v1/ops/product-reviews/{review}/decision", decision, 200)
        supplier.post(f"{path}/publish", expect=200)
        return product

    def order(self, person: Person, lines: list[Any], tender: str) -> Any:
        """Order what is wanted at the price that was quoted; return the order."""
        want = {"lines": lines, "tender": tender}
        quote = person.post("/v1/store/checkout/quote", want, expect=200)
        return person.post("/v1/store/orders", {**want, "quoted_total_fen": quote["total_fen"]})

    def fulfillment_orders_of(self, order_id: str) -> list[dict[str, Any]]:
        """Return an order's fulfillment orders, once a worker has made them."""
        path = f"/v1/store/orders/{order_id}/fulfillment-orders"
        found: list[dict[str, Any]] = self.wait(
            "no fulfillment order", lambda: self.member.get(path)["items"]
        )
        return found

    def audit_is_clean(self) -> str:
        program = self.environment.get(PROGRAM) or str(Path(sys.executable).with_name("mall"))
        done = subprocess.run(
            [program, "audit", "--full"],
            env=dict(self.environment),
            capture_output=True,
            text=True,
            timeout=120,
        )
        if done.returncode != 0:
            raise StoryFailed(done.stdout + done.stderr)
        return done.stdout.strip().splitlines()[-1]
