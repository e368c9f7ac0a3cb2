"""What a provider believes, keeps and forgets; keys that change; several merchants."""

import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest

from mall.kernel import clock
from mall.kernel.settings import WatchedFile
from mall.kernel.uow import unit_of_work
from mall.members.service import unions
from tests.support.database import count_rows, execute_sql, select_rows
from tests.support.people import new_member, new_staff, order_body
from tests.support.shop import new_sku, new_supplier
from tests.support.wechat import (
    ask_mock,
    asked_of_wechat,
    breaker_of,
    collect_by,
    due_queries_now,
    notice_of,
    notify_mall,
    pay_at_wechat,
)
from tests.support.working import in_another_thread, run_sweep

# Signed as they should be, but about something else.
FOREIGN_V2 = [{"mch_id": "10000999"}, {"appid": "wx0"}, {"out_trade_no": "P0"}, {"fee_type": "USD"}]
FOREIGN_V3 = [
    {"mchid": "10000999"},
    {"appid": "wx0"},
    {"out_trade_no": "P0"},
    {"amount": {"currency": "USD"}},
]
PUBLIC_KEYS = "public_keys"
FIXTURES = Path(__file__).parents[3] / "mocks" / "wechatpay" / "fixtures"
SECOND_KEY = "PUB_KEY_ID_0110000100202001010000000000000002"


def begin(world, member=None, total=1000):
    """Return a member, an order's path and its open payment."""
    member = member or new_member(world)
    _, sku = new_sku(world, total, 5)
    order = member.post("/v1/store/orders", order_body([sku], "wechat", total)).get_json()
    path = f"/v1/store/orders/{order['order_id']}"
    reply = member.post(f"{path}/payments", {})
    assert reply.status_code == 201, reply.get_json()
    return member, path, reply.get_json()


def merchant(world):
    merchants = world.app.extensions["mall_merchants"]
    return merchants.get(merchants.main)


def asked_again(world):
    """Let the sweep ask about every open payment; return their states."""
    breaker_of(world).close()
    due_queries_now(world)
    run_sweep(world, "query_open_payments")
    return [row.state for row in select_rows(world, "SELECT state FROM payment ORDER BY id")]


@pytest.mark.parametrize("kind", ["tamper", "unsigned", "other_key"])
def test_an_answer_that_cannot_be_verified_tells_nothing(world, audited, kind):
    _, _, payment = begin(world)
    ask_mock(world, "pay", {"out_trade_no": payment["out_trade_no"], "notify": False})
    ask_mock(world, "faults", {"operation": "query", "kind": kind})
    assert asked_again(world) == ["open"]
    assert asked_again(world) == ["paid"]
    audited()


def test_an_answer_of_another_hour_tells_nothing(world, each_version, audited):
    """API v3 dates its answers; one that is old may be an old one sent again."""
    _, _, payment = begin(world)
    ask_mock(world, "pay", {"out_trade_no": payment["out_trade_no"], "notify": False})
    ask_mock(world, "faults", {"operation": "query", "kind": "stale"})
    assert asked_again(world) == ["open" if each_version == "v3" else "paid"]
    audited()


@pytest.mark.parametrize("index", range(4), ids=["merchant", "app", "number", "currency"])
def test_an_answer_about_something_else_tells_nothing(world, each_version, audited, index):
    _, _, payment = begin(world)
    ask_mock(world, "pay", {"out_trade_no": payment["out_trade_no"], "notify": False})
    fields = (FOREIGN_V2 if each_version == "v2" else FOREIGN_V3)[index]
    ask_mock(world, "faults", {"operation": "query", "kind": "change", "fields": fields})
    assert asked_again(world) == ["open"]
    audited()


def test_an_answer_with_another_amount_pays_nothing(world, each_version, audited):
    _, _, payment = begin(world)
    ask_mock(world, "pay", {"out_trade_no": payment["out_trade_no"], "notify": False})
    fields = {"total_fee": "1"} if each_version == "v2" else {"amount": {"total": 1}}
    ask_mock(world, "faults", {"operation": "query", "kind": "change", "fields": fields})
    assert asked_again(world) == ["open"]
    audited()


def test_a_closed_number_is_not_sent_again(world, each_version):
    """The one retry asks first: what was closed meanwhile stays closed."""
    member, path, payment = begin(world)
    execute_sql(world, "UPDATE payment SET prepay_id = NULL")
    ask_mock(world, "faults", {"operation": "order", "kind": "system_error"})
    ask_mock(world, "expire", {"out_trade_no": payment["out_trade_no"]})
    before = len(asked_of_wechat(world, "order"))
    assert member.post(f"{path}/payments", {}).status_code == 503
    assert len(asked_of_wechat(world, "order")) == before + 1


def test_an_uncertain_answer_is_asked_about_and_sent_once_more(world):
    ask_mock(world, "faults", {"operation": "order", "kind": "system_error"})
    begin(world)
    assert [call["operation"] for call in asked_of_wechat(world)] == ["order", "query", "order"]


def test_a_desktop_gets_a_qr_code(world):
    member, path, _ = begin(world)
    native = member.post(f"{path}/payments", {"trade_type": "NATIVE"}).get_json()
    assert native["code_url"].startswith("weixin://")
    assert native["pay_parameters"] is None


def test_what_the_mini_program_needs_is_signed(world, each_version):
    _, _, payment = begin(world)
    parameters = payment["pay_parameters"]
    assert parameters["package"].startswith("prepay_id=wx")
    assert parameters["signType"] == {"v2": "MD5", "v3": "RSA"}[each_version]
    assert len(parameters["paySign"]) >= 32


def test_what_went_over_the_wire_is_kept_masked(world, each_version):
    _, _, payment = begin(world)
    number = payment["out_trade_no"]
    assert "SUCCESS" in pay_at_wechat(world, payment)
    operator = new_staff(world, "operator")
    found = operator.get(f"/v1/ops/payments/messages?number={number}").get_json()["items"]
    assert [each["operation"] for each in found] == ["pay_notice", "order"]
    notice, order = found
    assert (notice["outcome"], order["outcome"]) == ("taken", "HTTP 200")
    assert number in order["sent"] and "prepay_id" in order["received"]
    [member] = select_rows(world, "SELECT openid FROM member")
    text = str(found)
    assert member.openid not in text and member.openid[:4] in text
    kept = {"v2": "demo-app-secret", "v3": "Authorization"}[each_version]
    assert kept not in text and "<sign><![CDATA" not in text


def test_a_refused_notice_of_wechats_is_kept_with_the_reason_and_a_forgery_is_not(world):
    _, _, payment = begin(world)
    assert "FAIL" in pay_at_wechat(world, payment, total_fee=1)
    assert "FAIL" in pay_at_wechat(world, payment, key="0" * 32, apiv3_key="0" * 32)
    rows = select_rows(world, "SELECT outcome FROM gateway_message WHERE operation = 'pay_notice'")
    assert [row.outcome.partition(":")[0] for row in rows] == ["forged_notice"]


def test_messages_are_forgotten_after_180_days(world):
    begin(world)
    execute_sql(world, "UPDATE gateway_message SET at = now() - interval '179 days'")
    assert run_sweep(world, "forget_messages") == 0
    execute_sql(world, "UPDATE gateway_message SET at = now() - interval '181 days'")
    assert run_sweep(world, "forget_messages") == 1
    assert count_rows(world, "gateway_message") == 0


def test_only_operators_read_messages(world):
    for person in (new_member(world), new_staff(world, "supplier", new_supplier(world))):
        assert person.get("/v1/ops/payments/messages?number=P1").status_code in (401, 403)


@pytest.fixture
def keys(world, tmp_path, monkeypatch):
    """Let the merchant's keys come from files that a test may change; return their folder."""
    chosen = merchant(world)
    settings = chosen.settings
    old = {"main": "192006250b4c09247ec02edce69f6a2d", "three": "demo0apiv3key0of0merchant0000200"}
    secret = settings.api_key if settings.version == "v2" else settings.apiv3_key
    file = tmp_path / "key"
    file.write_text(old[settings.name] + "\n", encoding="utf-8")
    monkeypatch.setattr(secret, "given", "")
    monkeypatch.setattr(secret, "file", file)
    monkeypatch.setattr(secret, "_watched", None)
    return file


def at_wechat(world, key):
    """Change the merchant's key at WeChat."""
    settings = merchant(world).settings
    name = "pay_key" if settings.version == "v2" else "apiv3_key"
    ask_mock(world, "keys", {"mch_id": settings.mch_id, name: key})


def test_two_keys_are_valid_at_once_and_none_needs_a_restart(world, keys, audited):
    """The new key is in the file before WeChat knows it, the old one until it is taken out."""
    new = "n" * 32
    _, _, before = begin(world)
    notice_before = notice_of(world, before)
    keys.write_text(f"{new}\n{keys.read_text()}", encoding="utf-8")
    _, _, between = begin(world)
    assert "SUCCESS" in notify_mall(world, notice_before)
    at_wechat(world, new)
    _, _, after = begin(world)
    keys.write_text(f"{new}\n", encoding="utf-8")
    for payment in (between, after):
        assert "SUCCESS" in pay_at_wechat(world, payment)
    audited()


def test_a_key_that_was_taken_out_opens_nothing(world, keys, audited):
    _, _, payment = begin(world)
    notice = notice_of(world, payment)
    keys.write_text("n" * 32 + "\n", encoding="utf-8")
    assert "FAIL" in notify_mall(world, notice)
    audited()


def test_a_new_private_key_is_used_once_its_certificate_is_there_too(
    world, tmp_path, monkeypatch, audited
):
    """API v3: the files are replaced one after the other; between the two the old pair works on."""
    collect_by(world, "three")
    provider, files = merchant(world).gateway, []
    for watched in provider._files:
        copy = tmp_path / watched.path.name
        shutil.copy(watched.path, copy)
        files.append(WatchedFile(copy))
    monkeypatch.setattr(provider, "_files", tuple(files))
    monkeypatch.setattr(provider, "_made", None)
    begin(world)
    key_file, certificate_file = (watched.path for watched in files)
    shutil.copy(f"{FIXTURES}/merchant_10000100_key.pem", key_file)
    begin(world)
    # The certificate of another merchant: WeChat does not know it for ours, but it is used now.
    shutil.copy(f"{FIXTURES}/merchant_10000100_cert.pem", certificate_file)
    member = new_member(world)
    order = member.post("/v1/store/orders", order_body([new_sku(world, 1000)[1]], "wechat", 1000))
    path = f"/v1/store/orders/{order.get_json()['order_id']}/payments"
    assert member.post(path, {}).get_json()["code"] == "payment_keys_unusable"
    shutil.copy(f"{FIXTURES}/merchant_10000200_key.pem", key_file)
    shutil.copy(f"{FIXTURES}/merchant_10000200_cert.pem", certificate_file)
    assert member.post(path, {}).status_code == 201
    audited()


def test_wechats_next_public_key_is_believed_once_it_is_in_the_folder(
    world, each_version, tmp_path, monkeypatch, audited
):
    if each_version == "v2":
        # API v2 has no such key: the answers are signed as ever.
        ask_mock(world, "keys", {"platform_key_id": SECOND_KEY})
        _, _, payment = begin(world)
        assert "SUCCESS" in pay_at_wechat(world, payment)
        return
    provider = merchant(world).gateway
    folder = tmp_path / PUBLIC_KEYS
    shutil.copytree(provider.merchant.public_keys_dir, folder)
    (folder / f"{SECOND_KEY}.pem").unlink()
    monkeypatch.setattr(provider._keys, "_folder", folder)
    monkeypatch.setattr(provider._keys, "_files", {})
    _, _, payment = begin(world)
    ask_mock(world, "keys", {"platform_key_id": SECOND_KEY})
    notice = notice_of(world, payment)
    assert "FAIL" in notify_mall(world, notice)
    shutil.copy(f"{provider.merchant.public_keys_dir}/{SECOND_KEY}.pem", folder)
    assert "SUCCESS" in notify_mall(world, notice)
    begin(world)
    audited()


def test_an_old_notice_is_not_taken_for_a_new_one(world, each_version, audited):
    """wechatpayv3 accepts a signed notice of any age; five minutes is the limit."""
    _, _, payment = begin(world)
    told = pay_at_wechat(world, payment, age_seconds=3600)
    assert ("FAIL" in told) == (each_version == "v3")
    audited()


def test_a_merchant_reads_notices_of_both_versions(world, audited):
    """The version was changed while a payment was under way."""
    collect_by(world, "main")
    _, _, payment = begin(world)
    assert "SUCCESS" in pay_at_wechat(world, payment, api="v3")
    audited()


def test_members_of_a_union_with_a_merchant_of_its_own_pay_to_it(world, audited):
    collect_by(world, "main")
    member = new_member(world)
    with world.app.app_context():
        code = in_another_thread(lambda: _join(world, member, "440800-three"))
    assert code == "440800-three"
    _, _, own = begin(world, member)
    _, _, other = begin(world)
    rows = select_rows(world, "SELECT out_trade_no, merchant FROM payment ORDER BY id")
    assert [row.merchant for row in rows] == ["three", "main"]
    ask_mock(world, "pay", {"out_trade_no": own["out_trade_no"], "notify": False})
    ask_mock(world, "pay", {"out_trade_no": other["out_trade_no"], "notify": False})
    assert asked_again(world) == ["paid", "paid"]
    audited()


def _join(world, member, code):
    with world.app.app_context(), unit_of_work() as uow:
        union = unions.open_union(uow, code, code)
        today = clock.beijing_day(clock.now())
        unions.set_membership(uow, union.id, member.id, today - timedelta(days=1), None)
        return union.code


def test_the_bill_of_a_day_is_fetched_and_its_hash_checked(world, each_version):
    _, _, payment = begin(world)
    assert "SUCCESS" in pay_at_wechat(world, payment)
    today = clock.beijing_day(clock.now())
    with world.app.app_context():
        provider = merchant(world).gateway
        assert payment["out_trade_no"] in provider.download_bill(today).decode("utf-8-sig")
        assert provider.download_bill(date(2020, 1, 1)) is None
        if each_version == "v3":
            ask_mock(world, "faults", {"operation": "bill_file", "kind": "tamper"})
            with pytest.raises(Exception, match="hash differs"):
                provider.download_bill(today)
