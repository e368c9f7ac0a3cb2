"""List rights, mark them issued, end them; each a step of one row or of many at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update

from mall.kernel.errors import NotFound
from mall.kernel.ids import new_id
from mall.kernel.together import DeferredWrite, document
from mall.kernel.uow import UnitOfWork
from mall.ledger.service.funds import Given
from mall.members.rosters import queries as roster_queries
from mall.members.rosters.rules import Listed
from orders.entitlements import rules, statements
from orders.entitlements.models import Entitlement

CHUNK = 2000


@dataclass(frozen=True)
class Listing:
    """Who is to get how much of a programme, and when each is due."""

    programme_id: UUID
    amount_fen: int
    birthday: str
    opens_on: date
    closes_on: date


@dataclass(frozen=True)
class Chunk:
    """Rights that are issued in one transaction: those listed and due, by their positions."""

    programme_id: UUID
    after: int
    up_to: int
    today: date
    count: int


def list_roster(uow: UnitOfWork, listing: Listing, roster_id: UUID) -> int:
    """List everybody of a roster anew and return how many; what was listed before is forgotten."""
    uow.session.execute(
        delete(Entitlement).where(
            Entitlement.programme_id == listing.programme_id, Entitlement.state == rules.LISTED
        )
    )
    count, after = 0, 0
    while True:
        found = roster_queries.people(uow.session, roster_id, after, CHUNK)
        people = found[:CHUNK]
        if people:
            _insert(uow, listing, [_row(listing, person) for person in people])
        count += len(people)
        if len(found) <= CHUNK:
            return count
        after = people[-1].position


def add_recipient(uow: UnitOfWork, listing: Listing, entry: Listed, position: int) -> None:
    """List one more person, at the end."""
    row = _row(listing, entry)
    row["position"] = position
    _insert(uow, listing, [row])


def _insert(uow: UnitOfWork, listing: Listing, rows: list[dict[str, Any]]) -> None:
    values = {"programme_id": listing.programme_id, "amount_fen": listing.amount_fen}
    uow.session.execute(statements.LIST, {**values, "rows": document(rows)})


def _row(listing: Listing, entry: Listed) -> dict[str, Any]:
    names = ("position", "name", "phone", "employee_no", "department", "member_id")
    due = rules.due_on(listing.birthday, entry.born_on, listing.opens_on, listing.closes_on)
    values = {name: getattr(entry, name) for name in names}
    return {"id": new_id(), "entry_id": entry.id, "due_on": due, **values}


def next_chunk(
    uow: UnitOfWork, programme_id: UUID, after: int, today: date, limit: int
) -> Chunk | None:
    """Return which rights of a locked programme are issued next: so many that are listed and due."""
    values = {"programme_id": programme_id, "after": after, "today": today}
    row = uow.session.execute(statements.NEXT_CHUNK, {**values, "limit": limit}).one()
    return Chunk(programme_id, after, row.up_to, today, row.rights) if row.rights else None


def giving(uow: UnitOfWork, chunk: Chunk, has_codes: bool) -> Given:
    """Return the statement that marks a chunk issued and gives the lots it must get.

    Who is no member yet has to wait: the lot is the right's own.
    """
    # By position: of the few that are left out between them, the codes are thrown away.
    codes = [rules.new_code() for _ in range(chunk.up_to - chunk.after)] if has_codes else []
    return Given(statements.ISSUE, {**_bounds(uow, chunk), "codes": codes})


def issue_without_lots(uow: UnitOfWork, chunk: Chunk) -> dict[UUID, int]:
    """Mark a chunk issued whose people get no lot; return each right's amount in fen."""
    rows = uow.session.execute(statements.ISSUE_WITHOUT_LOTS, _bounds(uow, chunk))
    return {row.id: row.amount_fen for row in rows}


def _bounds(uow: UnitOfWork, chunk: Chunk) -> dict[str, Any]:
    return {
        "programme_id": chunk.programme_id,
        "after": chunk.after,
        "up_to": chunk.up_to,
        "today": chunk.today,
        "issued_at": uow.now,
    }


def lock(uow: UnitOfWork, entitlement_id: UUID) -> Entitlement:
    """Lock a right until the transaction ends, and return it as it is now; raise NotFound."""
    found = uow.session.scalars(
        select(Entitlement)
        .where(Entitlement.id == entitlement_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
    if found is None:
        raise NotFound("entitlement")
    return found


@dataclass(frozen=True)
class Redemption:
    """A right is redeemed by an order; by its code also one that nobody has claimed."""

    entitlement_id: UUID
    order_id: UUID
    pack_id: UUID | None
    is_by_code: bool
    at: datetime


def redeeming(made: Redemption) -> DeferredWrite:
    """Return the write that redeems an open right, to be written with the order that it is for.

    Where it is not open any more, writing raises AlreadyRedeemed and nothing is kept.
    """
    values = {
        "right_id": str(made.entitlement_id),
        "right_order_id": str(made.order_id),
        "right_pack_id": str(made.pack_id) if made.pack_id else None,
        "right_at": made.at,
        "right_states": f"{{{rules.OPEN},{rules.WAITING}}}"
        if made.is_by_code
        else f"{{{rules.OPEN}}}",
    }
    return DeferredWrite(statements.REDEEM, values, rules.AlreadyRedeemed(), is_first=True)


def reopen(uow: UnitOfWork, entitlement: Entitlement) -> None:
    """Open a redeemed right again, its order being cancelled in the same transaction."""
    rules.STATES.check(entitlement.state, rules.OPEN)
    entitlement.state = rules.OPEN
    entitlement.order_id = entitlement.pack_id = entitlement.redeemed_at = None
    uow.session.flush()


def claim(uow: UnitOfWork, entitlement: Entitlement, member_id: UUID, lot_id: UUID | None) -> None:
    """Give a right that waits to the member who proved to be its person."""
    rules.STATES.check(entitlement.state, rules.OPEN)
    entitlement.state, entitlement.member_id = rules.OPEN, member_id
    entitlement.lot_id = lot_id
    uow.session.flush()


def withdraw(uow: UnitOfWork, entitlement: Entitlement) -> None:
    """Take a right back that was not used; raise AlreadyRedeemed."""
    if entitlement.state in (rules.REDEEMED, rules.ENDED):
        raise rules.AlreadyRedeemed()
    rules.STATES.check(entitlement.state, rules.WITHDRAWN)
    entitlement.state, entitlement.ended_at = rules.WITHDRAWN, uow.now
    uow.session.flush()


def take_unused(uow: UnitOfWork, programme_id: UUID, limit: int) -> list[Entitlement]:
    """Lock rights that were issued and not used, in their order."""
    return list(
        uow.session.scalars(
            select(Entitlement)
            .where(
                Entitlement.programme_id == programme_id,
                Entitlement.state.in_((rules.OPEN, rules.WAITING)),
            )
            .order_by(Entitlement.position)
            .limit(limit)
            .with_for_update()
        )
    )


def withdraw_listed(uow: UnitOfWork, programme_id: UUID) -> int:
    """Withdraw what a programme listed and has not issued; return how many."""
    values = {"programme_id": programme_id, "now": uow.now}
    return len(uow.session.execute(statements.WITHDRAW_LISTED, values).all())


def redeem_in_bulk(uow: UnitOfWork, programme_id: UUID) -> int:
    """Note that rights which were ordered for the unit have been served; return how many."""
    served = uow.session.execute(
        update(Entitlement)
        .where(
            Entitlement.programme_id == programme_id,
            Entitlement.state.in_((rules.OPEN, rules.WAITING)),
            Entitlement.order_id.is_not(None),
        )
        .values(state=rules.REDEEMED, redeemed_at=uow.now)
        .returning(Entitlement.id)
        .execution_options(synchronize_session=False)
    )
    return len(served.all())


def mark(uow: UnitOfWork, ids: Sequence[UUID], **values: Any) -> None:
    """Note the same of many rights that this transaction has locked."""
    uow.session.execute(
        update(Entitlement)
        .where(Entitlement.id.in_(ids))
        .values(**values)
        .execution_options(synchronize_session=False)
    )
