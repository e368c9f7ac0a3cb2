"""Read a programme's money, progress and notice; and the invariants of all of them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mall.ledger.service import funds
from mall.members.rules import mask_phone
from orders.collective import rules
from orders.collective.models import Funding
from orders.entitlements import queries as entitlement_queries
from orders.entitlements.models import Entitlement
from orders.payments.models import Payment
from orders.programmes import queries as programme_queries
from orders.programmes.models import Programme

# Steps that the public may see; who took them is the union's own affair.
SHOWN_ACTS = ("submitted", "approved", "funded", "issuing", "active", "closed", "accepted")


def funding_of(row: Funding) -> dict[str, Any]:
    """Return a transfer or payout."""
    return {column.key: getattr(row, column.key) for column in Funding.__table__.columns}


def fundings(session: Session, programme_id: UUID) -> list[Funding]:
    """Return every transfer and payout of a programme, oldest first."""
    query = select(Funding).where(Funding.programme_id == programme_id)
    return list(session.scalars(query.order_by(Funding.id)))


def bill(session: Session, programme: Programme) -> dict[str, Any]:
    """Return what a programme costs, what was paid, what is due, and what is there too much."""
    figures = entitlement_queries.figures(session, programme.id)
    confirmed = dict(
        session.execute(
            select(Funding.kind, func.sum(Funding.amount_fen))
            .where(Funding.programme_id == programme.id, Funding.state == rules.CONFIRMED)
            .group_by(Funding.kind)
        ).all()
    )
    by_wechat = session.scalar(
        select(func.coalesce(func.sum(Payment.amount_fen), 0)).where(
            Payment.order_id == programme.id, Payment.state == "paid"
        )
    )
    balance = funds.balance(session, programme.id)
    to_issue = figures["listed"] * programme.per_member_fen
    is_over = programme.state not in rules.FUNDABLE
    return {
        "budget_fen": programme.budget_fen,
        "received_fen": int(confirmed.get(rules.TRANSFER, 0)) + int(by_wechat or 0),
        "returned_fen": int(confirmed.get(rules.PAYOUT, 0)),
        "issued_fen": figures["issued_fen"],
        "to_issue_fen": to_issue,
        "balance_fen": balance,
        "due_fen": 0 if is_over else max(0, to_issue - balance),
        "surplus_fen": balance if is_over else max(0, balance - to_issue),
    }


def bill_of(session: Session, programme: Programme) -> dict[str, Any]:
    """Return a programme's bill with every transfer."""
    return {
        "programme_id": programme.id,
        "number": programme.number,
        "state": programme.state,
        **bill(session, programme),
        "fundings": [funding_of(row) for row in fundings(session, programme.id)],
    }


def progress_of(session: Session, programme: Programme) -> dict[str, Any]:
    """Return how far the issue of a programme is."""
    figures = entitlement_queries.figures(session, programme.id)
    issued = figures["recipients"] - figures["listed"]
    names = ("recipients", "listed", "waiting", "issued_fen")
    return {
        "state": programme.state,
        "budget_fen": programme.budget_fen,
        "issued": issued,
        **{name: figures[name] for name in names},
    }


def recipient_of(entitlement: Entitlement, programme: Programme) -> dict[str, Any]:
    """Return a recipient as officers see it: by name, the phone masked."""
    names = (
        *("id", "position", "name", "employee_no", "department", "amount_fen", "due_on", "state"),
        *("issued_at", "redeemed_at"),
    )
    titles = {pack["pack_id"]: pack["title"] for pack in (programme.content or {}).get("packs", ())}
    return {
        **{name: getattr(entitlement, name) for name in names},
        "phone": mask_phone(entitlement.phone),
        "is_member": entitlement.member_id is not None,
        "pack_title": titles.get(str(entitlement.pack_id)),
    }


def noticed_items(session: Session, found: Sequence[Programme]) -> list[dict[str, Any]]:
    """Return programmes as lines of the public notice."""
    names = (
        *("id", "number", "name", "kind", "state", "head_count", "per_member_fen", "budget_fen"),
        *("opens_on", "closes_on"),
    )
    return [
        {
            **{name: getattr(programme, name) for name in names},
            # As it was when the programme was approved.
            "union_name": programme_queries.content_of(programme)["union_name"],
        }
        for programme in found
    ]


def noticed_of(session: Session, programme: Programme) -> dict[str, Any]:
    """Return all that the public may know of a programme, and nobody's personal data."""
    content = programme_queries.content_of(programme)
    figures = entitlement_queries.figures(session, programme.id)
    [item] = noticed_items(session, [programme])
    return {
        **item,
        "delivery": programme.delivery,
        "leftover": programme.leftover,
        "packs": content["packs"],
        "selection": content["selection"],
        "content_hash": programme.content_hash,
        "figures": figures,
        "approvals": [
            {
                "act": event.act,
                "happened_at": event.happened_at,
                "content_hash": event.content_hash,
                "hash": event.hash,
            }
            for event in programme_queries.events(session, programme.id)
            if event.act in SHOWN_ACTS
        ],
    }
