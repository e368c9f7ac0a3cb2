"""What the search_index package plugs into the application."""

from pathlib import Path

from flask import Flask

from catalog import messages
from catalog.products.queries import searching
from catalog.stock import queries as stock_queries
from mall.kernel import clock
from mall.kernel.outbox import Reaction
from mall.kernel.uow import reading, unit_of_work
from search_index import indexing, jobs, views
from search_index.answer.lists import ValkeyLists
from search_index.engines import Engine
from search_index.searcher import Names, Searcher, Sources, Tallied
from search_index.snapshots import Figure
from search_index.words import jobs as word_jobs
from search_index.words import ops_views as word_ops_views
from search_index.words import queries as word_queries
from search_index.words import service as word_service
from search_index.words.rules import OperatorRules

BLUEPRINTS = [views.bp, word_ops_views.bp]
REACTIONS = {
    messages.ProductsChanged: [Reaction(indexing.index_products, "index")],
    messages.SupplierChanged: [Reaction(indexing.index_suppliers, "index")],
    messages.CategoryChanged: [Reaction(indexing.index_categories, "index")],
}
# Function, seconds between runs, queue.
SWEEPS = [
    (jobs.heal_index, 5, "index"),
    (jobs.verify_index, 3600, "index"),
    (word_jobs.forget_searches, 86_400, "index"),
]


def searcher(app: Flask, index_dir: Path) -> Searcher:
    """Return the searcher of an application; nothing is loaded before it is started."""

    def figures() -> list[Figure]:
        with app.app_context(), reading() as session:
            return stock_queries.figures(session)

    def names() -> Names:
        with app.app_context(), reading() as session:
            return searching.names(session)

    def edits(known: str) -> OperatorRules | None:
        with app.app_context(), reading() as session:
            return word_queries.edits(session, known)

    def count(found: Tallied) -> None:
        with app.app_context(), unit_of_work() as uow:
            word_service.count_searches(uow, found)

    def hot_words() -> list[str]:
        with app.app_context(), reading() as session:
            return word_queries.hot_words(session, clock.beijing_day(clock.now()))

    lists = ValkeyLists(app.extensions["mall_quick_redis"])
    return Searcher(Engine(index_dir), Sources(figures, names, edits, count, hot_words), lists)
