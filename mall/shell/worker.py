"""RQ workers and the scheduler, with the application around every job."""

import logging
import multiprocessing
import os
import signal
import threading
import time
from typing import Any

import structlog
from flask import Flask
from redis import Redis
from rq import SimpleWorker
from rq.cron import CronScheduler
from rq.worker_pool import WorkerPool

from mall.kernel import queue as rq_queues
from mall.kernel.settings import Settings
from mall.shell import config, wiring
from mall.shell.app import create_app

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

    def work(self, *args: Any, **kwargs: Any) -> bool:
        """Work without RQ's own scheduler: what is due later is a time in the database."""
        if multiprocessing.parent_process() is not None:
            threading.Thread(target=_stop_with_parent, args=[os.getppid()], daemon=True).start()
        return super().work(*args, **{**kwargs, "with_scheduler": False})

    def execute_job(self, job: Any, queue: Any) -> Any:
        with _application().app_context(), structlog.contextvars.bound_contextvars(job_id=job.id):
            return super().execute_job(job, queue)


def run_workers(settings: Settings, processes: int, nice: int) -> None:
    """Serve every queue, the urgent ones first, until told to stop."""
    logging.getLogger("rq.worker").setLevel(logging.WARNING)
    # Requests go first when the machine is full; jobs catch up when the rush is over.
    os.nice(nice)
    connection = rq_queues.connect_worker(settings.redis_url)
    if processes == 1:
        MallWorker(list(rq_queues.QUEUES), connection=connection).work(logging_level="WARNING")
        return
    pool = WorkerPool(
        list(rq_queues.QUEUES),
        connection=connection,
        num_workers=processes,
        worker_class=MallWorker,
    )
    pool.start(logging_level="WARNING")


def run_scheduler(settings: Settings) -> None:
    """Enqueue every sweep at its interval, until told to stop."""
    connection: Redis = rq_queues.connect(settings.redis_url)
    logging.getLogger("rq.cron").setLevel(logging.WARNING)
    scheduler = CronScheduler(connection, logging_level="WARNING")
    for function, seconds, queue_name in wiring.SWEEPS:
        # A run that waited longer than three intervals is pointless: the next is due already.
        scheduler.register(
            function,
            queue_name,
            interval=seconds,
            ttl=max(10, 3 * seconds),
            result_ttl=0,
            failure_ttl=3600,
            job_timeout=rq_queues.JOB_TIMEOUT_SECONDS,
        )
    scheduler.start()
