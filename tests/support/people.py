"""The people and things a test needs, and what they do over HTTP."""

import functools
import itertools
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, time
from uuid import UUID

import psycopg
import requests
from sqlalchemy import select, text

from catalog.onboarding.rules import Decision, QualificationForm
from catalog.onboarding.service import applications
from catalog.products import rules as product_rules
from catalog.products.queries import products
from catalog.products.service import editing, reviewing
from catalog.stock import queries as stock_queries
from catalog.stock import service as stock_service
from catalog.suppliers.rules import FreightRule
from catalog.suppliers.service import supplying
from fulfillment.stores import service as store_service
from fulfillment.stores.rules import Hours, StoreForm
from mall.access import rules as access_rules
from mall.access import service as access_service
from mall.audit import queries as audit_queries
from mall.kernel import invariants
from mall.kernel.db import driver_url
from mall.kernel.outbox import OutboxDelivery
from mall.kernel.uow import reading, reading_one_instant, unit_of_work
from mall.ledger.rules import Grant
from mall.ledger.service import granting, wallet
from mall.members.rules import AddressForm
from mall.members.service import members
from mall.shell import wiring
from mall.shell.background import relay
from mall.web.idempotency import Claim
from mall.web.replies import shop_window

# Who reviews where it does not matter who does.
NOBODY = UUID(int=0)
FAR = datetime(2099, 1, 1, tzinfo=UTC)
_numbers = itertools.count(1)


class Person:
    """Somebody with a token and a test client of their own."""

    def __init__(self, app, token="", subject_id=None):
        self.client = app.test_client()
        self.token = token
        self.id = subject_id

    def call(self, method, path, body=None, key=None, headers=None):
        sent = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if method == "POST":
            sent["Idempotency-Key"] = key or secrets.token_hex(16)
        return self.client.open(path, method=method, json=body, headers={**sent, **(headers or {})})

    def get(self, path):
        return self.call("GET", path)

    def post(self, path, body=None, key=None):
        return self.call("POST", path, body, key)

    def put(self, path, body=None):
        return self.call("PUT", path, body)

    def delete(self, path):
        return self.call("DELETE", path)


@functools.cache
def any_breach(wanted):
    """Return one statement that tells of each invariant whether something breaks it."""

    def is_broken(invariant):
        asked = (invariants.whole_sql(part, wiring.BOOKS.sums) for part in invariant.parts)
        return " OR ".join(f"EXISTS ({sql})" for sql in asked)

    columns = ",\n".join(f"({is_broken(each)}) AS {each.name}" for each in wanted)
    return text(f"SELECT {columns}")


class World:
    """Makes what a test needs, straight through the services."""

    def __init__(self, app, mock_base):
        self.app = app
        self.mock_base = mock_base
        # Whether products announce themselves to a search index, or nobody wants to know.
        self.has_index = False
        # Which transactions were over before anything happened in this world.
        [row] = self.rows(
            "SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint) AS horizon"
        )
        self.beginning = row.horizon
        if self.count("region") == 0:
            with app.app_context(), unit_of_work() as uow:
                members.load_regions(uow)

    def member(self, beans_fen=0, address=True):
        name = f"m{secrets.token_hex(6)}"
        guest = Person(self.app)
        code = {"code": f"{name}:{next(_numbers)}"}
        reply = guest.post("/v1/store/session", code).get_json()
        person = Person(self.app, reply["token"], reply["member_id"])
        person.wechat_name = name
        with self.app.app_context(), unit_of_work() as uow:
            if address:
                form = AddressForm("陈小湛", "13800000001", "440802", "跃进路 1 号", True)
                members.add_address(uow, person.id, form)
        if beans_fen:
            self.grant(person, beans_fen)
        return person

    def person(self, other):
        """Return the same person on another phone."""
        return Person(self.app, other.token, other.id)

    def login_again(self, person):
        """Return the same person with a token of another login."""
        code = {"code": f"{person.wechat_name}:{next(_numbers)}"}
        token = Person(self.app).post("/v1/store/session", code).get_json()["token"]
        return Person(self.app, token, person.id)

    def phone_number(self):
        return f"137{secrets.randbelow(10**8):08d}"

    @property
    def supplier_id(self):
        return self.supplier()

    def lock_number(self, person, endpoint, key):
        """Return the advisory lock of a person's Idempotency-Key."""
        return Claim(f"store:{person.id}", endpoint, key, b"").lock_number

    def elsewhere(self, act):
        """Do something in another thread, as another request would, and return its result."""
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(act).result(60)

    def reprice(self, supplier_id, product_id, price_fen):
        """Give a product's only SKU another price."""
        self.execute(
            "UPDATE sku SET price_fen = :price, list_price_fen = :price WHERE product_id = :id",
            price=price_fen,
            id=product_id,
        )

    def charge_freight(self, supplier_id, product_ids, fee_fen, closed=()):
        """Give products a tariff of one fee for each order, and regions that are not served."""
        tariff = [FreightRule((), True, 1000, fee_fen, 1, 0)]
        if closed:
            tariff.append(FreightRule(closed, False))
        with self.app.app_context(), unit_of_work() as uow:
            form = supplying.TemplateForm(
                f"运费 {secrets.token_hex(3)}", "piece", None, tuple(tariff)
            )
            template_id = supplying.add_template(uow, supplier_id, form)
            uow.session.execute(
                text("UPDATE product SET shipping_template_id = :t WHERE id = ANY(:ids)"),
                {"t": template_id, "ids": list(product_ids)},
            )

    def fill_cart(self, person, count):
        """Put so many different SKUs of one supplier into a cart."""
        supplier_id = self.supplier()
        for _ in range(count):
            _, sku = self.sku(100, 5, supplier_id)
            reply = person.put(f"/v1/store/cart/{sku}", {"quantity": 1})
            assert reply.status_code == 200

    def received(self, prefix):
        """Return the calls of these paths that the mock gateway got."""
        calls = requests.get(f"{self.mock_base}/_mock/received", timeout=10).json()["received"]
        return [call for call in calls if call["path"].startswith(prefix)]

    def asked(self, operation=None):
        """Return what WeChat was asked of this kind, whatever version of the API asked it."""
        pays = ("order", "query", "close", "refund", "refund_query", "bill")
        wanted = (operation,) if operation else pays
        return [call for call in self.received("") if call["operation"] in wanted]

    def findings(self, skipped=frozenset()):
        """Return how often each invariant is broken, for those that are."""
        wanted = [each for each in wiring.BOOKS.invariants if each.name not in skipped]
        with self.app.app_context(), reading_one_instant() as session:
            # One round trip says whether anything is broken; the state machines ask after each step.
            broken = session.execute(any_breach(tuple(wanted))).one()
            books = replace(wiring.BOOKS, invariants=wanted)
            found = invariants.check(session, books) if any(broken) else []
        return {each.invariant.name: each.breach_count for each in found if not each.is_kept}

    def mark_beginning(self):
        """Let the audit of the day know that it has seen all that was before this world: nothing."""
        with self.app.app_context(), reading() as session:
            cluster = audit_queries.instant(session).cluster
        self.execute(
            "INSERT INTO audit_mark (id, cluster, horizon, taken_at) VALUES (1, :c, :h, now())",
            c=cluster,
            h=self.beginning,
        )

    def break_rules(self, statement):
        """Run SQL with triggers and foreign keys off, as only a superuser could."""
        with self.app.app_context(), unit_of_work() as uow:
            uow.session.execute(text("SET LOCAL session_replication_role = replica"))
            changed = uow.session.execute(text(statement))
            assert changed.rowcount > 0

    def break_rules_if_any(self, statement):
        """The same, where there may be nothing to change."""
        with self.app.app_context(), unit_of_work() as uow:
            uow.session.execute(text("SET LOCAL session_replication_role = replica"))
            uow.session.execute(text(statement))

    def unpaid_notice(self, payment, how):
        """Return a notice made up for a payment, whether or not it was paid."""
        return self.notice(payment, made_up=True, **how)

    def notice(self, payment, **how):
        """Return WeChat's notice of a payment, paid now if it was not."""
        return self.mock("notice", {"out_trade_no": payment["out_trade_no"], **how})

    def cut_database_connections(self):
        """End every other connection to this database, as a restart of the server would."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    @property
    def database_url(self):
        url = self.app.extensions["mall_settings"].database_url
        return driver_url(url)

    def refunds(self):
        """Return the refunds that the mock gateway knows of."""
        return requests.get(f"{self.mock_base}/_mock/trades", timeout=10).json()["refunds"]

    def breaker(self):
        """Return the breaker of the merchant that new payments are asked by."""
        merchants = self.app.extensions["mall_merchants"]
        return merchants.get(merchants.main).gateway.breaker

    unit_of_work = staticmethod(unit_of_work)

    def collect_by(self, merchant):
        """Let new payments of everybody be asked by another merchant."""
        self.app.extensions["mall_merchants"].main = merchant

    def fresh_window(self):
        """Forget what the shop window showed a moment ago."""
        shop_window.clear()

    def order_body(self, *args, **kwargs):
        return order_body(*args, **kwargs)

    def sql(self, statement):
        return text(statement)

    def pay(self, payment, **how):
        """Let the payer pay at WeChat, and hand the mall WeChat's notice; return its answer."""
        return self.notify(self.notice(payment, **how))

    def notify(self, notice, about="pay"):
        """Hand the mall a notice; return SUCCESS or FAIL, in the words of its version."""
        told = {"body": notice, "headers": {}} if isinstance(notice, str) else notice
        name = self.app.extensions["mall_merchants"].main
        where = f"/v1/webhooks/wechat/{about}" if name == "main" else ""
        reply = self.app.test_client().post(
            where or f"/v1/webhooks/wechat/{name}/{about}",
            data=told["body"].encode(),
            headers=told["headers"],
        )
        return reply.data.decode() or ("SUCCESS" if reply.status_code == 200 else "FAIL")

    def rows(self, statement, **values):
        """Return what a query of SQL finds."""
        with self.app.app_context(), reading() as session:
            return session.execute(text(statement), values).all()

    def count(self, table):
        [row] = self.rows(f"SELECT count(*) AS n FROM {table}")
        return row.n

    def mock_status(self, path, body):
        return requests.post(f"{self.mock_base}/_mock/{path}", json=body, timeout=10).status_code

    def execute(self, statement, **values):
        """Run a statement of SQL, as nobody but a test may."""
        with self.app.app_context(), unit_of_work() as uow:
            return uow.session.execute(text(statement), values)

    def due_queries_now(self):
        self.execute("UPDATE payment SET query_at = now() WHERE state = 'open'")

    def grant(self, person, amount_fen, expires_at=FAR, product_ids=None):
        """Give beans, bound to products if some are given; return the lot's id."""
        with self.app.app_context(), unit_of_work() as uow:
            scope_id = None
            if product_ids is not None:
                scope_id = wallet.create_scope(uow, secrets.token_hex(8), product_ids)
            reference = secrets.token_hex(8)
            grant = Grant(person.id, amount_fen, expires_at, "测试", reference, scope_id)
            return granting.seed(uow, [grant])[0]

    def supplier(self):
        with self.app.app_context(), unit_of_work() as uow:
            return supplying.open_supplier(uow, f"供应商 {secrets.token_hex(6)}")

    def staff(self, role, scope_id=None, duties=None, phone=None):
        """Open an account; where no duties are given an operator has all, an officer handles."""
        name = f"s{secrets.token_hex(6)}"
        if duties is None:
            usual = {
                access_rules.OPERATOR: access_rules.OPERATOR_DUTIES,
                access_rules.UNION_OFFICER: [access_rules.HANDLES],
            }
            duties = usual.get(role, ())
        with self.app.app_context(), unit_of_work() as uow:
            new = access_service.NewStaff(
                name, name, "correct-horse-9", role, scope_id, tuple(duties), phone
            )
            account_id = access_service.open_staff_account(uow, new)
            audience = access_service.rules.AUDIENCE_OF_ROLE[role]
            token = access_service.issue_token(uow, audience, account_id).token
        person = Person(self.app, token, account_id)
        person.username = name
        return person

    @functools.cached_property
    def second(self):
        """Return an operator who confirms what another one entered."""
        return self.staff("operator")

    def confirmed(self, proposed, by=None):
        """Let another operator confirm what waits; return what was done."""
        assert proposed.status_code == 202, proposed.get_json()
        path = f"/v1/ops/proposals/{proposed.get_json()['id']}/confirm"
        reply = (by or self.second).post(path)
        assert reply.status_code == 200, reply.get_json()
        return reply.get_json()["result"]

    def accept(self, audience, username, invitation, password="another-horse-9"):
        """Return an invited person who chose a password and signed in."""
        person = Person(self.app)
        body = {"code": invitation["code"], "password": password}
        reply = person.post(f"/v1/{audience}/password/invitation", body)
        assert reply.status_code == 200, reply.data.decode()
        who = {"username": username, "password": password}
        person.token = person.post(f"/v1/{audience}/session", who).get_json()["token"]
        person.username = username
        return person

    def store(self, supplier_id, **form):
        """Open a store of a merchant in Zhanjiang, every day from 9 to 21; return its id."""
        hours = [Hours(day, time(9), time(21)) for day in range(1, 8)]
        given = {
            "name": f"门店 {secrets.token_hex(3)}",
            "region_code": "440802",
            "detail": "寸金路 12 号",
            "latitude": 21.2707,
            "longitude": 110.3594,
            "phone": "13800000001",
            "hours": hours,
            **form,
        }
        with self.app.app_context(), unit_of_work() as uow:
            return store_service.add_store(uow, supplier_id, StoreForm(**given)).id

    def sku(self, price_fen=1000, stock_count=100, supplier_id=None, **form):
        """Put a product with one SKU on sale; return (product id, SKU id)."""
        supplier_id = supplier_id or self.supplier()
        with self.app.app_context(), unit_of_work() as uow:
            category_id = editing.ensure_category(uow, ["测试"])
            code = f"A-{secrets.token_hex(6)}"
            sku = product_rules.SkuForm(code, (), max(price_fen, 1), price_fen)
            sku = form.pop("sku_form", sku)
            title = form.pop("title", f"商品 {secrets.token_hex(4)}")
            filled = product_rules.ProductForm(title, category_id, skus=(sku,), **form)
            product_id, [sku_id] = editing.add_product(uow, supplier_id, filled)
            reviewing.submit(uow, supplier_id, product_id)
            self._approve(uow, product_id)
            editing.publish(uow, supplier_id, [product_id])
            if stock_count:
                stock_service.set_on_hand(uow, sku_id, stock_count, "test", "test")
        if not self.has_index:
            self.execute("DELETE FROM outbox_delivery WHERE queue = 'index'")
        return product_id, sku_id

    def set_stock(self, sku_id, count):
        with self.app.app_context(), unit_of_work() as uow:
            stock_service.set_on_hand(uow, sku_id, count, "test", "test")

    def stock_of(self, sku_id):
        with self.app.app_context(), unit_of_work() as uow:
            return stock_queries.levels(uow.session, [sku_id]).get(sku_id)

    def mock(self, path, body=None):
        return requests.post(f"{self.mock_base}/_mock/{path}", json=body or {}, timeout=10).json()

    def approve(self, product_id):
        """Let an operator approve what a supplier handed in of a product."""
        with self.app.app_context(), unit_of_work() as uow:
            self._approve(uow, product_id)

    def _approve(self, uow, product_id):
        revision = products.open_revision(uow.session, product_id)
        reviewing.decide(uow, revision.id, NOBODY, Decision(True))

    def qualify(self, supplier_id, kind, until=None, region_code=None):
        """Give a supplier an accepted qualification; return its id."""
        with self.app.app_context(), unit_of_work() as uow:
            document_id = applications.add_document(uow, supplier_id, b"%PDF-1.7")
            begins = date(2020, 1, 1)
            form = QualificationForm(kind, "1", begins, until, document_id, region_code)
            row = applications.add_qualification(uow, supplier_id, form)
            applications.review_qualification(uow, row.id, row.id, Decision(True))
            editing.withhold(uow, [supplier_id])
            return row.id

    def run_outbox(self):
        """Run every delivery that is not done, as a worker would; return how many were."""
        with self.app.app_context(), unit_of_work() as uow:
            rows = select(OutboxDelivery.id).where(OutboxDelivery.state == "pending")
            ids = [str(each) for each in uow.session.scalars(rows)]
        with self.app.app_context():
            return relay.deliver(ids)

    def run_sweep(self, name):
        """Run a sweep by the name of its function."""
        [function] = [sweep for sweep, *_ in wiring.SWEEPS if sweep.__name__ == name]
        with self.app.app_context():
            return function()


def order_body(sku_ids, tender="beans", total_fen=None, quantity=1, **more):
    """Return the body that places so many of each SKU."""
    lines = [{"sku_id": str(sku_id), "quantity": quantity} for sku_id in sku_ids]
    body = {"lines": lines, "tender": tender, **more}
    return body if total_fen is None else {**body, "quoted_total_fen": total_fen}


def at_once(*acts):
    """Do several things at the same instant, each in a thread of its own; return their results."""
    with ThreadPoolExecutor(len(acts)) as pool:
        return [each.result(60) for each in [pool.submit(act) for act in acts]]
