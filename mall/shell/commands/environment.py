"""What every command begins with: settings, an application, a console."""

import os

import click
from flask import Flask
from rich.console import Console

from mall.kernel.settings import Settings
from mall.shell import config, supervisor
from mall.shell.app import create_app
from mall.web.observe import configure_logging

console = Console()


def settings() -> Settings:
    """Read the environment, or say what is wrong with it; a running `make run` lends its own."""
    environ = dict(os.environ)
    if "DATABASE_URL" not in environ:
        environ = {**supervisor.environment_of_running(), **environ}
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
