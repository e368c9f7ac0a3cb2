"""Close a programme: the default pack for whoever never chose, leftovers to the fund or lapsed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text

from mall.kernel.uow import UnitOfWork
from mall.ledger.service import funds
from orders.collective import rules
from orders.collective.service import issuing
from orders.collective.service.funding import SYSTEM
from orders.entitlements import rules as entitlement_rules
from orders.entitlements import service as entitlement_service
from orders.entitlements.models import Entitlement
from orders.programmes import queries as programme_queries
from orders.programmes import rules as programme_rules
from orders.programmes.models import Programme
from orders.programmes.service import history, lifecycle
from orders.programmes.service.history import Step
from orders.programmes.service.lifecycle import Officer

ORDERED_WITHIN = timedelta(days=1)
# What a cheaper pack left on a voucher, or nobody spent.
_LEFT = text(
    """
    SELECT l.id FROM entitlement t JOIN bean_lot l ON l.id = t.lot_id
    WHERE t.programme_id = :programme_id AND l.balance_fen > 0
    ORDER BY l.id LIMIT :limit
    """
)


def request_close(uow: UnitOfWork, officer: Officer, programme_id: UUID, reason: str) -> None:
    """End an active programme before its time; workers do the rest. Raises WrongState."""
    programme = programme_queries.lock_of_union(uow, officer.union_id, programme_id)
    rules.check_active(programme.state)
    if programme.close_requested_at is None:
        programme.close_requested_at = programme.due_at = uow.now
        history.append(uow, programme, Step(officer.signature, "close_requested", reason))


def close_chunk(uow: UnitOfWork, programme: Programme, limit: int = rules.CHUNK) -> int:
    """Settle as many entitlements of a locked programme as fit one transaction; return how many.

    None left: it is closed. Who never chose gets the default pack, delivered to the unit, if the
    union said so; else what is left returns or lapses. Raises LinesUnavailable and OutOfStock
    where the default pack is short; then nothing of the chunk is done.
    """
    # Over before everybody was served: those who were are told first.
    if programme.state == programme_rules.ISSUING:
        issuing.end_run(uow, programme)
    _end_unissued(uow, programme)
    if programme.delivery == programme_rules.UNIT:
        _close(uow, programme)
        return 0
    unused = entitlement_service.take_unused(uow, programme.id, limit)
    if unused:
        has_default = programme.default_pack_id is not None and not programme.skips_default
        (_give_default if has_default else _end)(uow, programme, unused)
        return len(unused)
    values = {"programme_id": programme.id, "limit": limit}
    left = [row.id for row in uow.session.execute(_LEFT, values)]
    if left:
        _reclaim(uow, programme, left)
        return len(left)
    _close(uow, programme)
    return 0


def skip_default(uow: UnitOfWork, officer: Officer, programme_id: UUID, reason: str) -> None:
    """Close without the default pack, for example because it is sold out for good."""
    programme = programme_queries.lock_of_union(uow, officer.union_id, programme_id)
    rules.check_active(programme.state)
    programme.skips_default = True
    programme.due_at = uow.now
    history.append(uow, programme, Step(officer.signature, "default_skipped", reason))


def _end_unissued(uow: UnitOfWork, programme: Programme) -> None:
    count = entitlement_service.withdraw_listed(uow, programme.id)
    if count:
        programme.head_count -= count
        programme.budget_fen -= count * programme.per_member_fen
        uow.session.flush()
        history.append(uow, programme, Step(SYSTEM, "unissued_withdrawn", details={"count": count}))


def _give_default(uow: UnitOfWork, programme: Programme, unused: Sequence[Entitlement]) -> None:
    ids = [each.id for each in unused]
    lot_ids = [entitlement.lot_id for entitlement in unused if entitlement.lot_id is not None]
    terms = programme_queries.terms_of(programme)
    # What is ordered with it at once must not have expired, however late the closing is done.
    terms = replace(terms, expires_at=max(terms.expires_at, uow.now + ORDERED_WITHIN))
    total = sum(each.amount_fen for each in unused)
    lot_id = funds.transfer_lots(uow, lot_ids, terms, programme.id, f"default:{ids[0]}")
    assert programme.default_pack_id is not None and lot_id is not None
    issuing.order_for_unit(uow, programme, programme.default_pack_id, ids, [(lot_id, total)])
    entitlement_service.mark(uow, ids, state=entitlement_rules.REDEEMED, redeemed_at=uow.now)
    # What the default pack cost less than was issued is left over like anything else.
    _reclaim(uow, programme, [lot_id])
    details = {"count": len(ids), "pack_id": str(programme.default_pack_id)}
    history.append(uow, programme, Step(SYSTEM, "default_given", details=details))


def _end(uow: UnitOfWork, programme: Programme, unused: Sequence[Entitlement]) -> None:
    _reclaim(
        uow,
        programme,
        [entitlement.lot_id for entitlement in unused if entitlement.lot_id is not None],
    )
    entitlement_service.mark(
        uow,
        [each.id for each in unused],
        state=entitlement_rules.ENDED,
        ended_at=uow.now,
    )


def _reclaim(uow: UnitOfWork, programme: Programme, lot_ids: Sequence[UUID]) -> None:
    fund_id = programme.id if programme.leftover == programme_rules.RETURN else None
    # With the instant: what comes back to the same lots later is another transfer.
    reference = f"leftover:{lot_ids[0]}:{uow.now.isoformat()}"
    funds.reclaim_lots(uow, lot_ids, fund_id, reference)


def _close(uow: UnitOfWork, programme: Programme) -> None:
    programme.closed_at, programme.due_at = uow.now, None
    funds.close_fund(uow, programme.id)
    lifecycle.step(uow, programme, SYSTEM, programme_rules.CLOSED)
