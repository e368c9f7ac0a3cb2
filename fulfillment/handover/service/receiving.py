"""A union receives what goes to the unit, load by load, and claims what is wrong (docs/adr/0025)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from fulfillment.after_sales import rules as after_sales_rules
from fulfillment.after_sales.rules import Request
from fulfillment.after_sales.service import deciding
from fulfillment.dispatch.models import FulfillmentLine
from fulfillment.handover import queries, rules
from fulfillment.handover.models import LoadReceipt, LoadReceiptLine
from fulfillment.handover.rules import Counted
from fulfillment.shipments import service as shipment_service
from mall.approvals.rules import ACCEPTANCE, Subject
from mall.approvals.service import authors
from mall.kernel.clock import BEIJING
from mall.kernel.errors import NotFound
from mall.kernel.uow import UnitOfWork
from orders.programmes import queries as programme_queries
from orders.programmes.service import lifecycle
from orders.programmes.service.lifecycle import Officer


@dataclass(frozen=True)
class Receipt:
    """What an officer says of a load; lines left out came whole."""

    shipment_id: UUID
    lines: Sequence[Counted] = ()
    wish: str = rules.REFUND
    note: str = ""


def receive(uow: UnitOfWork, officer: Officer, programme_id: UUID, told: Receipt) -> list[UUID]:
    """Record the receipt of a load, once, and open a case for each shortage and damage.

    Returns the cases. Raises NotFound, LoadReceived and Invalid; then nothing is kept. Locks the
    programme, then order and part, as every case does.
    """
    # Locked: whoever accepts the programme at this moment sees who counted what came, or waits.
    programme_queries.lock_of_union(uow, officer.union_id, programme_id)
    signer = lifecycle.signer_of(uow, officer)
    authors.touch(uow, Subject(ACCEPTANCE, programme_id), signer)
    shipment = queries.load(uow.session, programme_id, told.shipment_id)
    part = shipment_service.lock_part(uow, shipment)
    known = uow.session.get(LoadReceipt, shipment.id)
    if known is not None:
        at = f"{known.received_at.astimezone(BEIJING):%Y-%m-%d %H:%M}"
        raise rules.LoadReceived("shipment_id", at=at)
    lines = _count(uow, told)
    uow.session.add(
        LoadReceipt(
            shipment_id=shipment.id,
            programme_id=programme_id,
            received_at=uow.now,
            received_by=officer.signature.actor,
            note=told.note,
        )
    )
    uow.session.flush()
    uow.session.add_all(lines)
    uow.session.flush()
    shipment_service.arrive(uow, part, shipment, officer.signature.actor)
    cases = []
    for line in lines:
        short = line.sent - line.received - line.damaged
        for quantity, reason in ((short, "too_few"), (line.damaged, "damaged")):
            if quantity:
                asked = _claim(uow, line, (quantity, reason), told)
                # The unit's order is its union's.
                case = deciding.ask(uow, officer.union_id, part.order_id, asked)
                cases.append(case.id)
    return cases


def _count(uow: UnitOfWork, told: Receipt) -> list[LoadReceiptLine]:
    sent = queries.sent_in(uow.session, told.shipment_id)
    counted = {each.line_id: (index, each) for index, each in enumerate(told.lines)}
    for line_id, (index, _) in counted.items():
        if line_id not in sent:
            raise NotFound("line", field=f"lines.{index}.line_id")
    rows = []
    for line_id, quantity in sent.items():
        index, each = counted.get(line_id, (0, Counted(line_id, quantity)))
        rules.check_counted(index, quantity, each)
        rows.append(
            LoadReceiptLine(
                shipment_id=told.shipment_id,
                fulfillment_line_id=line_id,
                sent=quantity,
                received=each.received,
                damaged=each.damaged,
            )
        )
    return rows


def _claim(
    uow: UnitOfWork, counted: LoadReceiptLine, what: tuple[int, str], told: Receipt
) -> Request:
    quantity, reason = what
    line = uow.session.get_one(FulfillmentLine, counted.fulfillment_line_id)
    kind = (
        after_sales_rules.REFUND_ONLY if told.wish == rules.REFUND else after_sales_rules.EXCHANGE
    )
    return Request(
        line.order_line_id,
        kind,
        quantity,
        reason,
        f"现场签收：{told.note}" if told.note else "现场签收",
        needs_return=False,
    )


def loads_of(session: Session, programme_id: UUID) -> list[dict[str, Any]]:
    """Return every parcel that goes to the unit, with what was sent and what came."""
    found = []
    for shipment, part in queries.loads(session, programme_id):
        receipt = session.get(LoadReceipt, shipment.id)
        counted = queries.counted_in(session, shipment.id)
        titles = queries.titles_of(session, part.id)
        found.append(
            {
                "shipment_id": shipment.id,
                "fulfillment_order_id": part.id,
                "number": part.number,
                "carrier": shipment.carrier,
                "tracking_no": shipment.tracking_no,
                "dispatched_at": shipment.dispatched_at,
                "received_at": receipt.received_at if receipt is not None else None,
                "received_by": receipt.received_by if receipt is not None else None,
                "note": receipt.note if receipt is not None else "",
                "lines": [
                    {
                        "line_id": line_id,
                        "title": titles[line_id],
                        "sent": quantity,
                        "received": counted[line_id].received if line_id in counted else None,
                        "damaged": counted[line_id].damaged if line_id in counted else None,
                    }
                    for line_id, quantity in queries.sent_in(session, shipment.id).items()
                ],
            }
        )
    return found
