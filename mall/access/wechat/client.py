"""wechatpy's client of the mini-program, at its own base and never without a time-out."""

from typing import Any

from redis import Redis
from wechatpy import WeChatClient
from wechatpy.client.api import WeChatWxa
from wechatpy.session.redisstorage import RedisStorage

from mall.kernel.outgoing.session import BoundedSession, Bounds
from mall.kernel.settings import WeChatSettings


class _Client(WeChatClient):
    """wechatpy's client that asks its own base for access tokens, not always the real one."""

    def fetch_access_token(self) -> Any:
        return self._fetch_access_token(
            url=f"{self.API_BASE_URL}token",
            params={
                "grant_type": "client_credential",
                "appid": self.appid,
                "secret": self.secret,
            },
        )


def mini_program(settings: WeChatSettings, connection: Redis) -> WeChatWxa:
    """Return the mini-program's API; access tokens are shared in Valkey."""
    base = settings.login_base.rstrip("/") + "/"
    client_class = type("MallWeChatClient", (_Client,), {"API_BASE_URL": base + "cgi-bin/"})
    client = client_class(
        settings.appid,
        settings.app_secret,
        session=RedisStorage(connection, prefix="wechat"),
        timeout=settings.timeout_seconds,
    )
    client._http = BoundedSession(Bounds(settings.timeout_seconds))
    wxa_class = type("MallWeChatWxa", (WeChatWxa,), {"API_BASE_URL": base})
    found: WeChatWxa = wxa_class(client)
    return found
