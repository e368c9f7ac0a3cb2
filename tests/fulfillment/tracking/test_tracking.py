"""Case 38: what carriers report in any order, repeated, late, forged, or never."""

import hashlib
import itertools
import random
from datetime import datetime, timedelta
from uuid import UUID

import pytest
import requests

from fulfillment.shipments.rules import CARRIERS, SELF
from fulfillment.tracking import rules as tracking_rules
from fulfillment.tracking.kuaidi100 import COMPANIES
from fulfillment.tracking.rules import Report
from mall.kernel import clock
from tests.support.database import execute_sql, select_rows
from tests.support.people import Person, new_member, new_staff
from tests.support.selling import PARCEL, Sale
from tests.support.shop import new_supplier
from tests.support.working import run_outbox, run_sweep

NUMBER = PARCEL["tracking_no"]
# What a parcel of these days goes through, by kuaidi100's codes.
WAY = (("1", "已揽收"), ("0", "到达广州"), ("0", "到达湛江"), ("5", "派送中"), ("301", "本人签收"))


@pytest.fixture
def sale(world):
    return Sale(world)


@pytest.fixture
def aggregator(parcels_base):
    class Aggregator:
        def play(self, what, /, **body):
            reply = requests.post(f"{parcels_base}/_mock/{what}", json=body, timeout=10)
            assert reply.ok, reply.text
            return reply.json()

        def received(self, path="/poll"):
            found = requests.get(f"{parcels_base}/_mock/received", timeout=10).json()["received"]
            return [each["param"] for each in found if each["path"] == path]

    found = Aggregator()
    found.play("reset")
    return found


@pytest.fixture
def parcel(world, sale, aggregator):
    """A parcel that left and is subscribed."""

    class Parcel:
        def __init__(self):
            assert sale.dispatch().status_code == 201
            run_outbox(world)
            assert run_sweep(world, "subscribe_parcels") == 1
            self.id = sale.member.get(f"{sale.path}/shipments").get_json()["items"][0]["id"]
            self.url = f"/v1/webhooks/kuaidi100/{self.id}"

        def push(self, events=None, url=None, **how):
            """Let the aggregator push events, over HTTP's form; return the mall's answer."""
            order = {"com": "shunfeng", "nu": NUMBER, **how}
            if events is not None:
                order["events"] = events
            made = aggregator.play("push", **order)
            form = {"param": made["param"], "sign": made["sign"]}
            return Person(world.app).client.post(url or self.url, data=form)

        def read(self):
            return sale.member.get(f"/v1/store/shipments/{self.id}/tracking").get_json()

    return Parcel()


def way(minutes=10):
    """Return the events of a whole way, the oldest first, begun now."""
    now = clock.now().astimezone(clock.BEIJING)
    return [
        {
            "time": f"{now - timedelta(minutes=minutes) + timedelta(minutes=n):%Y-%m-%d %H:%M:%S}",
            "statusCode": code,
            "context": text,
        }
        for n, (code, text) in enumerate(WAY)
    ]


def test_a_parcel_is_subscribed_with_a_salt_of_its_own(world, sale, parcel, aggregator):
    [asked] = aggregator.received()
    assert (asked["company"], asked["number"]) == ("shunfeng", NUMBER)
    parameters = asked["parameters"]
    assert parameters["callbackurl"].endswith(f"/v1/webhooks/kuaidi100/{parcel.id}")
    # SF tells nobody but who knows how the phone ends.
    assert parameters["phone"] == "0001"
    rows = select_rows(world, "SELECT to_jsonb(t) AS row FROM tracked_parcel t")
    assert parameters["salt"] not in str(rows)
    assert rows[0].row["watch"] == "watched"
    assert run_sweep(world, "subscribe_parcels") == 0


def test_pushed_events_are_shown_and_delivered_closes_the_parcel(sale, parcel, audited):
    whole = way()
    for count in range(1, len(WAY)):
        assert parcel.push(whole[:count]).get_json() == {
            "result": True,
            "returnCode": "200",
            "message": "成功",
        }
    found = parcel.read()
    assert (found["state"], found["state_name"]) == ("out_for_delivery", "派送中")
    assert [each["text"] for each in found["events"]] == [text for _, text in WAY[:-1]]
    assert sale.part()["state"] == "dispatched"
    parcel.push(whole, status="shutdown")
    assert parcel.read()["state"] == "delivered"
    assert (sale.part()["state"], sale.read()["state"]) == ("delivered", "completed")
    corrected = sale.supplier.put(
        f"/v1/supplier/shipments/{parcel.id}", {**PARCEL, "tracking_no": "SF1234567890124"}
    )
    assert corrected.get_json()["code"] == "parcel_delivered"
    audited()


@pytest.mark.parametrize("seed", range(6))
def test_events_in_any_order_repeated_and_late_say_the_same(parcel, sale, audited, seed):
    events = way() * 2
    random.Random(seed).shuffle(events)
    for event in events:
        assert parcel.push([event]).status_code == 200
    found = parcel.read()
    assert [each["text"] for each in found["events"]] == [text for _, text in WAY]
    assert (found["state"], sale.part()["state"]) == ("delivered", "delivered")
    audited()


def test_every_order_of_events_gives_the_same_state():
    now = clock.now()
    events = [
        Report(now + timedelta(minutes=n), state, state)
        for n, state in enumerate(
            (
                tracking_rules.COLLECTED,
                tracking_rules.IN_TRANSIT,
                tracking_rules.OUT,
                tracking_rules.DELIVERED,
            )
        )
    ]
    for some in itertools.chain.from_iterable(itertools.permutations(events, n) for n in range(5)):
        latest = max(some, key=lambda each: each.happened_at, default=None)
        assert tracking_rules.state_of(some) == (latest.state if latest else tracking_rules.SENT)


def test_a_push_that_is_forged_or_about_another_parcel_changes_nothing(world, parcel, sale):
    forged = parcel.push(way(), forged=True)
    assert (forged.status_code, forged.get_json()["result"]) == (400, False)
    other = Sale(world)
    assert other.dispatch(is_shared=True).status_code == 201
    elsewhere = other.member.get(f"{other.path}/shipments").get_json()["items"][0]["id"]
    # Signed, but with the salt of the first parcel.
    assert parcel.push(way(), url=f"/v1/webhooks/kuaidi100/{elsewhere}").status_code == 400
    nobody = "/v1/webhooks/kuaidi100/019a3c5e-0000-7000-8000-000000000001"
    assert parcel.push(way(), url=nobody).status_code == 400
    assert Person(world.app).client.post(parcel.url, data={"sign": "x"}).status_code == 400
    assert parcel.read()["events"] == []


@pytest.mark.parametrize(
    "param", ["{}", "[]", "null", '{"lastResult": {"com": "x", "nu": 1}}', "x"]
)
def test_a_signed_push_that_says_nothing_is_refused(world, parcel, param):
    salt = tracking_rules.salt_of(UUID(parcel.id), world.app.extensions["mall_settings"].secret_key)
    sign = hashlib.md5((param + salt).encode()).hexdigest().upper()
    form = {"param": param, "sign": sign}
    assert Person(world.app).client.post(parcel.url, data=form).status_code == 400


def test_what_is_not_understood_of_a_push_is_left_out(parcel):
    events = [{"time": "gestern"}, *way()[:1], {"time": "2001-01-01 00:00:00", "context": "旧单"}]
    assert parcel.push(events).status_code == 200
    assert [each["text"] for each in parcel.read()["events"]] == ["已揽收"]


def test_no_parcel_keeps_more_events_than_there_can_be(world, parcel, audited):
    base = way(minutes=600)[0]
    at = datetime.fromisoformat(base["time"])
    many = [
        {**base, "time": f"{at + timedelta(seconds=n):%Y-%m-%d %H:%M:%S}", "context": f"站 {n}"}
        for n in range(tracking_rules.MAX_EVENTS + 60)
    ]
    parcel.push(many[:150])
    parcel.push(many[150:])
    assert len(parcel.read()["events"]) == tracking_rules.MAX_EVENTS
    audited()


def test_a_corrected_parcel_begins_anew(world, sale, parcel, aggregator, audited):
    parcel.push(way()[:2])
    path = f"/v1/supplier/shipments/{parcel.id}"
    body = {"carrier": "yto", "tracking_no": "YT1234567890123"}
    assert sale.supplier.put(path, body).status_code == 200
    run_outbox(world)
    assert (parcel.read()["state"], parcel.read()["events"]) == ("sent", [])
    # What still comes about the wrong number is nobody's.
    assert parcel.push(way()).status_code == 200
    assert parcel.read()["events"] == []
    assert run_sweep(world, "subscribe_parcels") == 1
    assert [each["company"] for each in aggregator.received()] == ["shunfeng", "yuantong"]
    audited()


def test_two_parcels_deliver_when_the_second_arrives(world, sale, aggregator, audited):
    assert sale.dispatch(1).status_code == 201
    [line] = sale.part()["lines"]
    path = f"/v1/supplier/fulfillment-orders/{sale.part()['id']}/shipments"
    items = [{"line_id": line["id"], "quantity": 1}]
    second = {"carrier": "self", "items": items}
    shipments = []

    def arrive(number):
        shipment = sale.member.get(f"{sale.path}/shipments").get_json()["items"][number]["id"]
        report = {"state": "delivered", "text": "门卫签收"}
        return sale.supplier.post(f"/v1/supplier/shipments/{shipment}/events", report)

    # The first arrives before the second has left.
    assert arrive(0).status_code == 201
    assert sale.part()["state"] == "partly_dispatched"
    shipments.append(sale.supplier.post(path, second).status_code)
    assert shipments == [201]
    assert sale.part()["state"] == "dispatched"
    assert arrive(1).status_code == 201
    assert (sale.part()["state"], sale.read()["state"]) == ("delivered", "completed")
    audited()


# Asking


def test_a_silent_parcel_is_asked_about(world, sale, parcel, aggregator, audited):
    for event in way():
        aggregator.play("events", com="shunfeng", nu=NUMBER, **event)
    assert run_sweep(world, "ask_about_silent") == 0
    clock.shift(tracking_rules.SILENT_AFTER + timedelta(seconds=1))
    assert run_sweep(world, "ask_about_silent") == 1
    assert (parcel.read()["state"], sale.part()["state"]) == ("delivered", "delivered")
    assert run_sweep(world, "ask_about_silent") == 0
    assert len(aggregator.received("/poll/query.do")) == 1
    audited()


@pytest.mark.parametrize(
    ("code", "watch", "tries"), [("500", "wanted", 2), ("701", "asked", 1), ("601", "wanted", 2)]
)
def test_a_subscription_is_tried_again_unless_refused(world, sale, aggregator, code, watch, tries):
    aggregator.play("faults", path="/poll", code=code)
    sale.dispatch()
    run_outbox(world)
    assert run_sweep(world, "subscribe_parcels") == 1
    [row] = select_rows(world, "SELECT watch, attempts, last_error, due_at FROM tracked_parcel")
    assert (row.watch, row.last_error[:3]) == (watch, code)
    assert row.due_at > clock.now()
    clock.shift(timedelta(hours=1))
    run_sweep(world, "subscribe_parcels")
    assert len(aggregator.received()) == tries


def test_after_many_tries_it_is_asked_about_instead(world, sale, aggregator):
    aggregator.play("faults", path="/poll", code="500", times=99)
    sale.dispatch()
    run_outbox(world)
    for _ in range(tracking_rules.MAX_ATTEMPTS):
        execute_sql(world, "UPDATE tracked_parcel SET due_at = now()")
        assert run_sweep(world, "subscribe_parcels") == 1
    assert select_rows(world, "SELECT watch FROM tracked_parcel")[0].watch == "asked"


def test_where_they_gave_up_it_is_subscribed_again(world, parcel, aggregator):
    parcel.push([], status="abort")
    clock.shift(tracking_rules.SILENT_AFTER + timedelta(seconds=1))
    assert run_sweep(world, "subscribe_parcels") == 1
    # Subscribed already is as good as subscribed.
    assert select_rows(world, "SELECT watch FROM tracked_parcel")[0].watch == "watched"


def test_an_aggregator_that_is_gone_holds_nothing_up(world, sale, aggregator, monkeypatch):
    sale.dispatch()
    run_outbox(world)
    gateway = world.app.extensions["mall_tracking_gateway"]
    monkeypatch.setattr(gateway, "_settings", changed(gateway._settings))
    assert run_sweep(world, "subscribe_parcels") == 1
    [row] = select_rows(world, "SELECT watch, last_error FROM tracked_parcel")
    assert (row.watch, row.last_error) == ("wanted", "no answer")


def changed(settings):
    return type(settings)(**{**vars(settings), "base": "http://127.0.0.1:9"})


def test_every_carrier_with_numbers_has_a_name_at_the_aggregator():
    assert set(COMPANIES) == set(CARRIERS) - {SELF}


# By hand


def test_a_supplier_reports_its_own_delivery(world, sale, audited):
    path = f"/v1/supplier/fulfillment-orders/{sale.part()['id']}/shipments"
    assert sale.supplier.post(path, {"carrier": "self"}).status_code == 201
    shipment = sale.member.get(f"{sale.path}/shipments").get_json()["items"][0]["id"]
    # Before any worker has followed it.
    events = f"/v1/supplier/shipments/{shipment}/events"
    report = {"state": "out_for_delivery", "text": "李师傅送货中"}
    assert sale.supplier.post(events, report).get_json()["state"] == "out_for_delivery"
    stranger = new_staff(world, "supplier", new_supplier(world))
    assert stranger.post(events, report).status_code == 404
    assert stranger.get(f"/v1/supplier/shipments/{shipment}/tracking").status_code == 404
    assert new_member(world).get(f"/v1/store/shipments/{shipment}/tracking").status_code == 404
    late = {**report, "happened_at": (clock.now() + timedelta(hours=1)).isoformat()}
    refused = sale.supplier.post(events, late)
    assert (refused.status_code, refused.get_json()["field"]) == (422, "happened_at")
    operator = new_staff(world, "operator")
    done = operator.post(f"/v1/ops/shipments/{shipment}/events", {**report, "state": "delivered"})
    assert done.get_json()["state"] == "delivered"
    assert sale.part()["state"] == "delivered"
    run_outbox(world)
    assert operator.get(f"/v1/ops/shipments/{shipment}/tracking").get_json() == done.get_json()
    assert run_sweep(world, "subscribe_parcels") == 0
    audited()


# Never


def test_delivered_is_never_reported_and_silence_confirms_and_a_complaint_follows(
    world, sale, parcel, audited
):
    parcel.push(way()[:3])
    execute_sql(world, "UPDATE fulfillment_order SET confirm_by = now()")
    run_sweep(world, "confirm_silent_deliveries")
    assert (sale.part()["state"], sale.read()["state"]) == ("delivered", "completed")
    assert parcel.read()["delivered_at"] is None
    case = sale.asked("refund_only", quantity=2, reason="not_received")
    assert sale.supplier_does(case, "approve").get_json()["state"] == "refunded"
    # Delivered comes after all that: it closes the parcel and moves no money.
    assert parcel.push(way()).status_code == 200
    assert parcel.read()["state"] == "delivered"
    assert sale.case(case)["state"] == "refunded"
    audited()
