"""RQ workers, with the application around every job (docs/adr/0021, 0040)."""

import logging
import multiprocessing
import os
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.context import ForkProcess
from typing import Any

import structlog
from flask import Flask
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, SimpleWorker
from rq.exceptions import DequeueTimeout, StopRequested
from rq.executions import Execution
from rq.job import Job
from rq.worker.base import WorkerStatus

from mall.kernel import queue as rq_queues
from mall.kernel.settings import Settings
from mall.shell import config, memory
from mall.shell.app import create_app
from mall.shell.background.pulse import Pulse
from mall.shell.background.stand_in import StandIn
from mall.shell.serving.internal import Address
from mall.shell.serving.stopping import SIGNALS, Stop, fork_without_handlers

log = structlog.get_logger(__name__)
# A worker says that it lives, with its job, so often; silent for so long it counts as gone.
BEAT_SECONDS, LIFE_SECONDS = 5, 30
# How long it waits for a job at once: a stop that an exception did not bring is seen then.
WAIT_SECONDS = 2
# A process that ends by itself is started again: after a second, then two, four …
AGAIN_SECONDS, MAX_AGAIN_SECONDS = 1.0, 30.0


class MallWorker(SimpleWorker):
    """Runs jobs in its own process: they are short, and forking for each costs more than they do.

    What dies with the process comes back from the outbox. Where Valkey fails it ends, and whoever
    started it looks into the database meanwhile.
    """

    def __init__(
        self,
        queues: Any,
        connection: Redis,
        app: Flask,
        stop: Stop | None = None,
        pulse: Pulse | None = None,
    ) -> None:
        self._app, self._stop, self._pulse = app, stop or Stop(), pulse or Pulse()
        super().__init__(queues, connection=connection, worker_ttl=LIFE_SECONDS)
        self._has_ended = threading.Event()
        self._is_busy = False
        self._at_work: tuple[Job, Execution] | None = None

    @property
    def connection_timeout(self) -> int:
        """Return how long a call of Valkey may take; it must be more than a wait for a job."""
        return WAIT_SECONDS + 3

    def work(self, *args: Any, **kwargs: Any) -> bool:
        """Work without RQ's own scheduler: what is due later is a time in the database."""
        threading.Thread(target=self._beat, name="heartbeat", daemon=True).start()
        try:
            return super().work(*args, **{**kwargs, "with_scheduler": False})
        finally:
            self._has_ended.set()

    def _install_signal_handlers(self) -> None:
        """Whoever started this hears signals; a worker that waits for a job is woken up."""
        self._stop.wake = self._wake

    def _wake(self) -> None:
        self._stop_requested = True
        if not self._is_busy:
            raise StopRequested()

    def subscribe(self) -> None:
        """Let nobody command this worker over Valkey: it is stopped by signals."""

    def teardown(self) -> None:
        """Say good-bye, in a moment: where Valkey fails this worker is forgotten by itself."""
        self._stop.wake = None
        self.connection = rq_queues.connect_quick(self._app.extensions["mall_settings"].redis_url)
        with suppress(RedisError):
            self.register_death()

    def dequeue_job_and_maintain_ttl(
        self, timeout: int | None, max_idle_time: int | None = None
    ) -> tuple[Job, Queue] | None:
        """Return the next job; None where a burst is over. Raises StopRequested, and RedisError."""
        self.set_state(WorkerStatus.IDLE)
        while not self._stop.is_asked:
            self._pulse.beat()
            self.heartbeat(LIFE_SECONDS)
            if self.should_run_maintenance_tasks:
                self.run_maintenance_tasks()
            try:
                found = self.queue_class.dequeue_any(
                    self._ordered_queues,
                    None if timeout is None else WAIT_SECONDS,
                    connection=self.connection,
                    job_class=self.job_class,
                    serializer=self.serializer,
                    death_penalty_class=self.death_penalty_class,
                )
            except DequeueTimeout:
                continue
            if found is not None:
                found[0].redis_server_version = self.get_redis_server_version()
            return found
        raise StopRequested()

    def get_heartbeat_ttl(self, job: Job, working_time: float = 0.0) -> int:
        """Return how long a job counts as running without a sign of life, in seconds."""
        return LIFE_SECONDS

    def prepare_execution(self, job: Job) -> Execution:
        execution = super().prepare_execution(job)
        self._at_work = (job, execution)
        return execution

    def execute_job(self, job: Any, queue: Any) -> Any:
        self._is_busy = True
        self._pulse.beat(rq_queues.QUEUES[job.origin].seconds)
        try:
            with (
                self._app.app_context(),
                structlog.contextvars.bound_contextvars(job_id=job.id),
            ):
                return super().execute_job(job, queue)
        finally:
            self._at_work = None
            self._is_busy = False

    def _beat(self) -> None:
        while not self._has_ended.wait(BEAT_SECONDS):
            try:
                self.say_alive()
            except RedisError as error:
                log.warning("heartbeat_unheard", error=type(error).__name__)

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


def _is_back(connection: Redis) -> bool:
    """Tell whether Valkey answers and takes what is written."""
    try:
        connection.set("mall:worker", "1", ex=5)
    except RedisError:
        return False
    return True


def work_until_stopped(app: Flask, queues: Sequence[str], stop: Stop, pulse: Pulse) -> None:
    """Serve queues by RQ, and by the database alone while Valkey is away."""
    settings: Settings = app.extensions["mall_settings"]
    probe = rq_queues.connect_quick(settings.redis_url)
    while not stop.is_asked:
        try:
            connection = rq_queues.connect_worker(settings.redis_url)
            MallWorker(queues, connection, app, stop, pulse).work(logging_level="WARNING")
        except StopRequested:
            break
        except RedisError as error:
            log.warning("worker_lost_valkey", error=type(error).__name__)
        if not stop.is_asked:
            StandIn(app, queues, stop).work(lambda: _is_back(probe), pulse.beat)


def _serve(queues: Sequence[str], address: Address) -> None:
    """Be one worker: load the application, then listen for a stop and work."""
    if multiprocessing.parent_process() is not None:
        threading.Thread(target=_stop_with_parent, args=[os.getppid()], daemon=True).start()
    memory.give_back_from_time_to_time()
    app = create_app(config.load())
    stop, pulse = Stop(), Pulse()
    stop.listen()
    listener = pulse.listener(app, address)
    listener.start()
    try:
        work_until_stopped(app, queues, stop, pulse)
    finally:
        listener.stop()


def _stop_with_parent(parent: int) -> None:
    """Stop this worker, its job done, once the process that started it was killed."""
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), SIGNALS[0])


def run_workers(queues: Sequence[str], processes: int, nice: int, address: Address) -> None:
    """Serve queues, the urgent ones first, until told to stop; jobs at work are finished."""
    logging.getLogger("rq.worker").setLevel(logging.WARNING)
    # Requests go first when the machine is full; jobs catch up when the rush is over.
    os.nice(nice)
    served = [name for name in rq_queues.QUEUES if name in queues]
    if processes == 1:
        _serve(served, address)
    else:
        _Family(served, processes, address).run()


class _Family:
    """So many workers, forked from one process that loads the code once and starts them again."""

    def __init__(self, queues: Sequence[str], processes: int, address: Address) -> None:
        self._arguments = (queues, address)
        self._members: list[ForkProcess | None] = [None] * processes
        self._begun = [0.0] * processes
        self._pause = [AGAIN_SECONDS] * processes
        self._stop = Stop()

    def run(self) -> None:
        fork_without_handlers()
        self._stop.listen()
        while True:
            for number in range(len(self._members)):
                self._tend(number)
            if self._stop.wait(0.5):
                break
        alive = [each for each in self._members if each is not None and each.is_alive()]
        for each in alive:
            each.terminate()
        for each in alive:
            each.join()

    def _tend(self, number: int) -> None:
        """Start a member, or start it again when its pause is over."""
        member, now = self._members[number], time.monotonic()
        if member is not None:
            if member.is_alive():
                return
            if now - self._begun[number] < self._pause[number]:
                return
            lived_long = now - self._begun[number] > MAX_AGAIN_SECONDS
            self._pause[number] = (
                AGAIN_SECONDS if lived_long else min(2 * self._pause[number], MAX_AGAIN_SECONDS)
            )
            log.warning("worker_died", exit_code=member.exitcode)
        if self._stop.is_asked:
            return
        self._begun[number] = now
        context = multiprocessing.get_context("fork")
        self._members[number] = context.Process(target=_serve, args=self._arguments)
        self._members[number].start()  # type: ignore[union-attr]
