"""The message gateway on wechatpy."""

from typing import Any

import requests
from redis import Redis
from wechatpy.exceptions import WeChatClientException

from mall.access.wechat.client import mini_program
from mall.kernel.settings import WeChatSettings
from mall.notification import rules
from mall.notification.gateway import Outcome

# Not subscribed or refused, invalid openid, wrong template, wrong parameters: trying again is vain.
REFUSED_CODES = {40003, 40037, 41030, 43101, 47003}


class WeChatMessages:
    """Sends subscribe messages of the mini-program through WeChat, or the mock gateway."""

    def __init__(self, settings: WeChatSettings, connection: Redis) -> None:
        self._wxa = mini_program(settings, connection)

    def send(self, openid: str, template_id: str, data: dict[str, Any], page: str) -> Outcome:
        try:
            self._wxa.send_subscribe_message(openid, template_id, data, page)
        except WeChatClientException as error:
            state = rules.REFUSED if error.errcode in REFUSED_CODES else rules.PENDING
            return Outcome(state, f"{error.errcode} {error.errmsg}")
        except requests.RequestException as error:
            return Outcome(rules.PENDING, type(error).__name__)
        return Outcome(rules.SENT)
