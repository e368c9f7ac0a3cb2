"""The tracking gateway on kuaidi100's published interface."""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import requests

from fulfillment.tracking import gateway, rules
from fulfillment.tracking.gateway import Outcome, PushRefused, TrackingNumber, TrackingUpdate
from fulfillment.tracking.rules import Report
from mall.kernel.clock import BEIJING, known_moment
from mall.kernel.outgoing.session import BoundedSession, Bounds
from mall.kernel.settings import Kuaidi100Settings
from mall.kernel.text import canonical

# Our codes of carriers, as kuaidi100 writes them.
COMPANIES: Mapping[str, str] = {
    "sf": "shunfeng",
    "ems": "ems",
    "yto": "yuantong",
    "zto": "zhongtong",
    "sto": "shentong",
    "yunda": "yunda",
    "jt": "jtexpress",
    "jd": "jd",
    "deppon": "debangkuaidi",
}
_CARRIERS = {company: code for code, company in COMPANIES.items()}
# The first digit of a status code; longer codes say more of the same.
_STATES = {
    "0": rules.IN_TRANSIT,
    "1": rules.COLLECTED,
    "2": rules.TROUBLE,
    "3": rules.DELIVERED,
    "4": rules.RETURNED,
    "5": rules.OUT,
    "6": rules.RETURNING,
    "7": rules.IN_TRANSIT,
    "8": rules.IN_TRANSIT,
}
# Put into a locker or left at a station: it waits there.
_WAITING = ("304", "501")
OK, AGAIN = "200", "501"
# Parameters, carrier, number: asking again is vain. Everything else may pass.
REFUSALS = ("400", "700", "701", "702")
MAX_ANSWER_BYTES = 512 * 1024


class Kuaidi100:
    """Asks kuaidi100, or its stand-in."""

    def __init__(self, settings: Kuaidi100Settings) -> None:
        self._settings = settings
        self._session = BoundedSession(Bounds(settings.timeout_seconds, MAX_ANSWER_BYTES))

    def subscribe(self, parcel: TrackingNumber, callback: str, salt: str) -> Outcome:
        parameters = {
            "callbackurl": callback,
            "salt": salt,
            "resultv2": "4",
            "phone": parcel.phone_end,
        }
        wanted = {
            "company": COMPANIES[parcel.carrier],
            "number": parcel.tracking_no,
            "key": self._settings.key,
            "parameters": parameters,
        }
        answer = self._post("/poll", {"schema": "json", "param": _json(wanted)})
        if answer is None:
            return Outcome(gateway.LATER, "no answer")
        code, message = str(answer.get("returnCode", "")), str(answer.get("message", ""))
        if answer.get("result") is True or code == AGAIN:
            return Outcome(gateway.ACCEPTED)
        state = gateway.REFUSED if code in REFUSALS else gateway.LATER
        return Outcome(state, f"{code} {message}"[:200])

    def ask(self, parcel: TrackingNumber) -> TrackingUpdate | None:
        company = COMPANIES[parcel.carrier]
        wanted = {
            "com": company,
            "num": parcel.tracking_no,
            "phone": parcel.phone_end,
            "resultv2": "4",
        }
        param = _json(wanted)
        sign = _md5(param + self._settings.key + self._settings.customer)
        form = {"customer": self._settings.customer, "sign": sign, "param": param}
        answer = self._post("/poll/query.do", form)
        if answer is None or str(answer.get("status")) != OK:
            return None
        return TrackingUpdate(parcel.carrier, parcel.tracking_no, _reports(answer.get("data")))

    def parse_push(self, form: dict[str, str], salt: str) -> TrackingUpdate:
        param = form.get("param", "")
        if not hmac.compare_digest(
            form.get("sign", "").upper().encode(), _md5(param + salt).encode()
        ):
            raise PushRefused("the signature is wrong")
        try:
            told = json.loads(param)
            result, status = told["lastResult"], str(told.get("status", ""))
            carrier, number = _CARRIERS[result["com"]], str(result["nu"])
        except (ValueError, KeyError, TypeError) as error:
            raise PushRefused("it is not understood") from error
        reports = _reports(result.get("data"))
        return TrackingUpdate(carrier, number, reports, status == "shutdown", status == "abort")

    def _post(self, path: str, form: dict[str, str]) -> dict[str, Any] | None:
        try:
            reply = self._session.post(self._settings.base.rstrip("/") + path, data=form)
            if not reply.ok:
                return None
            found = json.loads(reply.content)
        except (requests.RequestException, ValueError):
            return None
        return found if isinstance(found, dict) else None


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _md5(text: str) -> str:
    # Their choice, not ours.
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest().upper()


def _reports(rows: Any) -> Sequence[Report]:
    """Return the events of an answer; one that is not understood is left out."""
    found = []
    for row in rows[: rules.MAX_EVENTS] if isinstance(rows, list) else []:
        try:
            told_at = datetime.fromisoformat(str(row.get("ftime") or row["time"]))
            at = known_moment(told_at.replace(tzinfo=told_at.tzinfo or BEIJING))
            if at is None:
                continue
            text = canonical.prose(str(row["context"])[:1000])[: rules.MAX_TEXT]
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
        place = str(row.get("areaName") or row.get("location") or "")[:100]
        found.append(Report(at, _state(str(row.get("statusCode") or "0")), text, place))
    return found


def _state(code: str) -> str:
    return rules.WAITING if code in _WAITING else _STATES.get(code[:1], rules.IN_TRANSIT)
