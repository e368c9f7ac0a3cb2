"""What the database says once everything has settled."""

import time
from dataclasses import dataclass
from uuid import UUID

import psycopg

from bench.chaos.streams import Tale

SETTLE_SECONDS = 90

UNDONE = "SELECT count(*) FROM outbox_delivery WHERE state = 'pending'"
PARKED = "SELECT count(*) FROM outbox_delivery WHERE state = 'parked'"
UNPAID = "SELECT count(*) FROM shop_order WHERE id = ANY(%s) AND state = 'awaiting_payment'"
MISSING = "SELECT count(*) FROM unnest(%s) AS x(id) WHERE id NOT IN (SELECT id FROM shop_order)"
LINES = """
    SELECT count(*) FROM order_line l JOIN shop_order o ON o.id = l.order_id
    WHERE o.id = ANY(%s) AND o.state IN ('paid', 'completed') AND 1 <> (
        SELECT count(*) FROM fulfillment_line f WHERE f.order_line_id = l.id)
"""
PAID = "SELECT count(*) FROM shop_order WHERE id = ANY(%s) AND state IN ('paid', 'completed')"
UNUSED = """
    SELECT count(*) FROM unnest(%s) AS x(id)
    WHERE id NOT IN (SELECT id FROM pickup_voucher WHERE state = 'redeemed')
"""


@dataclass
class Books:
    """What the database says once everything has settled."""

    url: str

    def count(self, statement: str, ids: list[UUID] | None = None) -> int:
        with psycopg.connect(self.url, autocommit=True, connect_timeout=5) as connection:
            row = connection.execute(statement, None if ids is None else [ids]).fetchone()
        return int(row[0]) if row else 0

    def settle(self, tale: Tale) -> float:
        """Wait until nothing waits any more; return how many seconds it took."""
        began = time.monotonic()
        ids = [UUID(each) for each in tale.orders]
        while time.monotonic() - began < SETTLE_SECONDS:
            try:
                if not self.count(UNDONE) and not self.count(UNPAID, ids):
                    break
                # What notices missed, the query finds when it is due; here it is due at once.
                with psycopg.connect(self.url, autocommit=True, connect_timeout=5) as connection:
                    connection.execute("UPDATE payment SET query_at = now() WHERE state = 'open'")
            except psycopg.Error:
                pass
            time.sleep(1)
        return time.monotonic() - began
