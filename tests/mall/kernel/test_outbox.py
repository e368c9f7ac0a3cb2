"""The outbox without a database: who reacts to what, which rows a message becomes, who is rung."""

import dataclasses
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest

from mall.kernel import outbox
from mall.kernel.outbox import Reaction, Registry, delivery_rows, ring_doorbell

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Happened:
    order_id: str


@dataclass(frozen=True)
class Unheard:
    order_id: str


def first(uow, messages):
    """React."""


def second(uow, messages):
    """React, on another queue."""


ONE, TWO = Reaction(first), Reaction(second, "search")


def connected():
    registry = Registry()
    for _ in range(2):
        registry.connect({Happened: [ONE, TWO], Unheard: []})
    registry.connect({Happened: [ONE]})
    return registry


def test_the_limits_are_those_that_are_documented():
    assert (outbox.MAX_ATTEMPTS, outbox.MAX_ERROR_LENGTH) == (8, 2000)
    assert outbox.OutboxDelivery.__table__.columns.attempts.default.arg == 0
    assert outbox.OutboxDelivery.__table__.columns.state.default.arg == "pending"
    assert [each.name for each in outbox.OutboxDelivery.__table__.primary_key] == ["id"]


def test_a_reaction_is_known_by_its_dotted_name_and_connected_once():
    registry = connected()
    assert registry.reactions_to("Happened") == [ONE, TWO]
    assert registry.reactions_to("Unheard") == []
    assert registry.reactions_to("Never") == []
    assert registry.topics == {"Happened", "Unheard"}
    assert registry.reaction(ONE.name) is ONE
    assert ONE.name.endswith(".first")
    with pytest.raises(KeyError):
        registry.reaction("nobody")
    assert registry.message("Happened", {"order_id": "7"}) == Happened("7")


def test_a_message_becomes_a_row_for_each_reaction_due_after_a_lease(monkeypatch):
    monkeypatch.setattr(outbox, "registry", connected())
    rows = delivery_rows(Happened("7"), NOW, timedelta(seconds=30))
    assert [(row["handler"], row["queue"]) for row in rows] == [
        (ONE.name, "fulfillment"),
        (TWO.name, "search"),
    ]
    for row in rows:
        assert (row["topic"], row["payload"]) == ("Happened", {"order_id": "7"})
        assert (row["state"], row["attempts"]) == ("pending", 0)
        assert (row["created_at"], row["due_at"]) == (NOW, NOW + timedelta(seconds=30))
    assert len({row["id"] for row in rows}) == 2
    assert delivery_rows(Unheard("7"), NOW, timedelta(0)) == []
    monkeypatch.undo()


@pytest.mark.parametrize(
    ("is_there", "deliveries", "rings"), [(True, [1], 1), (True, [], 0), (False, [1], 0)]
)
def test_the_doorbell_is_rung_where_there_is_one_and_something_to_tell(
    monkeypatch, is_there, deliveries, rings
):
    heard = []
    monkeypatch.setattr(outbox, "_doorbell", heard.append if is_there else None)
    ring_doorbell(deliveries)
    assert heard == [deliveries] * rings
    monkeypatch.undo()


@dataclass(frozen=True)
class Renamed:
    former_topic: ClassVar[str] = "CalledBefore"
    order_id: str


def test_what_was_written_under_a_messages_former_name_is_still_understood():
    registry = Registry()
    registry.connect({Renamed: [ONE]})
    stored = {"order_id": "7"}
    assert registry.message("CalledBefore", stored) == registry.message("Renamed", stored)
    assert registry.topics == {"Renamed"}
    assert dataclasses.asdict(registry.message("CalledBefore", stored)) == stored
