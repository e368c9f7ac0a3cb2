"""The bean purse of a member: grant, spend, hold, capture, release, lapse."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, exists, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import InstrumentedAttribute, Session

from mall.kernel import clock
from mall.kernel.errors import Invalid, NotFound
from mall.kernel.ids import new_id
from mall.kernel.money import MAX_FEN
from mall.kernel.text import canonical
from mall.kernel.together import DeferredWrite, Read, Rows, array
from mall.kernel.uow import UnitOfWork
from mall.ledger import statements
from mall.ledger.models import BeanLot, BeanScope
from mall.ledger.rules import Grant, GrantRepeated, Lot, NotEnoughBeans, UnknownScope
from mall.ledger.service import posting
from mall.ledger.service.posting import BEANS, Leg, Transfer, hold_account, lot_account

GRACE = timedelta(days=30)
# Lots that one transaction lapses: half a second of work, so that nobody waits for its locks.
LAPSED_AT_ONCE = 5_000
MAX_GRANTS = 1000
MAX_SCOPE = 2000


def create_scope(uow: UnitOfWork, name: str, product_ids: Sequence[UUID]) -> UUID:
    """Freeze a selection of products under a name, or return the one of that name."""
    known = uow.session.scalars(
        select(BeanScope).where(BeanScope.name_key == canonical.key(name))
    ).first()
    wanted = sorted(set(product_ids))
    if not 0 < len(wanted) <= MAX_SCOPE:
        raise Invalid("product_ids", "scope_products_wrong")
    if known is not None:
        if sorted(known.product_ids) != wanted:
            raise Invalid("name", "scope_differs")
        return known.id
    scope = BeanScope(id=new_id(), name=name, product_ids=wanted, created_at=uow.now)
    uow.session.add(scope)
    uow.session.flush()
    return scope.id


def products_of_lot(session: Session, member_id: UUID, lot_id: UUID) -> frozenset[UUID] | None:
    """Return the products that a member's own lot may pay for; None: every one.

    Raises NotFound for another's lot, as for none.
    """
    row = session.execute(
        select(BeanLot.id, BeanScope.product_ids)
        .outerjoin(BeanScope, BeanScope.id == BeanLot.scope_id)
        .where(BeanLot.id == lot_id, BeanLot.member_id == member_id)
    ).first()
    if row is None:
        raise NotFound("lot", field="lot_id")
    return None if row[1] is None else frozenset(row[1])


def grant(uow: UnitOfWork, grants: Sequence[Grant]) -> list[UUID]:
    """Give beans: one lot for each grant, posted from `beans:issued`.

    Raises GrantRepeated when a reference was used before; then nothing of the batch is given.
    """
    check_grants(uow, grants)
    lots: list[dict[str, Any]] = []
    transfers = []
    for item in grants:
        lot_id = new_id()
        lots.append(
            {
                "id": lot_id,
                "member_id": item.member_id,
                "scope_id": item.scope_id,
                "programme": item.programme,
                "granted_fen": item.amount_fen,
                "balance_fen": item.amount_fen,
                "expires_at": item.expires_at,
                "created_at": uow.now,
            }
        )
        legs = (
            Leg(posting.ISSUED, -item.amount_fen),
            Leg(lot_account(lot_id), item.amount_fen, item.member_id),
        )
        transfers.append(Transfer(f"grant:{item.reference}", "grant", BEANS, legs))
    uow.session.execute(insert(BeanLot), lots)
    try:
        posting.post(uow, transfers)
    except IntegrityError as error:
        if "uq_ledger_transfer_reference" in str(error.orig):
            raise GrantRepeated("reference", reference=grants[0].reference) from error
        raise
    return [lot["id"] for lot in lots]


def check_grants(uow: UnitOfWork, grants: Sequence[Grant]) -> None:
    """Raise Invalid, UnknownScope or GrantRepeated where these cannot be given."""
    if not 0 < len(grants) <= MAX_GRANTS:
        raise Invalid("grants", "grants_wrong")
    for item in grants:
        if not 0 < item.amount_fen <= MAX_FEN:
            raise Invalid("amount_fen", "amount_not_positive")
        if item.expires_at <= uow.now:
            raise Invalid("expires_at", "expiry_not_ahead")
    scopes = {item.scope_id for item in grants if item.scope_id}
    known = set(uow.session.scalars(select(BeanScope.id).where(BeanScope.id.in_(scopes))))
    if scopes - known:
        raise UnknownScope("scope_id")
    references = {f"grant:{item.reference}": item.reference for item in grants}
    used = posting.known_references(uow.session, list(references))
    if used:
        raise GrantRepeated("reference", reference=grants[0].reference)


def reading_lots(member_id: UUID, now: datetime) -> Read:
    """Return the read of the lots a member can spend at this instant; at its expiry a lot is gone."""

    def build(rows: Rows) -> list[Lot]:
        return [
            Lot(
                UUID(row["id"]),
                row["balance_fen"],
                datetime.fromisoformat(row["expires_at"]),
                frozenset(map(UUID, row["product_ids"])) if row["product_ids"] else None,
                row["allows_top_up"],
                UUID(row["programme_id"]) if row["programme_id"] else None,
            )
            for row in rows
        ]

    return Read(statements.SPENDABLE, {"purse_member_id": str(member_id), "purse_at": now}, build)


@dataclass(frozen=True)
class Taking:
    """So much of each lot of a member, for an order, at an instant."""

    member_id: UUID
    order_id: UUID
    amounts: Mapping[UUID, int]
    at: datetime


def _take(taking: Taking, kind: str) -> DeferredWrite:
    amounts, order_id = taking.amounts, taking.order_id
    lot_ids = sorted(amounts)
    is_spent = kind == "spend"
    values = {
        "lots_ids": array(lot_ids),
        "lots_amounts": array([amounts[lot_id] for lot_id in lot_ids]),
        "lots_entry_ids": array([new_id() for _ in lot_ids]),
        "lots_member_id": str(taking.member_id),
        "lots_order_id": str(order_id),
        "lots_at": taking.at,
        "lots_transfer_id": str(new_id()),
        "lots_reference": f"{kind}:{order_id}",
        "lots_kind": kind,
        "lots_total_entry_id": str(new_id()),
        "lots_to_account": posting.BEAN_SALES if is_spent else hold_account(order_id),
        "lots_total": str(sum(amounts.values())),
    }
    fragment = statements.SPEND if is_spent else statements.HOLD
    return DeferredWrite(fragment, values, NotEnoughBeans("beans"))


def spending(taking: Taking) -> DeferredWrite:
    """Return the write that spends lots on an order.

    Writing it raises NotEnoughBeans and keeps nothing where a lot is short. It locks the lots in
    id order until the transaction ends.
    """
    return _take(taking, "spend")


def holding(taking: Taking) -> DeferredWrite:
    """Return the write that sets beans aside for an order that waits for WeChat.

    It refuses and locks as that of `spending` does.
    """
    return _take(taking, "hold")


def _settle(uow: UnitOfWork, order_id: UUID, state: str) -> dict[UUID, int]:
    rows = uow.session.execute(
        statements.SETTLE_HOLDS, {"order_id": order_id, "state": state}
    ).all()
    return {row.lot_id: row.amount_fen for row in rows}


def capture(uow: UnitOfWork, order_id: UUID) -> int:
    """Spend what an order holds and return how much; doing it again changes nothing."""
    held = _settle(uow, order_id, "captured")
    total = sum(held.values())
    if total:
        legs = (Leg(hold_account(order_id), -total), Leg(posting.BEAN_SALES, total))
        posting.post(uow, [Transfer(f"capture:{order_id}", "capture", BEANS, legs)])
    return total


def release(uow: UnitOfWork, order_id: UUID) -> int:
    """Give back what an unpaid order holds, to the lots it came from; again changes nothing.

    Holding buys no time: what comes back to a lot that expired meanwhile lapses with it.
    """
    held = _settle(uow, order_id, "released")
    how = _Return(hold_account(order_id), f"release:{order_id}", "release", has_grace=False)
    return _give_back(uow, held, how)


def has_vouchers(session: Session, lot_ids: Collection[UUID]) -> bool:
    """Tell whether one of the lots is a right that only its redemption spends."""
    query = select(BeanLot.id).where(BeanLot.id.in_(lot_ids), BeanLot.is_voucher)
    return session.scalars(query.limit(1)).first() is not None


def is_untouched(session: Session, lot_id: UUID) -> bool:
    """Tell whether nothing of a lot was spent or is held."""
    lot = session.get(BeanLot, lot_id, with_for_update=True, populate_existing=True)
    return lot is not None and lot.balance_fen == lot.granted_fen


def untouched(lot_id: InstrumentedAttribute[UUID | None]) -> ColumnElement[bool]:
    """Return the condition that nothing of the lot in this column was spent or is held."""
    return exists().where(BeanLot.id == lot_id, BeanLot.balance_fen == BeanLot.granted_fen)


def unspend(uow: UnitOfWork, order_id: UUID, amounts: Mapping[UUID, int]) -> int:
    """Give back what a paid order spent of each lot; a second time fails on its reference.

    What comes back of a lot that expired meanwhile can be spent for the grace period.
    """
    return _give_back(uow, amounts, _Return(posting.BEAN_SALES, f"unspend:{order_id}", "unspend"))


def reimburse(uow: UnitOfWork, reimbursement_id: UUID, amounts: Mapping[UUID, int]) -> int:
    """Give back a part of what a paid order spent of each lot; a second time fails.

    A right takes nothing back: what it paid for goes to its union's fund.
    """
    reference = f"unspend:{reimbursement_id}"
    how = _Return(posting.BEAN_SALES, reference, "unspend", spares_rights=True)
    return _give_back(uow, amounts, how)


def by_programme(session: Session, amounts: Mapping[UUID, int]) -> dict[UUID, int]:
    """Return how much of amounts by lot is of which programme; lots of none are left out."""
    query = select(BeanLot.id, BeanLot.programme_id).where(BeanLot.id.in_(amounts))
    found: dict[UUID, int] = {}
    for lot_id, programme_id in session.execute(query):
        if programme_id is not None:
            found[programme_id] = found.get(programme_id, 0) + amounts[lot_id]
    return found


@dataclass(frozen=True)
class _Return:
    """From which account beans come back, under which reference and kind, on which terms."""

    from_account: str
    reference: str
    kind: str
    has_grace: bool = True
    spares_rights: bool = False


def _give_back(uow: UnitOfWork, amounts: Mapping[UUID, int], how: _Return) -> int:
    if not amounts:
        return 0
    lot_ids = sorted(amounts)
    rows = uow.session.execute(
        statements.GIVE_BACK,
        {
            "lot_ids": lot_ids,
            "amounts": [amounts[lot_id] for lot_id in lot_ids],
            "grace_ids": [new_id() for _ in lot_ids],
            "now": uow.now,
            "grace_until": uow.now + GRACE,
            "has_grace": how.has_grace,
            "today": clock.beijing_day(uow.now),
            "spares_rights": how.spares_rights,
        },
    ).all()
    total = sum(amounts.values())
    legs = [Leg(how.from_account, -total)]
    legs += [Leg(lot_account(row.lot_id), amounts[row.came_from_id], row.member_id) for row in rows]
    over = set(lot_ids) - {row.came_from_id for row in rows}
    passed_on = _pass_on(uow, {lot_id: amounts[lot_id] for lot_id in over}, legs, how.reference)
    posting.post(uow, [Transfer(how.reference, how.kind, BEANS, tuple(legs)), *passed_on])
    return total


def _pass_on(
    uow: UnitOfWork, amounts: Mapping[UUID, int], legs: list[Leg], reference: str
) -> list[Transfer]:
    """Let amounts pass through lots that take nothing back, to their funds or to nobody.

    Adds what arrives at the lots to `legs` and returns the transfers that leave them again.
    """
    if not amounts:
        return []
    away: dict[str, list[Leg]] = {"return": [], "lapse": []}
    rows = uow.session.execute(statements.LOTS_OVER, {"lot_ids": sorted(amounts)}).all()
    for row in rows:
        amount, account = amounts[row.id], lot_account(row.id)
        legs.append(Leg(account, amount, row.member_id))
        kind = "lapse" if row.fund_id is None else "return"
        away[kind].append(Leg(account, -amount, row.member_id))
        away[kind].append(Leg(posting.leftover_account(row.fund_id), amount))
    _fill_funds(uow, [(row.fund_id, amounts[row.id]) for row in rows])
    return [
        Transfer(f"{kind}:{reference}", kind, BEANS, tuple(each))
        for kind, each in away.items()
        if each
    ]


def _fill_funds(uow: UnitOfWork, leftovers: Iterable[tuple[UUID | None, int]]) -> None:
    """Add what is left over to the funds that it belongs to; without one it has lapsed."""
    funds: dict[UUID, int] = {}
    for fund_id, amount in leftovers:
        if fund_id is not None and amount:
            funds[fund_id] = funds.get(fund_id, 0) + amount
    if funds:
        uow.session.execute(
            statements.FILL_FUNDS, {"fund_ids": list(funds), "amounts": list(funds.values())}
        )


def lapse_expired(uow: UnitOfWork, limit: int = LAPSED_AT_ONCE) -> int:
    """Take what is left on expired lots to their fund or to `beans:lapsed`, as one transfer.

    Returns how many lots were looked at. Expired beans cannot be spent, swept or not: this only
    moves them to where they belong. Vouchers end with their programme, not here.
    """
    transfer_id = new_id()
    rows = uow.session.execute(
        statements.LAPSE_DUE,
        {
            "now": uow.now,
            "limit": limit,
            "transfer_id": transfer_id,
            "reference": f"lapse:{transfer_id}",
            "lot_entry_ids": [new_id() for _ in range(limit)],
            "other_entry_ids": [new_id() for _ in range(limit)],
            "lapsed_account": posting.LAPSED,
        },
    ).all()
    _fill_funds(uow, [(row.leftover_fund_id, row.fen) for row in rows])
    return int(rows[0].lots)
