"""Payments: what may become of one, when WeChat is asked again, and what the payer reads."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import UUID

import pytest

from orders.payments import rules as payment_rules
from orders.payments import service as payment_service
from orders.payments.rules import goods_text, query_delay
from tests.support.offers import pairs, refusals, refused, written


@pytest.fixture(autouse=True)
def _each_version():
    """What is pure is the same for both versions of the pay API, and needs no service."""


def test_a_payment_goes_from_state_to_state_as_the_table_says_and_no_other_way():
    assert pairs(payment_rules.STATES) == written(
        """
        open: paid closed
        closed: paid
        """
    )


def test_the_limits_are_those_that_are_documented():
    assert timedelta(days=180) == payment_rules.KEEP_MESSAGES
    assert payment_rules.MAX_BODY_BYTES == 127
    assert payment_rules.TRADE_TYPES == ("JSAPI", "NATIVE")


def test_each_refusal_has_its_status():
    assert refusals(payment_rules) == {
        "payment_not_needed": 409,
        "payment_open": 409,
        "payment_window_closed": 409,
        "payment_gateway_unavailable": 503,
        "payment_keys_unusable": 503,
        "payment_gateway_refused": 502,
        "forged_notice": 400,
        "unknown_merchant": 404,
        "bill_refused": 502,
        "already_paid": 409,
    }


@pytest.mark.parametrize(
    ("attempts", "seconds"),
    [(0, 10), (1, 20), (2, 40), (5, 320), (6, 600), (10, 600), (500, 600)],
)
def test_wechat_is_asked_after_ten_seconds_and_then_twice_as_late_up_to_ten_minutes(
    attempts, seconds
):
    assert query_delay(attempts) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("titles", "text"),
    [
        ([], "福利商城订单"),
        ([""], "福利商城订单"),
        (["\n"], "福利商城订单"),
        (["虾干"], "虾干"),
        (["虾干", "蚝油"], "虾干 等2件"),
        (["虾干"] * 12, "虾干 等12件"),
        (["a]]>b"], "ab"),
        (["a]]b>"], "a]]b>"),
        (["虾\x00干\t\u200b"], "虾干"),
        # The last character that fits into UTF-16's single units, and the first that does not.
        (["虾\uffee干"], "虾\uffee干"),
        (["虾\U00010000🦐干"], "虾干"),
        (["x" * 127], "x" * 127),
        (["x" * 128], "x" * 127),
        (["x" * 126 + "é"], "x" * 126),
        (["x" * 125 + "é"], "x" * 125 + "é"),
        (["虾" * 43], "虾" * 42),
    ],
)
def test_the_payer_reads_the_first_title_and_how_many_in_127_bytes(titles, text):
    assert goods_text(titles) == text


def test_what_is_paid_late_has_a_minute_and_a_fund_two_hours():
    assert timedelta(minutes=1) == payment_service.MIN_WINDOW
    assert timedelta(hours=2) == payment_service.FUNDING_WINDOW


def begin(open_fen, amount_fen):
    """Begin to collect for a fund that has an open payment of so much, or none."""
    known = open_fen and SimpleNamespace(
        **dict.fromkeys(("id", "merchant", "prepay_id", "code_url", "expires_at")),
        out_trade_no="P1",
        amount_fen=open_fen,
        trade_type="NATIVE",
    )
    added = []
    session = SimpleNamespace(
        scalars=lambda query: SimpleNamespace(first=lambda: known),
        add=added.append,
        flush=lambda: None,
    )
    uow = SimpleNamespace(session=session, now=NOW)
    return payment_service.begin_funding(uow, UUID(int=1), amount_fen, "春节", "main"), added


NOW = datetime(2026, 3, 1, tzinfo=UTC)


def test_the_open_payment_of_a_fund_is_used_again_for_the_same_amount():
    begun, added = begin(500, 500)
    assert (begun.out_trade_no, begun.amount_fen, added) == ("P1", 500, [])


@pytest.mark.parametrize("amount_fen", [499, 501])
def test_another_amount_waits_until_the_open_payment_is_over(amount_fen):
    assert refused(payment_rules.PaymentOpen, begin, 500, amount_fen) == (
        "amount_fen",
        {"amount_fen": 500},
    )


def test_where_none_is_open_a_payment_is_begun_that_ends_after_two_hours():
    begun, [payment] = begin(None, 500)
    assert (begun.amount_fen, begun.trade_type, begun.merchant) == (500, "NATIVE", "main")
    assert (payment.state, payment.purpose) == ("open", "fund")
    assert payment.expires_at == NOW + timedelta(hours=2)
    assert payment.query_at == NOW + timedelta(seconds=10)
