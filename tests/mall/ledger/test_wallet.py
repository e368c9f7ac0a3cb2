"""Grant, spend, hold, capture, release, lapse: to the fen, each once."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from psycopg.errors import RaiseException
from sqlalchemy.exc import DBAPIError

from mall.kernel import clock
from mall.kernel.errors import Invalid, NotFound
from mall.kernel.money import MAX_FEN
from mall.kernel.uow import unit_of_work
from mall.ledger.rules import Grant, GrantRepeated, NotEnoughBeans, UnknownScope
from mall.ledger.service import posting, wallet
from mall.ledger.service.wallet import Taking
from tests.support.database import execute_sql, findings_of
from tests.support.people import FAR, grant_beans, new_member, order_body
from tests.support.shop import new_sku
from tests.support.wechat import pay_at_wechat
from tests.support.working import run_sweep


def use(world, act):
    with world.app.app_context(), unit_of_work() as uow:
        return act(uow)


def purse(member):
    found = member.get("/v1/store/beans").get_json()
    return found["balance_fen"], found["held_fen"]


def grant_of(member, reference, amount_fen=1000):
    return Grant(UUID(member.id), amount_fen, FAR, "测试", reference)


def test_the_same_reference_grants_once_and_nothing_of_its_batch(world):
    first, second = new_member(world), new_member(world)
    use(world, lambda uow: wallet.grant(uow, [grant_of(first, f"r-{first.id}")]))
    batch = [grant_of(second, f"r-{second.id}"), grant_of(first, f"r-{first.id}")]
    with pytest.raises(GrantRepeated):
        use(world, lambda uow: wallet.grant(uow, batch))
    assert (purse(first), purse(second)) == ((1000, 0), (0, 0))
    # The purse alone gave: who entered and who confirmed a grant is written down above it.
    assert findings_of(world, {"grants_on_record"}) == {}


def test_spending_more_than_a_lot_has_keeps_nothing(world, audited):
    member = new_member(world, beans_fen=1000)
    lot_id = UUID(member.get("/v1/store/beans").get_json()["lots"][0]["id"])
    with pytest.raises(NotEnoughBeans):
        use(
            world,
            lambda uow: uow.defer(
                wallet.spending(Taking(UUID(member.id), uuid4(), {lot_id: 1001}, uow.now))
            ),
        )
    assert purse(member) == (1000, 0)
    audited()


def test_anothers_lot_cannot_be_spent(world, audited):
    owner, thief = new_member(world, beans_fen=1000), new_member(world)
    lot_id = UUID(owner.get("/v1/store/beans").get_json()["lots"][0]["id"])
    with pytest.raises(NotEnoughBeans):
        use(
            world,
            lambda uow: uow.defer(
                wallet.spending(Taking(UUID(thief.id), uuid4(), {lot_id: 1}, uow.now))
            ),
        )
    assert purse(owner) == (1000, 0)
    audited()


def test_a_lot_is_gone_at_the_very_second_of_its_expiry(world, audited):
    """Case 4."""
    now = clock.now()
    clock.freeze(now)
    member = new_member(world)
    grant_beans(world, member, 1000, expires_at=now + timedelta(seconds=60))
    _, sku = new_sku(world, 1000)
    body = order_body([sku], "beans", 1000)
    clock.freeze(now + timedelta(seconds=60))
    assert purse(member) == (0, 0)
    reply = member.post("/v1/store/orders", body)
    assert (reply.status_code, reply.get_json()["code"]) == (409, "not_enough_beans")
    clock.freeze(now + timedelta(seconds=59, microseconds=999_999))
    assert member.post("/v1/store/orders", body).status_code == 201
    audited()


def test_what_is_left_on_an_expired_lot_lapses_with_a_posting(world, audited):
    now = clock.now()
    member = new_member(world)
    grant_beans(world, member, 1000, expires_at=now + timedelta(seconds=60))
    clock.freeze(now + timedelta(seconds=61))
    assert run_sweep(world, "lapse_expired_lots") >= 1
    postings = member.get("/v1/store/beans/postings").get_json()["items"]
    assert [(each["kind"], each["amount_fen"]) for each in postings] == [
        ("lapse", -1000),
        ("grant", 1000),
    ]
    assert run_sweep(world, "lapse_expired_lots") == 0
    audited()


def test_capture_and_release_happen_once_whichever_comes_first(world, audited):
    member = new_member(world, beans_fen=999)
    _, sku = new_sku(world, 1000)
    order = member.post("/v1/store/orders", order_body([sku], "mixed", 1000)).get_json()
    path = f"/v1/store/orders/{order['order_id']}"
    payment = member.post(f"{path}/payments", {}).get_json()
    pay_at_wechat(world, payment)
    order_id = UUID(order["order_id"])
    assert use(world, lambda uow: wallet.release(uow, order_id)) == 0
    assert use(world, lambda uow: wallet.capture(uow, order_id)) == 0
    assert purse(member) == (0, 0)
    audited()


def test_entries_are_never_changed_or_deleted(world):
    new_member(world, beans_fen=100)
    for statement in (
        "UPDATE ledger_entry SET amount_fen = amount_fen + 1",
        "DELETE FROM ledger_transfer",
        "TRUNCATE ledger_entry",
    ):
        with pytest.raises(DBAPIError) as refused:
            execute_sql(world, statement)
        assert isinstance(refused.value.orig, RaiseException)


def test_a_transfer_that_does_not_balance_is_a_bug(world):
    legs = (posting.Leg("a", 1), posting.Leg("b", -2))
    with pytest.raises(ValueError, match="does not balance"):
        use(world, lambda uow: posting.post(uow, [posting.Transfer("x", "x", "cny", legs)]))


def test_the_statement_pages_from_the_newest(world):
    member = new_member(world)
    for amount in (1, 2, 3):
        grant_beans(world, member, amount)
    first = member.get("/v1/store/beans/postings?limit=2").get_json()
    assert [each["amount_fen"] for each in first["items"]] == [3, 2]
    rest = member.get(f"/v1/store/beans/postings?limit=2&cursor={first['next_cursor']}").get_json()
    assert [each["amount_fen"] for each in rest["items"]] == [1]
    assert rest["next_cursor"] is None


def test_a_lot_says_to_its_member_alone_what_it_pays_for(world):
    owner, other = new_member(world), new_member(world)
    product, _ = new_sku(world, 1000)
    bound, free = (grant_beans(world, owner, 100, product_ids=ids) for ids in ([product], None))

    def products(person, lot_id):
        return use(world, lambda uow: wallet.products_of_lot(uow.session, UUID(person.id), lot_id))

    assert products(owner, bound) == frozenset([product])
    assert products(owner, free) is None
    with pytest.raises(NotFound):
        products(other, bound)


@pytest.mark.parametrize("count", [0, wallet.MAX_SCOPE + 1])
def test_a_scope_has_products_and_not_too_many(world, count):
    ids = [uuid4() for _ in range(count)]
    with pytest.raises(Invalid):
        use(world, lambda uow: wallet.create_scope(uow, "范围", ids))


def test_a_scope_is_frozen_under_its_name(world):
    ids = [uuid4() for _ in range(3)]
    first = use(world, lambda uow: wallet.create_scope(uow, "范围", ids))
    assert use(world, lambda uow: wallet.create_scope(uow, "范围", ids[::-1] + ids)) == first
    with pytest.raises(Invalid):
        use(world, lambda uow: wallet.create_scope(uow, "范围", ids[:2]))


@pytest.mark.parametrize("amount", [0, -1, MAX_FEN + 1])
def test_a_grant_is_positive_and_has_a_limit(world, amount):
    member = new_member(world)
    with pytest.raises(Invalid):
        use(world, lambda uow: wallet.grant(uow, [grant_of(member, "x", amount)]))
    assert purse(member) == (0, 0)


def test_a_grant_that_ends_this_very_moment_or_is_bound_to_nothing_known_is_refused(world):
    member = new_member(world)
    now = clock.now()
    clock.freeze(now)
    over = Grant(UUID(member.id), 100, now, "测试", "e1")
    with pytest.raises(Invalid):
        use(world, lambda uow: wallet.grant(uow, [over]))
    with pytest.raises(UnknownScope):
        unknown = Grant(UUID(member.id), 100, FAR, "测试", "e2", uuid4())
        use(world, lambda uow: wallet.grant(uow, [unknown]))
    with pytest.raises(Invalid):
        use(world, lambda uow: wallet.grant(uow, []))
    assert purse(member) == (0, 0)
