"""Take a notice of WeChat's and answer as its version of the API expects it."""

from collections.abc import Callable
from dataclasses import replace

import structlog
from flask import Response, jsonify, request

from mall.kernel.errors import DomainError
from mall.kernel.uow import UnitOfWork, unit_of_work
from orders.payments import process, service
from orders.payments.gateway import IncomingNotice, WireMessage

log = structlog.get_logger(__name__)

_XML = (
    "<xml><return_code><![CDATA[{code}]]></return_code>"
    "<return_msg><![CDATA[{message}]]></return_msg></xml>"
)


def incoming() -> IncomingNotice:
    """Return the notice of the request at work, as it came."""
    return IncomingNotice(dict(request.headers), request.get_data(cache=False))


def apply(effect: Callable[[UnitOfWork], None], message: WireMessage) -> None:
    """Do what a verified notice asks for and keep its text, in one transaction.

    Where it is refused all the same, the text is kept with the reason: it is WeChat's word.
    """
    try:
        with unit_of_work() as uow:
            service.keep_message(uow, message)
            effect(uow)
    except DomainError as error:
        process.record_message(replace(message, outcome=f"{error.code}: {error}"[:200]))
        raise


def answer(found: IncomingNotice, work: Callable[[], None], about: str) -> Response:
    """Do the work of a notice and answer: taken, or not, so that WeChat repeats it."""
    refusal = ""
    try:
        work()
    except DomainError as error:
        log.warning(f"{about}_refused", code=error.code, reason=str(error))
        refusal = error.code
    if found.body.lstrip()[:1] == b"{":
        if not refusal:
            return Response(status=200)
        reply = jsonify(code="FAIL", message=refusal)
        reply.status_code = 400
        return reply
    text = _XML.format(code="FAIL" if refusal else "SUCCESS", message=refusal or "OK")
    return Response(text, content_type="text/xml; charset=utf-8")
