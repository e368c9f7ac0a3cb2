"""Read packs with what their parts are at this instant."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from catalog.packs.models import Pack, PriceRequest
from catalog.packs.rules import Consent, PackOffer, Part
from catalog.stock import queries as stock_queries
from mall.kernel.errors import NotFound
from mall.kernel.rows.shown import Unreadable, each_shown


def own_pack(session: Session, scope_id: UUID | None, pack_id: UUID) -> Pack:
    """Return a scope's own pack, locked; raises NotFound if it is someone else's."""
    query = select(Pack).where(Pack.id == pack_id, Pack.scope_id.is_not_distinct_from(scope_id))
    found = session.scalars(query.with_for_update()).first()
    if found is None:
        raise NotFound("pack")
    return found


def visible_packs(
    session: Session, scope_id: UUID | None, cursor: UUID | None, limit: int
) -> list[PackOffer | Unreadable]:
    """Return a union's own packs and the operators', newest first, one more than `limit` if more."""
    query = select(Pack).where(or_(Pack.scope_id.is_(None), Pack.scope_id == scope_id))
    if cursor is not None:
        query = query.where(Pack.id < cursor)
    rows = session.scalars(query.order_by(Pack.id.desc()).limit(limit + 1)).all()
    parts = dict(each_shown(lambda row: (row.id, _parts(row)), rows))
    readable = [row for row in rows if row.id in parts]
    offers = {each.id: each for each in _offered(session, readable, parts)}
    return [offers.get(row.id, Unreadable(row.id)) for row in rows]


def packs_of(
    session: Session, scope_id: UUID | None, pack_ids: Collection[UUID]
) -> list[PackOffer]:
    """Return these packs, in the order given; raise NotFound for one that the scope cannot see."""
    query = select(Pack).where(
        Pack.id.in_(pack_ids), or_(Pack.scope_id.is_(None), Pack.scope_id == scope_id)
    )
    found = {row.id: row for row in session.scalars(query)}
    if len(found) != len(set(pack_ids)):
        raise NotFound("pack", field="pack_ids")
    chosen = [found[pack_id] for pack_id in pack_ids]
    return _offered(session, chosen, {row.id: _parts(row) for row in chosen})


def _parts(row: Pack) -> tuple[Part, ...]:
    return tuple(
        Part(UUID(each["sku_id"]), each["quantity"], each["price_fen"]) for each in row.parts
    )


def _offered(
    session: Session, rows: Sequence[Pack], parts: Mapping[UUID, tuple[Part, ...]]
) -> list[PackOffer]:
    sku_ids = {part.sku_id for each in parts.values() for part in each}
    offers = stock_queries.offers(session, sku_ids) if sku_ids else {}
    consents = _consents(session, [row.id for row in rows])
    return [
        PackOffer(
            row.id,
            row.title,
            row.brief,
            row.image_url,
            row.is_active,
            row.version,
            row.price_fen,
            parts[row.id],
            {part.sku_id: offers[part.sku_id] for part in parts[row.id] if part.sku_id in offers},
            consents.get(row.id, {}),
        )
        for row in rows
    ]


def _consents(
    session: Session, pack_ids: Collection[UUID]
) -> dict[UUID, dict[tuple[UUID, int], Consent]]:
    """Return of each pack what suppliers said of its prices; the newest word counts."""
    query = select(PriceRequest).where(PriceRequest.pack_id.in_(pack_ids)).order_by(PriceRequest.id)
    found: dict[UUID, dict[tuple[UUID, int], Consent]] = {}
    for row in session.scalars(query):
        consent = Consent(row.id, row.state, row.decided_at)
        found.setdefault(row.pack_id, {})[row.sku_id, row.price_fen] = consent
    return found


def requests_of_pack(session: Session, pack_id: UUID) -> list[PriceRequest]:
    """Return what was asked about a pack's prices, newest first."""
    query = select(PriceRequest).where(PriceRequest.pack_id == pack_id)
    return list(session.scalars(query.order_by(PriceRequest.id.desc()).limit(200)))


def requests_of_supplier(
    session: Session, supplier_id: UUID, state: str | None, cursor: UUID | None, limit: int
) -> list[PriceRequest]:
    """Return what a supplier was asked, newest first, one more than `limit` if there are more."""
    query = select(PriceRequest).where(PriceRequest.supplier_id == supplier_id)
    if state is not None:
        query = query.where(PriceRequest.state == state)
    if cursor is not None:
        query = query.where(PriceRequest.id < cursor)
    return list(session.scalars(query.order_by(PriceRequest.id.desc()).limit(limit + 1)))


def lock_request(session: Session, supplier_id: UUID, request_id: UUID) -> PriceRequest:
    """Lock a question that a supplier was asked; raises NotFound where it was asked another."""
    found = session.get(PriceRequest, request_id, with_for_update=True, populate_existing=True)
    if found is None or found.supplier_id != supplier_id:
        raise NotFound("price request")
    return found
