"""Put packs together and change them."""

from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from catalog.packs import queries, rules
from catalog.packs.models import Pack
from catalog.packs.rules import PackForm
from catalog.stock import queries as stock
from mall.kernel.db import check_limit
from mall.kernel.ids import new_id
from mall.kernel.uow import UnitOfWork


def add_pack(uow: UnitOfWork, scope_id: UUID | None, form: PackForm) -> UUID:
    """Put a pack together; raise PackTitleTaken, Invalid and LimitReached."""
    count = select(func.count()).select_from(Pack)
    mine = count.where(Pack.scope_id.is_not_distinct_from(scope_id))
    check_limit(uow.session, ("pack", scope_id), mine, rules.MAX_PACKS)
    if uow.session.scalar(mine.where(Pack.title == form.title)):
        raise rules.PackTitleTaken("title")
    pack = Pack(id=new_id(), scope_id=scope_id, version=1, created_at=uow.now)
    _fill(uow, pack, form)
    uow.session.add(pack)
    uow.session.flush()
    return pack.id


def change_pack(uow: UnitOfWork, scope_id: UUID | None, pack_id: UUID, form: PackForm) -> None:
    """Change a pack; programmes that froze it keep what they froze.

    Raises what adding one raises, and NotFound.
    """
    pack = queries.own_pack(uow.session, scope_id, pack_id)
    twin = select(Pack.id).where(
        Pack.scope_id.is_not_distinct_from(scope_id), Pack.title == form.title, Pack.id != pack_id
    )
    if uow.session.scalars(twin).first() is not None:
        raise rules.PackTitleTaken("title")
    pack.version += 1
    _fill(uow, pack, form)
    uow.session.flush()


def _fill(uow: UnitOfWork, pack: Pack, form: PackForm) -> None:
    offers = stock.offers(uow.session, [part.sku_id for part in form.parts])
    parts = rules.priced(form.parts, offers)
    pack.title, pack.brief, pack.image_url = form.title, form.brief, form.image_url
    pack.parts = [_stored(part) for part in parts]
    pack.price_fen = rules.price_of(parts)
    pack.is_active = form.is_active
    pack.updated_at = uow.now


def _stored(part: rules.Part) -> dict[str, Any]:
    return {"sku_id": str(part.sku_id), "quantity": part.quantity, "price_fen": part.price_fen}
