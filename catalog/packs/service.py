"""Put packs together and change them."""

from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from catalog.packs import queries, rules
from catalog.packs.models import Pack, PriceRequest
from catalog.packs.rules import Answer, PackForm
from catalog.stock import queries as stock_queries
from mall.access.rules import OPS, SUPPLIER, UNION
from mall.kernel.db import check_limit
from mall.kernel.ids import new_id
from mall.kernel.money import yuan
from mall.kernel.uow import UnitOfWork
from mall.members.service import unions
from mall.notification.rules import NewNotice
from mall.notification.service import staff_notices


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
    offers = stock_queries.offers(uow.session, [item.sku_id for item in form.parts])
    parts = rules.priced(form.parts, offers)
    pack.title, pack.brief, pack.image_url = form.title, form.brief, form.image_url
    pack.parts = [_stored(item) for item in parts]
    pack.price_fen = rules.price_of(parts)
    pack.is_active = form.is_active
    pack.updated_at = uow.now


def _stored(item: rules.PackItem) -> dict[str, Any]:
    return {"sku_id": str(item.sku_id), "quantity": item.quantity, "price_fen": item.price_fen}


def ask_for_prices(
    uow: UnitOfWork, scope_id: UUID | None, pack_id: UUID, by: str, note: str
) -> list[PriceRequest]:
    """Ask the suppliers of a pack for each price in it that is not theirs; tell them.

    What was asked or accepted already is not asked again. Raises NotFound and NothingToAskFor.
    """
    queries.own_pack(uow.session, scope_id, pack_id)
    [pack] = queries.packs_of(uow.session, scope_id, [pack_id])
    asked_by = unions.get_union(uow.session, scope_id).name if scope_id else "平台"
    made = []
    for item in pack.parts:
        offer = pack.offers.get(item.sku_id)
        if offer is None or pack.basis(item) not in (rules.NOT_AGREED, rules.REFUSED):
            continue
        made.append(
            PriceRequest(
                id=new_id(),
                pack_id=pack.id,
                sku_id=item.sku_id,
                supplier_id=offer.supplier_id,
                scope_id=scope_id,
                asked_by_name=asked_by,
                pack_title=pack.title,
                title=offer.title,
                options=list(offer.options),
                quantity=item.quantity,
                price_fen=item.price_fen,
                union_price_fen=offer.union_price_fen,
                note=note,
                state=rules.ASKED,
                asked_by=by,
                asked_at=uow.now,
            )
        )
    if not made:
        raise rules.NothingToAskFor("parts")
    uow.session.add_all(made)
    uow.session.flush()
    staff_notices.notify(uow, [_question(each) for each in made])
    return made


def _question(asked: PriceRequest) -> NewNotice:
    price, own = yuan(asked.price_fen), yuan(asked.union_price_fen)
    return NewNotice(
        SUPPLIER,
        asked.supplier_id,
        "price_asked",
        f"price:{asked.id}",
        f"{asked.asked_by_name}就“{asked.title}”询价 {price} 元（工会采购价 {own} 元），请答复。",
        f"{asked.asked_by_name} asks for {asked.title} at ¥{price} (yours: ¥{own}); please answer.",
    )


def answer_price(
    uow: UnitOfWork, supplier_id: UUID, request_id: UUID, given: Answer
) -> PriceRequest:
    """Accept or refuse a price that was asked for; the same answer again changes nothing.

    Raises NotFound and PriceDecided.
    """
    found = queries.lock_request(uow.session, supplier_id, request_id)
    state = rules.ACCEPTED if given.is_accepted else rules.REFUSED
    if found.state == state:
        return found
    if found.state != rules.ASKED:
        raise rules.PriceDecided()
    found.state, found.answer = state, given.answer
    found.decided_by, found.decided_at = given.by, uow.now
    uow.session.flush()
    zh, en = ("同意", "accepts") if given.is_accepted else ("不同意", "refuses")
    price = yuan(found.price_fen)
    notice = NewNotice(
        UNION if found.scope_id else OPS,
        found.scope_id,
        "price_answered",
        f"price:{found.id}:{state}",
        f"供应商{zh}“{found.title}”{price} 元的询价（{found.pack_title}）。",
        f"The supplier {en} ¥{price} for {found.title} ({found.pack_title}).",
    )
    staff_notices.notify(uow, [notice])
    return found
