"""`mall check`: what does not work is found before members meet it."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from mall.kernel import clock
from mall.kernel.uow import unit_of_work
from mall.shell.app import create_app
from mall.shell.checks import installation
from mall.shell.checks.findings import FAILED, OK, WARNING, found_by
from mall.shell.config import load
from tests.support.database import execute_sql


@pytest.fixture
def look(world, environment):
    """Return a function that does one check with some settings changed: its states and sentences."""
    made = []

    def look(name, app=None, **changed):
        if app is None:
            app = create_app(load(environment | changed)) if changed else world.app
        made.append(app)
        settings = app.extensions["mall_settings"]
        checks = dict(installation.checks(app, settings, asks_others=True))
        return [(each.state, f"{each.what}: {each.says}") for each in found_by(name, checks[name])]

    yield look
    for app in made:
        if app is not world.app:
            with app.app_context():
                app.extensions["mall_pool"].close()
                app.extensions["sqlalchemy"].engine.dispose()


def states(found):
    return {state for state, _ in found}


def test_the_command_says_what_it_finds_and_asks_wechat_for_both_versions(world, command):
    world.app.extensions["mall_settings"].index_dir.mkdir(exist_ok=True)
    done = command("check")
    assert done.returncode == 0, done.stdout
    for said in (
        "✓ environment: development",
        "✓ schema: ok",
        "✓ Valkey: version",
        "✓ files: written, read and removed in",
        "✓ merchant main: v2, keys fit, certificate good for",
        "✓ merchant three: v3, keys fit",
        "✓ clock: 0.",
        "✓ WeChat's login: gives tokens",
        "✓ WeChat Pay for main: answers, and knows us",
        "✓ WeChat Pay for three: answers, and knows us",
        "0 failed",
    ):
        assert said in done.stdout
    assert not list(Path(world.app.extensions["mall_settings"].media_dir).rglob("check-*"))


def test_offline_it_asks_nobody_and_what_fails_ends_it_with_1(world, command, monkeypatch):
    monkeypatch.setattr(installation, "LEAST_POSTGRES", 990_000)
    done = command("check", "--offline")
    assert done.returncode == 1
    assert "✗ server: PostgreSQL" in done.stdout
    assert "WeChat Pay" not in done.stdout


def test_a_check_that_breaks_off_is_a_finding_and_quotes_little():
    def check():
        raise ValueError("first line\nDETAIL: a row")

    [found] = found_by("odd", check)
    assert (found.state, found.says) == (FAILED, "ValueError: first line")


def test_a_schema_behind_and_a_database_away_are_found(look, monkeypatch):
    assert look("database", DATABASE_URL="postgresql://127.0.0.1:9/mall") == [
        (FAILED, "database: failed: OperationalError")
    ]
    monkeypatch.setattr("mall.shell.checks.readiness.HEAD", "9999")
    assert tuple(
        part[:18] if isinstance(part, str) and part != FAILED else part
        for part in look("database")[1]
    ) == (FAILED, "schema: failed: at")


def test_time_outs_that_are_not_in_force_are_found(world, look, monkeypatch):
    monkeypatch.setattr(installation, "TIMEOUTS", ("lock_timeout", "transaction_timeout"))
    with world.app.app_context(), unit_of_work() as uow:
        names = uow.session.scalars(text("SELECT name FROM pg_settings")).all()
    other = "transaction_timeout" if "transaction_timeout" in names else "idle_session_timeout"
    monkeypatch.setattr(installation, "TIMEOUTS", ("lock_timeout", other))
    assert any(state == FAILED and f"none for {other}" in said for state, said in look("database"))


def test_rights_that_are_missing_are_named(world, look):
    assert states(look("rights")) == {WARNING}
    execute_sql(world, "DROP ROLE IF EXISTS mall_checked")
    execute_sql(world, "CREATE ROLE mall_checked LOGIN")
    execute_sql(world, "GRANT SELECT ON shop_order TO mall_checked")
    try:
        url = world.app.extensions["mall_settings"].database_url
        [found] = look("rights", DATABASE_URL=url.replace("//postgres@", "//mall_checked@"))
    finally:
        execute_sql(world, "DROP OWNED BY mall_checked")
        execute_sql(world, "DROP ROLE mall_checked")
    assert found[0] == FAILED
    assert "mall_checked lacks" in found[1]


def test_valkey_away_and_folders_that_cannot_be_written_are_found(look, tmp_path):
    assert states(look("Valkey", REDIS_URL="redis://127.0.0.1:9/0")) == {FAILED}
    assert states(look("folders", MALL_INDEX_DIR=str(tmp_path / "none"))) == {FAILED, OK}
    file = tmp_path / "file"
    file.write_text("in the way", encoding="ascii")
    assert states(look("files", MALL_MEDIA_DIR=str(file))) == {FAILED}


def test_a_bucket_that_does_not_answer_is_found_with_its_reason(look):
    bucket = {
        "MALL_S3_BUCKET": "mall",
        "MALL_S3_ENDPOINT": "http://127.0.0.1:9",
        "MALL_S3_ACCESS_KEY": "key",
        "MALL_S3_SECRET_KEY": "secret",
    }
    [(state, said)] = look("files", **bucket)
    assert (state, "EndpointConnectionError" in said) == (FAILED, True)


def test_secrets_that_everybody_can_read_are_warned_of(look, tmp_path):
    key = tmp_path / "api_key"
    key.write_text("k" * 32, encoding="ascii")
    key.chmod(0o644)
    [(state, said)] = look("secrets", WECHATPAY_API_KEY_FILE=str(key))
    assert (state, str(key) in said) == (WARNING, True)


def test_gateways_that_do_not_know_us_are_found(look):
    assert states(look("WeChat's login", WECHAT_APP_SECRET="wrong")) == {FAILED}
    [(state, said)] = look("WeChat Pay for main", WECHATPAY_API_KEY="w" * 32)
    assert (state, "payment_keys_unusable" in said) == (FAILED, True)
    silent = {"WECHATPAY_API_BASE": "http://127.0.0.1:9"}
    for name in ("clock", "WeChat's login", "WeChat Pay for main"):
        assert states(look(name, **silent)) == {FAILED}


@pytest.mark.parametrize(
    ("apart", "state"), [(0, OK), (5, OK), (6, WARNING), (60, WARNING), (61, FAILED)]
)
def test_clocks_that_are_apart_are_found(look, apart, state):
    assert installation._skew("clock", timedelta(seconds=apart)).state == state
    clock.shift(timedelta(seconds=apart + 0.5 if apart in (6, 61) else apart - 0.5))
    found = {said.partition(":")[0]: how for how, said in look("database")}
    assert found["the database's clock"] == state


def test_what_production_should_set_is_warned_of(look, world, environment, tmp_path):
    strict = {
        "MALL_ENV": "staging",
        "MALL_SECRET_KEY": "s" * 32,
        "MALL_RATE_LIMITS": "0",
        "WECHATPAY_NOTIFY_URL": "https://mall.example/v1/webhooks/wechat/pay",
    }
    found = look("environment", **strict)
    said = " ".join(each for _, each in found)
    for name in ("MALL_TRUSTED_PROXIES", "MALL_PUBLIC_URL", "MALL_RATE_LIMITS", "INVITATION_URL"):
        assert name in said
    right = {
        "MALL_TRUSTED_PROXIES": "127.0.0.1",
        "MALL_PUBLIC_URL": "https://mall.example",
        "MALL_RATE_LIMITS": "1",
        "MALL_INVITATION_URL": "https://mall.example/welcome",
    }
    assert states(look("environment", **strict | right)) == {OK}
