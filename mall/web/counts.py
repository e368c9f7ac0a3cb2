"""Where rates are counted: in Valkey for all processes, in the process while Valkey is away."""

import time
from typing import Any

from limits.storage import MemoryStorage, Storage
from prometheus_client import Counter
from redis import Redis
from redis.exceptions import RedisError

ALONE = Counter(
    "mall_rate_limit_alone_total", "Counts that a process kept by itself: Valkey took none"
)
SCHEME, PREFIX = "mall-counts", "LIMITS:"
# One round trip; the first count of a window says when the window ends.
_COUNT = """
local found = redis.call("incrby", KEYS[1], ARGV[2])
if tonumber(found) == tonumber(ARGV[2]) then redis.call("expire", KEYS[1], ARGV[1]) end
return found
"""


class Counts(Storage):
    """Counts of fixed windows that go on in memory where Valkey fails, in whatever manner.

    What one process counted meanwhile it still knows afterwards, until the window ends.
    """

    STORAGE_SCHEME = [SCHEME]

    def __init__(self, uri: str | None = None, connection: Redis | None = None, **_: Any) -> None:
        super().__init__(uri)
        assert connection is not None
        self._connection = connection
        self._count = connection.register_script(_COUNT)
        self._own = MemoryStorage()

    @property
    def base_exceptions(self) -> type[Exception]:
        return RedisError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count, and return what is counted."""
        try:
            return int(self._count([PREFIX + key], [expiry, amount])) + self._own.get(key)
        except RedisError:
            ALONE.inc(amount)
            return self._own.incr(key, expiry, amount)

    def get(self, key: str) -> int:
        """Return what is counted."""
        try:
            shared = int(self._connection.get(PREFIX + key) or 0)
        except RedisError:
            shared = 0
        return shared + self._own.get(key)

    def get_expiry(self, key: str) -> float:
        """Return when the window ends."""
        try:
            seconds = self._connection.ttl(PREFIX + key)
        except RedisError:
            seconds = -1
        own = self._own.get_expiry(key) if self._own.get(key) else 0.0
        return max(own, time.time() + max(seconds, 0))

    def check(self) -> bool:
        """Tell whether counts can be kept: always, somewhere."""
        return True

    def reset(self) -> int | None:
        """Nobody forgets all counts at once."""
        raise NotImplementedError

    def clear(self, key: str) -> None:
        """Forget a count."""
        self._own.clear(key)
        try:
            self._connection.delete(PREFIX + key)
        except RedisError:
            return
