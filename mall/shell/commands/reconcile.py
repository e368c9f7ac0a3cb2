"""`mall reconcile`: fetch WeChat's bills and match them, now."""

from datetime import datetime

import click

import orders.wiring
from mall.kernel.errors import NotFound
from mall.kernel.uow import unit_of_work
from mall.shell.commands import environment
from orders.reconciliation import service as reconciliation_service


@click.command()
@click.option("--merchant", default="main", show_default=True, help="Whose bill, with --day.")
@click.option("--day", type=environment.DAY, help="Match this day once more.")
def reconcile(merchant: str, day: datetime | None) -> None:
    """Fetch every bill that WeChat has by now and match it with payments and refunds.

    The scheduler does the same every ten minutes.
    """
    app = environment.application()
    with app.app_context(), environment.journalled():
        if day is not None:
            try:
                with unit_of_work() as uow:
                    reconciliation_service.schedule_again(uow, merchant, day.date())
            except NotFound as error:
                raise click.ClickException(
                    f"no bill of {merchant} is known for {day:%Y-%m-%d}; without --day all that"
                    " WeChat has by now are fetched"
                ) from error
        orders.wiring.reconciliation_jobs.want_bills()
        count = orders.wiring.reconciliation_jobs.check_bills(tell=click.echo)
    click.echo(f"{count} bills matched")
