"""WeChat as the mock gateway plays it: payments, notices, refunds, and what it was asked."""

import requests

from tests.support.database import execute_sql


def received_by_mock(world, prefix):
    """Return the calls of these paths that the mock gateway got."""
    calls = requests.get(f"{world.mock_base}/_mock/received", timeout=10).json()["received"]
    return [call for call in calls if call["path"].startswith(prefix)]


def asked_of_wechat(world, operation=None):
    """Return what WeChat was asked of this kind, whatever version of the API asked it."""
    pays = ("order", "query", "close", "refund", "refund_query", "bill")
    wanted = (operation,) if operation else pays
    return [call for call in received_by_mock(world, "") if call["operation"] in wanted]


def made_up_notice(world, payment, how):
    """Return a notice made up for a payment, whether or not it was paid."""
    return notice_of(world, payment, made_up=True, **how)


def notice_of(world, payment, **how):
    """Return WeChat's notice of a payment, paid now if it was not."""
    return ask_mock(world, "notice", {"out_trade_no": payment["out_trade_no"], **how})


def refunds_at_wechat(world):
    """Return the refunds that the mock gateway knows of."""
    return requests.get(f"{world.mock_base}/_mock/trades", timeout=10).json()["refunds"]


def breaker_of(world):
    """Return the breaker of the merchant that new payments are asked by."""
    merchants = world.app.extensions["mall_merchants"]
    return merchants.get(merchants.main).gateway.breaker


def collect_by(world, merchant):
    """Let new payments of everybody be asked by another merchant."""
    world.app.extensions["mall_merchants"].main = merchant


def pay_at_wechat(world, payment, **how):
    """Let the payer pay at WeChat, and hand the mall WeChat's notice; return its answer."""
    return notify_mall(world, notice_of(world, payment, **how))


def notify_mall(world, notice, about="pay"):
    """Hand the mall a notice; return SUCCESS or FAIL, in the words of its version."""
    told = {"body": notice, "headers": {}} if isinstance(notice, str) else notice
    name = world.app.extensions["mall_merchants"].main
    where = f"/v1/webhooks/wechat/{about}" if name == "main" else ""
    reply = world.app.test_client().post(
        where or f"/v1/webhooks/wechat/{name}/{about}",
        data=told["body"].encode(),
        headers=told["headers"],
    )
    return reply.data.decode() or ("SUCCESS" if reply.status_code == 200 else "FAIL")


def mock_status(world, path, body):
    return requests.post(f"{world.mock_base}/_mock/{path}", json=body, timeout=10).status_code


def due_queries_now(world):
    execute_sql(world, "UPDATE payment SET query_at = now() WHERE state = 'open'")


def ask_mock(world, path, body=None):
    return requests.post(f"{world.mock_base}/_mock/{path}", json=body or {}, timeout=10).json()
