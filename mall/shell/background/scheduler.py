"""The scheduler: RQ's cron, at work in one process however many are started (docs/adr/0021)."""

import logging
import os

import psycopg
import structlog
from prometheus_client import Gauge
from redis.exceptions import RedisError
from rq.cron import CronScheduler

from mall.kernel import queue as rq_queues
from mall.kernel.db import CONNECT_SECONDS, driver_url
from mall.kernel.settings import Settings
from mall.shell import memory, wiring
from mall.shell.background.pulse import Pulse
from mall.shell.checks.readiness import Report
from mall.shell.serving.internal import Address, Listener, Paths
from mall.shell.serving.stopping import Stop

LEADS = Gauge(
    "mall_scheduler_leads", "1 in the scheduler that is at work", multiprocess_mode="mostrecent"
)
LAST = Gauge(
    "mall_scheduler_enqueued_timestamp_seconds",
    "When it enqueued what was due, last",
    multiprocess_mode="mostrecent",
)
log = structlog.get_logger(__name__)
TICK_SECONDS = 0.5
RETRY_SECONDS = 1.0
# Of "mall scheduler"; an advisory lock is named by a number.
LOCK = 0x6D616C6C
# A machine that vanished gives the lock back within 10 + 3 · 5 seconds.
_OPTIONS = (
    "-c statement_timeout=5000 -c tcp_keepalives_idle=10"
    " -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"
)


class Leadership:
    """The lease to enqueue, held by one database session at a time."""

    def __init__(self, database_url: str) -> None:
        self._url = driver_url(database_url)
        self._connection: psycopg.Connection | None = None
        self._is_held = False
        # How the database was when it was asked last.
        self.says = "ok: not asked yet"

    def is_ours(self) -> bool:
        """Ask for the lease, or check that it is still held; False where the database does not answer."""
        try:
            if self._connection is None:
                self._connection = psycopg.connect(
                    self._url,
                    autocommit=True,
                    options=_OPTIONS,
                    connect_timeout=CONNECT_SECONDS,
                    application_name=f"mall scheduler {os.getpid()}",
                )
            if self._is_held:
                self._connection.execute("SELECT 1")
            else:
                row = self._connection.execute("SELECT pg_try_advisory_lock(%s)", [LOCK]).fetchone()
                self._is_held = bool(row and row[0])
                if self._is_held:
                    log.info("scheduler_leads")
            self.says = "ok: leads" if self._is_held else "ok: another one leads"
        except psycopg.Error as error:
            if self.says.startswith("ok"):
                log.warning("scheduler_without_database", error=str(error).strip())
            self.says = f"failed: {type(error).__name__}"
            self.give_up()
        return self._is_held

    def give_up(self) -> None:
        """End the session, and with it the lease."""
        if self._connection is not None:
            self._connection.close()
        self._connection, self._is_held = None, False


def build(settings: Settings) -> CronScheduler:
    """Return RQ's scheduler with every sweep registered at its interval."""
    logging.getLogger("rq.cron").setLevel(logging.WARNING)
    scheduler = CronScheduler(rq_queues.connect(settings.redis_url), logging_level="WARNING")
    for function, seconds, queue_name in wiring.SWEEPS:
        # A run that waited longer than three intervals is pointless: the next is due already.
        scheduler.register(
            function,
            queue_name,
            interval=seconds,
            ttl=max(10, 3 * seconds),
            result_ttl=0,
            failure_ttl=3600,
            job_timeout=rq_queues.QUEUES[queue_name].seconds,
        )
    return scheduler


def run_scheduler(settings: Settings, address: Address) -> None:
    """Enqueue every sweep at its interval while this process leads, until told to stop."""
    memory.give_back_from_time_to_time()
    stop, pulse = Stop(), Pulse()
    stop.listen()
    scheduler, leadership = build(settings), Leadership(settings.database_url)
    answers = pulse.answers(lambda: Report({"database": leadership.says}), settings.env)
    listener = Listener(address, Paths(answers))
    listener.start()
    wait, heard = 0.0, ""
    while not stop.wait(wait):
        pulse.beat()
        wait = RETRY_SECONDS
        is_ours = leadership.is_ours()
        LEADS.set(int(is_ours))
        if not is_ours:
            continue
        try:
            scheduler.enqueue_jobs()
            scheduler.heartbeat()
            LAST.set_to_current_time()
            said, wait = "", TICK_SECONDS
        except RedisError as error:
            said = type(error).__name__
        if said != heard:
            # Once, not every second: workers look into the database themselves meanwhile.
            log.warning("scheduler_without_valkey" if said else "scheduler_has_valkey", error=said)
            heard = said
    leadership.give_up()
    listener.stop()
