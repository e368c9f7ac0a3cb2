"""The people and things a test needs, and what they do over HTTP."""

import itertools
import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import UUID

from mall.access import rules as access_rules
from mall.access import service as access_service
from mall.kernel.uow import unit_of_work
from mall.ledger.rules import Grant
from mall.ledger.service import granting, wallet
from mall.members.rules import AddressForm
from mall.members.service import members
from tests.support.database import count_rows

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


class World:
    """What a test stands on: the application, the mock gateway, and whether there is an index."""

    def __init__(self, app, mock_base):
        self.app = app
        self.mock_base = mock_base
        # Whether products announce themselves to a search index, or nobody wants to know.
        self.has_index = False
        self.second = None
        if count_rows(self, "region") == 0:
            with app.app_context(), unit_of_work() as uow:
                members.load_regions(uow)


def new_member(world, beans_fen=0, address=True):
    name = f"m{secrets.token_hex(6)}"
    guest = Person(world.app)
    code = {"code": f"{name}:{next(_numbers)}"}
    reply = guest.post("/v1/store/session", code).get_json()
    person = Person(world.app, reply["token"], reply["member_id"])
    person.wechat_name = name
    with world.app.app_context(), unit_of_work() as uow:
        if address:
            form = AddressForm("陈小湛", "13800000001", "440802", "跃进路 1 号", True)
            members.add_address(uow, person.id, form)
    if beans_fen:
        grant_beans(world, person, beans_fen)
    return person


def same_person(world, other):
    """Return the same person on another phone."""
    return Person(world.app, other.token, other.id)


def login_again(world, person):
    """Return the same person with a token of another login."""
    code = {"code": f"{person.wechat_name}:{next(_numbers)}"}
    token = Person(world.app).post("/v1/store/session", code).get_json()["token"]
    return Person(world.app, token, person.id)


def phone_number():
    return f"137{secrets.randbelow(10**8):08d}"


def grant_beans(world, person, amount_fen, expires_at=FAR, product_ids=None):
    """Give beans, bound to products if some are given; return the lot's id."""
    with world.app.app_context(), unit_of_work() as uow:
        scope_id = None
        if product_ids is not None:
            scope_id = wallet.create_scope(uow, secrets.token_hex(8), product_ids)
        reference = secrets.token_hex(8)
        grant = Grant(person.id, amount_fen, expires_at, "测试", reference, scope_id)
        return granting.seed(uow, [grant])[0]


def new_staff(world, role, scope_id=None, duties=None, phone=None):
    """Open an account; where no duties are given an operator has all, an officer handles."""
    name = f"s{secrets.token_hex(6)}"
    if duties is None:
        usual = {
            access_rules.OPERATOR: access_rules.OPERATOR_DUTIES,
            access_rules.UNION_OFFICER: [access_rules.HANDLES],
        }
        duties = usual.get(role, ())
    with world.app.app_context(), unit_of_work() as uow:
        new = access_service.NewStaff(
            name, name, "correct-horse-9", role, scope_id, tuple(duties), phone
        )
        account_id = access_service.open_staff_account(uow, new)
        audience = access_service.rules.AUDIENCE_OF_ROLE[role]
        token = access_service.issue_token(uow, audience, account_id).token
    person = Person(world.app, token, account_id)
    person.username = name
    return person


def second_operator(world):
    """Return the operator who confirms what another one entered; it is the same all the time."""
    if world.second is None:
        world.second = new_staff(world, "operator")
    return world.second


def confirmed_by_second(world, proposed, by=None):
    """Let another operator confirm what waits; return what was done."""
    assert proposed.status_code == 202, proposed.get_json()
    path = f"/v1/ops/proposals/{proposed.get_json()['id']}/confirm"
    reply = (by or second_operator(world)).post(path)
    assert reply.status_code == 200, reply.get_json()
    return reply.get_json()["result"]


def accept_invitation(world, audience, username, invitation, password="another-horse-9"):
    """Return an invited person who chose a password and signed in."""
    person = Person(world.app)
    body = {"code": invitation["code"], "password": password}
    reply = person.post(f"/v1/{audience}/password/invitation", body)
    assert reply.status_code == 200, reply.data.decode()
    who = {"username": username, "password": password}
    person.token = person.post(f"/v1/{audience}/session", who).get_json()["token"]
    person.username = username
    return person


def order_body(sku_ids, tender="beans", total_fen=None, quantity=1, **more):
    """Return the body that places so many of each SKU."""
    lines = [{"sku_id": str(sku_id), "quantity": quantity} for sku_id in sku_ids]
    body = {"lines": lines, "tender": tender, **more}
    return body if total_fen is None else {**body, "quoted_total_fen": total_fen}


def at_once(*acts):
    """Do several things at the same instant, each in a thread of its own; return their results."""
    with ThreadPoolExecutor(len(acts)) as pool:
        return [each.result(60) for each in [pool.submit(act) for act in acts]]
