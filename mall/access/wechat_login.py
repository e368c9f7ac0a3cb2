"""The login gateway on wechatpy."""

from typing import Any

import requests
from redis import Redis
from wechatpy.exceptions import WeChatClientException

from mall.access.gateway import WeChatIdentity
from mall.access.rules import CodeRefused, PhoneCodeRefused, WeChatUnavailable
from mall.access.wechat_client import mini_program
from mall.kernel.settings import WeChatSettings

# Invalid code, used code, code of another app: the member must fetch a new one.
REFUSED_CODES = {40029, 40163, 41008, 40226}


class WeChatLogin:
    """Asks WeChat (or the mock gateway) whose code it is."""

    def __init__(self, settings: WeChatSettings, connection: Redis) -> None:
        self._wxa = mini_program(settings, connection)

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
