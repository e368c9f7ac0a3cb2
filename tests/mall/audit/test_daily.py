"""The audit of the day finds what changed at once and everything else within seven days."""

import threading
from datetime import timedelta

import psycopg
import pytest

from mall.audit import queries as audit_queries
from mall.audit import rules as audit_rules
from mall.audit.process import Audit
from mall.audit.rules import Pace
from mall.kernel import clock
from mall.kernel.uow import reading
from mall.shell.wiring import BOOKS
from tests.support.database import (
    break_rules,
    count_rows,
    database_url_of,
    execute_sql,
    select_rows,
)
from tests.support.people import new_member, order_body
from tests.support.shop import new_sku
from tests.support.working import run_outbox, run_sweep

# A seventh of ten things each day, in pieces of one.
SLOW = Pace(piece=1, batch=2)
BALANCE = "UPDATE bean_lot SET balance_fen = balance_fen + 1 WHERE member_id = '{}'"
LATEST = "CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text) AS bigint)"


@pytest.fixture
def mall(world):
    """Ten members with beans, each with an order, and the audit of a day behind them."""
    world.members = [new_member(world, beans_fen=3_000) for _ in range(10)]
    world.offered = new_sku(world, 1_000, 500)[1]
    for member in world.members:
        buy(world, member)
    run_outbox(world)
    assert day(world) == {}
    return world


def buy(world, member):
    reply = member.post("/v1/store/orders", order_body([world.offered], "beans", 1_000))
    assert reply.status_code == 201


def run(world, pace=None):
    audit = Audit(BOOKS, pace)
    with world.app.app_context():
        findings = audit.run()
    return audit, {each.invariant.name: each.breach_count for each in findings if not each.is_kept}


def day(world, pace=None):
    return run(world, pace)[1]


def forget_changes(world):
    """Let what was written until now be old: to the next audit it looks as if it had always been so."""
    execute_sql(world, f"UPDATE audit_mark SET horizon = {LATEST}")


def days_until_found(world, name):
    """Return on which day of slow audits a breach is found first."""
    execute_sql(world, "UPDATE audit_round SET is_over = true")
    for number in range(1, 8):
        if name in day(world, SLOW):
            return number
        clock.shift(timedelta(days=number))
    return None


def totals(world):
    """Return what is carried, and what the rows come to."""
    carried = {
        (row.name, row.key): row.carried
        for row in select_rows(world, "SELECT * FROM audit_sum WHERE carried <> 0")
    }
    with world.app.app_context(), reading() as session:
        at = audit_queries.instant(session, BOOKS)
        real = {
            (each.name, key): amount
            for each in BOOKS.sums
            for key, amount in audit_queries.totals(session, each, "old", at.since).items()
            if amount
        }
    return carried, real


def test_the_first_audit_looks_at_everything_and_the_next_at_what_changed(world):
    member = new_member(world, beans_fen=3_000)
    audit, found = run(world)
    assert (found, audit.looked.since, audit.looked.changed) == ({}, None, {})
    assert audit.looked.reasons == ["no audit before this one can be built on"]
    assert audit.looked.is_everything
    world.offered = new_sku(world, 1_000, 5)[1]
    buy(world, member)
    audit, found = run(world)
    assert found == {} and audit.looked.reasons == []
    assert (audit.looked.changed["order"], audit.looked.changed["member"]) == (1, 1)
    assert totals(world)[0] == totals(world)[1]


def test_what_a_transaction_under_way_wrote_is_looked_at_by_the_next_audit(mall):
    """Its number is lower than those of others that the audit has seen: nothing is lost by that."""
    with psycopg.connect(database_url_of(mall)) as slow:
        slow.execute("SAVEPOINT inner_one")
        slow.execute(BALANCE.format(mall.members[3].id))
        slow.execute("RELEASE SAVEPOINT inner_one")
        buy(mall, mall.members[4])
        assert day(mall, SLOW) == {}
        buy(mall, mall.members[5])
        assert day(mall, SLOW) == {}
        slow.commit()
    audit = Audit(BOOKS, SLOW)
    with mall.app.app_context(), reading() as session:
        audit.look_at_changes(session)
    assert [each.invariant.name for each in audit.findings() if not each.is_kept] == ["lot_balance"]


@pytest.mark.parametrize("number", [0, 4, 9])
def test_a_row_that_nothing_touched_is_found_within_seven_days(mall, number):
    oldest_first = sorted(str(each.id) for each in mall.members)
    break_rules(mall, BALANCE.format(oldest_first[number]))
    forget_changes(mall)
    found = days_until_found(mall, "lot_balance")
    assert found is not None
    # Not by chance: keys come by in their order.
    assert (found == 1) is (number == 0)


def test_what_belongs_to_a_deleted_row_is_found_within_seven_days(mall):
    run_sweep(mall, "seal_journal")
    assert day(mall) == {}
    break_rules(mall, "DELETE FROM fulfillment_line")
    forget_changes(mall)
    assert days_until_found(mall, "paid_orders_fulfilled_once") is not None


@pytest.mark.parametrize("change", ["DELETE FROM {}", "UPDATE {} SET id = gen_random_uuid()"])
@pytest.mark.parametrize("table", ["stock_movement", "ledger_entry", "order_event"])
def test_a_table_that_only_grows_and_lost_a_row_has_everything_looked_at(mall, table, change):
    break_rules(mall, change.format(table))
    if change.startswith("DELETE"):
        forget_changes(mall)
    audit, _ = run(mall, SLOW)
    assert audit.looked.reasons == [f"{table} has lost rows, or had some changed"]
    assert audit.looked.is_everything


def test_a_breach_is_reported_every_day_until_it_is_mended(mall):
    member = mall.members[2]
    break_rules(mall, BALANCE.format(member.id))
    for _ in range(3):
        assert day(mall, SLOW)["lot_balance"] == 1
        forget_changes(mall)
    break_rules(mall, BALANCE.format(member.id).replace("+ 1", "- 1"))
    assert day(mall, SLOW) == {}
    assert count_rows(mall, "audit_suspect") == 0


def test_a_breach_in_a_piece_is_looked_at_again_too(mall):
    break_rules(mall, BALANCE.format(mall.members[0].id))
    forget_changes(mall)
    assert days_until_found(mall, "lot_balance") is not None
    execute_sql(mall, "UPDATE audit_round SET is_over = false, due_at = now() + interval '90 days'")
    assert day(mall, SLOW)["lot_balance"] == 1


def test_a_killed_audit_goes_on_where_it_was(mall, monkeypatch):
    execute_sql(mall, "UPDATE audit_round SET is_over = true")
    asked = []
    look = Audit._look_at_piece

    def die(audit, subject, row, size):
        if subject.name == "member":
            if len(asked) == 3 and asked[-1] is not None:
                raise KeyboardInterrupt
            asked.append(row.reached or "start")
        return look(audit, subject, row, size)

    everything = Pace(piece=1)
    execute_sql(mall, "UPDATE audit_round SET due_at = now() WHERE subject = 'member'")
    monkeypatch.setattr(audit_rules, "ROUND", timedelta(0))
    monkeypatch.setattr(Audit, "_look_at_piece", die)
    with pytest.raises(KeyboardInterrupt):
        day(mall, everything)
    first = [*asked]
    asked.append(None)
    assert day(mall, everything) == {}
    assert len(first) == 3
    second = asked[4:]
    assert second[0] > first[-1]
    # Ten pieces of one and, after the last key, what has none.
    assert len(set(first + second)) == len(first + second) == 10


def test_two_audits_at_once_do_not_disturb_each_other(mall):
    for member in mall.members[:5]:
        buy(mall, member)
    execute_sql(mall, "UPDATE audit_round SET is_over = true")
    together, found = threading.Barrier(2), []

    def audit():
        together.wait(10)
        found.append(day(mall, Pace(piece=3, batch=2)))

    threads = [threading.Thread(target=audit) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert found == [{}, {}]
    carried, real = totals(mall)
    assert carried == real
    # Whoever came first has moved on; the round goes on to its end, and every total agrees.
    clock.shift(timedelta(days=8))
    assert day(mall) == {}
    assert select_rows(mall, "SELECT * FROM audit_sum WHERE at_round <> counted") == []
    assert select_rows(mall, "SELECT * FROM audit_round WHERE NOT is_over") == []


def test_totals_that_were_carried_wrongly_are_counted_anew_and_are_no_breach(mall):
    execute_sql(mall, "UPDATE audit_sum SET carried = carried + 7")
    assert day(mall) == {}
    carried, real = totals(mall)
    assert carried == real


def test_a_breach_of_totals_is_one_however_they_are_carried(mall):
    break_rules(mall, "UPDATE stock_level SET on_hand = on_hand + 1")
    for _ in range(2):
        forget_changes(mall)
        assert set(day(mall)) == {"stock_on_hand"}


def test_a_round_counts_totals_again_and_notices_what_was_carried_wrongly(mall):
    """An amount of old changed everywhere it is said: the totals agree, but for those of the rows."""
    break_rules(mall, "UPDATE stock_movement SET quantity = quantity - 1 WHERE cause = 'sale'")
    execute_sql(mall, "UPDATE audit_count SET rows = 0")
    execute_sql(mall, "UPDATE stock_level SET on_hand = on_hand - 10")
    execute_sql(mall, "UPDATE audit_sum SET carried = carried - 10 WHERE name = 'stock'")
    forget_changes(mall)
    execute_sql(mall, "UPDATE audit_round SET is_over = true")
    assert set(day(mall)) == {"order_sales"}
    carried, real = totals(mall)
    assert carried == real


@pytest.mark.parametrize("basis", ["'elsewhere/5/' || split_part(basis, '/', 3)", "basis || 'x'"])
def test_a_mark_of_another_cluster_or_of_other_invariants_counts_for_nothing(mall, basis):
    execute_sql(mall, f"UPDATE audit_mark SET basis = {basis}")
    audit, found = run(mall, SLOW)
    assert (found, audit.looked.since) == ({}, None)
    assert audit.looked.is_everything
    assert run(mall, SLOW)[0].looked.since is not None


def test_where_too_much_changed_everything_is_looked_at(mall, monkeypatch):
    for member in mall.members[:4]:
        buy(mall, member)
    monkeypatch.setattr(audit_rules, "MOST_CHANGED", 3)
    audit, found = run(mall, SLOW)
    assert found == {}
    assert audit.looked.reasons == ["too much has changed to tell it apart"]
    assert audit.looked.is_everything and audit.looked.changed == {}


def test_where_too_much_is_broken_the_mark_stays(mall, monkeypatch):
    monkeypatch.setattr(audit_rules, "MOST_SUSPECTS", 0)
    before = select_rows(mall, "SELECT horizon FROM audit_mark")
    break_rules(mall, BALANCE.format(mall.members[0].id))
    for _ in range(2):
        assert day(mall, SLOW)["lot_balance"] == 1
    assert select_rows(mall, "SELECT horizon FROM audit_mark") == before


def test_the_audit_of_the_day_writes_nothing_but_its_own_tables(mall):
    before = count_rows(mall, "journal_line"), count_rows(mall, "outbox_delivery")
    assert day(mall) == {}
    assert (count_rows(mall, "journal_line"), count_rows(mall, "outbox_delivery")) == before


def test_every_question_in_pieces_is_sql_that_runs_and_finds_nothing_in_a_sound_mall(mall):
    execute_sql(mall, "DELETE FROM audit_mark")
    assert day(mall, Pace(piece=4)) == {}
