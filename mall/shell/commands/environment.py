"""What every command begins with: settings, an application, a console."""

import functools
import getpass
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

import click
from flask import Flask
from rich.console import Console

from mall.kernel.clock import is_known_day
from mall.kernel.errors import DomainError
from mall.kernel.settings import Settings
from mall.shell import config, running
from mall.shell import witness as watching
from mall.shell.app import create_app
from mall.web.observe import configure_logging

console = Console()


class DayType(click.ParamType):
    """A day as year-month-day, from 2000 to 2100; given as its midnight, of no zone."""

    name = "YYYY-MM-DD"
    _form = click.DateTime(["%Y-%m-%d"])

    def convert(self, value: Any, param: Any, ctx: Any) -> datetime:
        told: datetime = self._form.convert(value, param, ctx)
        if not is_known_day(told.date()):
            self.fail(f"{told:%Y-%m-%d} is not from 2000 to 2100.", param, ctx)
        return told


DAY = DayType()


def settings() -> Settings:
    """Read the environment, or say what is wrong with it; a running `make run` lends its own."""
    environ = dict(os.environ)
    if "DATABASE_URL" not in environ:
        environ = {**running.environment_of_running(), **environ}
    os.environ.update(environ)
    try:
        found = config.load(environ)
    except config.ConfigError as error:
        raise click.ClickException(str(error)) from error
    configure_logging(found.log_level)
    return found


def application() -> Flask:
    """Return the application for these settings."""
    return create_app(settings())


def journalled() -> AbstractContextManager[None]:
    """Let what is changed within stand in the journal as done by this command and its user."""
    words = click.get_current_context().command_path
    return watching.commanded(getpass.getuser(), words, words)


def within_application(command: Callable[..., Any]) -> Callable[..., Any]:
    """Run a command within the application; say a refusal in words."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        with application().app_context(), journalled():
            try:
                return command(*args, **kwargs)
            except DomainError as error:
                raise click.ClickException(error.sentence("en")) from error

    return run
