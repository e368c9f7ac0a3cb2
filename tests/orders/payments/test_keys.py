"""A merchant's keys that do not work are found before anybody pays, and named when somebody does."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mall.kernel.settings import Secret
from mall.shell.app import create_app
from mall.shell.config import load
from orders.payments.wechat import keys
from tests.support.people import Person, new_member, order_body
from tests.support.shop import new_sku

NOW = datetime(2026, 11, 24, tzinfo=UTC)
FIXTURES = Path(__file__).parents[3] / "mocks" / "wechatpay" / "fixtures"


@pytest.fixture
def merchants(app):
    """The two merchants that the mock knows, by version."""
    return {each.version: each for each in app.extensions["mall_settings"].wechat.merchants}


def test_keys_that_are_right_have_nothing_wrong(merchants):
    for merchant in merchants.values():
        found = keys.judge(merchant, NOW)
        assert (found.problems, found.warnings) == ([], [])
        assert found.days_left > 1000


def test_each_thing_that_is_wrong_is_named(merchants, tmp_path):
    merchant = merchants["v3"]
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("-----BEGIN SECRET-----\n", encoding="ascii")
    folder = tmp_path / "keys"
    folder.mkdir()
    (folder / "PUB_KEY_ID_1.pem").write_text("nothing", encoding="ascii")
    wrong = {
        "does not belong to the certificate": {"key_file": f"{FIXTURES}/merchant_10000100_key.pem"},
        "the private key cannot be read: no PEM": {"key_file": str(nonsense)},
        "the private key cannot be read: No such file": {"key_file": "/nowhere/key.pem"},
        "the certificate cannot be read: no PEM": {"cert_file": str(nonsense)},
        "is of '10000200', not of 19": {"mch_id": "1900000001"},
        "there is no public key": {"public_keys_dir": str(tmp_path)},
        "PUB_KEY_ID_1.pem cannot be read": {"public_keys_dir": str(folder)},
        "is not 32 characters long": {"apiv3_key": Secret("short")},
        "there is no APIv3 key": {"apiv3_key": Secret("")},
        "the APIv3 key cannot be read": {"apiv3_key": Secret(file=Path("/nowhere/key"))},
    }
    for said, change in wrong.items():
        found = keys.judge(replace(merchant, **change), NOW).problems
        assert any(said in each for each in found), (said, found)
    assert keys.judge(replace(merchants["v2"], api_key=Secret("k" * 31)), NOW).problems


def test_a_certificate_that_ends_soon_is_warned_of_and_one_that_ended_does_not_work(merchants):
    ends = datetime(2120, 1, 1, tzinfo=UTC)
    merchant = merchants["v2"]
    soon = keys.judge(merchant, ends - timedelta(days=5, hours=1))
    assert (soon.problems, soon.warnings) == ([], ["the certificate ends in 5 days"])
    assert keys.judge(merchant, ends - timedelta(days=31)).warnings == []
    assert keys.judge(merchant, ends + timedelta(days=1)).problems == [
        "the certificate ended on 2120-01-01"
    ]
    assert "not valid before" in keys.judge(merchant, datetime(2019, 1, 1, tzinfo=UTC)).problems[0]


@pytest.fixture
def refused(world, environment, tmp_path):
    """Return a function that begins to pay where settings are changed; it returns the refusal."""
    made = []

    def pay(merchant, **changed):
        app = create_app(load(environment | changed))
        made.append(app)
        app.extensions["mall_merchants"].main = merchant
        member = new_member(world)
        body = order_body([new_sku(world, 1000)[1]], "wechat", 1000)
        order = member.post("/v1/store/orders", body).get_json()["order_id"]
        payer = Person(app, member.token, member.id)
        reply = payer.post(f"/v1/store/orders/{order}/payments", {"trade_type": "JSAPI"})
        return reply.status_code, reply.get_json()["code"]

    yield pay
    for app in made:
        with app.app_context():
            app.extensions["mall_pool"].close()
            app.extensions["sqlalchemy"].engine.dispose()


def test_a_payment_says_that_keys_are_wrong_and_not_that_wechat_is_silent(
    refused, merchants_file, tmp_path
):
    unusable = (503, "payment_keys_unusable")
    # v2: a key that WeChat does not know.
    assert refused("main", WECHATPAY_API_KEY="w" * 32) == unusable
    # v3: of another merchant, no PEM, and one that WeChat does not know.
    told = Path(merchants_file).read_text(encoding="utf-8")
    folder = tmp_path / "merchants"
    folder.mkdir()
    (folder / "apiv3_key").write_text("demo0apiv3key0of0merchant0000200\n", encoding="utf-8")
    (folder / "no.pem").write_text("nothing", encoding="utf-8")
    own = f'key_file = "{FIXTURES}/merchant_10000200_key.pem"'
    for wrong in (f'key_file = "{FIXTURES}/merchant_10000100_key.pem"', 'key_file = "no.pem"'):
        file = folder / "merchants.toml"
        file.write_text(told.replace(own, wrong), encoding="utf-8")
        assert refused("three", WECHATPAY_MERCHANTS_FILE=str(file)) == unusable
