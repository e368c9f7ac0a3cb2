"""The mock speaks WeChat's wire: the unmodified client library works against it."""

import subprocess
from datetime import datetime, timedelta

import pytest
import requests
from wechatpy.exceptions import InvalidSignatureException, WeChatPayException
from wechatpy.pay import WeChatPay

from mocks.wechatpay import fixture_files, v2_wire
from mocks.wechatpay.state import BEIJING
from tests.support.processes import WECHATPAY_MOCK

MERCHANT = fixture_files.load().merchants[0]


@pytest.fixture
def client(mock_base):
    """wechatpy as it comes from its authors, pointed at the mock by its base."""
    requests.post(f"{mock_base}/_mock/reset", timeout=5)
    kind = type("Client", (WeChatPay,), {"API_BASE_URL": f"{mock_base}/"})
    merchant = MERCHANT
    return kind(merchant.appid, merchant.pay_key, merchant.mch_id, timeout=5)


def order(client, number="P1", **change):
    asked = {
        "trade_type": "JSAPI",
        "body": "徐闻良姜片",
        "total_fee": 100,
        "notify_url": "http://127.0.0.1:9/notice",
        "client_ip": "127.0.0.1",
        "user_id": "openid-1",
        "out_trade_no": number,
    }
    return client.order.create(**(asked | change))


def refusal(act):
    with pytest.raises(WeChatPayException) as refused:
        act()
    return refused.value.errcode


def test_the_worked_example_of_the_signature():
    fields = {
        "appid": "wxd930ea5d5a258f4f",
        "mch_id": "10000100",
        "device_info": "1000",
        "body": "test",
        "nonce_str": "ibuaiVcKdpRxkhJA",
    }
    key = "192006250b4c09247ec02edce69f6a2d"
    assert v2_wire.sign(fields, key) == "9A0A8659F005D6984697E2CA0A9CF3B7"
    assert (
        v2_wire.sign(fields, key, "HMAC-SHA256")
        == "6A9AE1657590FD6257D693A078E1C3E4BB6BA4DC30B23E0EE2496E54170DACD6"
    )


def test_an_order_lives_from_prepay_to_refund(client, mock_base):
    assert order(client)["prepay_id"].startswith("wx")
    assert client.order.query(out_trade_no="P1")["trade_state"] == "NOTPAY"
    pay = {"out_trade_no": "P1", "notify": False}
    requests.post(f"{mock_base}/_mock/pay", json=pay, timeout=5)
    paid = client.order.query(out_trade_no="P1")
    assert (paid["trade_state"], paid["total_fee"]) == ("SUCCESS", "100")
    assert client.order.query(transaction_id=paid["transaction_id"])["out_trade_no"] == "P1"
    part = {"total_fee": 100, "out_trade_no": "P1"}
    first = client.refund.apply(refund_fee=60, out_refund_no="R1", **part)
    again = client.refund.apply(refund_fee=60, out_refund_no="R1", **part)
    assert first["refund_id"] == again["refund_id"]
    assert refusal(lambda: client.refund.apply(refund_fee=41, out_refund_no="R2", **part))
    client.refund.apply(refund_fee=40, out_refund_no="R3", **part)
    assert client.refund.query(out_refund_no="R1")["refund_status_0"] == "SUCCESS"
    assert client.order.query(out_trade_no="P1")["trade_state"] == "REFUND"


def test_the_51st_partial_refund_is_refused(client, mock_base):
    """Case 14."""
    order(client)
    requests.post(f"{mock_base}/_mock/pay", json={"out_trade_no": "P1"}, timeout=20)
    part = {"total_fee": 100, "refund_fee": 1, "out_trade_no": "P1"}
    for number in range(50):
        client.refund.apply(out_refund_no=f"R{number}", **part)
    refused = refusal(lambda: client.refund.apply(out_refund_no="R50", **part))
    assert refused == "INVALID_REQ_TOO_MUCH"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"user_id": None}, "LACK_PARAMS"),
        ({"total_fee": -1}, "INVALID_REQUEST"),
        ({"body": "姜" * 43}, "INVALID_REQUEST"),
        ({"out_trade_no": "x" * 33}, "INVALID_REQUEST"),
        ({"out_trade_no": "a b"}, "INVALID_REQUEST"),
        ({"notify_url": "http://x/?a=1"}, "INVALID_REQUEST"),
        ({"trade_type": "CASH"}, "INVALID_REQUEST"),
    ],
)
def test_parameters_are_checked_as_wechat_does(client, change, code):
    assert refusal(lambda: order(client, **change)) == code


def test_a_number_used_for_something_else_is_refused(client):
    order(client)
    assert order(client)["result_code"] == "SUCCESS"
    assert refusal(lambda: order(client, total_fee=101)) == "OUT_TRADE_NO_USED"
    client.order.close("P1")
    assert refusal(lambda: order(client)) == "ORDERCLOSED"
    assert refusal(lambda: client.order.close("P1")) == "ORDERCLOSED"
    assert refusal(lambda: client.order.close("P2")) == "ORDERNOTEXIST"


def test_an_expired_order_reads_closed(client, mock_base):
    order(client, time_expire=datetime.now(BEIJING) + timedelta(minutes=5))
    requests.post(f"{mock_base}/_mock/clock", json={"offset_seconds": 301}, timeout=5)
    assert client.order.query(out_trade_no="P1")["trade_state"] == "CLOSED"


def test_a_wrong_signature_or_merchant_is_refused(client, mock_base):
    client.api_key = "0" * 32
    with pytest.raises(WeChatPayException) as refused:
        client.order.query(out_trade_no="P1")
    assert refused.value.return_code == "FAIL"
    client.api_key, client.mch_id = MERCHANT.pay_key, "10000999"
    assert refusal(lambda: client.order.query(out_trade_no="P1")) == "MCHID_NOT_EXIST"


def test_other_addresses_and_broken_bodies_are_refused(mock_base):
    assert requests.post(f"{mock_base}/pay/micropay", data=b"<xml/>", timeout=5).status_code == 404
    for body, said in ((b"", b"POST_DATA_EMPTY"), (b"<xml", b"XML_FORMAT_ERROR")):
        reply = requests.post(f"{mock_base}/pay/orderquery", data=body, timeout=5)
        assert said in reply.content


def test_the_library_takes_a_notice_and_refuses_each_kind_of_tampering(client, mock_base):
    order(client)

    def notice(**how):
        body = {"out_trade_no": "P1", **how}
        return requests.post(f"{mock_base}/_mock/notice", json=body, timeout=5).json()["body"]

    assert client.parse_payment_result(notice())["total_fee"] == 100
    for tampered in (
        notice().replace("CDATA[100]", "CDATA[1]"),
        notice(key="0" * 32),
        notice(drop_signature=True),
    ):
        with pytest.raises(InvalidSignatureException):
            client.parse_payment_result(tampered)


def test_a_refund_notice_opens_under_the_merchants_key_alone(client, mock_base):
    order(client)
    requests.post(f"{mock_base}/_mock/pay", json={"out_trade_no": "P1"}, timeout=20)
    client.refund.apply(total_fee=100, refund_fee=60, out_refund_no="R1", out_trade_no="P1")
    body = {"out_refund_no": "R1", "state": "CHANGE"}
    notice = requests.post(f"{mock_base}/_mock/refunds/set", json=body, timeout=5).json()["body"]
    told = client.parse_refund_notify_result(notice)
    assert (told["refund_status"], told["refund_fee"]) == ("CHANGE", 60)
    client.api_key = "0" * 32
    with pytest.raises(ValueError):
        client.parse_refund_notify_result(notice)


def test_the_library_fetches_the_bill(client, mock_base):
    order(client)
    requests.post(f"{mock_base}/_mock/pay", json={"out_trade_no": "P1"}, timeout=20)
    text = client.tools.download_bill(datetime.now(BEIJING))
    assert text.startswith("\ufeff交易时间") and "`P1," in text
    with pytest.raises(WeChatPayException, match="No Bill Exist"):
        client.tools.download_bill("20200101")


def start(*arguments):
    process = subprocess.Popen([*WECHATPAY_MOCK, *arguments], stdout=subprocess.PIPE, text=True)
    return process, process.stdout.readline().strip()


def test_it_listens_where_it_is_told_and_says_where():
    process, line = start("--http-port", "0", "--https-port", "-1", "--stateless")
    try:
        assert line.startswith("wechatpay-mock: http on 127.0.0.1:")
        base = f"http://{line.rpartition(' ')[2]}"
        assert requests.get(f"{base}/_mock/trades", timeout=5).json()["trades"] == []
        kind = type("Client", (WeChatPay,), {"API_BASE_URL": f"{base}/"})
        merchant = MERCHANT
        client = kind(merchant.appid, merchant.pay_key, merchant.mch_id, timeout=5)
        order(client)
        answer = client.order.query(out_trade_no="P-never-seen")
        assert (answer["out_trade_no"], answer["trade_state"]) == ("P-never-seen", "NOTPAY")
        assert requests.get(f"{base}/_mock/trades", timeout=5).json()["trades"] == []
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()


def test_it_listens_on_a_socket_and_over_https(tmp_path):
    socket = tmp_path / "mock.sock"
    process, line = start("--http-unix", str(socket), "--https-port", "0")
    try:
        assert line == f"wechatpay-mock: http on {socket}"
        secure = process.stdout.readline().strip()
        assert secure.startswith("wechatpay-mock: https on 127.0.0.1:")
        assert socket.is_socket()
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()


def test_it_tells_its_version_and_options():
    version = subprocess.run(
        [*WECHATPAY_MOCK, "--version"], capture_output=True, text=True, timeout=20
    )
    assert "0.2.0" in version.stdout
    options = subprocess.run(
        [*WECHATPAY_MOCK, "--help"], capture_output=True, text=True, timeout=20
    ).stdout
    for option in ("--http-port", "--https-port", "--http-unix", "--https-unix", "--stateless"):
        assert option in options
