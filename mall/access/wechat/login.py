"""The login gateway on wechatpy."""

from dataclasses import replace
from typing import Any

import pybreaker
import requests
from redis import Redis
from wechatpy.exceptions import WeChatClientException

from mall.access.gateway import WeChatIdentity
from mall.access.rules import CodeRefused, PhoneCodeRefused, WeChatUnavailable
from mall.access.wechat.client import mini_program
from mall.kernel.settings import WeChatSettings

# After so many calls without an answer WeChat is left alone for a moment: who signs in is told at
# once, and no thread waits.
MAX_SILENCES, REST_SECONDS = 3, 5
MAX_SECONDS = 3.0
# Invalid code, used code, code of another app: the member must fetch a new one.
REFUSED_CODES = {40029, 40163, 41008, 40226}


class WeChatLogin:
    """Asks WeChat (or the mock gateway) whose code it is."""

    def __init__(self, settings: WeChatSettings, connection: Redis) -> None:
        # A person waits for it: shorter than what jobs allow WeChat.
        seconds = min(settings.timeout_seconds, MAX_SECONDS)
        self._wxa = mini_program(replace(settings, timeout_seconds=seconds), connection)
        self.breaker = pybreaker.CircuitBreaker(
            fail_max=MAX_SILENCES, reset_timeout=REST_SECONDS, exclude=[WeChatClientException]
        )

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

    def check(self) -> None:
        """Ask WeChat for an access token; raise WeChatUnavailable, or what kept it from answering."""
        try:
            self._wxa._client.fetch_access_token()
        except WeChatClientException as error:
            raise WeChatUnavailable() from error

    def _ask(self, call: Any) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = self.breaker.call(call)
        except WeChatClientException as error:
            if error.errcode in REFUSED_CODES:
                raise CodeRefused("code") from error
            raise WeChatUnavailable() from error
        except (requests.RequestException, pybreaker.CircuitBreakerError) as error:
            raise WeChatUnavailable() from error
        return answer
