"""Whose request it is: the last address that no trusted proxy has."""

from types import SimpleNamespace

import pytest

from mall.shell import config
from mall.shell.app import create_app
from mall.shell.serving.proxies import Proxies, networks
from mall.shell.serving.rsgi import environ_of
from tests.support.people import new_member, order_body
from tests.support.shop import new_sku
from tests.support.wechat import received_by_mock

OURS = Proxies(networks("10.0.0.0/8, 127.0.0.1, fd00::/8"))


def seen(peer, proxies=OURS, **headers):
    """Return whom the application sees, and by which scheme."""
    scope = SimpleNamespace(
        method="GET",
        path="/",
        query_string="",
        scheme="http",
        client=f"{peer}:4711",
        server="127.0.0.1:8000",
        http_version="1.1",
        headers={name.replace("_", "-").lower(): value for name, value in headers.items()},
    )
    found = environ_of(scope, proxies)
    return found["REMOTE_ADDR"], found["wsgi.url_scheme"]


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("10.1.2.3", "203.0.113.9", "203.0.113.9"),
        # A client invents who it is: its own words stand before what our proxy adds.
        ("10.1.2.3", "8.8.8.8, 203.0.113.9", "203.0.113.9"),
        ("10.1.2.3", "127.0.0.1, 203.0.113.9, 10.9.9.9", "203.0.113.9"),
        ("10.1.2.3", "203.0.113.9:55123", "203.0.113.9"),
        ("10.1.2.3", "2001:db8::7", "2001:db8::7"),
        ("10.1.2.3", "[2001:db8::7]:443", "2001:db8::7"),
        ("[fd00::1]", "2001:DB8::7", "2001:db8::7"),
        # Nothing, or nothing that is an address: the last that is known.
        ("10.1.2.3", "", "10.1.2.3"),
        ("10.1.2.3", "unknown", "10.1.2.3"),
        ("10.1.2.3", "203.0.113.9, nonsense, 10.9.9.9", "10.9.9.9"),
        ("10.1.2.3", "10.5.5.5, 10.6.6.6", "10.5.5.5"),
        ("10.1.2.3", "203.0.113.9," + "10.0.0.1," * 50 + "10.0.0.2", "10.0.0.1"),
        # Whoever is no proxy of ours has nothing to say about it.
        ("192.0.2.1", "203.0.113.9", "192.0.2.1"),
        ("", "203.0.113.9", ""),
    ],
)
def test_the_client_is_the_last_address_that_no_proxy_of_ours_has(peer, forwarded, client):
    assert seen(peer, X_Forwarded_For=forwarded)[0] == client


def test_nobody_is_believed_where_no_proxy_is_trusted():
    assert seen("127.0.0.1", Proxies(), X_Forwarded_For="203.0.113.9")[0] == "127.0.0.1"


def test_the_scheme_too_is_believed_of_a_proxy_alone_and_only_where_it_is_one():
    assert seen("10.1.2.3", X_Forwarded_Proto="https")[1] == "https"
    assert seen("192.0.2.1", X_Forwarded_Proto="https")[1] == "http"
    assert seen("10.1.2.3", X_Forwarded_Proto="gopher")[1] == "http"


def test_networks_that_are_none_are_refused_by_name():
    given = {"DATABASE_URL": "postgresql://db/mall", "REDIS_URL": "redis://x"}
    with pytest.raises(config.ConfigError, match=r"MALL_TRUSTED_PROXIES: .*10\.0\.0\.300"):
        config.load(given | {"MALL_TRUSTED_PROXIES": "10.0.0.300"})


def test_the_documents_server_and_where_others_call_are_the_public_address(environment):
    named = {name: value for name, value in environment.items() if "NOTIFY" not in name}
    settings = config.load(named | {"MALL_PUBLIC_URL": "https://mall.example.cn/"})
    assert settings.wechat.merchants[0].notify_url == (
        "https://mall.example.cn/v1/webhooks/wechat/pay"
    )
    document = (
        create_app(settings).test_client().get("/openapi.json", headers={"Host": "evil.example"})
    )
    assert [each["url"] for each in document.get_json()["servers"]] == ["https://mall.example.cn"]


def test_wechat_is_told_whose_device_pays(each_version, world):
    member, sku = new_member(world), new_sku(world, 1000)[1]
    order = member.post("/v1/store/orders", order_body([sku], "wechat", 1000)).get_json()
    reply = member.client.post(
        f"/v1/store/orders/{order['order_id']}/payments",
        json={"trade_type": "JSAPI"},
        headers={"Authorization": f"Bearer {member.token}", "Idempotency-Key": "from-afar-1"},
        environ_base={"REMOTE_ADDR": "203.0.113.9"},
    )
    assert reply.status_code == 201
    told = received_by_mock(world, "pay/unifiedorder" if each_version == "v2" else "v3/pay")
    assert "203.0.113.9" in str(told[-1])
