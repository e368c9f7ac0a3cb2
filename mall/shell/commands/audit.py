"""`mall audit`: does everything agree that must?"""

import sys
from collections.abc import Sequence

import click

from mall.audit.process import Audit
from mall.audit.rules import told
from mall.kernel import invariants
from mall.kernel.invariants import Books, Finding
from mall.kernel.uow import reading_one_instant
from mall.shell.commands import environment


@click.command()
@click.option(
    "--full", is_flag=True, help="All of everything, in one instant: a minute for a million orders."
)
def audit(full: bool) -> None:
    """Check every invariant on the live database; exit 1 on any breach.

    Left to itself it looks at what changed since the last audit, and within seven days at
    everything else; it says what it looked at.
    """
    app = environment.application()
    books: Books = app.extensions["mall_books"]
    with app.app_context():
        if full:
            with reading_one_instant() as session:
                findings = invariants.check(session, books)
            about = ["looked at everything, in one instant"]
        else:
            daily = Audit(books)
            findings = daily.run()
            about = told(daily.looked)
    sys.exit(_say(findings, about))


def _say(findings: Sequence[Finding], about: Sequence[str]) -> int:
    """Print what was found and what was looked at; return the exit status."""
    for finding in findings:
        mark = "✓" if finding.is_kept else "✗"
        click.echo(f"{mark} {finding.invariant.name}: {finding.invariant.says}")
        if not finding.is_kept:
            click.echo(f"  {finding.breach_count} breaches, for example:")
            for sample in finding.samples:
                click.echo(f"    {sample}")
    for line in about:
        click.echo(f"  {line}")
    broken = sum(not finding.is_kept for finding in findings)
    click.echo(f"audit: {len(findings)} invariants, {broken} broken")
    return 1 if broken else 0
