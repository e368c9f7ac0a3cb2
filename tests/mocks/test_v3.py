"""The mock speaks API v3: the unmodified client library works against it over HTTPS."""

import gzip
import hashlib
import json
import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import requests
from cryptography import x509
from wechatpayv3 import WeChatPay, WeChatPayType

from tests.support.processes import WECHATPAY_MOCK

BEIJING = timezone(timedelta(hours=8))
MCHID, APPID, APIV3_KEY = "10000100", "wxd930ea5d5a258f4f", "demo0apiv3key0of0merchant0000100"
KEY_ID = "PUB_KEY_ID_0110000100202001010000000000000001"


def start(*arguments):
    """Start a mock and return it with the addresses it told: HTTP, HTTPS, the authority's file."""
    ports = ("--http-port", "0", "--https-port", "0")
    process = subprocess.Popen(
        [*WECHATPAY_MOCK, *ports, *arguments], stdout=subprocess.PIPE, text=True
    )
    plain, secure, trusted = (process.stdout.readline().split()[-1] for _ in range(3))
    return process, f"http://{plain}", f"https://{secure}", trusted


def end(process):
    process.kill()
    process.wait(10)
    process.stdout.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The fixtures as a user gets them."""
    where = tmp_path_factory.mktemp("fixtures")
    done = subprocess.run(
        [*WECHATPAY_MOCK, "--write-fixtures", str(where)],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    assert "merchants.json" in done.stdout
    return where


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    process, plain, secure, trusted = start("--tls-dir", str(tmp_path_factory.mktemp("tls")))
    yield plain, secure, trusted
    end(process)


def client_of(base, folder, **keys):
    certificate = x509.load_pem_x509_certificate(
        (folder / f"merchant_{MCHID}_cert.pem").read_bytes()
    )
    public = {"public_key": (folder / f"public_keys/{KEY_ID}.pem").read_text()}
    client = WeChatPay(
        wechatpay_type=WeChatPayType.JSAPI,
        mchid=MCHID,
        private_key=(folder / f"merchant_{MCHID}_key.pem").read_text(),
        cert_serial_no=format(certificate.serial_number, "X"),
        appid=APPID,
        apiv3_key=APIV3_KEY,
        notify_url="http://127.0.0.1:9/notice",
        timeout=5,
        **({"public_key_id": KEY_ID} | public | keys),
    )
    client._core._gate_way = base
    return client


@pytest.fixture
def mock(servers):
    plain, _, _ = servers

    def control(what, **body):
        return requests.post(f"{plain}/_mock/{what}", json=body, timeout=10)

    control("reset")
    return control


@pytest.fixture
def client(servers, folder, mock, monkeypatch):
    """wechatpayv3 as it comes from its authors, over HTTPS under the mock's own authority."""
    _, secure, trusted = servers
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", trusted)
    return client_of(secure, folder)


def order(client, number="P1", **change):
    asked = {
        "description": "徐闻良姜片",
        "out_trade_no": number,
        "amount": {"total": 100, "currency": "CNY"},
        "payer": {"openid": "oUpF8"},
    }
    code, text = client.pay(**(asked | change))
    return code, json.loads(text)


def said(answer):
    code, text = answer
    return code, json.loads(text or "{}")


def test_an_order_lives_from_prepay_to_refund(client, mock):
    assert order(client)[1]["prepay_id"].startswith("wx")
    assert said(client.query(out_trade_no="P1"))[1]["trade_state"] == "NOTPAY"
    mock("pay", out_trade_no="P1", notify=False)
    paid = said(client.query(out_trade_no="P1"))[1]
    assert (paid["trade_state"], paid["amount"]["payer_total"]) == ("SUCCESS", 100)
    by_id = said(client.query(transaction_id=paid["transaction_id"]))[1]
    assert by_id["out_trade_no"] == "P1"
    part = {"refund": 60, "total": 100, "currency": "CNY"}
    first = said(client.refund("R1", part, out_trade_no="P1"))[1]
    again = said(client.refund("R1", part, out_trade_no="P1"))[1]
    assert first["refund_id"] == again["refund_id"]
    assert said(client.query_refund("R1"))[1]["status"] == "SUCCESS"
    code, error = said(client.refund("R2", {**part, "refund": 41}, out_trade_no="P1"))
    assert (code, error["code"]) == (400, "INVALID_REQUEST")
    assert said(client.query(out_trade_no="P1"))[1]["trade_state"] == "REFUND"


def test_closing_and_what_is_not_there(client, mock):
    order(client)
    assert client.close("P1") == (204, "")
    assert said(client.close("P1"))[1]["code"] == "ORDER_CLOSED"
    assert said(client.close("P9")) == (
        404,
        {"code": "ORDER_NOT_EXIST", "message": "此交易订单号不存在"},
    )
    assert said(client.query_refund("R9"))[0] == 404
    order(client, "P2")
    mock("pay", out_trade_no="P2", notify=False)
    assert said(client.close("P2"))[1]["code"] == "ORDERPAID"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"amount": {"total": 0}}, "PARAM_ERROR"),
        ({"amount": {"total": "100"}}, "PARAM_ERROR"),
        ({"amount": {"total": 100, "currency": "USD"}}, "PARAM_ERROR"),
        ({"payer": {"openid": ""}}, "PARAM_ERROR"),
        ({"out_trade_no": "x" * 33}, "PARAM_ERROR"),
        ({"description": "姜" * 43}, "PARAM_ERROR"),
        ({"time_expire": "tomorrow"}, "PARAM_ERROR"),
        ({"notify_url": "http://x/?a=1"}, "PARAM_ERROR"),
    ],
)
def test_parameters_are_checked_as_wechat_does(client, change, code):
    status, error = order(client, **change)
    assert (status, error["code"]) == (400, code)


@pytest.mark.parametrize("kind", ["tamper", "unsigned", "other_key"])
def test_the_library_refuses_an_answer_that_was_tampered_with(client, mock, kind):
    order(client)
    mock("faults", operation="query", kind=kind)
    with pytest.raises(Exception, match="signature"):
        client.query(out_trade_no="P1")
    assert client.query(out_trade_no="P1")[0] == 200


def test_the_library_takes_a_notice_and_refuses_each_kind_of_tampering(client, mock):
    order(client)

    def callback(**how):
        notice = mock("notice", out_trade_no="P1", **how).json()
        return client.callback(notice["headers"], notice["body"])

    taken = callback()
    assert taken["resource"]["amount"]["total"] == 100
    for how in ({"tamper": True}, {"key": "other"}, {"apiv3_key": "0" * 32}):
        assert callback(**how) is None
    assert not callback(drop_signature=True)


def test_a_refund_notice_is_sealed_the_same_way(client, mock):
    order(client)
    mock("pay", out_trade_no="P1", notify=False)
    client.refund("R1", {"refund": 1, "total": 100, "currency": "CNY"}, out_trade_no="P1")
    notice = mock("refunds/set", out_refund_no="R1", state="ABNORMAL").json()
    taken = client.callback(notice["headers"], notice["body"])
    assert (taken["event_type"], taken["resource"]["refund_status"]) == (
        "REFUND.ABNORMAL",
        "ABNORMAL",
    )


def test_the_bill_comes_packed_with_the_hash_of_its_text(client, mock):
    order(client)
    mock("pay", out_trade_no="P1", notify=False)
    day = datetime.now(BEIJING)
    code, told = said(client.trade_bill(day.strftime("%Y-%m-%d")))
    _, packed = client.download_bill(told["download_url"])
    text = gzip.decompress(packed)
    assert code == 200 and hashlib.sha1(text).hexdigest() == told["hash_value"]
    assert "`P1," in text.decode("utf-8-sig")
    code, error = said(client.trade_bill("2020-01-01"))
    assert (code, error["code"]) == (400, "NO_STATEMENT_EXIST")


def test_certificate_mode_works_too(servers, folder, mock, monkeypatch, client):
    """The constructor already asks for certificates, so the core is given its base first."""
    monkeypatch.setattr("wechatpayv3.core.Core._init_certificates", lambda self: None, raising=True)
    _, secure, _ = servers
    other = client_of(secure, folder, public_key=None, public_key_id=None)
    other._core._update_certificates()
    [certificate] = other._core._certificates
    assert certificate.subject.rfc4514_string()


def test_a_request_of_another_merchant_or_key_is_refused(client, folder):
    client._mchid = "10000999"
    client._core._mchid = "10000999"
    code, error = order(client)
    assert (code, error["code"]) == (401, "SIGN_ERROR")


def test_https_is_refused_without_the_authority(servers):
    _, secure, _ = servers
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(f"{secure}/_mock/trades", timeout=5)


def test_held_notices_are_sent_in_another_order(client, mock):
    for number in ("P1", "P2"):
        order(client, number)
        mock("pay", out_trade_no=number, hold=True)
    answers = mock("notices/release", order="reverse").json()["answers"]
    assert answers == ["", ""]
    assert mock("notices/release").json()["answers"] == []


def test_a_payment_may_fail_or_run_out_of_time(client, mock):
    order(client, "P1")
    order(client, "P2")
    mock("fail", out_trade_no="P1")
    mock("expire", out_trade_no="P2")
    states = [said(client.query(out_trade_no=each))[1]["trade_state"] for each in ("P1", "P2")]
    assert states == ["PAYERROR", "CLOSED"]


def test_the_same_seed_and_clock_give_the_same_numbers(folder, tmp_path):
    told = []
    begins = datetime.now(BEIJING).isoformat()
    for _ in range(2):
        options = ("--seed", "7", "--clock", begins, "--tls-dir", str(tmp_path))
        process, plain, *_ = start(*options)
        try:
            _, first = order(client_of(plain, folder))
            requests.post(
                f"{plain}/_mock/pay", json={"out_trade_no": "P1", "notify": False}, timeout=5
            )
            trades = requests.get(f"{plain}/_mock/trades", timeout=5).json()["trades"]
            told.append((first["prepay_id"], trades[0]["transaction_id"]))
        finally:
            end(process)
    assert told[0] == told[1]


def test_fixtures_are_the_users_to_replace(folder, tmp_path):
    merchants = json.loads((folder / "merchants.json").read_text())
    merchants[0]["appid"] = "wx0000000000000001"
    for file in Path(folder).rglob("*"):
        if file.is_file():
            target = tmp_path / file.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
    (tmp_path / "merchants.json").write_text(json.dumps(merchants))
    canned = json.loads((folder / "stateless.json").read_text())
    canned["trade"]["state"] = "SUCCESS"
    (tmp_path / "stateless.json").write_text(json.dumps(canned))
    process, plain, *_ = start("--fixtures", str(tmp_path), "--stateless")
    try:
        client = client_of(plain, folder)
        assert order(client)[1]["code"] == "PARAM_ERROR"
        client._appid = "wx0000000000000001"
        assert order(client)[0] == 200
        seen = said(client.query(out_trade_no="P-any"))[1]
        assert (seen["out_trade_no"], seen["trade_state"]) == ("P-any", "SUCCESS")
    finally:
        end(process)
    wrong = subprocess.run(
        [*WECHATPAY_MOCK, "--fixtures", "/nowhere"], capture_output=True, text=True, timeout=20
    )
    assert (wrong.returncode, "cannot be used" in wrong.stderr) == (2, True)
