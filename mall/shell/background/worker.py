"""RQ workers, with the application around every job (docs/adr/0021)."""

import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Sequence
from typing import Any

import structlog
from flask import Flask
from redis.exceptions import RedisError
from rq import SimpleWorker
from rq.executions import Execution
from rq.job import Job
from rq.worker_pool import WorkerPool

from mall.kernel import queue as rq_queues
from mall.kernel.settings import Settings
from mall.shell import config, memory
from mall.shell.app import create_app

log = structlog.get_logger(__name__)
# A worker says that it lives, with its job, so often; silent for so long it counts as gone.
BEAT_SECONDS, LIFE_SECONDS = 5, 30
_app: Flask | None = None


def _application() -> Flask:
    """Return this process's application, built once, after any fork."""
    global _app
    if _app is None:
        _app = create_app(config.load())
    return _app


def _stop_with_parent(parent: int) -> None:
    """Stop this worker, its job done, once the pool that started it was killed."""
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)


class MallWorker(SimpleWorker):
    """Runs jobs in its own process: they are short, and forking for each costs more than they do.

    What dies with the process comes back from the outbox.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "worker_ttl": LIFE_SECONDS})
        self._has_ended = threading.Event()
        self._at_work: tuple[Job, Execution] | None = None

    def work(self, *args: Any, **kwargs: Any) -> bool:
        """Work without RQ's own scheduler: what is due later is a time in the database."""
        memory.give_back_from_time_to_time()
        if multiprocessing.parent_process() is not None:
            threading.Thread(target=_stop_with_parent, args=[os.getppid()], daemon=True).start()
        threading.Thread(target=self._beat, name="heartbeat", daemon=True).start()
        try:
            return super().work(*args, **{**kwargs, "with_scheduler": False})
        finally:
            self._has_ended.set()

    def get_heartbeat_ttl(self, job: Job, working_time: float = 0.0) -> int:
        """Return how long a job counts as running without a sign of life, in seconds."""
        return LIFE_SECONDS

    def prepare_execution(self, job: Job) -> Execution:
        execution = super().prepare_execution(job)
        self._at_work = (job, execution)
        return execution

    def execute_job(self, job: Any, queue: Any) -> Any:
        with _application().app_context(), structlog.contextvars.bound_contextvars(job_id=job.id):
            try:
                return super().execute_job(job, queue)
            finally:
                self._at_work = None

    def _beat(self) -> None:
        while not self._has_ended.wait(BEAT_SECONDS):
            try:
                self.say_alive()
            except RedisError as error:
                log.warning("heartbeat_unheard", error=str(error))

    def say_alive(self) -> None:
        """Say that this worker and its job live; where Valkey has forgotten it, say so anew."""
        at_work = self._at_work
        if not self.connection.hexists(self.key, "birth"):
            self.connection.delete(self.key)
            self.register_birth()
        if at_work is None:
            self.heartbeat(LIFE_SECONDS)
        else:
            self.maintain_heartbeats(*at_work)


def run_workers(settings: Settings, queues: Sequence[str], processes: int, nice: int) -> None:
    """Serve queues, the urgent ones first, until told to stop; a job at work is finished."""
    for name in ("rq.worker", "rq.worker_pool"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # Requests go first when the machine is full; jobs catch up when the rush is over.
    os.nice(nice)
    connection = rq_queues.connect_worker(settings.redis_url)
    served = [name for name in rq_queues.QUEUES if name in queues]
    if processes == 1:
        MallWorker(served, connection=connection).work(logging_level="WARNING")
        return
    pool = WorkerPool(
        served,
        connection=connection,
        num_workers=processes,
        worker_class=MallWorker,
    )
    pool.start(logging_level="WARNING")
