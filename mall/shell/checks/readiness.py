"""Can this process do its work? It takes the database and a schema that it knows (docs/adr/0040)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import psycopg

from mall.kernel.db import AutocommitPool

MIGRATIONS = Path(__file__).parent.parent / "migrations"
# What a migration that takes something away writes on Alembic's table: from which release on
# processes can work with it (docs/adr/0039).
OLDEST = "serves from "
_SCHEMA = b"SELECT version_num, obj_description('alembic_version'::regclass) FROM alembic_version"


def newest_migration() -> str:
    """Return the newest migration that this code brings along, by the names of the files."""
    names = sorted(path.stem for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))
    return names[-1].partition("_")[0]


HEAD = newest_migration()


@dataclass(frozen=True)
class Report:
    """What was found, and whether it will do; `warnings` are not a reason to leave."""

    checks: Mapping[str, str]
    warnings: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_well(self) -> bool:
        return all(state.startswith("ok") for state in self.checks.values())

    @property
    def status(self) -> int:
        return 200 if self.is_well else 503

    def body(self, environment: str) -> dict[str, Any]:
        """Return it as /readyz shows it."""
        return {
            "status": "ok" if self.is_well else "failed",
            "environment": environment,
            "checks": dict(self.checks),
            "warnings": dict(self.warnings),
        }

    def encoded(self, environment: str) -> bytes:
        """Return it as JSON."""
        return orjson.dumps(self.body(environment))


def schema_state(version: str, remark: str | None, head: str) -> str:
    """Say whether code that knows migrations up to `head` can work with a schema.

    A newer one will do, unless it took away what this code needs.
    """
    if version < head:
        return f"failed: at {version}, needs {head}"
    oldest = (remark or "").removeprefix(OLDEST) if (remark or "").startswith(OLDEST) else ""
    if oldest > head:
        return f"failed: at {version}, which serves releases from {oldest} on; this is {head}"
    return "ok" if version == head else f"ok: at {version}, newer than {head}"


def look(pool: AutocommitPool) -> dict[str, str]:
    """Ask the database for its schema, over a connection of its own."""
    try:
        row = pool.read(_SCHEMA, {})
    except psycopg.errors.UndefinedTable:
        return {"database": "ok", "schema": f"failed: at none, needs {HEAD}"}
    except psycopg.Error as error:
        return {"database": f"failed: {type(error).__name__}"}
    if row is None:
        return {"database": "ok", "schema": f"failed: at none, needs {HEAD}"}
    return {"database": "ok", "schema": schema_state(row[0], row[1], HEAD)}
