"""The login gateway on wechatpy."""

from typing import Any

import requests
from redis import Redis
from wechatpy import WeChatClient
from wechatpy.client.api import WeChatWxa
from wechatpy.exceptions import WeChatClientException
from wechatpy.session.redisstorage import RedisStorage

from mall.access.gateway import WeChatIdentity
from mall.access.rules import CodeRefused, PhoneCodeRefused, WeChatUnavailable
from mall.kernel.settings import WeChatSettings

# Invalid code, used code, code of another app: the member must fetch a new one.
REFUSED_CODES = {40029, 40163, 41008, 40226}


class _TimedSession(requests.Session):
    """A session whose every request has a time-out: wechatpy's token request sets none."""

    def __init__(self, timeout_seconds: float) -> None:
        super().__init__()
        self._timeout_seconds = timeout_seconds

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        kwargs["timeout"] = kwargs.get("timeout") or self._timeout_seconds
        return super().send(request, **kwargs)


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


class WeChatLogin:
    """Asks WeChat (or the mock gateway) whose code it is; access tokens are shared in Valkey."""

    def __init__(self, settings: WeChatSettings, connection: Redis) -> None:
        base = settings.login_base.rstrip("/") + "/"
        client_class = type("MallWeChatClient", (_Client,), {"API_BASE_URL": base + "cgi-bin/"})
        self._client = client_class(
            settings.appid,
            settings.app_secret,
            session=RedisStorage(connection, prefix="wechat"),
            timeout=settings.timeout_seconds,
        )
        self._client._http = _TimedSession(settings.timeout_seconds)
        wxa_class = type("MallWeChatWxa", (WeChatWxa,), {"API_BASE_URL": base})
        self._wxa = wxa_class(self._client)

    def exchange_code(self, code: str) -> WeChatIdentity:
        answer = self._ask(lambda: self._wxa.code_to_session(code))
        return WeChatIdentity(openid=str(answer["openid"]))

    def phone_number(self, code: str) -> str:
        try:
            answer = self._ask(
                lambda: self._wxa._post("wxa/business/getuserphonenumber", data={"code": code})
            )
        except CodeRefused as error:
            raise PhoneCodeRefused("code") from error
        return str(answer["phone_info"]["purePhoneNumber"])

    def _ask(self, call: Any) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = call()
        except WeChatClientException as error:
            if error.errcode in REFUSED_CODES:
                raise CodeRefused("code") from error
            raise WeChatUnavailable() from error
        except requests.RequestException as error:
            raise WeChatUnavailable() from error
        return answer
