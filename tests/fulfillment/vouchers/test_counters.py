"""Case 35: which counter hands out, by which code, to whom, and who is guessing."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from fulfillment.stores import queries as store_queries
from fulfillment.vouchers import rules as voucher_rules
from fulfillment.vouchers import service as voucher_service
from fulfillment.vouchers.service import StoreDesk
from mall.access.rules import TooManyTries
from mall.kernel import clock
from mall.kernel.uow import unit_of_work
from tests.support.database import execute_sql, select_rows
from tests.support.people import Person, new_member, new_staff
from tests.support.selling import Counter
from tests.support.shop import new_sku, new_store, new_supplier
from tests.support.soak import long_or_short


@pytest.fixture
def counter(world):
    return Counter(world)


def short_codes(counter):
    return [each["short_code"] for each in counter.vouchers() if each["short_code"]]


def test_the_clerk_is_told_what_to_hand_out(counter):
    before = counter.clerk.post("/v1/pickup/vouchers/check", {"code": counter.codes()[0]})
    assert (before.status_code, before.get_json()["state"]) == (200, "valid")
    done = counter.redeem(counter.codes()[0]).get_json()
    shown = {name: done[name] for name in ("quantity", "order_no", "state", "options")}
    assert shown == {
        "quantity": 1,
        "order_no": counter.order["order_no"],
        "state": "redeemed",
        "options": [],
    }
    assert done["title"] == counter.read()["lines"][0]["title"]


def test_a_short_code_works_at_its_merchants_counter_only(world, counter, audited):
    short = short_codes(counter)[0]
    assert re.fullmatch(r"\d{4} \d{3} \d{3}", short)
    elsewhere = counter.another_clerk(new_store(world, new_supplier(world)))
    assert counter.redeem(short, clerk=elsewhere).status_code == 404
    assert counter.redeem(short.replace(" ", "-")).status_code == 200
    assert counter.redeem(short).get_json()["code"] == "voucher_used"
    audited()


def test_two_vouchers_with_one_short_code_are_scanned(world, counter):
    short = short_codes(counter)[0]
    execute_sql(
        world, "UPDATE pickup_voucher SET short_hash = (SELECT min(short_hash) FROM pickup_voucher)"
    )
    [kept] = {each for each in short_codes(counter) if counter.redeem(each).status_code != 404}
    assert counter.redeem(kept).get_json()["code"] == "short_code_ambiguous"
    assert counter.redeem(counter.codes()[0]).status_code == 200
    assert short


def test_at_the_wrong_store_it_says_where(world, counter, audited):
    elsewhere = new_store(world, counter.supplier_id, name="廉江店")
    execute_sql(world, "UPDATE store SET name = '寸金店' WHERE id = :id", id=counter.store_id)
    assert counter.choose().status_code == 200
    code = counter.codes()[0]
    refused = counter.redeem(code, clerk=counter.another_clerk(elsewhere)).get_json()
    assert refused["code"] == "voucher_wrong_store"
    assert "寸金店" in refused["detail"]
    assert counter.redeem(code).status_code == 200
    used = counter.redeem(code).get_json()
    assert used["code"] == "voucher_used"
    assert re.search(r"20\d\d-\d\d-\d\d \d\d:\d\d.*寸金店", used["detail"])
    audited()


def test_without_a_choice_any_store_that_honours_it_hands_out(world, counter, audited):
    other, _ = new_sku(world, 1000, 5, counter.supplier_id, delivery_modes=("store_pickup",))
    without = new_store(world, counter.supplier_id, product_ids=[other])
    honours = new_store(world, counter.supplier_id, product_ids=[counter.product])
    code = counter.codes()[0]
    refused = counter.redeem(code, clerk=counter.another_clerk(without))
    assert refused.get_json()["code"] == "voucher_wrong_store"
    assert counter.redeem(code, clerk=counter.another_clerk(honours)).status_code == 200
    audited()


def test_a_clerk_whose_network_failed_asks_again_days_later(world, counter, audited):
    code = counter.codes()[0]
    first = counter.redeem(code, key="offline-1").get_json()
    # The remembered answer is gone, and a colleague took over the telephone.
    execute_sql(world, "DELETE FROM idempotency_record")
    colleague = counter.another_clerk()
    again = counter.redeem(code, key="offline-1", clerk=colleague)
    assert (again.status_code, again.get_json()) == (200, first)
    assert counter.redeem(code, key="offline-2").get_json()["code"] == "voucher_used"
    elsewhere = counter.another_clerk(new_store(world, counter.supplier_id))
    assert counter.redeem(code, key="offline-1", clerk=elsewhere).status_code == 409
    audited()


@pytest.mark.parametrize(("kind", "begins"), [("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_a_code_is_shown_as_a_picture(counter, kind, begins):
    voucher = counter.vouchers()[0]
    path = f"{counter.path}/vouchers/{voucher['id']}/qr.{kind}"
    reply = counter.member.get(path)
    assert (reply.status_code, reply.data[: len(begins)]) == (200, begins)
    assert reply.headers["Cache-Control"] == "private, no-store"
    counter.redeem(voucher["code"])
    assert counter.member.get(path).status_code == 404
    other = counter.vouchers()[1]["id"]
    assert counter.member.get(f"{counter.path}/vouchers/{other}/qr.gif").status_code == 404
    stranger = new_member(counter.world)
    assert stranger.get(f"{counter.path}/vouchers/{other}/qr.png").status_code == 404


def test_codes_are_never_in_logs_or_tables(world, counter, capfd):
    voucher = counter.vouchers()[0]
    counter.member.get(f"{counter.path}/vouchers/{voucher['id']}/qr.svg")
    counter.clerk.post("/v1/pickup/vouchers/check", {"code": voucher["short_code"]})
    counter.redeem(voucher["short_code"], key="k1")
    counter.redeem(voucher["code"], key="k2")
    out, err = capfd.readouterr()
    written = out + err
    for table in ("pickup_voucher", "idempotency_record", "outbox_delivery", "notice"):
        rows = select_rows(world, f"SELECT to_jsonb(t) AS row FROM {table} t")
        written += json.dumps([row.row for row in rows], default=str)
    assert "/v1/pickup/vouchers/redeem" in written
    plain = re.sub(r"[\s-]", "", written).upper()
    for code in (voucher["code"], voucher["short_code"]):
        assert re.sub(r"[\s-]", "", code) not in plain


def test_who_was_told_of_guessing_is_not_told_again_within_the_hour(world, counter):
    told = []
    for _ in range(3):
        with world.app.app_context(), unit_of_work() as uow:
            desk = StoreDesk(store_queries.any_store(uow.session, counter.store_id), None, "clerk")
            told.append(voucher_service.alarm(uow, desk))
    assert told == [True, False, False]


def test_guesses_by_the_thousand_are_blocked_and_alarmed(world, counter):
    """Code guessing: one clerk of each of two stores tries 10,000 short codes, in short 1,200."""
    count, over_http = long_or_short((10_000, 1_000), (1_200, 200))
    code = counter.codes()[0]
    elsewhere = new_store(world, counter.supplier_id)
    guessers = [counter.another_clerk(), counter.another_clerk(elsewhere)]
    tokens = [{"Authorization": f"Bearer {each.token}"} for each in guessers]
    # What a guesser's program would do: one connection, no more than what the server needs.
    clients = [world.app.test_client() for _ in guessers]

    def guess(number):
        which = number % len(guessers)
        return (
            clients[which]
            .post(
                "/v1/pickup/vouchers/check",
                data=b'{"code":"%010d"}' % number,
                content_type="application/json",
                headers=tokens[which],
            )
            .status_code
        )

    def guess_beneath(numbers):
        """The same without HTTP, which is what costs: most of the tries."""
        store = store_queries.any_store
        with world.app.app_context():
            for number in numbers:
                which = number % len(guessers)
                place = (counter.store_id, elsewhere)[which]
                try:
                    with unit_of_work() as uow:
                        desk = StoreDesk(store(uow.session, place), guessers[which].id, "guesser")
                        assert voucher_service.look_up(uow, desk, f"{number:010d}") is None
                except TooManyTries:
                    yield 429
                else:
                    yield 404

    statuses = [guess(number) for number in range(over_http)]
    statuses += guess_beneath(range(over_http, count))
    assert len(statuses) == count
    assert set(statuses) == {404, 429}
    assert statuses.count(404) == 2 * voucher_rules.CLERK_TRIES
    assert 429 not in statuses[: 2 * voucher_rules.CLERK_TRIES]
    told = new_staff(world, "operator").get("/v1/ops/notices").get_json()["items"]
    assert [each["kind"] for each in told].count("pickup_guessing") == 2
    theirs = counter.supplier.get("/v1/supplier/notices").get_json()["items"]
    assert [each["kind"] for each in theirs].count("pickup_guessing") == 2
    text = Person(world.app).get("/metrics").data.decode()
    assert 'mall_pickup_codes_refused_total{why="blocked"}' in text
    # A guesser's counter is closed also for what is right; a colleague's is not, until the store's is.
    assert counter.redeem(code, clerk=guessers[0]).status_code == 429
    assert counter.redeem(code).status_code == 200


def test_guesses_at_once_are_not_counted_less(world, counter):
    clerk = counter.another_clerk()

    def guess(number):
        body = {"code": f"{number:010d}"}
        return clerk.post("/v1/pickup/vouchers/check", body).status_code

    with ThreadPoolExecutor(32) as pool:
        statuses = list(pool.map(guess, range(64)))
    assert statuses.count(404) == voucher_rules.CLERK_TRIES
    assert statuses.count(429) == 64 - voucher_rules.CLERK_TRIES


def test_a_store_whose_clerks_guess_in_turns_is_closed_for_an_hour(world, counter):
    clerks = [counter.another_clerk() for _ in range(4)]
    for clerk in clerks[:3]:
        for number in range(10):
            body = {"code": f"{number:010d}"}
            assert clerk.post("/v1/pickup/vouchers/check", body).status_code == 404
    code = counter.codes()[0]
    closed = counter.redeem(code, clerk=clerks[3])
    assert (closed.status_code, closed.get_json()["code"]) == (429, "too_many_tries")
    clock.shift(voucher_rules.STORE_SPAN + timedelta(seconds=1))
    assert counter.redeem(code, clerk=clerks[3]).status_code == 200
