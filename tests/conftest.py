"""One PostgreSQL for the run, one database, Valkey and mock gateway for each test process."""

import gc
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
from datetime import timedelta
from pathlib import Path

import pytest
import requests
from argon2 import PasswordHasher
from hypothesis import settings
from sqlalchemy import text
from werkzeug.serving import make_server

from devtools import engines
from devtools.supervisor import MOCK_MERCHANT
from mall.access.staff.service import passwords
from mall.kernel import clock, outbox
from mall.kernel.db import Base
from mall.kernel.uow import unit_of_work
from mall.shell import database
from mall.shell.app import create_app
from mall.shell.config import load as load_settings
from mall.shell.serving.ports import free_port
from mall.web.replies import shop_window
from mocks.kuaidi100.server import State as TrackingState
from mocks.kuaidi100.server import create_app as kuaidi100_mock
from tests.support.database import findings_of
from tests.support.giving import Union
from tests.support.people import World
from tests.support.processes import MALL, answers, kill_all, run_command, wait_until
from tests.support.soak import LONG, SEED
from tests.support.wechat import breaker_of, collect_by

TEMPLATE = "mall_template"
FEW = 1000
# The same examples in every run, so that what is green stays green; `explore` looks for new ones.
settings.register_profile("repeat", derandomize=True)
settings.register_profile("explore", derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeat"))
# As strong as tests need: at its real cost, passwords alone take a minute of the suite.
passwords._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
MOCK_FIXTURES = Path(__file__).parent.parent / "mocks" / "wechatpay" / "fixtures"
# Tests of ten seconds and more, longest first; the others keep their order.
SLOWEST = (
    "test_a_run_starts_watches_and_leaves_nothing_behind",
    "test_nothing_is_lost_and_nothing_happens_twice",
    "test_no_sequence_of_steps_with_programmes_breaks_an_invariant",
    "test_case_26_killed_at_random_points_an_issue_to_thousands_ends_whole",
    "test_no_sequence_of_steps_breaks_an_invariant",
    "test_six_hundred_dawdling_clients_delay_nobody",
)
INTERNAL_PORTS = [f"MALL_{part}_INTERNAL_PORT" for part in ("WEB", "WORKER", "SCHEDULER")]
NO_HTTPS = ("--https-port", "-1")


def pytest_configure(config):
    """Start PostgreSQL and migrate the template once, in the process that leads the run."""
    if hasattr(config, "workerinput") or "MALL_TEST_URL" in os.environ:
        # Another process leads the run, or `make mutants` keeps a server for many.
        return
    directory = Path(tempfile.mkdtemp(prefix="mall-tests-"))
    directory.chmod(0o755)
    server = engines.start_postgres(directory / "postgres")
    # Races open a connection for each thread; a crash of the machine may cost the test data.
    engines.configure(server, {"max_connections": "300", "fsync": "off"})
    config.mall_server, config.mall_poolory = server, directory
    url = engines.ensure_database(server, TEMPLATE)
    os.environ["MALL_TEST_DIRECTORY"] = str(directory)
    os.environ["MALL_TEST_URL"] = url
    database.migrate(load_settings({"DATABASE_URL": url, "REDIS_URL": "redis://unused"}))


def pytest_collection_modifyitems(items):
    """Begin with what takes longest, so that no process is left alone with it in the end.

    A soak ends when its time is over: each begins with another file.
    """
    if LONG:
        files = sorted({str(item.path) for item in items})
        random.Random(SEED).shuffle(files)
        items.sort(key=lambda item: files.index(str(item.path)))
        return
    rank = {name: number for number, name in enumerate(SLOWEST)}
    items.sort(key=lambda item: rank.get(item.name.partition("[")[0], len(rank)))


def pytest_collection_finish():
    """Leave what was collected out of garbage collection, as a web process does with what it loaded.

    Each collection otherwise goes through thousands of tests; every new generation of the search
    index asks for one.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def pytest_unconfigure(config):
    """Stop PostgreSQL and leave nothing behind."""
    if hasattr(config, "mall_server"):
        engines.stop_postgres(config.mall_server)
        shutil.rmtree(config.mall_poolory, ignore_errors=True)


@pytest.fixture(scope="session")
def process_name(worker_id):
    return f"mall_{os.environ.get('MALL_TEST_NAME', worker_id)}"


@pytest.fixture(scope="session")
def database_url(process_name):
    """A database of this test process, cloned from the template in a tenth of a second."""
    server = engines.start_postgres(Path(os.environ["MALL_TEST_DIRECTORY"]) / "postgres")
    return engines.ensure_database(server, process_name, TEMPLATE)


@pytest.fixture(scope="session")
def redis_url(process_name):
    """A Valkey of this test process."""
    port = free_port(20000 + os.getpid() % 10000)
    directory = Path(os.environ["MALL_TEST_DIRECTORY"]) / f"valkey-{process_name}"
    process = subprocess.Popen(engines.valkey_command(directory, port), stdout=subprocess.DEVNULL)
    yield f"redis://127.0.0.1:{port}/0"
    process.kill()
    process.wait(10)


@pytest.fixture(scope="session")
def mock_base():
    """The mock gateway, as a program of its own, over HTTP."""
    port = free_port(31000 + os.getpid() % 10000)
    process = subprocess.Popen(
        [sys.executable, "-m", "mocks.wechatpay", "--http-port", str(port), *NO_HTTPS],
        stdout=subprocess.DEVNULL,
    )
    base = f"http://127.0.0.1:{port}"
    wait_until(lambda: answers(f"{base}/_mock/trades"), 60)
    yield base
    process.kill()
    process.wait(10)


@pytest.fixture(scope="session")
def parcels_base():
    """The stand-in of kuaidi100, over HTTP."""
    server = make_server("127.0.0.1", 0, kuaidi100_mock(TrackingState()), threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="session")
def merchants_file():
    """A second merchant beside the main one, which is asked by API v3."""
    path = Path(os.environ["MALL_TEST_DIRECTORY"]) / "merchants.toml"
    path.write_text(
        f"""
        [[merchant]]
        name = "three"
        version = "v3"
        mch_id = "10000200"
        unions = ["440800-three"]
        apiv3_key_file = "apiv3_key"
        cert_file = "{MOCK_FIXTURES}/merchant_10000200_cert.pem"
        key_file = "{MOCK_FIXTURES}/merchant_10000200_key.pem"
        public_keys_dir = "{MOCK_FIXTURES}/public_keys"
        """,
        encoding="utf-8",
    )
    path.with_name("apiv3_key").write_text("demo0apiv3key0of0merchant0000200\n", encoding="utf-8")
    return str(path)


@pytest.fixture(scope="session")
def environment(database_url, redis_url, mock_base, parcels_base, process_name, merchants_file):
    """The variables that a process of this test's service runs with."""
    return {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "WECHATPAY_API_BASE": mock_base,
        "WECHATPAY_NOTIFY_URL": "http://127.0.0.1:9/v1/webhooks/wechat/pay",
        "WECHATPAY_REFUND_NOTIFY_URL": "http://127.0.0.1:9/v1/webhooks/wechat/refund",
        "WECHATPAY_MERCHANTS_FILE": merchants_file,
        **MOCK_MERCHANT,
        "WECHATPAY_TIMEOUT_SECONDS": "1",
        "KUAIDI100_KEY": "demo-kuaidi100-key",
        "KUAIDI100_CUSTOMER": "demo-kuaidi100-customer",
        "KUAIDI100_API_BASE": parcels_base,
        "KUAIDI100_CALLBACK_URL": "http://127.0.0.1:9/v1/webhooks/kuaidi100",
        "KUAIDI100_TIMEOUT_SECONDS": "1",
        "MALL_DATABASE_POOL": "40",
        "MALL_MEDIA_DIR": os.environ["MALL_TEST_DIRECTORY"] + "/media",
        "MALL_INDEX_DIR": os.environ["MALL_TEST_DIRECTORY"] + f"/index-{process_name}",
        "MALL_LOG_LEVEL": "ERROR",
        "MALL_RATE_LIMITS": "0",
        # Several are started at once; who wants to ask one gives it a port.
        **dict.fromkeys(INTERNAL_PORTS, "0"),
    }


@pytest.fixture(scope="session")
def app(environment):
    application = create_app(load_settings(environment))
    # Any application that a test makes takes the doorbell over: see `world`.
    application.extensions["test_doorbell"] = outbox._doorbell
    yield application
    with application.app_context():
        application.extensions["mall_pool"].close()
        application.extensions["sqlalchemy"].engine.dispose()


@pytest.fixture(autouse=True)
def _fresh_clock():
    shop_window.clear()
    yield
    clock.freeze(None)
    clock.shift(timedelta(0))


@pytest.fixture(scope="session")
def emptying(app):
    """Return a function that empties the database, but for the regions, and Valkey."""
    names = [name for name in Base.metadata.tables if name != "region"]
    deleting = ", ".join(
        f"d{n} AS (DELETE FROM {name} RETURNING 1)" for n, name in enumerate(names)
    )
    counts = ", ".join(f"(SELECT count(*) FROM d{n})" for n in range(len(names)))
    everything = text(f"WITH {deleting} SELECT {counts}")

    def empty():
        with app.app_context(), unit_of_work() as uow:
            # What is append-only is so for everybody but its own superuser.
            uow.session.execute(text("SET LOCAL session_replication_role = replica"))
            deleted = zip(names, uow.session.execute(everything).one(), strict=True)
            # The room that many rows leave is searched by each later test; a truncation makes new
            # files, which for a few rows takes ten times as long.
            for name in [name for name, count in deleted if count > FEW]:
                uow.session.execute(text(f"TRUNCATE {name} CASCADE"))
        app.extensions["mall_redis"].flushdb()

    return empty


@pytest.fixture
def clean(emptying):
    """Begin with nothing."""
    emptying()


@pytest.fixture
def world(app, mock_base, clean):
    """Make members, suppliers, products and beans; act as anybody over HTTP."""
    requests.post(f"{mock_base}/_mock/reset", timeout=5)
    outbox.set_doorbell(app.extensions["test_doorbell"])
    found = World(app, mock_base)
    for merchant in ("three", "main"):
        collect_by(found, merchant)
        breaker_of(found).close()
    return found


@pytest.fixture
def command(app, monkeypatch):
    """Return a function that runs `mall` within this process, on this test's application."""
    monkeypatch.setattr(
        "mall.shell.commands.environment.settings", lambda: app.extensions["mall_settings"]
    )
    monkeypatch.setattr("mall.shell.commands.environment.application", lambda: app)
    return run_command


@pytest.fixture
def start(environment):
    """Start a part of the service as a process of its own; what still runs is killed afterwards."""
    started = []

    def run(*arguments):
        process = subprocess.Popen(
            [MALL, *arguments],
            env={**os.environ, **environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        kill_all(process)


@pytest.fixture(params=["main", "three"], ids=["v2", "v3"])
def each_version(request, world):
    """Once with a merchant of API v2 and once with one of API v3; return its version."""
    collect_by(world, request.param)
    return {"main": "v2", "three": "v3"}[request.param]


@pytest.fixture
def union(world):
    """A union with an officer for each duty."""
    return Union(world)


@pytest.fixture
def audited(world):
    """Return a function that asserts that every invariant is kept."""

    def check():
        assert findings_of(world) == {}

    return check
