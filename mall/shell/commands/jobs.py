"""`mall jobs`: what waits, what failed, and what to do about it."""

from uuid import UUID

import click
from flask import current_app
from rich.table import Table

from mall.kernel.outbox import PARKED
from mall.kernel.uow import reading, unit_of_work
from mall.outbox_admin import process as outbox_process
from mall.outbox_admin import queries as outbox_queries
from mall.outbox_admin import service as outbox_service
from mall.outbox_admin.rules import STATES
from mall.shell.commands import environment

BY = "console"
MOST = 500

note = click.option("--note", required=True, help="Why; it stays with the delivery.")


@click.group()
def jobs() -> None:
    """What follows events, such as an order's payment: see it, run it again, give it up."""


@jobs.command("list")
@click.option(
    "--state", type=click.Choice(STATES.states), default=PARKED, show_default=True, help="Which."
)
@click.option("--limit", type=click.IntRange(1, MOST), default=20, show_default=True, help="Most.")
@environment.within_application
def list_jobs(state: str, limit: int) -> None:
    """List deliveries, newest first, with what went wrong."""
    with reading() as session:
        found = outbox_queries.list_deliveries(session, state, None, limit)
        for each in found[:limit]:
            click.echo(f"{each.id}  {each.topic} → {each.handler}")
            click.echo(f"    since {each.created_at:%Y-%m-%d %H:%M:%S}, {each.attempts} attempts")
            for said in (each.last_error, each.note and f"{each.decided_by}: {each.note}"):
                if said:
                    click.echo(f"    {said}")
    more = "; there are more" if len(found) > limit else ""
    click.echo(f"{min(len(found), limit)} {state}{more}")


@jobs.command()
@click.argument("delivery_ids", type=click.UUID, nargs=-1)
@click.option("--all", "everything", is_flag=True, help=f"All that is parked, {MOST} at a time.")
@click.option("--note", default="", help="Why; it stays with the delivery.")
@environment.within_application
def retry(delivery_ids: tuple[UUID, ...], everything: bool, note: str) -> None:
    """Let deliveries run again, within seconds."""
    if everything == bool(delivery_ids):
        raise click.UsageError("name deliveries, or say --all")
    with unit_of_work() as uow:
        chosen = outbox_queries.ids_of_parked(uow.session, MOST) if everything else delivery_ids
        for each in sorted(chosen):
            outbox_service.retry(uow, each, BY, note)
    click.echo(f"{len(chosen)} will run again")


@jobs.command()
@click.argument("delivery_id", type=click.UUID)
@note
@environment.within_application
def park(delivery_id: UUID, note: str) -> None:
    """Take a waiting delivery out of the way until somebody decides."""
    with unit_of_work() as uow:
        outbox_service.park(uow, delivery_id, BY, note)
    click.echo("parked")


@jobs.command()
@click.argument("delivery_id", type=click.UUID)
@note
@environment.within_application
def drop(delivery_id: UUID, note: str) -> None:
    """Give a parked delivery up; it stays on record and can still be retried."""
    with unit_of_work() as uow:
        outbox_service.drop(uow, delivery_id, BY, note)
    click.echo("dropped; `mall audit` says what it left undone")


@jobs.command()
@environment.within_application
def stats() -> None:
    """Say how much waits in each queue, since when, and how many workers there are."""
    with reading() as session:
        found = outbox_process.read(session, current_app.extensions["mall_quick_redis"])
    columns = list(found["items"][0])
    table = Table(*columns)
    for row in found["items"]:
        table.add_row(*(str(row[name]) for name in columns))
    environment.console.print(table)
    workers = found["workers"]
    click.echo("Valkey does not answer" if workers is None else f"{workers} workers")
