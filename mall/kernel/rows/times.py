"""Load times that Python does not know as the nearest that requests may name (docs/adr/0031).

The database refuses to store them; where it holds one nevertheless, the row can be read and mended.
"""

from datetime import UTC, date, datetime, time
from typing import Any

import psycopg
from psycopg.adapt import Buffer, Loader
from psycopg.pq import Format

from mall.kernel.clock import FIRST_DAY, LAST_DAY

_EARLIEST = datetime.combine(FIRST_DAY, time(), UTC)
_LATEST = datetime.combine(LAST_DAY, time(23, 59, 59), UTC)


def _tolerant(name: str, earliest: date, latest: date) -> None:
    oid = psycopg.adapters.types[name].oid
    strict: Any = psycopg.adapters.get_loader(oid, Format.TEXT)

    # Not derived from the strict one: where that is of C, its method would be called past this one.
    class Tolerant(Loader):
        def __init__(self, oid: int, context: Any = None) -> None:
            super().__init__(oid, context)
            self._load = strict(oid, context).load

        def load(self, data: Buffer) -> Any:
            try:
                return self._load(data)
            except psycopg.DataError:
                text = bytes(data)
                return earliest if text.endswith(b"BC") or text.startswith(b"-") else latest

    psycopg.adapters.register_loader(name, Tolerant)


def install() -> None:
    """Teach the driver, once; before any engine copies what it knows."""
    _tolerant("timestamptz", _EARLIEST, _LATEST)
    _tolerant("date", FIRST_DAY, LAST_DAY)
