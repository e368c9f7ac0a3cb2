"""Is the process alive, and can it serve?"""

from pathlib import Path
from typing import Any

from apiflask import APIBlueprint
from apiflask.fields import Dict, String
from flask import current_app
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from mall.access.guard import public
from mall.kernel import queue as rq_queues
from mall.kernel.uow import reading
from mall.web.fields import Schema
from search_index.engines import IndexUnavailable

bp = APIBlueprint("health", __name__, tag="Health")
MIGRATIONS = Path(__file__).parent / "migrations"


class HealthReply(Schema):
    status = String(metadata={"example": "ok"})


class ReadyReply(HealthReply):
    checks = Dict(metadata={"example": {"database": "ok", "workers": "ok: 2"}})


def newest_migration() -> str:
    """Return the newest migration that this code brings along, by the names of the files."""
    names = sorted(path.stem for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))
    return names[-1].partition("_")[0]


_HEAD = newest_migration()


def _database() -> dict[str, str]:
    try:
        with reading() as session:
            version = session.execute(text("SELECT version_num FROM alembic_version")).scalar()
    except SQLAlchemyError as error:
        return {"database": f"failed: {type(error).__name__}"}
    behind = "ok" if version == _HEAD else f"failed: at {version}, needs {_HEAD}"
    return {"database": "ok", "migrations": behind, "index": _index()}


def _index() -> str:
    """Say how searches are answered: without an index they are, only more plainly."""
    try:
        snapshot, _ = current_app.extensions["mall_searcher"].current()
    except IndexUnavailable:
        return "ok: the database answers until the index is built"
    return f"ok: {snapshot.count} products"


def _queue() -> dict[str, str]:
    connection = current_app.extensions["mall_redis"]
    try:
        workers = rq_queues.count_workers(connection)
    except RedisError as error:
        return {"valkey": f"failed: {type(error).__name__}"}
    return {"valkey": "ok", "workers": f"ok: {workers}" if workers else "failed: none seen"}


@bp.get("/healthz")
@public
@bp.output(HealthReply)
@bp.doc(summary="The process answers")
def healthz() -> dict[str, str]:
    return {"status": "ok"}


@bp.get("/readyz")
@public
@bp.output(ReadyReply)
@bp.doc(
    summary="Database, migrations, index, Valkey and workers are there",
    responses={503: "Something is missing; the checks name it"},
)
def readyz() -> Any:
    checks = {**_database(), **_queue()}
    is_ready = all(state.startswith("ok") for state in checks.values())
    return {"status": "ok" if is_ready else "failed", "checks": checks}, 200 if is_ready else 503
