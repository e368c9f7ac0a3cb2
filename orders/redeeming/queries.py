"""Read a right together with what its programme says of redeeming it."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from mall.kernel.errors import NotFound
from mall.kernel.together import Read, Rows
from orders.entitlements import rules as entitlement_rules
from orders.entitlements.models import Entitlement
from orders.programmes import queries as programme_queries
from orders.programmes.models import Programme
from orders.redeeming.rules import Given

# Of the frozen packs only the chosen one: they hold all that was approved, pictures included.
_GIVEN = """
    SELECT e.id, e.state, e.lot_id, e.amount_fen, e.member_id, e.programme_id,
           p.state AS programme_state, p.close_requested_at IS NOT NULL AS is_closing,
           p.kind, p.max_items, p.delivery, p.opens_on, p.closes_on, p.pack_ids,
           (SELECT json_agg(k) FROM jsonb_array_elements(p.content -> 'packs') k
            WHERE p.max_items IS NULL
              AND k ->> 'pack_id' = coalesce(CAST(:given_pack_id AS text),
                                             CAST(p.pack_ids[1] AS text))) AS packs
    FROM entitlement e JOIN programme p ON p.id = e.programme_id
    WHERE e.id = CAST(:given_id AS uuid) AND e.member_id = CAST(:given_to AS uuid)
      AND e.state <> :given_listed
    """


def reading_given(member_id: UUID, entitlement_id: UUID, pack_id: UUID | None) -> Read:
    """Return the read of a member's own right, with the chosen pack; raises NotFound for another's."""
    values = {
        "given_id": entitlement_id,
        "given_to": member_id,
        "given_listed": entitlement_rules.LISTED,
        "given_pack_id": str(pack_id) if pack_id is not None else None,
    }
    return Read(_GIVEN, values, _given)


def _given(rows: Rows) -> Given:
    if not rows:
        raise NotFound("entitlement")
    row = rows[0]
    return Given(
        UUID(row["id"]),
        row["state"],
        UUID(row["lot_id"]) if row["lot_id"] else None,
        row["amount_fen"],
        UUID(row["member_id"]),
        UUID(row["programme_id"]),
        **_of_programme(row),
        opens_on=date.fromisoformat(row["opens_on"]),
        closes_on=date.fromisoformat(row["closes_on"]),
        pack_ids=tuple(map(UUID, row["pack_ids"])),
        packs=row["packs"] or [],
    )


def _of_programme(row: Mapping[str, Any]) -> dict[str, Any]:
    names = ("programme_state", "is_closing", "kind", "max_items", "delivery")
    return {name: row[name] for name in names}


def given_of(right: Entitlement, programme: Programme) -> Given:
    """Return a right and its programme, which were read before, as redeeming sees them."""
    return Given(
        right.id,
        right.state,
        right.lot_id,
        right.amount_fen,
        right.member_id or right.id,
        programme.id,
        programme.state,
        programme.close_requested_at is not None,
        programme.kind,
        programme.max_items,
        programme.delivery,
        programme.opens_on,
        programme.closes_on,
        tuple(programme.pack_ids),
        programme_queries.content_of(programme)["packs"],
    )
