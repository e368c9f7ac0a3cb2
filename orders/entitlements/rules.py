"""The life of a right, and its code."""

import secrets
from datetime import date

from mall.kernel.errors import DomainError
from mall.kernel.ids import ALPHABET
from mall.kernel.states import Transitions

LISTED, WAITING, OPEN, REDEEMED = "listed", "waiting", "open", "redeemed"
ENDED, WITHDRAWN = "ended", "withdrawn"
STATES = Transitions(
    "entitlement",
    {
        LISTED: {WAITING, OPEN, WITHDRAWN},
        WAITING: {OPEN, REDEEMED, ENDED, WITHDRAWN},
        OPEN: {REDEEMED, ENDED, WITHDRAWN},
        # Before a parcel has left, another choice opens it again.
        REDEEMED: {OPEN},
        ENDED: set(),
        WITHDRAWN: set(),
    },
)
ISSUED = (WAITING, OPEN, REDEEMED, ENDED)
CODE_LENGTH = 16
NONE, ON_DAY, IN_MONTH = "none", "day", "month"
BIRTHDAY_RULES = (NONE, ON_DAY, IN_MONTH)


class AlreadyRedeemed(DomainError):
    code = "already_redeemed"


class WrongCode(DomainError):
    code = "wrong_voucher_code"


def new_code() -> str:
    """Return a voucher code of 80 random bits that can be read out."""
    return "".join(ALPHABET[byte & 31] for byte in secrets.token_bytes(CODE_LENGTH))


def plain_code(text: str) -> str:
    """Return a code as it is kept, however it was typed."""
    return text.upper().replace("-", "").replace(" ", "").replace("O", "0").replace("I", "1")


def due_on(rule: str, born_on: date | None, opens_on: date, closes_on: date) -> date | None:
    """Return the day on which a right is due: of the birthday in the window, or its month's first.

    Without a rule, or a birthday, it is due at once. Who was born on 29 February is due on the
    28th in other years. One whose birthday lies outside the window is due on its last day.
    """
    if rule == NONE or born_on is None:
        return None
    for year in range(opens_on.year, closes_on.year + 1):
        day = _in_year(born_on, year)
        if rule == IN_MONTH:
            day = day.replace(day=1)
            if (day.year, day.month) == (opens_on.year, opens_on.month):
                return opens_on
        if opens_on <= day <= closes_on:
            return day
    return closes_on


def _in_year(born_on: date, year: int) -> date:
    try:
        return born_on.replace(year=year)
    except ValueError:
        return date(year, 2, 28)
