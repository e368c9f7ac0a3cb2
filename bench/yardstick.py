"""PostgreSQL's own limit: what pgbench reaches with the least that an order can be."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from devtools.engines import POSTGRES_PROGRAMS
from mall.kernel.db import driver_url

SQL = Path(__file__).parent / "sql"
DATABASE = "yardstick"
SPREAD, HOT = "limit_order_spread.sql", "limit_order_hot.sql"
WARM_SECONDS = 2


@dataclass
class Yardstick:
    """A database on the server under test, beside the mall's own.

    It is compared in turns of two seconds or so, with as many clients: both then meet the same
    write-ahead log, new or recycled, the same caches and the same neighbours.
    """

    parameters: dict[str, str]

    def prepare(self, script: str, clients: int) -> None:
        """Make the tables anew and warm them up."""
        self._prepare()
        self.run(script, clients, WARM_SECONDS)

    def run(self, script: str, clients: int, seconds: int) -> float:
        """Run pgbench and return transactions per second."""
        arguments = ["-n", "-f", str(SQL / script), "-c", str(clients), "-j", "2"]
        arguments += ["-T", str(seconds), "-M", "prepared"]
        given = {name: self.parameters.get(name) for name in ("host", "port")}
        arguments += [f"--{name}={value}" for name, value in given.items() if value]
        done = subprocess.run(
            [
                str(POSTGRES_PROGRAMS / "pgbench"),
                *arguments,
                f"--username={self.parameters['user']}",
                DATABASE,
            ],
            env={"PGPASSWORD": self.parameters.get("password", "")},
            capture_output=True,
            text=True,
            timeout=seconds + 60,
            check=True,
        )
        found = re.search(r"tps = ([0-9.]+)", done.stdout)
        if found is None:
            raise RuntimeError(f"pgbench said: {done.stdout}{done.stderr}")
        return float(found.group(1))

    def _prepare(self) -> None:
        own = make_conninfo("", **self.parameters)
        with psycopg.connect(own, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
            connection.execute(f"CREATE DATABASE {DATABASE}")
        target = make_conninfo(own, dbname=DATABASE)
        with psycopg.connect(target, autocommit=True) as connection:
            for statement in (SQL / "limit_schema.sql").read_text(encoding="utf-8").split(";"):
                if statement.strip():
                    connection.execute(statement)


def beside(database_url: str) -> Yardstick:
    """Return the yardstick on the server of this database."""
    url = driver_url(database_url)
    return Yardstick({name: str(value) for name, value in conninfo_to_dict(url).items()})
