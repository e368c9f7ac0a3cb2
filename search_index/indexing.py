"""Bring the index to what the database says: change by change, whole, or where they differ."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from catalog.messages import CategoryChanged, ProductsChanged, SupplierChanged
from catalog.products.queries import searching
from mall.kernel.rows.shown import each_shown
from mall.kernel.uow import UnitOfWork
from search_index import engines
from search_index.documents import document, fingerprint
from search_index.engines import Engine

BATCH = 500


@dataclass(frozen=True)
class Differences:
    """How the index differed from the database."""

    missing: int
    stale: int
    left_over: int

    @property
    def total(self) -> int:
        return self.missing + self.stale + self.left_over


def index_products(uow: UnitOfWork, messages: Sequence[ProductsChanged]) -> None:
    """React to changed products; doing it again changes nothing."""
    _index(uow.session, {UUID(each) for message in messages for each in message.product_ids})


def index_suppliers(uow: UnitOfWork, messages: Sequence[SupplierChanged]) -> None:
    """React to changed suppliers: all their products say so."""
    suppliers = {UUID(message.supplier_id) for message in messages}
    _index(uow.session, set(searching.ids_of_suppliers(uow.session, suppliers)))


def index_categories(uow: UnitOfWork, messages: Sequence[CategoryChanged]) -> None:
    """React to changed categories: all products below them say so."""
    categories = {UUID(message.category_id) for message in messages}
    _index(uow.session, set(searching.ids_below(uow.session, categories)))


def _index(session: Session, product_ids: set[UUID]) -> None:
    engine = engines.current_engine()
    if engine.needs_rebuild():
        # There is nothing to bring up to date; the sweep builds it whole within seconds.
        return
    ordered = sorted(product_ids)
    for start in range(0, len(ordered), BATCH):
        _put(session, engine, ordered[start : start + BATCH])


def _put(session: Session, engine: Engine, product_ids: Sequence[UUID]) -> None:
    """Read as the only writer: who reads later writes later, and the newest stands."""
    with engine.writing():
        shown = searching.searchable(session, product_ids)
        found = {product.id for product in shown}
        gone = [str(each) for each in product_ids if each not in found]
        engine.write(each_shown(document, shown), gone)


def _batches(session: Session) -> Iterator[Sequence[searching.Searchable]]:
    after = None
    while ids := searching.shown_ids(session, after, BATCH):
        yield searching.searchable(session, ids)
        session.expunge_all()
        after = ids[-1]


def rebuild(session: Session, engine: Engine, advance: Callable[[int], None]) -> int:
    """Build the index anew beside the one in use and swap them; return how many products it has.

    Searches go on all the while. What changed during the build is brought in after the swap.
    """
    count = 0
    with engine.rebuilding() as build:
        for batch in _batches(session):
            for found in each_shown(document, batch):
                build.add(found)
            count += len(batch)
            advance(len(batch))
        with engine.writing():
            build.swap()
    session.rollback()
    verify(session, engine, repairs=True)
    return count


def verify(session: Session, engine: Engine, repairs: bool) -> Differences:
    """Compare the index with the database, and bring it up to date if it `repairs`.

    Raises IndexUnavailable where there is none.
    """
    index = engine.open()
    kept = dict(engines.stored(index))
    index.close()
    missing, stale = [], []
    for batch in _batches(session):
        for product in batch:
            known = kept.pop(str(product.id), None)
            if known is None:
                missing.append(product.id)
            elif known != fingerprint(product):
                stale.append(product.id)
    left_over = [UUID(each) for each in kept]
    if repairs:
        session.rollback()
        wrong = sorted([*missing, *stale, *left_over])
        for start in range(0, len(wrong), BATCH):
            _put(session, engine, wrong[start : start + BATCH])
    return Differences(len(missing), len(stale), len(left_over))
