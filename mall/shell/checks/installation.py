"""Is this installation fit for traffic? Everything that `mall check` looks at (docs/adr/0040)."""

import os
import secrets
import shutil
import stat
import time
from collections.abc import Iterator
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import requests
from flask import Flask
from redis import Redis
from sqlalchemy import text

import orders.wiring
from mall.kernel import clock
from mall.kernel.db import Base, db
from mall.kernel.errors import DomainError
from mall.kernel.files.opening import open_areas
from mall.kernel.outgoing.session import BoundedSession, Bounds
from mall.kernel.settings import MerchantSettings, Settings
from mall.kernel.uow import reading
from mall.shell.checks import readiness
from mall.shell.checks.findings import Check, Finding, failed, ok, warning

# PostgreSQL ≥ 15; Redis since it moves from list to list.
LEAST_POSTGRES, LEAST_REDIS = 150_000, (6, 2)
FREE_BYTES = 1_000_000_000
# WeChat believes no signature older than five minutes.
SKEW, MAX_SKEW = timedelta(seconds=5), timedelta(seconds=60)
TIMEOUTS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE")


def checks(app: Flask, settings: Settings, asks_others: bool) -> list[tuple[str, Check]]:
    """Return all checks in their order; those that ask WeChat and others only if so wanted."""
    found: list[tuple[str, Check]] = [
        ("environment", lambda: environment(settings)),
        ("secrets", lambda: key_files(settings)),
        ("database", lambda: server(app)),
        ("rights", lambda: rights(app)),
        ("Valkey", lambda: valkey(app.extensions["mall_redis"])),
        ("files", lambda: storage(settings)),
        ("folders", lambda: folders(settings)),
    ]
    for merchant in settings.wechat.merchants:
        found.append((f"merchant {merchant.name}", lambda m=merchant: merchant_keys(m)))  # type: ignore[misc]
    if asks_others:
        found.append(("clock", lambda: wall_clock(settings)))
        found.append(("WeChat's login", lambda: login(app)))
        for merchant in settings.wechat.merchants:
            found.append((f"WeChat Pay for {merchant.name}", lambda m=merchant: pays(app, m)))  # type: ignore[misc]
    return found


def environment(settings: Settings) -> Iterator[Finding]:
    """Say in which environment this is, and what of it cannot be right in production."""
    bases = {settings.wechat.login_base, *(each.base for each in settings.wechat.merchants)}
    yield ok("environment", f"{settings.env}, gateways at {', '.join(sorted(bases))}")
    if settings.is_development:
        yield warning("environment", "development takes demo secrets; not for real members")
        return
    if not settings.trusted_proxies:
        yield warning(
            "proxies", "none is trusted (MALL_TRUSTED_PROXIES): behind one, all clients are one"
        )
    if not settings.public_url:
        yield warning("public address", "MALL_PUBLIC_URL is not set: the documents name no server")
    if not settings.rate_limits:
        yield warning("rates", "MALL_RATE_LIMITS=0: nobody is slowed down")
    if not settings.invitation_url:
        yield warning("invitations", "MALL_INVITATION_URL is not set: links name no page")


def key_files(settings: Settings) -> Iterator[Finding]:
    """Look whether files with secrets can be read by everybody on this machine."""
    files = set()
    for merchant in settings.wechat.merchants:
        secret_files = (merchant.api_key.file, merchant.apiv3_key.file)
        files |= {merchant.key_file, *(str(each or "") for each in secret_files)}
    open_ones = [
        name
        for name in sorted(files - {""})
        if Path(name).exists() and Path(name).stat().st_mode & stat.S_IROTH
    ]
    if open_ones:
        yield warning("secrets", f"everybody on this machine can read {', '.join(open_ones)}")
    else:
        yield ok("secrets", "no file with a secret is open to everybody")


def server(app: Flask) -> Iterator[Finding]:
    """Look at the database server: version, schema, encoding, time-outs in force, TLS, its clock."""
    checks = readiness.look(app.extensions["mall_pool"])
    for what, state in checks.items():
        yield ok(what, state) if state.startswith("ok") else failed(what, state)
    if not checks["database"].startswith("ok"):
        return
    with app.app_context(), reading() as session:
        row = session.execute(
            text(
                "SELECT current_setting('server_version_num')::int AS version,"
                " current_setting('server_encoding') AS encoding,"
                " coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false) AS ssl,"
                " inet_server_addr() IS NULL OR inet_server_addr() <<= '127.0.0.0/8' AS is_here,"
                " current_setting('max_connections')::int AS most, clock_timestamp() AS now,"
                " EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_trgm') AS has_trigrams"
            )
        ).one()
        unlimited = [
            name for name in TIMEOUTS if session.scalar(text(f"SHOW {name}")) in ("0", None)
        ]
    version = f"{row.version // 10_000}.{row.version % 10_000}"
    if row.version < LEAST_POSTGRES:
        yield failed("server", f"PostgreSQL {version}; 15 at least")
    else:
        yield ok("server", f"PostgreSQL {version}, {row.most} connections")
    if row.encoding != "UTF8":
        yield failed("encoding", f"{row.encoding}, not UTF8")
    if not row.has_trigrams:
        yield failed("extension", "pg_trgm is not there; an administrator creates it")
    if unlimited:
        yield failed("time-outs", f"none for {', '.join(unlimited)}: a pooler forgot them (docs)")
    if not row.ssl and not row.is_here:
        yield warning("TLS", "what goes to the database can be read on its way")
    yield _skew("the database's clock", abs(row.now - clock.now()))


def rights(app: Flask) -> Iterator[Finding]:
    """Look whether the serving role may do all it must, and whether it may do more."""
    with app.app_context(), reading() as session:
        missing = [
            f"{row.right} on {row.name}"
            for row in session.execute(
                text(
                    "SELECT t AS name, r AS right FROM unnest(CAST(:tables AS text[])) t,"
                    " unnest(CAST(:rights AS text[])) r"
                    " WHERE to_regclass(t) IS NULL OR NOT has_table_privilege(to_regclass(t), r)"
                ),
                {"tables": list(Base.metadata.tables), "rights": list(RIGHTS)},
            )
        ]
        owns = session.scalar(
            text(
                "SELECT pg_has_role(relowner, 'USAGE') FROM pg_class"
                " WHERE oid = to_regclass('alembic_version')"
            )
        )
        role = session.scalar(text("SELECT current_user"))
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        yield failed("rights", f"{role} lacks {', '.join(missing[:3])}{more}: mall migrate")
    elif owns:
        yield warning("rights", f"{role} owns the tables; DATABASE_OWNER_URL keeps that apart")
    else:
        yield ok("rights", f"{role} reads and writes every row, and changes no table")


def valkey(connection: Redis) -> Iterator[Finding]:
    """Look whether Valkey takes what is written; without it everything goes on, more slowly."""
    key = f"mall:check:{secrets.token_hex(4)}"
    connection.set(key, "1", ex=10)
    connection.delete(key)
    told = connection.info()
    version = str(told.get("valkey_version") or told.get("redis_version") or "0")
    if tuple(int(part) for part in version.split(".")[:2]) < LEAST_REDIS:
        yield warning("Valkey", f"version {version} is old; 6.2 at least")
    policy = str(told.get("maxmemory_policy", "noeviction"))
    if policy not in ("noeviction", "") and not policy.startswith("volatile"):
        yield warning("Valkey", f"it may forget jobs (maxmemory-policy {policy}): they come later")
    yield ok("Valkey", f"version {version} takes what is written")


def storage(settings: Settings) -> Iterator[Finding]:
    """Write, read and remove a small file in each area, as the mall does."""
    content, name = secrets.token_bytes(64), f"check-{secrets.token_hex(8)}.bin"
    for area, store in open_areas(settings).items():
        try:
            store.put(name, content, "application/octet-stream")
            is_same = store.get(name) == content
            store.delete(name)
        except DomainError as error:
            why = error.__cause__
            yield failed("files", f"{area}: {error.code} ({type(why).__name__}: {why})")
            return
        if not is_same:
            yield failed("files", f"{area}: what is read is not what was written")
            return
    where = f"bucket {settings.s3.bucket}" if settings.s3.bucket else str(settings.media_dir)
    yield ok("files", f"written, read and removed in {where}")


def folders(settings: Settings) -> Iterator[Finding]:
    """Look at the folders of this machine: there, writable, with room."""
    wanted = [settings.index_dir] + ([] if settings.s3.bucket else [settings.media_dir])
    for folder in wanted:
        if not os.access(folder, os.W_OK | os.X_OK):
            yield failed("folders", f"{folder} cannot be written to; mall setup makes it")
            continue
        free = shutil.disk_usage(folder).free
        said = f"{folder}, {free / 1e9:.1f} GB free"
        yield ok("folders", said) if free > FREE_BYTES else warning("folders", said)


def merchant_keys(merchant: MerchantSettings) -> Iterator[Finding]:
    """Look at a merchant's keys and certificate."""
    what = f"merchant {merchant.name}"
    found = orders.wiring.judge_keys(merchant, clock.now())
    yield from (failed(what, each) for each in found.problems)
    yield from (warning(what, each) for each in found.warnings)
    if not found.problems:
        left = f", certificate good for {found.days_left} days" if found.days_left else ""
        yield ok(what, f"{merchant.version}, keys fit{left}")


def _skew(what: str, apart: timedelta) -> Finding:
    said = f"{apart.total_seconds():.1f} s apart from ours"
    if apart > MAX_SKEW:
        return failed(what, f"{said}: codes, tokens and signatures fail")
    return warning(what, said) if apart > SKEW else ok(what, said)


def wall_clock(settings: Settings) -> Iterator[Finding]:
    """Compare our clock with WeChat's."""
    base = settings.wechat.merchants[0].base
    try:
        reply = BoundedSession(Bounds(settings.wechat.timeout_seconds)).request("HEAD", base)
    except requests.RequestException as error:
        yield failed("clock", f"{base} does not answer: {type(error).__name__}")
        return
    said = reply.headers.get("Date")
    if said is None:
        yield warning("clock", f"{base} does not say what time it is")
        return
    # The wall clock: a clock that tests have moved is not what WeChat compares with.
    yield _skew(
        "clock", timedelta(seconds=abs(parsedate_to_datetime(said).timestamp() - time.time()))
    )


def login(app: Flask) -> Iterator[Finding]:
    """Ask WeChat for an access token, as messages need it: are appid and secret right?"""
    try:
        app.extensions["mall_login_gateway"].check()
    except requests.RequestException as error:
        yield failed("WeChat's login", f"does not answer: {type(error).__name__}")
    except DomainError as error:
        yield failed("WeChat's login", error.code)
    else:
        yield ok("WeChat's login", "gives tokens")


def pays(app: Flask, merchant: MerchantSettings) -> Iterator[Finding]:
    """Ask WeChat Pay about a payment that nobody made: both sides' signatures are right then."""
    what = f"WeChat Pay for {merchant.name}"
    with app.app_context():
        gateway = app.extensions["mall_merchants"].get(merchant.name).gateway
        try:
            state = gateway.query(f"CHECK{secrets.token_hex(8)}").state
        except DomainError as error:
            yield failed(what, f"{error.code} ({type(error.__cause__ or error).__name__})")
            return
        finally:
            db.session.rollback()
    yield ok(what, f"answers, and knows us ({state.lower()})")
