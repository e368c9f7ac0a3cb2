"""Spending lots: exact, soonest expiry first, narrowest scope first."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import UUID

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mall.kernel.errors import Invalid
from mall.ledger import rules as ledger_rules
from mall.ledger.rules import Demand, Draw, Grant, Lot, assign
from mall.ledger.service import funds, posting, wallet
from tests.support.offers import refusals, refused

START = datetime(2026, 1, 1, tzinfo=UTC)
PRODUCTS = [UUID(int=100 + n) for n in range(4)]


def lot(number, balance, days=1, products=None):
    scope = None if products is None else frozenset(products)
    return Lot(UUID(int=number), balance, START + timedelta(days=days), scope)


def totals(draws):
    spent = {}
    for draw in draws:
        spent[draw.lot_id] = spent.get(draw.lot_id, 0) + draw.amount_fen
    return spent


def test_soonest_expiry_first():
    draws = assign([lot(1, 50, days=9), lot(2, 50, days=1)], [Demand(60, PRODUCTS[0])])
    assert totals(draws) == {UUID(int=2): 50, UUID(int=1): 10}


def test_narrowest_scope_first_among_equal_expiries():
    lots = [lot(1, 50), lot(2, 50, products=PRODUCTS[:2]), lot(3, 50, products=PRODUCTS[:1])]
    assert totals(assign(lots, [Demand(60, PRODUCTS[0])])) == {UUID(int=3): 50, UUID(int=2): 10}


def test_finds_an_assignment_where_greedy_spending_fails():
    """Case 3: the lot good for both products must not be used up on the first."""
    wide = lot(1, 100, days=1, products=PRODUCTS[:2])
    narrow = lot(2, 100, days=9, products=PRODUCTS[:1])
    demands = [Demand(100, PRODUCTS[0]), Demand(100, PRODUCTS[1])]
    draws = assign([wide, narrow], demands)
    assert {(d.lot_id.int, d.demand_index, d.amount_fen) for d in draws} == {
        (1, 1, 100),
        (2, 0, 100),
    }


def test_freight_is_paid_only_by_lots_good_for_everything():
    draws = assign([lot(1, 100, products=PRODUCTS), lot(2, 30, days=5)], [Demand(50, None)])
    assert totals(draws) == {UUID(int=2): 30}


def test_the_cap_is_kept_to_the_fen():
    draws = assign([lot(1, 100)], [Demand(70, PRODUCTS[0]), Demand(70, PRODUCTS[1])], 99)
    assert sum(draw.amount_fen for draw in draws) == 99


def test_a_lot_of_which_nothing_is_said_pays_for_everything_and_can_be_topped_up():
    found = Lot(UUID(int=1), 1, START)
    assert (found.product_ids, found.allows_top_up, found.programme_id) == (None, True, None)


@pytest.mark.parametrize(
    ("scope", "of_product", "of_another", "freight"),
    [(None, True, True, True), (PRODUCTS[:1], True, False, False), ([], False, False, False)],
)
def test_a_lot_pays_for_what_is_in_its_scope(scope, of_product, of_another, freight):
    found = lot(1, 1, products=scope)
    assert found.pays_for(PRODUCTS[0]) is of_product
    assert found.pays_for(PRODUCTS[1]) is of_another
    assert found.pays_for(None) is freight


def test_each_refusal_has_its_status():
    assert refusals(ledger_rules) == {
        "not_enough_beans": 409,
        "fund_short": 409,
        "unknown_scope": 422,
        "grant_repeated": 409,
    }


def test_the_order_of_spending_is_expiry_then_scope_then_width_then_number():
    lots = [
        lot(9, 1, days=1, products=PRODUCTS[:2]),
        lot(1, 1, days=2, products=PRODUCTS[:1]),
        lot(2, 1, days=2, products=PRODUCTS[:1]),
        lot(0, 1, days=2, products=PRODUCTS[:2]),
        lot(3, 1, days=2),
        lot(4, 1, days=2),
        lot(5, 1, days=3, products=PRODUCTS[:1]),
    ]
    for shuffled in (lots, lots[::-1]):
        found = sorted(shuffled, key=lambda each: each.preference)
        assert [each.id.int for each in found] == [9, 1, 2, 0, 3, 4, 5]
    assert lot(1, 1).preference[1:3] == (1, 0)
    assert lot(1, 1, products=PRODUCTS[:3]).preference[1:3] == (0, 3)


@pytest.mark.parametrize(
    ("balance", "demands", "limit", "draws"),
    [
        (1, [1], None, [(0, 1)]),
        (1, [2], None, [(0, 1)]),
        (2, [1], None, [(0, 1)]),
        (0, [1], None, []),
        (1, [0, 1], None, [(1, 1)]),
        (1, [1], 0, []),
        (9, [3, 3], 4, [(0, 3), (1, 1)]),
        (9, [3, 3], 7, [(0, 3), (1, 3)]),
        (9, [], None, []),
    ],
)
def test_one_lot_pays_the_lines_in_turn_to_the_last_fen(balance, demands, limit, draws):
    found = assign([lot(1, balance)], [Demand(each, PRODUCTS[0]) for each in demands], limit)
    assert found == [Draw(UUID(int=1), index, amount) for index, amount in draws]


def test_a_single_fen_gives_way_to_the_lot_that_can_pay_nothing_else():
    """A path that re-routes one fen: the smallest amount that can be moved."""
    wide, narrow = (
        lot(1, 1, days=1, products=PRODUCTS[:2]),
        lot(2, 1, days=2, products=PRODUCTS[:1]),
    )
    draws = assign([wide, narrow], [Demand(1, PRODUCTS[0]), Demand(1, PRODUCTS[1])])
    assert {(d.lot_id.int, d.demand_index, d.amount_fen) for d in draws} == {(1, 1, 1), (2, 0, 1)}


lots_strategy = st.lists(
    st.tuples(
        st.integers(1, 60),
        st.integers(1, 5),
        st.one_of(st.none(), st.sets(st.sampled_from(PRODUCTS), min_size=1)),
    ),
    max_size=6,
).map(lambda rows: [lot(n + 1, *row) for n, row in enumerate(rows)])
demands_strategy = st.lists(
    st.tuples(st.integers(1, 60), st.one_of(st.none(), st.sampled_from(PRODUCTS))), max_size=5
).map(lambda rows: [Demand(*row) for row in rows])


def general_solution(lots, demands):
    """Solve it as a min-cost max-flow whose costs put the preference order lexicographically."""
    graph = nx.DiGraph()
    graph.add_nodes_from(["source", "sink"])
    ordered = sorted(lots, key=lambda each: each.preference)
    # Each lot is worth more than all later ones together, in arbitrary precision.
    unit = sum(each.balance_fen for each in lots) + 1
    for rank, each in enumerate(ordered):
        cost = -(unit ** (len(ordered) - rank))
        graph.add_edge("source", each.id, capacity=each.balance_fen, weight=cost)
        for index, demand in enumerate(demands):
            if each.pays_for(demand.product_id):
                graph.add_edge(each.id, index, capacity=each.balance_fen, weight=0)
    for index, demand in enumerate(demands):
        graph.add_edge(index, "sink", capacity=demand.amount_fen, weight=0)
    flow = nx.max_flow_min_cost(graph, "source", "sink")
    return {each.id: flow["source"][each.id] for each in lots if flow["source"].get(each.id)}


@settings(max_examples=300, deadline=None)
@given(lots_strategy, demands_strategy)
def test_agrees_with_a_general_min_cost_flow(lots, demands):
    draws = assign(lots, demands)
    assert totals(draws) == general_solution(lots, demands)
    by_id = {each.id: each for each in lots}
    for draw in draws:
        assert by_id[draw.lot_id].pays_for(demands[draw.demand_index].product_id)
    for index, demand in enumerate(demands):
        assert sum(d.amount_fen for d in draws if d.demand_index == index) <= demand.amount_fen


def test_the_limits_are_those_that_are_documented():
    assert timedelta(days=30) == wallet.GRACE
    assert (wallet.MAX_GRANTS, wallet.MAX_SCOPE, wallet.LAPSED_AT_ONCE) == (1000, 2000, 5000)
    assert timedelta(hours=1) == posting.SNAPSHOT_MARGIN
    assert timedelta(days=400) == posting.KEEP_SNAPSHOTS


def test_terms_of_which_nothing_else_is_said_are_those_of_beans_good_for_everything():
    terms = funds.LotTerms(UUID(int=1), "春节", START)
    assert (terms.scope_id, terms.leftover_fund_id) == (None, None)
    assert (terms.is_voucher, terms.allows_top_up) == (False, True)
    back = wallet._LotCredit("sales:beans", "r", "unspend")
    assert (back.has_grace, back.spares_entitlements) == (True, False)


@pytest.mark.parametrize("amounts", [[], [5], [5, -4], [-1, -1], [1, 0]])
def test_what_does_not_balance_or_has_one_leg_is_not_posted(amounts):
    """It is refused before anything is written: there is nothing here to write to."""
    legs = tuple(posting.Leg(f"account{n}", fen) for n, fen in enumerate(amounts))
    with pytest.raises(ValueError, match="does not balance"):
        posting.post(None, [posting.Transfer("r", "test", posting.BEANS, legs)])


def grants_of(count=1, amount_fen=100, ends=timedelta(seconds=1), scope_id=None):
    return [
        Grant(UUID(int=1), amount_fen, START + ends, "春节", f"r{n}", scope_id)
        for n in range(count)
    ]


def checking(grants, used=()):
    """Check grants where one scope is there and these references were used."""
    session = SimpleNamespace(scalars=lambda query: [SCOPE])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(posting, "known_references", lambda session, references: set(used))
        wallet.check_grants(SimpleNamespace(session=session, now=START), grants)


SCOPE = UUID(int=77)


@pytest.mark.parametrize(
    "grants",
    [
        grants_of(1),
        grants_of(1000),
        grants_of(amount_fen=1),
        grants_of(amount_fen=10_000_000_000),
        grants_of(ends=timedelta(microseconds=1)),
        grants_of(scope_id=SCOPE),
    ],
    ids=["one", "a thousand", "a fen", "a hundred million", "an instant", "a scope"],
)
def test_what_can_be_granted(grants):
    checking(grants)


@pytest.mark.parametrize(
    ("grants", "field"),
    [
        (grants_of(0), "grants"),
        (grants_of(1001), "grants"),
        (grants_of(amount_fen=0), "amount_fen"),
        (grants_of(amount_fen=-1), "amount_fen"),
        (grants_of(amount_fen=10_000_000_001), "amount_fen"),
        ([*grants_of(1), *grants_of(amount_fen=0)], "amount_fen"),
        (grants_of(ends=timedelta(0)), "expires_at"),
        (grants_of(ends=timedelta(seconds=-1)), "expires_at"),
    ],
)
def test_what_cannot_be_granted_is_refused_by_its_field(grants, field):
    assert refused(Invalid, checking, grants)[0] == field


def test_a_scope_that_is_not_there_and_a_reference_that_was_used_are_refused():
    assert (
        refused(ledger_rules.UnknownScope, checking, grants_of(scope_id=UUID(int=78)))[0]
        == "scope_id"
    )
    twice = grants_of(2)
    assert refused(ledger_rules.GrantRepeated, checking, twice, ["grant:r1"]) == (
        "reference",
        {"reference": "r0"},
    )


@pytest.mark.parametrize(("count", "is_one"), [(0, False), (1, True), (2000, True), (2001, False)])
def test_a_scope_has_one_product_to_two_thousand(count, is_one):
    added = []
    session = SimpleNamespace(
        scalars=lambda query: SimpleNamespace(first=lambda: None),
        add=added.append,
        flush=lambda: None,
    )
    uow = SimpleNamespace(session=session, now=START)
    products = [UUID(int=n) for n in range(count)]
    if is_one:
        assert wallet.create_scope(uow, "范围", products * 2) == added[0].id
        assert added[0].product_ids == products
    else:
        assert refused(Invalid, wallet.create_scope, uow, "范围", products)[0] == "product_ids"
        assert added == []


@pytest.mark.parametrize("products", [None, [], [str(PRODUCTS[0])]])
@pytest.mark.parametrize("programme", [None, str(SCOPE)])
def test_a_lot_is_read_as_it_stands(products, programme):
    row = {
        "id": str(UUID(int=1)),
        "balance_fen": 7,
        "expires_at": START.isoformat(),
        "product_ids": products,
        "allows_top_up": False,
        "programme_id": programme,
    }
    scope = frozenset({PRODUCTS[0]}) if products else None
    of = SCOPE if programme else None
    assert wallet.reading_lots(UUID(int=2), START).build([row]) == [
        Lot(UUID(int=1), 7, START, scope, False, of)
    ]


@pytest.mark.parametrize(
    ("lot", "is_untouched"),
    [(None, False), ((100, 100), True), ((100, 99), False), ((100, 0), False)],
)
def test_a_lot_is_untouched_while_all_of_it_is_there(lot, is_untouched):
    found = lot and SimpleNamespace(granted_fen=lot[0], balance_fen=lot[1])
    session = SimpleNamespace(get=lambda *about, **how: found)
    assert wallet.is_untouched(session, UUID(int=1)) is is_untouched


def test_amounts_are_counted_by_programme_and_those_of_none_are_left_out():
    ids = [UUID(int=n) for n in range(4)]
    session = SimpleNamespace(
        execute=lambda query: [(ids[0], SCOPE), (ids[1], None), (ids[2], SCOPE)]
    )
    amounts = dict(zip(ids, (1, 20, 300, 4000), strict=True))
    assert wallet.by_programme(session, amounts) == {SCOPE: 301}


def test_nothing_comes_back_of_nothing():
    assert wallet._credit_lots(None, {}, wallet._LotCredit("sales:beans", "r", "unspend")) == 0


@pytest.mark.parametrize(("there", "missing"), [(None, 100), (0, 100), (1, 99), (99, 1)])
def test_a_fund_that_is_short_tells_how_much_is_missing(there, missing):
    session = SimpleNamespace(
        execute=lambda *about: SimpleNamespace(first=lambda: None), scalar=lambda query: there
    )
    refusal = refused(
        ledger_rules.FundShort, funds._take, SimpleNamespace(session=session), SCOPE, 100
    )
    assert refusal == (None, {"missing_fen": missing})


@pytest.mark.parametrize(
    ("amount", "is_one"),
    [(0, False), (-1, False), (1, True), (10_000_000_000, True), (10_000_000_001, False)],
)
def test_a_deposit_is_of_a_fen_at_least_and_balances(amount, is_one):
    posted, written = [], []
    uow = SimpleNamespace(session=SimpleNamespace(execute=lambda *about: written.append(about)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(posting, "post", lambda uow, transfers: posted.extend(transfers))
        if not is_one:
            with pytest.raises(ValueError, match="positive"):
                funds.deposit(uow, SCOPE, amount, "bank", "r")
            assert (posted, written) == ([], [])
            return
        funds.deposit(uow, SCOPE, amount, "bank", "r")
    assert [[leg.amount_fen for leg in each.legs] for each in posted] == [[-amount, amount]] * 2
    assert [each.reference for each in posted] == ["r", "fund:r"]


def test_a_lot_that_gives_nothing_to_a_line_is_no_way_round():
    """The first pays something else: only the second can give way at the line of the third."""
    lots = [
        lot(1, 10, days=1, products=PRODUCTS[:3]),
        lot(2, 10, days=2, products=PRODUCTS[1:3]),
        lot(3, 10, days=3, products=PRODUCTS[1:2]),
    ]
    draws = assign(lots, [Demand(10, product) for product in PRODUCTS[:3]])
    assert {(d.lot_id.int, d.demand_index, d.amount_fen) for d in draws} == {
        *((1, 0, 10), (2, 2, 10), (3, 1, 10))
    }
