"""`mall check`: is this installation fit for traffic?"""

import sys

import click
from flask import Flask

from mall.kernel.settings import Settings
from mall.shell.checks import installation
from mall.shell.checks.findings import FAILED, WARNING, Finding, found_by
from mall.shell.commands import environment


@click.command()
@click.option("--offline", is_flag=True, help="Ask nobody outside: not WeChat, not its clock.")
def check(offline: bool) -> None:
    """Look at all that the mall stands on, before members do; exit 1 where something does not work.

    Database, rights, Valkey, files, every merchant's keys and certificate, clock, proxy, secrets,
    folders. What is only unwise is a warning. Nothing is changed but for what is removed again.
    """
    settings = environment.settings()
    app = environment.application()
    found = look(app, settings, asks_others=not offline)
    sys.exit(1 if any(each.state == FAILED for each in found) else 0)


def look(app: Flask, settings: Settings, asks_others: bool) -> list[Finding]:
    """Do every check, saying what it found at once; return all that was found."""
    found = []
    for what, each in installation.checks(app, settings, asks_others):
        for finding in found_by(what, each):
            click.echo(str(finding))
            found.append(finding)
    counts = {state: sum(each.state == state for each in found) for state in (FAILED, WARNING)}
    click.echo(f"check: {len(found)} findings, {counts[FAILED]} failed, {counts[WARNING]} warnings")
    return found
