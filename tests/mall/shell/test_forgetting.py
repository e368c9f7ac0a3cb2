"""What is done is forgotten after its time, by its id and its end; what is open stays."""

from datetime import UTC, datetime, timedelta

from mall.kernel import clock
from mall.kernel.ids import first_id, new_id
from tests.support.database import count_rows, execute_sql
from tests.support.people import new_member, order_body
from tests.support.shop import new_sku
from tests.support.working import run_outbox, run_sweep


def test_ids_of_an_instant_begin_with_its_first():
    before = datetime.now(UTC)
    made = new_id()
    after = datetime.now(UTC) + timedelta(milliseconds=2)
    assert first_id(before - timedelta(milliseconds=2)) < made < first_id(after)


def test_deliveries_that_are_done_go_after_thirty_days(world):
    member, (_, sku) = new_member(world, beans_fen=5_000), new_sku(world, 1_000, 5)
    for _ in range(2):
        assert member.post("/v1/store/orders", order_body([sku], "beans", 1_000)).status_code == 201
    run_outbox(world)
    done = count_rows(world, "outbox_delivery")
    assert done >= 2
    execute_sql(
        world,
        "UPDATE outbox_delivery SET state = 'parked' WHERE id = (SELECT id FROM outbox_delivery ORDER BY id LIMIT 1)",
    )
    clock.shift(timedelta(days=29))
    run_sweep(world, "forget_old")
    assert count_rows(world, "outbox_delivery") == done
    clock.shift(timedelta(days=31))
    run_sweep(world, "forget_old")
    assert count_rows(world, "outbox_delivery") == 1
