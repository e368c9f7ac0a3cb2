"""Carriers and what a parcel's number looks like."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from mall.kernel.errors import DomainError, Invalid
from mall.kernel.text import canonical, wording
from mall.kernel.text.wording import Wording


@dataclass(frozen=True)
class Carrier:
    """Somebody who carries parcels, and how its numbers look."""

    code: str
    pattern: str
    example: str

    @property
    def wording(self) -> Wording:
        """Return what people call it; in sheets, too."""
        return wording.name("carrier", self.code)


# From the carriers' own public pages; letters are written large.
CARRIERS: Mapping[str, Carrier] = {
    "sf": Carrier("sf", r"SF\d{13}|\d{12}", "SF1234567890123"),
    "ems": Carrier("ems", r"[A-Z]{2}\d{9}[A-Z]{2}|\d{13}", "EA123456789CN"),
    "yto": Carrier("yto", r"YT\d{13}|[A-Z]?\d{10,13}", "YT1234567890123"),
    "zto": Carrier("zto", r"ZT\d{12}|\d{12,15}", "781234567890123"),
    "sto": Carrier("sto", r"\d{12,15}", "7712345678901"),
    "yunda": Carrier("yunda", r"\d{13,15}", "4312345678901"),
    "jt": Carrier("jt", r"JT\d{13}", "JT1234567890123"),
    "jd": Carrier("jd", r"JD[A-Z0-9]{11,15}(-\d+)*", "JDVA12345678901"),
    "deppon": Carrier("deppon", r"DPK\d{12}|\d{8,10}", "DPK123456789012"),
    "self": Carrier("self", "", ""),
}
SELF = "self"


class NotThisNumber(DomainError):
    code = "tracking_number_unlike"


class ParcelDelivered(DomainError):
    code = "parcel_delivered"


class NumberUsed(DomainError):
    code = "tracking_number_used"


# Carriers use their numbers again after some months.
NUMBER_LIVES = timedelta(days=180)


def clean_number(carrier: str, tracking_no: str | None) -> str | None:
    """Return a parcel's number as its carrier writes it, None where it carries none.

    Raises Invalid for an unknown carrier and NotThisNumber for a number unlike its own.
    """
    known = CARRIERS.get(carrier)
    if known is None:
        raise Invalid("carrier", "carrier_not_known")
    number = canonical.squeezed(tracking_no or "").upper()
    if carrier == SELF:
        return number or None
    if not re.fullmatch(known.pattern, number):
        raise NotThisNumber("tracking_no", carrier=known.wording, example=known.example)
    return number


def code_of(text: str) -> str | None:
    """Return the code of a carrier that is named in words, or by its code; None if nobody is."""
    wanted = canonical.code(text).lower()
    for code, carrier in CARRIERS.items():
        name = carrier.wording.zh
        if wanted in (code, name.lower()) or (wanted and name.startswith(wanted)):
            return code
    return None
