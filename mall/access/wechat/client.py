"""wechatpy's client of the mini-program, at its own base and never without a time-out."""

import time
from contextlib import suppress
from typing import Any

from redis import Redis
from redis.exceptions import RedisError
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


class SharedTokens(RedisStorage):
    """WeChat's access tokens, shared in Valkey; while it is away each process keeps its own."""

    def __init__(self, connection: Redis) -> None:
        super().__init__(connection, prefix="wechat")
        # Until when each is good, by our clock.
        self._own: dict[str, tuple[Any, float]] = {}

    def get(self, key: str, default: Any = None) -> Any:
        shared = None
        with suppress(RedisError):
            shared = super().get(key)
        if shared is not None:
            return shared
        # Away, or it takes nothing that is written, or it was emptied.
        value, until = self._own.get(key, (default, 0.0))
        return value if time.monotonic() < until else default

    def set(self, key: str, value: Any, ttl: int | None = None) -> None:
        self._own[key] = (value, time.monotonic() + (ttl or 0))
        with suppress(RedisError):
            super().set(key, value, ttl)

    def delete(self, key: str) -> None:
        self._own.pop(key, None)
        with suppress(RedisError):
            super().delete(key)


def mini_program(settings: WeChatSettings, connection: Redis) -> WeChatWxa:
    """Return the mini-program's API; access tokens are shared in Valkey."""
    base = settings.login_base.rstrip("/") + "/"
    client_class = type("MallWeChatClient", (_Client,), {"API_BASE_URL": base + "cgi-bin/"})
    client = client_class(
        settings.appid,
        settings.app_secret,
        session=SharedTokens(connection),
        timeout=settings.timeout_seconds,
    )
    client._http = BoundedSession(Bounds(settings.timeout_seconds))
    wxa_class = type("MallWeChatWxa", (WeChatWxa,), {"API_BASE_URL": base})
    found: WeChatWxa = wxa_class(client)
    return found
