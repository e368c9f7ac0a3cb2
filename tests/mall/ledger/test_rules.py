"""Spending lots: exact, soonest expiry first, narrowest scope first."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import networkx as nx
from hypothesis import given, settings
from hypothesis import strategies as st

from mall.ledger.rules import Demand, Lot, assign

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
