"""Two full tenants in a database of their own, and a running service before them."""

import os
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import text

from devtools import engines
from mall.kernel.uow import reading
from mall.shell import config
from mall.shell.app import create_app
from mall.shell.serving.ports import free_port
from tests.attacks.attacking import Attacker, operations
from tests.attacks.tenants import Tenant
from tests.support.database import select_rows
from tests.support.people import World
from tests.support.processes import MALL, answers, kill_all, wait_until
from tests.support.working import run_outbox

TEMPLATE = "mall_template"
# What a refused request may leave: counters of wrong tries, its refusal for its key, and its line
# in the journal of staff.
# Searches of anybody are counted in memory and written a little later: `search_tally`.
MAY_CHANGE = {
    "guess_counter",
    "idempotency_key",
    "journal_line",
    "journal_pending",
    "search_tally",
}


def pytest_collection_modifyitems(items):
    """Keep the suite in one process: its ground costs seconds."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("attacks"))


@pytest.fixture(scope="package")
def attacked(environment, process_name):
    """The settings of a service with a database, a Valkey and files of its own."""
    directory = Path(os.environ["MALL_TEST_DIRECTORY"])
    server = engines.start_postgres(directory / "postgres")
    return {
        **environment,
        "DATABASE_URL": engines.ensure_database(server, f"attacked_{process_name}", TEMPLATE),
        "REDIS_URL": environment["REDIS_URL"].removesuffix("/0") + "/1",
        "MALL_MEDIA_DIR": str(directory / f"attacked-media-{process_name}"),
        "MALL_INDEX_DIR": str(directory / f"attacked-index-{process_name}"),
    }


@pytest.fixture(scope="package")
def ground(attacked, mock_base):
    """A world that writes where the attacked service reads."""
    app = create_app(config.load(attacked))
    found = World(app, mock_base)
    yield found
    with app.app_context():
        app.extensions["mall_pool"].close()
        app.extensions["sqlalchemy"].engine.dispose()


@pytest.fixture(scope="package")
def tenants(ground):
    """Two tenants with one of everything, who have nothing to do with each other."""
    found = Tenant(ground, "alpha"), Tenant(ground, "beta")
    # What waited for a worker is done: from here on nothing changes by itself.
    while run_outbox(ground):
        pass
    return found


@pytest.fixture(scope="package")
def running(attacked):
    """Return a function that starts a part of the attacked service; all end with the suite."""
    started = []

    def run(*arguments, **settings):
        process = subprocess.Popen(
            [MALL, *arguments],
            env={**os.environ, **attacked, **settings},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        kill_all(process)


def _served(running, first, **settings):
    port = free_port(first + os.getpid() % 900)
    return port, running("serve", "--port", str(port), "--workers", "1", **settings)


def _awaited(service):
    port, _ = service
    wait_until(lambda: answers(f"http://127.0.0.1:{port}/healthz"), 60)
    return port


@pytest.fixture(scope="package")
def services(running):
    """Two services on one database: one lets ask as often as one likes, one is as in production."""
    limits = {"MALL_RATE_LIMITS": "1", "MALL_METRICS_TOKEN": "token-of-the-metrics"}
    return _served(running, 24000), _served(running, 25000, **limits)


@pytest.fixture(scope="package")
def port(services, tenants):
    """The service that counts nobody's requests; it started while the tenants were built."""
    return _awaited(services[0])


@pytest.fixture(scope="package")
def limited(services, tenants):
    """The service with rate limits and a token for its metrics."""
    return _awaited(services[1])


@pytest.fixture(scope="package")
def served(services, port):
    """The process of the service that counts nobody's requests."""
    return services[0][1]


@pytest.fixture(scope="package")
def document(port):
    """Every operation of the document that the service serves."""
    return operations(Attacker(port).ask("GET", "/openapi.json").body)


@pytest.fixture
def digest(ground):
    """Return a function that gives a digest of every row of every table."""
    names = [
        row.name
        for row in select_rows(
            ground, "SELECT relname AS name FROM pg_stat_user_tables ORDER BY relname"
        )
        if row.name not in MAY_CHANGE
    ]
    each = "SELECT '{0}' AS name, md5(string_agg(t::text, '|' ORDER BY t::text)) AS sum FROM {0} t"
    whole = text(" UNION ALL ".join(each.format(name) for name in names if name != "region"))

    def take():
        with ground.app.app_context(), reading() as session:
            return dict(session.execute(whole).all())

    return take
