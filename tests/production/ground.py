"""The ground of an installation: database and Redis of Debian's or embedded, mock over HTTPS."""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import psycopg
import requests

from devtools import engines
from devtools.supervisor import MOCK_MERCHANT, TRACKING_CUSTOMER, TRACKING_KEY
from mall.shell.serving.ports import free_port
from mocks.wechatpay import tls
from tests.production.machine import Missing, Program, need

ROOT = Path(__file__).parents[2]
DATABASE = "mall"


def say(text: str) -> None:
    """Tell the person at the terminal."""
    print(text, flush=True)


def wait(what: str, is_so: Callable[[], bool], seconds: float = 30) -> None:
    """Return as soon as something is so; raise TimeoutError with what it was."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not after {seconds:.0f} s")
        time.sleep(0.05)


class Ground:
    """Everything outside of the mall that one installation uses, under one folder, on loopback."""

    def __init__(self, is_embedded: bool = False) -> None:
        self._is_embedded = is_embedded
        self.folder = Path(tempfile.mkdtemp(prefix="mall-production-"))
        # PostgreSQL of Debian runs as a user of its own.
        self.folder.chmod(0o755)
        self._started: list[subprocess.Popen[bytes]] = []
        self._logs: list[IO[bytes]] = []
        self._ends: list[Callable[[], object]] = []
        self.notes: list[str] = []
        self.owner_url = self.serving_url = self.redis_url = self.mock = self.parcels = ""
        self.postgres_port = self.redis_port = 0
        self.certificates = self.folder / "tls"

    def __enter__(self) -> "Ground":
        tls.make(self.certificates)
        try:
            self._start_postgres()
            self.start_redis()
            self._start_mocks()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._started):
            self.end(process)
        for end in reversed(self._ends):
            end()
        for log in self._logs:
            log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(
        self, name: str, command: list[str], environment: dict[str, str] | None = None, **how: Any
    ) -> subprocess.Popen[bytes]:
        """Start a program whose output goes into the folder; it ends with the ground."""
        log = (self.folder / f"{name}.log").open("ab")
        self._logs.append(log)
        process = subprocess.Popen(
            command,
            env=environment or dict(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            **how,
        )
        self._started.append(process)
        return process

    def end(self, process: subprocess.Popen[bytes], seconds: float = 30) -> int:
        """Ask a program to stop; return its status."""
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(10)
        if process in self._started:
            self._started.remove(process)
        return process.returncode

    def log(self, name: str) -> str:
        """Return what a program said."""
        path = self.folder / f"{name}.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def _need(self, name: str) -> Program:
        if self._is_embedded:
            raise Missing("so it was asked for")
        return need(name)

    # The database

    def _start_postgres(self) -> None:
        try:
            self._debian_postgres(self._need("postgres").folder)
        except Missing as missing:
            self.notes.append(f"PostgreSQL is the embedded one: {missing}")
            self._embedded_postgres()

    def _debian_postgres(self, programs: Path) -> None:
        """Start Debian's server as an operations engineer would: locale C, TLS, roles apart."""
        if os.geteuid() != 0:
            raise Missing("only root can start Debian's server as the user postgres")
        data = self.folder / "postgres"
        data.mkdir()
        for name in (tls.CERT_FILE, tls.KEY_FILE):
            shutil.copy(self.certificates / name, self.folder / f"pg_{name}")
            shutil.chown(self.folder / f"pg_{name}", "postgres", "postgres")
        (self.folder / f"pg_{tls.KEY_FILE}").chmod(0o600)
        shutil.chown(data, "postgres", "postgres")
        as_postgres = ["runuser", "-u", "postgres", "--"]
        subprocess.run(
            [
                *as_postgres,
                str(programs / "initdb"),
                "-D",
                str(data),
                "--locale=C",
                "-E",
                "UTF8",
                "--auth=trust",
            ],
            check=True,
            capture_output=True,
            timeout=60,
        )
        self.postgres_port = free_port(25432)
        options = {
            "port": str(self.postgres_port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "ssl": "on",
            "ssl_cert_file": str(self.folder / f"pg_{tls.CERT_FILE}"),
            "ssl_key_file": str(self.folder / f"pg_{tls.KEY_FILE}"),
            "password_encryption": "scram-sha-256",
            "max_connections": "150",
        }
        arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        server = self.start(
            "postgres", [*as_postgres, str(programs / "postgres"), "-D", str(data), *arguments]
        )
        admin = f"postgresql://postgres@127.0.0.1:{self.postgres_port}/postgres"
        wait("PostgreSQL", lambda: _connects(admin) or server.poll() is not None)
        passwords = {name: secrets.token_hex(8) for name in ("mall_owner", "mall_app")}
        with psycopg.connect(admin, autocommit=True) as connection:
            for name, password in passwords.items():
                connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'")
            connection.execute(f"CREATE DATABASE {DATABASE} OWNER mall_owner")
        # From now on passwords are asked for, and nobody comes in without TLS.
        (data / "pg_hba.conf").write_text(
            "hostssl all postgres 127.0.0.1/32 trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n",
            encoding="ascii",
        )
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute("SELECT pg_reload_conf()")
        ask = f"sslmode=verify-full&sslrootcert={self.certificates / tls.CA_FILE}"
        where = f"127.0.0.1:{self.postgres_port}/{DATABASE}?{ask}"
        self.owner_url = f"postgresql://mall_owner:{passwords['mall_owner']}@{where}"
        self.serving_url = f"postgresql://mall_app:{passwords['mall_app']}@{where}"
        self.notes.append("PostgreSQL is Debian's: TLS, locale C, owner and serving role apart")

    def _embedded_postgres(self) -> None:
        server = engines.start_postgres(self.folder / "postgres")
        self._ends.append(lambda: engines.stop_postgres(server))
        self.owner_url = engines.ensure_database(server, DATABASE)
        with psycopg.connect(self.owner_url, autocommit=True) as connection:
            connection.execute("CREATE ROLE mall_app LOGIN")
        self.serving_url = self.owner_url.replace("//postgres@", "//mall_app@")

    # Redis

    def start_redis(self) -> subprocess.Popen[bytes]:
        """Start Redis where it was before, if it was."""
        self.redis_port = self.redis_port or free_port(26379)
        password = self.redis_url.partition("//:")[2].partition("@")[0] or secrets.token_hex(8)
        try:
            command = [self._need("redis-server").path, "--port", str(self.redis_port)]
            command += ["--bind", "127.0.0.1", "--save", "", "--dir", str(self.folder)]
        except Missing as missing:
            self.notes.append(f"Redis is the embedded Valkey: {missing}")
            command = engines.valkey_command(self.folder / "valkey", self.redis_port)
        self.redis_url = f"redis://:{password}@127.0.0.1:{self.redis_port}/0"
        return self.start("redis", [*command, "--requirepass", password])

    # The gateways

    def _start_mocks(self) -> None:
        port, plain, parcels = free_port(22112), free_port(22111), free_port(22113)
        root = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        folder = self.folder / "mock-tls"
        command = [sys.executable, "-m", "mocks.wechatpay", "--https-port", str(port)]
        command += ["--http-port", str(plain), "--tls-dir", str(folder)]
        self.start("wechatpay", command, root, cwd=ROOT)
        command = [sys.executable, "-m", "mocks.kuaidi100", "--port", str(parcels)]
        self.start("kuaidi100", command, root, cwd=ROOT)
        self.mock, self.parcels = f"https://127.0.0.1:{port}", f"http://127.0.0.1:{parcels}"
        wait("the mock of WeChat Pay", lambda: answers(f"http://127.0.0.1:{plain}/_mock/trades"))
        wait("the stand-in of kuaidi100", lambda: answers(f"{self.parcels}/_mock/received"))
        self.bundle = folder / tls.CA_FILE

    def environment(self, base: str) -> dict[str, str]:
        """Return what the mall's processes run with, in staging mode, at this address."""
        return {
            "PATH": "/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "HOME": str(self.folder),
            "TMPDIR": str(self.folder / "tmp"),
            "MALL_ENV": "staging",
            "MALL_SECRET_KEY": "staging-" + "s" * 40,
            "DATABASE_URL": self.serving_url,
            "REDIS_URL": self.redis_url,
            "WECHATPAY_API_BASE": self.mock,
            "REQUESTS_CA_BUNDLE": str(self.bundle),
            **MOCK_MERCHANT,
            "WECHATPAY_NOTIFY_URL": f"{base}/v1/webhooks/wechat/pay",
            "WECHATPAY_REFUND_NOTIFY_URL": f"{base}/v1/webhooks/wechat/refund",
            "KUAIDI100_KEY": TRACKING_KEY,
            "KUAIDI100_CUSTOMER": TRACKING_CUSTOMER,
            "KUAIDI100_API_BASE": self.parcels,
            "KUAIDI100_CALLBACK_URL": f"{base}/v1/webhooks/kuaidi100",
            "MALL_MEDIA_DIR": str(self.folder / "media"),
            "MALL_INDEX_DIR": str(self.folder / "index"),
        }


def answers(url: str, **how: Any) -> bool:
    """Tell whether an address answers with success."""
    try:
        return requests.get(url, timeout=2, **how).ok
    except requests.RequestException:
        return False


def _connects(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.Error:
        return False
    return True
