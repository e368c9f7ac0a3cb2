"""The command `mall`: everything an operator does without HTTP."""

import os
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from rich.progress import track

from catalog.uploads.process import importing
from mall.approvals.rules import Signer
from mall.kernel.clock import BEIJING
from mall.kernel.queue import QUEUES
from mall.kernel.uow import unit_of_work
from mall.ledger.service import granting
from mall.shell import database, running
from mall.shell.background import scheduler as cron
from mall.shell.background import worker
from mall.shell.commands import audit, check, environment, jobs, reconcile, search, setup, staff
from mall.shell.serving import counters, ports, stopping
from mall.shell.serving.internal import HOST, Address

MAX_IMPORT_BYTES = 200 * 1024 * 1024
Command = Callable[..., Any]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """The welfare mall: serve it, work for it, look after it.

    Settings come from the environment (docs/configuration.md). While `make run` is up, commands
    in the same folder use its database.
    """


def _internal(command: str, port: int) -> Callable[[Command], Command]:
    """Let a command be told where it listens internally."""

    def decorate(function: Command) -> Command:
        name = f"MALL_{command}_INTERNAL_PORT"
        about = "Port of /livez, /readyz and /metrics; 0: none."
        option = click.option(
            "--internal-port", envvar=name, default=port, show_default=True, help=about
        )
        where = click.option(
            "--internal-host",
            envvar="MALL_INTERNAL_HOST",
            default=HOST,
            show_default=True,
            help="Where it listens for them.",
        )
        return where(option(function))

    return decorate


def _hold_internal(host: str, port: int) -> None:
    """Hold a port for this process and whatever it becomes."""
    if port:
        _hold(host, port, "--internal-port")


def _hold(host: str, port: int, option: str) -> None:
    try:
        descriptor = ports.hold(host, port, option).detach()
    except ports.PortTaken as error:
        raise click.ClickException(str(error)) from error
    os.set_inheritable(descriptor, True)


@main.command()
@click.option(
    "--host", envvar="MALL_HOST", default="127.0.0.1", show_default=True, help="Where to listen."
)
@click.option("--port", envvar="MALL_PORT", default=8000, show_default=True, help="Its port.")
@click.option(
    "--workers", envvar="MALL_WEB_PROCESSES", default=2, show_default=True, help="Web processes."
)
@click.option(
    "--threads", envvar="MALL_WEB_THREADS", default=4, show_default=True, help="Threads of each."
)
@click.option(
    "--connections",
    envvar="MALL_WEB_CONNECTIONS",
    type=click.IntRange(100, 100_000),
    default=4000,
    show_default=True,
    help="Connections that each may hold; more wait.",
)
@click.option("--held", is_flag=True, hidden=True, help="Who started this holds the port.")
@_internal("WEB", 9101)
def serve(
    host: str,
    port: int,
    workers: int,
    threads: int,
    connections: int,
    held: bool,
    internal_host: str,
    internal_port: int,
) -> None:
    """Serve HTTP with granian until stopped; requests under way are answered first."""
    environment.settings()
    if not held:
        _hold(host, port, "--port")
    _hold_internal(internal_host, internal_port)
    stopping.hold()
    counters.share(os.environ)
    os.environ["MALL_WEB_THREADS"] = str(threads)
    os.environ["MALL_INTERNAL_HOST"] = internal_host
    os.environ["MALL_WEB_INTERNAL_PORT"] = str(internal_port)
    # A fresh process keeps granian's own small; its web processes load the application.
    arguments = [sys.executable, "-m", "mall.shell.serving.server", host, str(port)]
    arguments += [str(workers), str(connections)]
    os.execv(arguments[0], arguments)  # noqa: S606


@main.command("worker")
@click.option(
    "--processes",
    envvar="MALL_WORKER_PROCESSES",
    default=2,
    show_default=True,
    help="Worker processes.",
)
@click.option(
    "--nice",
    envvar="MALL_WORKER_NICE",
    type=click.IntRange(0, 19),
    default=10,
    show_default=True,
    help="How far workers stand back when the machine is full.",
)
@click.option(
    "--queues",
    envvar="MALL_WORKER_QUEUES",
    default=",".join(QUEUES),
    show_default=True,
    help="The queues it serves; urgent ones always go first.",
)
@_internal("WORKER", 9102)
def run_worker(
    processes: int, nice: int, queues: str, internal_host: str, internal_port: int
) -> None:
    """Work off the RQ queues until stopped; a stop lets the current job end, a second one ends it.

    While Valkey is away it looks into the database itself.
    """
    chosen = [name.strip() for name in queues.split(",") if name.strip()]
    unknown = sorted(set(chosen) - set(QUEUES))
    if unknown or not chosen:
        raise click.UsageError(
            f"queues are {', '.join(QUEUES)}; not {', '.join(unknown) or 'none'}"
        )
    if processes > 1 and counters.FOLDER not in os.environ:
        # The library decides when it is loaded where it counts: load everything anew.
        stopping.hold()
        counters.share(os.environ)
        os.execv(sys.executable, [sys.executable, "-m", "mall.shell.start", *sys.argv[1:]])  # noqa: S606
    try:
        stopping.exit_when_told()
        environment.settings()
        _hold_internal(internal_host, internal_port)
        worker.run_workers(chosen, processes, nice, Address(internal_host, internal_port))
    finally:
        counters.remove_own(os.environ)


@main.command()
@_internal("SCHEDULER", 9103)
def scheduler(internal_host: str, internal_port: int) -> None:
    """Enqueue what is due: sweeps of the outbox, payments, refunds, time-outs.

    However many are started, one is at work; the others wait for it to end.
    """
    settings = environment.settings()
    _hold_internal(internal_host, internal_port)
    cron.run_scheduler(settings, Address(internal_host, internal_port))


@main.command()
def migrate() -> None:
    """Bring the database to the newest migration, while the shop is open.

    Where a table is in use by a long transaction it tries again for ten minutes.
    """
    before, after = database.migrate(environment.settings(), click.echo)
    click.echo(f"the database is at the newest migration, {after}; it was at {before or 'none'}")


@main.command()
def where() -> None:
    """Print the address of the service that runs from this folder."""
    base = running.base_of_running()
    if not base:
        raise click.ClickException("no service runs from this folder; start one with `make run`")
    click.echo(base)


@main.group()
def catalog() -> None:
    """Products."""


@catalog.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--supplier", default="橙意严选（示例）", show_default=True, help="Where a line names none."
)
def import_products(file: Path, supplier: str) -> None:
    """Import products from FILE, one JSON object a line; importing again changes nothing."""
    if file.stat().st_size > MAX_IMPORT_BYTES:
        raise click.ClickException("the file is larger than 200 MB")
    app = environment.application()
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    progress = iter(track(range(len(lines)), description=file.name, console=environment.console))

    def advance() -> None:
        next(progress, None)

    with app.app_context():
        summary = importing.import_lines(lines, supplier, advance)
        # One line for the file: each of its lines has a transaction of its own.
        with environment.journalled(), unit_of_work() as uow:
            uow.note(after={"file": file.name, "supplier": supplier, **summary.counts})
    for _ in progress:
        pass
    counts = ", ".join(f"{n} {what}" for what, n in sorted(summary.counts.items()))
    click.echo(f"{len(lines)} lines: {counts or 'nothing'}")
    for error in summary.errors[:50]:
        click.echo(f"  line {error}", err=True)
    sys.exit(1 if summary.errors else 0)


@main.group()
def beans() -> None:
    """The bean ledger."""


@beans.command("grant")
@click.argument("member_id", type=click.UUID)
@click.argument("yuan", type=click.IntRange(1, 1_000_000))
@click.option("--expires", type=environment.DAY, required=True, help="Last day, in Beijing.")
@click.option("--programme", required=True, help="What it is given for.")
@click.option("--reference", required=True, help="Voucher number; the same one grants once.")
@click.option("--scope", type=click.UUID, help="Bind it to a scope; left out: good for everything.")
@environment.within_application
def grant_beans(
    member_id: UUID,
    yuan: int,
    expires: datetime,
    programme: str,
    reference: str,
    scope: UUID | None,
) -> None:
    """Grant MEMBER_ID beans worth YUAN.

    Beyond what one person may move alone in a day (MALL_ALONE_FEN) it is only proposed.
    """
    # The day named is the last one, whole, where the members live.
    ends = expires.replace(tzinfo=BEIJING) + timedelta(days=1)
    body = {
        "member_ids": [str(member_id)],
        "amount_fen": yuan * 100,
        "expires_at": ends.isoformat(),
        "programme": programme,
        "reference": reference,
        "scope_id": scope and str(scope),
    }
    with unit_of_work() as uow:
        act = granting.grant(uow, Signer(None, staff.by(), staff.by()), body)
        uow.note(after={"member_id": member_id, "yuan": yuan, "for": programme, "is": act.state})
    if act.result is None:
        click.echo(f"proposed as {act.id}: an operator with the duty finance_confirms confirms it")
    else:
        click.echo(f"granted {yuan} beans as lot {act.result['lot_ids'][0]}")


main.add_command(setup.setup)
main.add_command(check.check)
main.add_command(staff.staff)
main.add_command(search.search)
main.add_command(reconcile.reconcile)
main.add_command(jobs.jobs)
main.add_command(audit.audit)

if __name__ == "__main__":
    main()
