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
CLIENTS = 8
SPREAD, HOT = "limit_order_spread.sql", "limit_order_hot.sql"


@dataclass
class Yardstick:
    """A database on the server under test, beside the mall's own; made anew for every run.

    A run that follows another of the same script at once is that run's second half as well: what
    is measured between two runs is compared with their mean.
    """

    parameters: dict[str, str]
    seconds: int
    last: tuple[str, float] | None = None

    def before(self, script: str) -> float:
        """Return transactions per second, from the run just made if there is one."""
        if self.last is not None and self.last[0] == script:
            return self.last[1]
        return self.after(script)

    def after(self, script: str) -> float:
        """Make the tables anew, run pgbench, and return transactions per second."""
        self._prepare()
        arguments = ["-n", "-f", str(SQL / script), "-c", str(CLIENTS), "-j", "2"]
        arguments += ["-T", str(self.seconds), "-M", "prepared"]
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
            timeout=self.seconds + 60,
            check=True,
        )
        found = re.search(r"tps = ([0-9.]+)", done.stdout)
        if found is None:
            raise RuntimeError(f"pgbench said: {done.stdout}{done.stderr}")
        self.last = (script, float(found.group(1)))
        return self.last[1]

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


def beside(database_url: str, seconds: int) -> Yardstick:
    """Return the yardstick on the server of this database."""
    url = driver_url(database_url)
    parameters = {name: str(value) for name, value in conninfo_to_dict(url).items()}
    return Yardstick(parameters, seconds)
