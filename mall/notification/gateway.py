"""What the mall needs of WeChat to tell a member something."""

from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Outcome:
    """What became of a message: sent, refused for good, or to be tried again."""

    state: str
    reason: str = ""


class MessageGateway(Protocol):
    """Sends mini-program subscribe messages."""

    def send(self, openid: str, template_id: str, data: dict[str, Any], page: str) -> Outcome:
        """Send one message; never raises for what WeChat answers or fails to answer."""
        ...
