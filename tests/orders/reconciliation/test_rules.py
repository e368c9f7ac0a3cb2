"""Bills: what each line says, which bills can be read at all, and which days are wanted."""

from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta

import pytest

from mocks.wechatpay import bills
from orders.reconciliation import rules as reconciliation_rules
from orders.reconciliation import service as reconciliation_service
from orders.reconciliation.rules import BillUnreadable, begins, lines_of, wanted_days
from tests.support.offers import pairs, refusals, refused, written


@pytest.fixture(autouse=True)
def _each_version():
    """What is pure is the same for both versions of the pay API, and needs no service."""


# A bill's columns in their order, by the names of the contract.
COLUMNS = (
    *("traded_at", "appid", "mch_id", "sub_mch_id", "device", "transaction", "number", "openid"),
    *("trade_type", "state", "bank", "currency", "settled", "coupon", "refund_id", "refund_no"),
    *("settled_back", "coupon_back", "refund_type", "refund_state", "name", "attach"),
    *("fee", "rate", "paid", "asked_back", "rate_note"),
)
PAYMENT = {
    **dict.fromkeys(COLUMNS, ""),
    "traded_at": "2026-03-01 08:00:01",
    "mch_id": "10000100",
    "transaction": "T1",
    "number": "P1",
    "state": "SUCCESS",
    "currency": "CNY",
    "settled": "10.01",
    "coupon": "0.25",
    "refund_id": "0",
    "refund_no": "0",
    "settled_back": "0.00",
    "coupon_back": "0.00",
    "name": "虾干",
    "fee": "0.06000",
    "paid": "10.26",
    "asked_back": "0.00",
}
BACK = {
    **PAYMENT,
    "state": "REFUND",
    "settled": "0.00",
    "coupon": "0.00",
    "refund_id": "W2",
    "refund_no": "R2",
    "settled_back": "3.02",
    "coupon_back": "0.11",
    "refund_state": "PROCESSING",
    "fee": "-0.02000",
    "paid": "0.00",
    "asked_back": "3.13",
}


def row(basis=PAYMENT, **changes):
    assert set(changes) <= set(COLUMNS)
    return list({**basis, **changes}.values())


def read(*rows):
    return list(lines_of(bills.render(rows)))


def unreadable(content):
    return refused(BillUnreadable, lambda: list(lines_of(content)))[1]


def test_a_case_goes_from_state_to_state_as_the_table_says_and_no_other_way():
    assert pairs(reconciliation_rules.CASE_STATES) == written(
        """
        open: explained vanished
        explained: open vanished
        vanished: open
        """
    )


def test_the_limits_are_those_that_are_documented():
    assert (reconciliation_rules.LOOK_BACK_DAYS, reconciliation_rules.MAX_LINES) == (31, 500_000)
    assert (time(10), timedelta(minutes=10)) == (
        reconciliation_rules.READY_AT,
        reconciliation_rules.RETRY,
    )
    assert (reconciliation_rules.COLUMNS, reconciliation_rules.TOTALS) == (27, 7)
    assert set(reconciliation_rules.DIFFERENCES) - set(reconciliation_rules.SAY_AMOUNTS) == {
        *("state_differs", "other_merchant", "other_currency", "other_day")
    }


def test_each_refusal_has_its_status():
    assert refusals(reconciliation_rules) == {"bill_unreadable": 502}


def test_a_payment_is_read_from_the_columns_of_payments():
    (found,) = read(row())
    assert asdict(found) == {
        "line": 2,
        "kind": "payment",
        "number": "P1",
        "wechat_no": "T1",
        "amount_fen": 1026,
        "fee_fen": 6,
        "coupon_fen": 25,
        "state": "SUCCESS",
        "mch_id": "10000100",
        "currency": "CNY",
        "traded_at": datetime(2026, 3, 1, 0, 0, 1, tzinfo=UTC),
    }


def test_a_refund_is_read_from_the_columns_of_refunds():
    payment, found = read(row(), row(BACK))
    assert (payment.kind, payment.line) == ("payment", 2)
    assert asdict(found) == {
        "line": 3,
        "kind": "refund",
        "number": "R2",
        "wechat_no": "W2",
        "amount_fen": 313,
        "fee_fen": -2,
        "coupon_fen": 11,
        "state": "PROCESSING",
        "mch_id": "10000100",
        "currency": "CNY",
        "traded_at": datetime(2026, 3, 1, 0, 0, 1, tzinfo=UTC),
    }


@pytest.mark.parametrize(("number", "kind"), [("", "payment"), ("0", "payment"), ("1", "refund")])
def test_a_line_with_a_number_of_a_refund_is_one(number, kind):
    assert read(row(refund_no=number))[0].kind == kind


@pytest.mark.parametrize(
    ("basis", "column", "state", "has_moved"),
    [
        (PAYMENT, "state", "SUCCESS", True),
        (PAYMENT, "state", "REFUND", True),
        (PAYMENT, "state", "REVOKED", False),
        (BACK, "refund_state", "SUCCESS", True),
        (BACK, "refund_state", "PROCESSING", True),
        (BACK, "refund_state", "FAIL", False),
        (BACK, "refund_state", "CHANGE", False),
    ],
)
def test_money_moved_by_what_a_line_says_of_its_state(basis, column, state, has_moved):
    assert read(row(basis, **{column: state}))[0].has_moved is has_moved


@pytest.mark.parametrize(
    ("fee", "fen"),
    [
        ("0.00000", 0),
        ("0.00499", 0),
        ("0.00500", 1),
        ("0.01499", 1),
        ("1.00500", 101),
        ("-0.005", -1),
    ],
)
def test_a_fee_of_five_decimals_is_rounded_half_up_to_a_fen(fee, fen):
    assert read(row(fee=fee))[0].fee_fen == fen


@pytest.mark.parametrize(
    "changes",
    [
        {"paid": "10.265"},
        {"paid": "1e3"},
        {"paid": "1_000"},
        {"paid": "+1"},
        {"paid": "1234567890123.00"},
        {"fee": "0.000001"},
        {"traded_at": "2026-02-30 08:00:01"},
        {"traded_at": "1999-12-31 23:59:59"},
    ],
    ids=str,
)
def test_a_line_that_a_person_would_not_read_so_makes_the_bill_unreadable(changes):
    assert unreadable(bills.render([row(), row(**changes)]))["line"] == 3


def test_the_largest_amount_has_twelve_digits_and_two_decimals():
    assert read(row(paid="999999999999.99"))[0].amount_fen == 99_999_999_999_999


HEAD, FIRST, SECOND, TOTALS_HEAD, TOTALS = (
    bills.render([row(), row(BACK)]).decode("utf-8-sig").splitlines()
)


def text(*lines):
    return ("\r\n".join(lines) + "\r\n").encode()


def test_the_lines_of_this_bill_are_read():
    assert len(list(lines_of(text(HEAD, FIRST, SECOND, TOTALS_HEAD, TOTALS)))) == 2


@pytest.mark.parametrize(
    ("lines", "at", "reason"),
    [
        ([HEAD, FIRST, SECOND, TOTALS_HEAD], 0, "cut off"),
        ([HEAD], 0, "cut off"),
        ([], 0, "cut off"),
        ([HEAD, FIRST, TOTALS_HEAD, TOTALS], 4, "totals are not"),
        ([HEAD, FIRST, SECOND, SECOND, TOTALS_HEAD, TOTALS], 6, "totals are not"),
        ([HEAD, FIRST, SECOND, TOTALS_HEAD, TOTALS, FIRST], 6, "follows the totals"),
        ([HEAD, FIRST, SECOND, TOTALS_HEAD, TOTALS, TOTALS], 6, "follows the totals"),
        ([HEAD, FIRST, f"{SECOND[:-3]}", TOTALS_HEAD, TOTALS], 3, "neither a line nor totals"),
        ([HEAD, FIRST, "`1,`2", TOTALS_HEAD, TOTALS], 3, "neither a line nor totals"),
    ],
)
def test_a_bill_that_is_not_whole_is_unreadable_and_says_where(lines, at, reason):
    details = unreadable(text(*lines))
    assert details["line"] == at
    assert reason in details["reason"]


@pytest.mark.parametrize("column", range(7))
def test_each_of_the_totals_is_checked_to_the_fen(column):
    totals = TOTALS.removeprefix("`").split(",`")
    totals[column] = (
        str(int(totals[0]) + 1) if column == 0 else f"{float(totals[column]) + 0.01:.2f}"
    )
    details = unreadable(text(HEAD, FIRST, SECOND, TOTALS_HEAD, "`" + ",`".join(totals)))
    assert details["line"] == 5


@pytest.mark.parametrize(
    ("fee", "is_read"), [("0.04999", True), ("0.04000", True), ("0.05", False)]
)
def test_the_total_of_fees_may_be_rounded_by_less_than_a_fen(fee, is_read):
    assert "`0.04000," in TOTALS
    content = text(HEAD, FIRST, SECOND, TOTALS_HEAD, TOTALS.replace("`0.04000", f"`{fee}"))
    if is_read:
        assert len(list(lines_of(content))) == 2
    else:
        assert "totals are not" in unreadable(content)["reason"]


def test_a_comma_and_a_line_break_within_a_name_are_text():
    odd = FIRST.replace("`虾干", "`虾,干,`大\r\n份")
    assert odd != FIRST
    found = list(lines_of(text(HEAD, odd, SECOND, TOTALS_HEAD, TOTALS)))
    # The second begins a line later, and both are read from their own columns.
    assert [(each.line, each.amount_fen, each.fee_fen) for each in found] == [
        *((2, 1026, 6), (4, 313, -2))
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_bill_is_read_in_each_encoding_that_accounts_get(encoding):
    content = bills.render([row(state="转入退款")]).decode("utf-8-sig").encode(encoding)
    assert next(lines_of(content)).state == "转入退款"


def test_bytes_of_no_encoding_are_unreadable():
    assert unreadable(b"`\xff\xff\n")["line"] == 0


@pytest.mark.parametrize(("most", "is_read"), [(2, True), (1, False)])
def test_a_bill_has_as_many_lines_as_the_limit_and_not_one_more(monkeypatch, most, is_read):
    monkeypatch.setattr(reconciliation_rules, "MAX_LINES", most)
    content = bills.render([row(), row(BACK)])
    if is_read:
        assert len(list(lines_of(content))) == 2
    else:
        assert unreadable(content) == {"line": 3, "reason": "more than 1 lines"}
    monkeypatch.undo()


def test_the_reason_why_a_bill_cannot_be_read_is_short():
    assert len(unreadable(bills.render([row(traded_at="9" * 300)]))["reason"]) == 200
    long = FIRST.replace("`10.26", "`" + "9" * 50)
    assert unreadable(text(HEAD, long))["reason"] == f"no amount: {'9' * 40}"


@pytest.mark.parametrize("before", ["", "x", "xx"])
def test_a_long_bill_is_read_piece_by_piece_wherever_a_character_is_cut(before):
    content = bills.render([row(name=before + "虾" * 50_000, state="转入退款")])
    assert next(lines_of(content)).state == "转入退款"


def test_a_day_begins_at_midnight_in_beijing():
    assert begins(date(2026, 3, 1)) == datetime(2026, 2, 28, 16, tzinfo=UTC)


LONG_AGO = date(2025, 1, 1)


@pytest.mark.parametrize(
    ("now", "newest"),
    [
        # Ten in the morning in Beijing is two in UTC.
        (datetime(2026, 3, 10, 1, 59, 59, tzinfo=UTC), date(2026, 3, 8)),
        (datetime(2026, 3, 10, 2, tzinfo=UTC), date(2026, 3, 9)),
        (datetime(2026, 3, 10, 15, 59, 59, tzinfo=UTC), date(2026, 3, 9)),
        (datetime(2026, 3, 10, 16, tzinfo=UTC), date(2026, 3, 9)),
    ],
)
def test_the_bill_of_a_day_is_there_at_ten_in_the_morning_of_the_next(now, newest):
    days = wanted_days(now, LONG_AGO)
    assert days == [newest - timedelta(days=n) for n in reversed(range(31))]


@pytest.mark.parametrize(
    ("since", "days"),
    [
        (date(2026, 3, 7), [7, 8, 9]),
        (date(2026, 3, 9), [9]),
        (date(2026, 3, 10), []),
        (date(2026, 4, 1), []),
    ],
)
def test_no_bill_is_wanted_from_before_the_first_day(since, days):
    now = datetime(2026, 3, 10, 2, tzinfo=UTC)
    assert wanted_days(now, since) == [date(2026, 3, day) for day in days]


def test_bills_are_written_five_thousand_lines_at_a_time():
    assert reconciliation_service.CHUNK == 5000
