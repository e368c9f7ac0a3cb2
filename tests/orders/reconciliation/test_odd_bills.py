"""Odd bills: each line is matched once, each posting is proved by one line, each oddity is a case."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mall.kernel import clock
from mall.kernel.uow import unit_of_work
from mocks.wechatpay.bills import render
from orders.reconciliation import rules as reconciliation_rules
from orders.reconciliation import service as reconciliation_service
from tests.orders.reconciliation.test_bills import checked, differences, pay, today
from tests.support.database import count_rows, select_rows
from tests.support.people import new_staff
from tests.support.working import run_sweep

TRADED_AT, MCH_ID, TRANSACTION, NUMBER, CURRENCY, COUPON, NAME, PAID = 0, 2, 5, 6, 11, 13, 20, 24
DAY = timedelta(days=1)


class Bills:
    """The bills of one merchant, written by the test from the rows that WeChat's own have."""

    def __init__(self, world, monkeypatch):
        self.world = world
        merchants = world.app.extensions["mall_merchants"]
        self.merchant = merchants.get(merchants.main)
        self.download = self.merchant.gateway.download_bill
        self.texts = {}
        monkeypatch.setattr(self.merchant.gateway, "download_bill", self._give)

    def _give(self, day):
        found = self.texts.get(day)
        if isinstance(found, Exception):
            raise found
        return found

    def rows(self, day):
        """Return the rows of WeChat's own bill of a day."""
        with self.world.app.app_context():
            content = self.download(day).decode("utf-8-sig")
        rows = [line.removeprefix("`").split(",`") for line in content.splitlines()]
        return [
            row
            for row in rows
            if len(row) == reconciliation_rules.COLUMNS and row[TRADED_AT][:2] == "20"
        ]

    def check(self, texts):
        """Let the job fetch and match these texts by day."""
        self.texts = texts
        clock.freeze(clock.now() + timedelta(minutes=11))
        name = self.merchant.settings.name
        with self.world.app.app_context():
            with unit_of_work() as uow:
                reconciliation_service.want(uow, name, sorted(texts))
            for day in texts:
                with unit_of_work() as uow:
                    reconciliation_service.want_again(uow, name, day)
        run_sweep(self.world, "check_bills")


def changed(row, **columns):
    """Return a row with other fields, by the names of this module."""
    found = list(row)
    for name, value in columns.items():
        found[globals()[name]] = value
    return found


def at(row, day):
    return changed(row, TRADED_AT=f"{day} {row[TRADED_AT][11:]}")


def cases(world):
    return sorted(
        (each["difference"], each["difference_fen"]) for each in differences(world, state="open")
    )


def assert_adds_up(world, first, last):
    """The sums of the bills are those of the ledger and what the cases explain, to the fen."""
    operator = new_staff(world, "operator")
    merchant = world.app.extensions["mall_merchants"].main
    query = f"merchant={merchant}&first={first}&last={last}"
    found = operator.get(f"/v1/ops/reconciliation?{query}").get_json()
    there = found["paid_fen"] - found["refunded_fen"]
    here = found["clearing_paid_fen"] - found["clearing_refunded_fen"] - found["under_way_fen"]
    assert there == here + found["differences_fen"]


@pytest.fixture
def bills(world, monkeypatch):
    return Bills(world, monkeypatch)


ODDITIES = {
    "the same line twice": (lambda row: [row, row], [("line_repeated", 10_000)]),
    "the same line three times": (
        lambda row: [row, row, row],
        [("line_repeated", 10_000), ("line_repeated", 10_000)],
    ),
    "a second charge after ours": (
        lambda row: [row, changed(row, TRANSACTION="42" + "0" * 26)],
        [("line_repeated", 10_000)],
    ),
    "a second charge before ours": (
        lambda row: [changed(row, TRANSACTION="42" + "0" * 26), row],
        [("line_repeated", 10_000)],
    ),
    "another merchant's number": (
        lambda row: [changed(row, MCH_ID="1900009999")],
        [("missing_at_wechat", -10_000), ("other_merchant", 10_000)],
    ),
    "another currency": (
        lambda row: [changed(row, CURRENCY="HKD")],
        [("missing_at_wechat", -10_000), ("other_currency", 10_000)],
    ),
    "another currency beside ours": (
        lambda row: [changed(row, CURRENCY="USD"), row],
        [("other_currency", 10_000)],
    ),
    "a coupon": (
        lambda row: [changed(row, COUPON="3.00", PAID="100.00")],
        [("coupon_used", 0)],
    ),
    "a line of another day": (
        lambda row: [changed(row, TRADED_AT="2026-01-01 10:00:00")],
        [("other_day", 0)],
    ),
    "commas, quotes and line breaks in a name": (
        lambda row: [changed(row, NAME='粽子,"大",`礼盒`,`2 kg\n第二行')],
        [],
    ),
    "no line at all": (lambda row: [], [("missing_at_wechat", -10_000)]),
}


@pytest.mark.parametrize("oddity", ODDITIES)
def test_every_oddity_of_a_bill_is_a_case_and_the_sums_agree(world, bills, audited, oddity):
    make, wanted = ODDITIES[oddity]
    day = today()
    pay(world)
    [row] = bills.rows(day)
    bills.check({day: mock_bills_text(make(row))})
    assert cases(world) == sorted(wanted)
    assert checked(world, day)["bills"][0]["state"] == "checked"
    assert_adds_up(world, day, day)
    audited()


def mock_bills_text(rows, encoding="utf-8"):
    """Return a bill of rows as WeChat writes it, names unchanged."""
    shown = render([changed(row, NAME="?") for row in rows]).decode("utf-8-sig")
    lines = shown.splitlines()
    for index, row in enumerate(rows, start=1):
        lines[index] = ",".join(f"`{field}" for field in row)
    return ("\r\n".join(lines) + "\r\n").encode(encoding)


def test_a_line_on_two_days_is_counted_once_and_put_right_by_the_later_bill(world, bills, audited):
    first = today()
    pay(world)
    [row] = bills.rows(first)
    text = mock_bills_text([row])
    bills.check({first: text, first + DAY: mock_bills_text([at(row, first + DAY)])})
    assert cases(world) == [("line_repeated", 10_000)]
    assert_adds_up(world, first, first + DAY)
    audited()
    # WeChat corrects the second bill: the case vanishes with its line.
    bills.check({first + DAY: None})
    assert cases(world) == []
    assert_adds_up(world, first, first + DAY)
    audited()


def test_matching_one_day_leaves_the_differences_of_another(world, bills, audited):
    first = today()
    pay(world)
    [row] = bills.rows(first)
    bills.check({first: mock_bills_text([changed(row, PAID="99.00", NUMBER="P-STRANGE")])})
    before = cases(world)
    assert [kind for kind, _ in before] == ["missing_at_wechat", "unknown_to_us"]
    bills.check({first + DAY: None, first + 2 * DAY: mock_bills_text([])})
    assert cases(world) == before
    audited()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "cut off"),
        (b"\xef\xbb\xbf", "cut off"),
        (b"\r\n\r\n", "cut off"),
        (b"\xff\xfe\x00\xd8 nonsense \x80", "neither UTF-8"),
        (RuntimeError("a defect of ours"), "RuntimeError"),
        (MemoryError(), "MemoryError"),
    ],
)
def test_one_bad_day_never_stops_the_next_and_is_no_day_without_trades(
    world, bills, content, reason
):
    first = today()
    pay(world)
    [row] = bills.rows(first)
    bills.check({first - DAY: content, first: mock_bills_text([row])})
    bad, good = checked(world, first - DAY), checked(world, first)
    assert (bad["bills"][0]["state"], good["bills"][0]["state"]) == ("wanted", "checked")
    assert reason in bad["bills"][0]["last_error"]
    assert cases(world) == []


def test_a_bill_in_gb_18030_is_read(world, bills, audited):
    day = today()
    pay(world)
    [row] = bills.rows(day)
    bills.check({day: mock_bills_text([changed(row, NAME="湛江菠萝")], encoding="gb18030")})
    assert checked(world, day)["line_count"] == 1
    assert cases(world) == []
    audited()


@pytest.mark.parametrize(
    "amount", ["1e2", "1_00.00", "１００.00", "NaN", "Infinity", "100.001", ""]
)
def test_an_amount_that_a_person_would_not_read_so_is_refused(amount):
    row = ["2026-11-24 10:00:00", "wx", "1", "0", "", "42", "P1", "o", "JSAPI", "SUCCESS", "B"]
    row += ["CNY", "100.00", "0.00", "0", "0", "0.00", "0.00", "", "", "x", "", "0.60000", "0.60%"]
    row += ["100.00", "0.00", ""]
    text = mock_bills_text([row]).decode().replace("`0.60%,`100.00", f"`0.60%,`{amount}")
    with pytest.raises(reconciliation_rules.BillUnreadable):
        list(reconciliation_rules.lines_of(text.encode()))


lines = st.lists(
    st.tuples(
        st.integers(0, 2),  # which payment
        st.integers(0, 1),  # which day's bill
        st.sampled_from(["as it is", "other number", "charged again", "HKD", "more", "merchant"]),
    ),
    max_size=7,
)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(lines)
def test_whatever_stands_on_two_bills_the_sums_agree_with_the_cases(world, bills, audited, plan):
    clock.freeze(None)
    first = today()
    if not count_rows(world, "payment"):
        for total in (10_000, 20_050, 1):
            pay(world, total)
    rows = bills.rows(first)
    told = {first: [], first + DAY: []}
    for number, (which, days, change) in enumerate(plan):
        day = first + days * DAY
        row = at(rows[which], day)
        if change == "other number":
            row = changed(row, NUMBER=f"P-{number}")
        elif change == "charged again":
            row = changed(row, TRANSACTION=f"43{number:026d}")
        elif change == "HKD":
            row = changed(row, CURRENCY="HKD")
        elif change == "more":
            row = changed(row, PAID="777.00")
        elif change == "merchant":
            row = changed(row, MCH_ID="1900009999")
        told[day].append(row)
    bills.check({day: mock_bills_text(found) for day, found in told.items()})
    assert_adds_up(world, first, first + DAY)
    proofs = select_rows(
        world, "SELECT number, count(*) AS n FROM bill_line WHERE is_proof GROUP BY 1"
    )
    assert all(row.n == 1 for row in proofs)
    audited()
