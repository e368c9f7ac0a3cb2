"""Figures of unions that give: a hospital's rush, a grant to everybody, a large roster."""

import json
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

import psutil
import requests
from sqlalchemy import insert, text

from bench import load, seed, yardstick
from bench.figures import TURNS, Bench, Figure, compared
from catalog.packs import service as pack_service
from catalog.packs.rules import PackForm, Part
from fulfillment.reports import queries as report_queries
from mall.access import service as access_service
from mall.access.rules import STORE
from mall.approvals.rules import Signer
from mall.kernel import clock
from mall.kernel.clock import beijing_day
from mall.kernel.ids import new_id
from mall.kernel.sheets import writing
from mall.kernel.uow import UnitOfWork, reading, unit_of_work
from mall.members.models import Member
from mall.members.rosters.models import Roster
from mall.members.rules import AddressForm
from mall.members.service import members, unions
from orders.collective.service import funding, issuing
from orders.collective.service.funding import Transfer
from orders.programmes import queries as programme_queries
from orders.programmes.rules import OPEN_BEANS, PICK_ONE, SHIP, ProgrammeForm
from orders.programmes.service import lifecycle
from orders.programmes.service.lifecycle import Officer

# ¥3,827,666.00 for 4,000 people: 2,600 get ¥956.92 and 1,400 get ¥956.91.
HOSPITAL = ((2_600, 95_692), (1_400, 95_691))
CLIENTS = 8
EVERYBODY, EACH_FEN = 322_604, 10_000
ROWS, HEADS = 50_000, ("姓名", "手机号", "工号", "部门", "生日")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LIMIT_SECONDS = 300
_ENTRIES = text(
    """
    INSERT INTO roster_entry (id, roster_id, position, name, phone, employee_no, department,
                              is_active, member_id, claimed_at, created_at)
    SELECT gen_random_uuid(), :roster_id, m.n, '职工' || m.n, m.phone, NULL, '综合部', true, m.id,
           :now, :now
    FROM unnest(CAST(:ids AS uuid[]), CAST(:phones AS text[])) WITH ORDINALITY AS m(id, phone, n)
    """
)
# What a grant writes, copied by the least that can write it.
_COPIED = {
    "bean_lot": "SELECT * FROM bean_lot WHERE programme_id = :id",
    "ledger_transfer": "SELECT t.* FROM ledger_transfer t WHERE t.reference LIKE :reference",
    "ledger_entry": "SELECT e.* FROM ledger_entry e JOIN ledger_transfer t"
    " ON t.id = e.transfer_id WHERE t.reference LIKE :reference",
    "ledger_fund": "SELECT * FROM ledger_fund WHERE id = :id",
}


@dataclass(frozen=True)
class Person:
    """A member with a token and a phone on a roster."""

    id: UUID
    token: str
    phone: str


class Purchase:
    """A union's programme from roster to issue, through the services; workers do the rest."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        with bench.app.app_context(), unit_of_work() as uow:
            code = f"B-{secrets.token_hex(4)}"
            self.union_id = unions.open_union(uow, code, f"压测工会 {code}").id
        self.author = Officer(new_id(), "经办", self.union_id)
        self.approver = Officer(new_id(), "审批", self.union_id)

    def roster(self, uow: UnitOfWork, ids: list[UUID], phones: list[str]) -> UUID:
        """Plant a roster of members; sheets are measured by themselves."""
        roster = Roster(
            id=new_id(),
            union_id=self.union_id,
            name=secrets.token_hex(4),
            state="ready",
            due_at=uow.now,
            created_at=uow.now,
            applied_at=uow.now,
            entry_count=len(ids),
        )
        uow.session.add(roster)
        uow.session.flush()
        values = {"roster_id": roster.id, "now": uow.now, "ids": ids, "phones": phones}
        uow.session.execute(_ENTRIES, values)
        return roster.id

    def packs(self, uow: UnitOfWork, price_fen: int) -> tuple[UUID, ...]:
        """Put three packs of three parts together, each at exactly this price."""
        found = []
        for number in range(3):
            skus = self.bench.ground.sku_ids[3 * number : 3 * number + 3]
            third = price_fen // 3
            prices = (third, third, price_fen - 2 * third)
            parts = tuple(Part(UUID(sku), 1, fen) for sku, fen in zip(skus, prices, strict=True))
            title = f"压测包 {number} {secrets.token_hex(3)}"
            found.append(pack_service.add_pack(uow, self.union_id, PackForm(title, parts)))
        return tuple(found)

    def funded(self, uow: UnitOfWork, form: ProgrammeForm) -> UUID:
        """Write, submit, approve and fund a programme."""
        programme_id = lifecycle.add_programme(uow, self.author, form).id
        found = lifecycle.submit(uow, self.author, programme_id)
        codes = [each["code"] for each in found.warnings]
        assert found.content_hash is not None
        lifecycle.approve(uow, self.approver, programme_id, found.content_hash, codes)
        one, other = Signer(None, "bench", "压测"), Signer(None, "bench2", "压测复核")
        transfer = Transfer(found.budget_fen, secrets.token_hex(8), "压测")
        row = funding.record_of_union(uow, self.union_id, programme_id, one, transfer)
        funding.confirm(uow, programme_id, row.id, other)
        return programme_id

    def issue(self, programme_ids: list[UUID]) -> float:
        """Begin to issue and wait for the service's workers; return how many seconds it took."""
        began = time.monotonic()
        with self.bench.app.app_context(), unit_of_work() as uow:
            for each in programme_ids:
                issuing.begin(uow, self.author, each)
        self.wait(
            "SELECT count(*) FROM programme WHERE state <> 'active' AND id = ANY(:ids)",
            programme_ids,
        )
        return time.monotonic() - began

    def wait(self, counting: str, programme_ids: list[UUID]) -> None:
        """Wait until a count is zero."""
        ends = time.monotonic() + LIMIT_SECONDS
        while time.monotonic() < ends:
            with self.bench.app.app_context(), reading() as session:
                if not session.scalar(text(counting), {"ids": programme_ids}):
                    return
            time.sleep(0.2)
        raise TimeoutError(counting)


def _form(kind: str, roster_id: UUID, fen: int, pack_ids: tuple[UUID, ...] = ()) -> ProgrammeForm:
    today = beijing_day(clock.now())
    ends = today + timedelta(days=30)
    return ProgrammeForm(
        "压测慰问", kind, roster_id, fen, today, ends, None, SHIP, pack_ids=pack_ids
    )


def _people(count: int) -> list[Person]:
    mark, found = secrets.token_hex(4), []
    address = AddressForm("陈小湛", "13800000001", "440802", "跃进路 1 号", True)
    for start in range(0, count, 500):
        with unit_of_work() as uow:
            ids = [new_id() for _ in range(min(500, count - start))]
            rows = [
                {
                    "id": each,
                    "openid": f"o-{mark}-{start + n}",
                    "phone": f"152{start + n:08d}",
                    "phone_verified_at": uow.now,
                    "real_name_state": "unverified",
                    "is_active": True,
                    "created_at": uow.now,
                }
                for n, each in enumerate(ids)
            ]
            uow.session.execute(insert(Member), rows)
            for each, row in zip(ids, rows, strict=True):
                members.add_address(uow, each, address)
                token = access_service.issue_token(uow, STORE, each).token
                found.append(Person(each, token, str(row["phone"])))
    return found


def hospital(bench: Bench) -> Iterator[Figure]:
    """Four thousand people of a hospital choose a pack each, eight at a time."""
    purchase = Purchase(bench)
    count = sum(people for people, _ in HOSPITAL)
    with bench.app.app_context():
        everybody = _people(count)
    left, ids = list(everybody), []
    with bench.app.app_context(), unit_of_work() as uow:
        for people, fen in HOSPITAL:
            some, left = left[:people], left[people:]
            roster = purchase.roster(uow, [each.id for each in some], [e.phone for e in some])
            ids.append(purchase.funded(uow, _form(PICK_ONE, roster, fen, purchase.packs(uow, fen))))
    seed.analyze(bench.app)
    took = purchase.issue(ids)
    yield Figure("hospital_issue", round(count / took), "rights/s, with the wait for the sweep")
    tokens = {each.id: each.token for each in everybody}
    with bench.app.app_context(), reading() as session:
        found = [programme_queries.any_programme(session, each) for each in ids]
        choices = {each.id: each.pack_ids for each in found}
        rows = session.execute(
            text(
                "SELECT id, programme_id, member_id FROM entitlement WHERE programme_id = ANY(:ids)"
            ),
            {"ids": ids},
        ).all()
    waiting = [
        _redemption(
            bench, row.id, tokens[row.member_id], bench.random.choice(choices[row.programme_id])
        )
        for row in rows
    ]
    bench.random.shuffle(waiting)
    share = -(-count // TURNS)
    parts = [waiting[start : start + share] for start in range(0, count, share)]
    turns = [partial(load.run_all, bench.base, CLIENTS, part) for part in parts]
    redeemed = compared(bench, yardstick.SPREAD, CLIENTS, turns)
    if redeemed.outcome.statuses[201] != count:
        raise RuntimeError(f"answers {redeemed.outcome.statuses}")
    yield redeemed.figure("hospital_redeem", "1/s, three lines each", CLIENTS, 0.25)
    yield _accounted(bench, ids, count)


def _redemption(bench: Bench, right_id: UUID, token: str, pack_id: UUID) -> bytes:
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": secrets.token_hex(12)}
    body = json.dumps({"pack_id": str(pack_id)}).encode()
    path = f"/v1/store/entitlements/{right_id}/redeem"
    return load.request_bytes("POST", bench.base, path, headers, body)


def _accounted(bench: Bench, ids: list[UUID], count: int) -> Figure:
    """Return what was spent; nothing is lost or doubled where it is all that was received."""
    with bench.app.app_context(), reading() as session:
        money = [
            report_queries.money_of(session, programme_queries.any_programme(session, each))
            for each in ids
        ]
        orders = session.scalar(
            text("SELECT count(*) FROM order_programme WHERE programme_id = ANY(:ids)"),
            {"ids": ids},
        )
    spent = sum(each["spent_fen"] for each in money)
    received = sum(each["received_fen"] for each in money)
    return Figure(
        "hospital_spent",
        spent / 100,
        f"yuan by {orders} orders",
        goal="= 3827666.00 received, 4000 orders",
        met=spent == received == 382_766_600 and orders == count,
    )


def grant(bench: Bench) -> Iterator[Figure]:
    """Beans for every real-name member of the federation, against a plain copy of the same rows."""
    purchase = Purchase(bench)
    ids = [new_id() for _ in range(EVERYBODY)]
    phones = [f"153{number:08d}" for number in range(EVERYBODY)]
    began = time.monotonic()
    with bench.app.app_context(), unit_of_work() as uow:
        roster = purchase.roster(uow, ids, phones)
        programme_id = purchase.funded(uow, _form(OPEN_BEANS, roster, EACH_FEN))
    del ids, phones
    yield Figure(
        "grant_submit", round(time.monotonic() - began, 1), f"s to list and approve {EVERYBODY}"
    )
    seed.analyze(bench.app)
    workers = bench.service.workers()
    before = {each.pid: _peak_mb(each, forgets=True) for each in workers}
    took = purchase.issue([programme_id])
    grown = max(_peak_mb(each) - before[each.pid] for each in workers)
    plain = [_plain(bench, programme_id) for _ in range(2)]
    limit = EVERYBODY / (sum(plain) / 2)
    rate = EVERYBODY / took
    yield Figure(
        "grant_322604",
        round(rate),
        "rights/s",
        yardstick=round(limit),
        ratio=round(rate / limit, 3),
        goal="ratio ≥ 0.3",
        met=rate / limit >= 0.3,
    )
    yield Figure(
        "grant_memory", round(grown, 1), "MB that a worker grew", goal="< 40", met=grown < 40
    )
    purchase.wait(
        "SELECT count(*) FROM outbox_delivery WHERE state = 'pending' AND topic = 'RightsIssued'"
        " AND :ids IS NOT NULL",
        [programme_id],
    )


def _peak_mb(process: psutil.Process, forgets: bool = False) -> float:
    """Return the largest resident size of a process, in MB; of now on, if what was before is forgotten."""
    folder = Path("/proc") / str(process.pid)
    if forgets:
        (folder / "clear_refs").write_text("5", encoding="ascii")
    lines = (folder / "status").read_text(encoding="ascii").splitlines()
    line = next(line for line in lines if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024 / 1e6


def _plain(bench: Bench, programme_id: UUID) -> float:
    """Return how many seconds an INSERT … SELECT of the same rows takes, with the same indexes."""
    values = {"id": programme_id, "reference": f"issue:{programme_id}:%"}
    with bench.app.app_context(), unit_of_work() as uow:
        uow.session.execute(text("DROP SCHEMA IF EXISTS plain CASCADE"))
        uow.session.execute(text("CREATE SCHEMA plain"))
        for table in _COPIED:
            like = f"CREATE TABLE plain.{table} (LIKE public.{table} INCLUDING ALL)"
            uow.session.execute(text(like))
    began = time.monotonic()
    with bench.app.app_context(), unit_of_work() as uow:
        uow.session.execute(text("SET LOCAL statement_timeout = '300s'"))
        for table, query in _COPIED.items():
            uow.session.execute(text(f"INSERT INTO plain.{table} {query}"), values)
    took = time.monotonic() - began
    with bench.app.app_context(), unit_of_work() as uow:
        uow.session.execute(text("DROP SCHEMA plain CASCADE"))
    return took


def roster(bench: Bench) -> Iterator[Figure]:
    """Fifty thousand rows over HTTP: sent, checked, applied by the service's own workers."""
    body = {"username": "officer", "password": "demo-officer-2026"}
    reply = requests.post(f"{bench.base}/v1/union/session", json=body, timeout=10)
    headers = {"Authorization": f"Bearer {reply.json()['token']}"}
    rows = [
        (f"职工{n}", f"154{n:08d}", f"E{n:06d}", f"{n % 40} 科", "1990-01-01") for n in range(ROWS)
    ]
    content = writing.xlsx("名册", HEADS, rows)
    base = f"{bench.base}/v1/union/rosters"
    name = {"name": f"压测 {secrets.token_hex(3)}"}
    path = f"{base}/{requests.post(base, json=name, headers=headers, timeout=10).json()['id']}"
    began = time.monotonic()
    kind = {**headers, "Content-Type": XLSX}
    requests.post(f"{path}/sheet", data=content, headers=kind, timeout=60).raise_for_status()
    while time.monotonic() - began < LIMIT_SECONDS:
        found = requests.get(path, headers=headers, timeout=10).json()
        if found["state"] in ("ready", "failed"):
            break
        time.sleep(0.2)
    took = time.monotonic() - began
    if found["state"] != "ready" or found["entry_count"] != ROWS:
        raise RuntimeError(str(found))
    yield Figure("roster_50000", round(took, 1), "s", goal="≤ 60", met=took <= 60)


FIGURES = {"hospital": hospital, "grant": grant, "roster": roster}
