"""Threads that run complete requests: a bounded queue before a fixed number of them."""

import threading
from collections.abc import Callable
from queue import SimpleQueue

from mall.web.rooms import RoomSize


class Room:
    """So many threads, and so many requests that may wait for one of them."""

    def __init__(self, name: str, size: RoomSize) -> None:
        self._waiting: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._most = size.waiting
        for number in range(size.threads):
            threading.Thread(target=self._work, name=f"{name}-{number + 1}", daemon=True).start()

    def submit(self, job: Callable[[], None]) -> bool:
        """Let a thread run a job, which raises nothing; False if too many wait already."""
        if self._waiting.qsize() >= self._most:
            return False
        self._waiting.put(job)
        return True

    def _work(self) -> None:
        while True:
            self._waiting.get()()
