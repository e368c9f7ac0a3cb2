"""System accounts: the newest snapshot and what was posted since."""

from datetime import timedelta

from mall.kernel import clock
from tests.support.database import count_rows, select_rows
from tests.support.people import new_member, new_staff, order_body
from tests.support.shop import new_sku
from tests.support.wechat import pay_at_wechat
from tests.support.working import run_sweep


def accounts(world):
    items = new_staff(world, "operator").get("/v1/ops/ledger/accounts").get_json()["items"]
    return {item["account"]: item["balance_fen"] for item in items}


def test_accounts_read_the_same_before_and_after_they_are_rolled_up(world, audited):
    now = clock.now()
    clock.freeze(now)
    member = new_member(world, beans_fen=3000)
    _, sku = new_sku(world, 1000)
    member.post("/v1/store/orders", order_body([sku], "beans", 1000))
    assert accounts(world) == {"beans:issued": -3000, "sales:beans": 1000}
    clock.freeze(now + timedelta(hours=3))
    run_sweep(world, "roll_up_accounts")
    assert count_rows(world, "ledger_snapshot") == 2
    assert accounts(world) == {"beans:issued": -3000, "sales:beans": 1000}
    member.post("/v1/store/orders", order_body([sku], "beans", 1000))
    assert accounts(world) == {"beans:issued": -3000, "sales:beans": 2000}
    clock.freeze(now + timedelta(hours=6))
    for _ in range(2):
        run_sweep(world, "roll_up_accounts")
    assert count_rows(world, "ledger_snapshot") == 4
    assert accounts(world) == {"beans:issued": -3000, "sales:beans": 2000}
    audited()


def test_what_was_posted_within_the_last_hour_is_not_rolled_up_yet(world, audited):
    new_member(world, beans_fen=3000)
    run_sweep(world, "roll_up_accounts")
    assert count_rows(world, "ledger_snapshot") == 0
    assert accounts(world) == {"beans:issued": -3000}
    audited()


def test_money_and_beans_are_kept_apart(world, audited):
    member = new_member(world, beans_fen=400)
    order = member.post("/v1/store/orders", order_body([new_sku(world, 1000)[1]], "mixed", 1000))
    path = f"/v1/store/orders/{order.get_json()['order_id']}"
    pay_at_wechat(world, member.post(f"{path}/payments", {}).get_json())
    assert accounts(world) == {
        "beans:issued": -400,
        "sales:beans": 400,
        "sales:cny": 600,
        "wechat:clearing": -600,
    }
    audited()


def test_snapshots_are_kept_for_four_hundred_days_and_not_a_second_longer(world, audited):
    now = clock.now().replace(minute=0, second=0, microsecond=0)
    clock.freeze(now)
    new_member(world, beans_fen=3000)
    clock.freeze(now + timedelta(hours=3))
    run_sweep(world, "roll_up_accounts")
    # Up to two hours from now, as an hour passes before an hour is summed up.
    [kept] = select_rows(world, "SELECT DISTINCT before FROM ledger_snapshot")
    assert kept.before == now + timedelta(hours=2)
    for days, count in ((400, 1), (401, 0)):
        clock.freeze(now + timedelta(hours=3, days=days))
        run_sweep(world, "roll_up_accounts")
        old = select_rows(world, "SELECT FROM ledger_snapshot WHERE before = :at", at=kept.before)
        assert len(old) == count, days
    assert accounts(world) == {"beans:issued": -3000}
    audited()
