"""Read a programme's money, progress and notice; and the invariants of all of them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mall.kernel.invariants import Invariant
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


INVARIANTS = [
    Invariant(
        "programme_budget",
        "a submitted programme's head-count and budget are those of its recipients",
        """
        SELECT p.number, p.head_count, p.budget_fen, count(t.id), coalesce(sum(t.amount_fen), 0)
        FROM programme p
        LEFT JOIN entitlement t ON t.programme_id = p.id AND t.state <> 'withdrawn'
        WHERE p.state NOT IN ('draft', 'rejected', 'withdrawn')
        GROUP BY p.id
        HAVING p.head_count <> count(t.id) OR p.budget_fen <> coalesce(sum(t.amount_fen), 0)
        """,
    ),
    Invariant(
        "issued_from_fund",
        "what left a fund by issue is what its entitlements were given, and nothing before it was due",
        """
        SELECT p.number, coalesce(f.issued, 0), coalesce(t.issued, 0)
        FROM programme p
        LEFT JOIN (SELECT e.account, -sum(e.amount_fen) AS issued
                   FROM ledger_transfer l JOIN ledger_entry e ON e.transfer_id = l.id
                   WHERE l.kind = 'issue' AND e.account LIKE 'fund:%' GROUP BY e.account) f
          ON f.account = 'fund:' || p.id
        LEFT JOIN (SELECT programme_id, sum(amount_fen) AS issued FROM entitlement
                   WHERE issued_at IS NOT NULL GROUP BY programme_id) t ON t.programme_id = p.id
        WHERE coalesce(f.issued, 0) <> coalesce(t.issued, 0)
           OR (coalesce(f.issued, 0) <> 0
               AND p.state NOT IN ('issuing', 'active', 'closed', 'accepted', 'archived'))
        """,
    ),
    Invariant(
        "money_posted",
        "every confirmed transfer and payout is posted once, with its amount",
        """
        SELECT coalesce(f.reference, t.reference), f.amount_fen, t.amount_fen
        FROM (SELECT CASE kind WHEN 'transfer' THEN 'bank:' ELSE 'payout:' END || id AS reference,
                     CASE kind WHEN 'transfer' THEN amount_fen ELSE -amount_fen END AS amount_fen
              FROM funding WHERE state = 'confirmed') f
        FULL JOIN (SELECT l.reference, -e.amount_fen AS amount_fen
                   FROM ledger_transfer l JOIN ledger_entry e ON e.transfer_id = l.id
                   WHERE e.account = 'bank:clearing') t USING (reference)
        WHERE f.amount_fen IS DISTINCT FROM t.amount_fen
        """,
    ),
    Invariant(
        "money_confirmed_by_two",
        "every confirmed transfer and payout was recorded by one person and confirmed by another",
        """
        SELECT f.id, f.kind, f.amount_fen, f.recorded_by, f.decided_by FROM funding f
        WHERE f.state = 'confirmed' AND f.is_by_two AND (f.decided_by = f.recorded_by
           OR NOT EXISTS (SELECT FROM author a WHERE a.subject_kind = 'funding'
                          AND a.subject_id = f.id AND a.name = f.recorded_by)
           OR NOT EXISTS (SELECT FROM decision d WHERE d.subject_kind = 'funding'
                          AND d.subject_id = f.id AND d.name = f.decided_by))
        """,
    ),
    Invariant(
        "claimed_entitlements_given",
        "nothing waits for somebody who has claimed it, but for the message that will give it",
        """
        SELECT p.number, t.id FROM entitlement t
        JOIN programme p ON p.id = t.programme_id
        JOIN roster_entry e ON e.id = t.entry_id AND e.member_id IS NOT NULL
        WHERE t.state = 'waiting'
          AND NOT EXISTS (
              SELECT 1 FROM outbox_delivery d
              WHERE d.topic = 'RosterEntriesClaimed' AND d.state = 'pending'
                AND jsonb_exists(CAST(d.payload AS jsonb)->'entry_ids', CAST(e.id AS text)))
        """,
    ),
    Invariant(
        "closed_means_settled",
        "nothing is open on the vouchers of a closed programme, and nobody waits for anything",
        """
        SELECT p.number, t.id, t.state, l.balance_fen
        FROM programme p JOIN entitlement t ON t.programme_id = p.id
        LEFT JOIN bean_lot l ON l.id = t.lot_id
        WHERE p.state IN ('closed', 'accepted', 'archived') AND p.delivery <> 'unit_delivery'
          AND (t.state IN ('listed', 'waiting', 'open') OR (l.is_voucher AND l.balance_fen <> 0
               AND l.lapsed_at IS NOT NULL))
        """,
    ),
]
