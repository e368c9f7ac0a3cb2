"""How each thing around a process is looked at."""

import os

from flask import Flask
from prometheus_client.core import GaugeMetricFamily
from redis import Redis
from redis.exceptions import RedisError

import orders.wiring
from mall.kernel import clock
from mall.kernel import queue as rq_queues
from mall.kernel.settings import Settings
from mall.kernel.uow import reading
from mall.outbox_admin import queries as outbox_queries
from mall.shell.checks.surroundings import Look, Seen, Surroundings
from search_index.engines import IndexUnavailable
from search_index.searcher import Searcher

SLOW_SECONDS = 300.0


def outbox() -> Seen:
    """How much waits in the outbox, and for how long."""
    labels = ["state", "queue"]
    waiting = GaugeMetricFamily("mall_outbox_waiting", "Deliveries not done", labels=labels)
    age = GaugeMetricFamily(
        "mall_outbox_oldest_seconds", "Age of the oldest delivery not done", labels=labels
    )
    with reading() as session:
        for row in outbox_queries.backlog(session, clock.now()):
            waiting.add_metric([row.state, row.queue], row.deliveries)
            age.add_metric([row.state, row.queue], row.oldest_seconds)
    return Seen(metrics=(waiting, age))


def workers(connection: Redis) -> Seen:
    """Whether Valkey answers, and how many workers serve each queue."""
    found = GaugeMetricFamily("mall_workers", "Workers that give signs of life", labels=["queue"])
    try:
        serving = rq_queues.workers_by_queue(connection)
    except RedisError as error:
        return Seen(f"Valkey: {type(error).__name__}; workers look into the database themselves")
    for name in rq_queues.QUEUES:
        found.add_metric([name], serving[name])
    idle = [name for name in rq_queues.QUEUES if not serving[name]]
    return Seen(f"nobody serves {', '.join(idle)}" if idle else "", (found,))


def index(searcher: Searcher) -> Seen:
    """How searches are answered: without an index they are, only more plainly."""
    try:
        snapshot, _ = searcher.current()
    except IndexUnavailable:
        return Seen("the database answers searches until the index is built")
    products = GaugeMetricFamily("mall_index_products", "Products that searches find")
    products.add_metric([], snapshot.count)
    return Seen(metrics=(products,))


def merchants(settings: Settings) -> Seen:
    """Whether each merchant's keys can be used, and how long its certificate is good."""
    left = GaugeMetricFamily(
        "mall_merchant_certificate_days", "Days until it ends", labels=["merchant"]
    )
    well = GaugeMetricFamily(
        "mall_merchant_keys_ok", "1 where a merchant's keys can be used", labels=["merchant"]
    )
    wrong = []
    for merchant in settings.wechat.merchants:
        found = orders.wiring.judge_keys(merchant, clock.now())
        well.add_metric([merchant.name], 0 if found.problems else 1)
        if found.days_left is not None:
            left.add_metric([merchant.name], found.days_left)
        if found.problems or found.warnings:
            wrong.append(merchant.name)
    return Seen(f"look at `mall check`: {', '.join(wrong)}" if wrong else "", (left, well))


def folders(settings: Settings) -> Seen:
    """Whether the folders that this process writes to are there; their names are no stranger's."""
    wanted = {"the search index": settings.index_dir}
    if not settings.s3.bucket:
        wanted["files"] = settings.media_dir
    missing = [name for name, each in wanted.items() if not os.access(each, os.W_OK | os.X_OK)]
    return Seen(f"cannot write where {' and '.join(missing)} are kept" if missing else "")


def around(app: Flask, settings: Settings) -> Surroundings:
    """Return the surroundings of an application; nothing is looked at before somebody asks."""
    connection: Redis = app.extensions["mall_quick_redis"]
    looks = (
        Look("outbox", outbox),
        Look("workers", lambda: workers(connection)),
        Look("index", lambda: index(app.extensions["mall_searcher"])),
        Look("merchants", lambda: merchants(settings), SLOW_SECONDS),
        Look("folders", lambda: folders(settings), SLOW_SECONDS),
    )
    return Surroundings(app, looks)
