"""Index work done off the request."""

import structlog
from flask import current_app

from mall.kernel.uow import reading
from search_index import engines, indexing
from search_index.engines import IndexUnavailable

log = structlog.get_logger(__name__)


def heal_index() -> bool:
    """Build the index where there is none or a broken one; every few seconds, mostly for nothing."""
    engine = engines.current_engine()
    if not engine.needs_rebuild():
        return False
    try:
        with reading() as session:
            count = indexing.rebuild(session, engine, lambda _: None)
    except IndexUnavailable:
        # Another process is at it.
        return False
    log.info("index_rebuilt", products=count, app=current_app.name)
    return True


def verify_index() -> int:
    """Compare the index with the database and mend what differs; return how much did. Hourly."""
    engine = engines.current_engine()
    try:
        with reading() as session:
            found = indexing.verify(session, engine, repairs=True)
    except IndexUnavailable:
        return 0
    if found.total:
        log.warning("index_repaired", **vars(found))
    return found.total
