"""Ask the aggregator, off the request and outside any transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from flask import current_app

from fulfillment.shipments import service as shipment_service
from fulfillment.tracking import queries, rules, service
from fulfillment.tracking.gateway import TrackingGateway, TrackingNumber
from mall.kernel import clock
from mall.kernel.rows.sweeping import one_by_one
from mall.kernel.settings import Kuaidi100Settings, current_settings
from mall.kernel.uow import reading, unit_of_work

MAX_RUN_SECONDS = 20
# These tell nobody but who knows how the recipient's phone ends.
NEEDS_PHONE = ("sf",)


@dataclass(frozen=True)
class Claimed:
    """A parcel whose turn this worker has, by the id of its shipment."""

    id: UUID
    parcel: TrackingNumber


def subscribe_parcels(limit: int = 200) -> int:
    """Subscribe parcels that are to be watched; run by the scheduler. Returns how many were tried."""
    return one_by_one("subscribe_parcels", _claimed((rules.WANTED,), limit), _subscribe)


def _subscribe(claimed: Claimed) -> bool:
    settings, gateway = _configured()
    callback = f"{settings.callback_url.rstrip('/')}/{claimed.id}"
    salt = rules.salt_of(claimed.id, current_settings().secret_key)
    outcome = gateway.subscribe(claimed.parcel, callback, salt)
    with unit_of_work() as uow:
        service.note_subscription(uow, claimed.id, outcome)
    return True


def ask_about_silent(limit: int = 200) -> int:
    """Ask about parcels of which nothing was heard for long; run by the scheduler."""
    return one_by_one("ask_about_silent", _claimed((rules.WATCHED, rules.ASKED), limit), _ask)


def _ask(claimed: Claimed) -> bool:
    news = _configured()[1].ask(claimed.parcel)
    with unit_of_work() as uow:
        service.note_asked(uow, claimed.id)
        if news is not None:
            service.take_update(uow, claimed.id, news)
    return True


def _configured() -> tuple[Kuaidi100Settings, TrackingGateway]:
    return current_settings().kuaidi100, current_app.extensions["mall_tracking_gateway"]


def _claimed(watches: Sequence[str], limit: int) -> list[Claimed]:
    """Return parcels that are due, claimed one by one."""
    if not current_settings().kuaidi100.is_configured:
        return []
    with reading() as session:
        due = queries.due(session, watches, clock.now(), limit)
    found: list[Claimed] = []

    def claim(shipment_id: UUID) -> bool:
        with unit_of_work() as uow:
            claimed = service.claim(uow, shipment_id, watches)
            if claimed is None or claimed.tracking_no is None:
                return False
            needs_phone = claimed.carrier in NEEDS_PHONE
            end = shipment_service.phone_end(uow.session, shipment_id) if needs_phone else ""
            parcel = TrackingNumber(claimed.carrier, claimed.tracking_no, end)
        found.append(Claimed(shipment_id, parcel))
        return True

    one_by_one("claim_parcels", due, claim, MAX_RUN_SECONDS)
    return found
