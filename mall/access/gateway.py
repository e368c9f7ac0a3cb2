"""What the mall needs of WeChat to know a member."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class WeChatIdentity:
    """Who a login code belongs to: the openid within our mini-program."""

    openid: str


class LoginGateway(Protocol):
    """Exchange what the mini-program hands over."""

    def exchange_code(self, code: str) -> WeChatIdentity:
        """Return whose login code it is; raise CodeRefused or WeChatUnavailable."""
        ...

    def phone_number(self, code: str) -> str:
        """Return the phone number behind a phone code; raise PhoneCodeRefused or WeChatUnavailable."""
        ...
