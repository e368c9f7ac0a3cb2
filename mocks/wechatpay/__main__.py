"""The command `wechatpay-mock`, in stripe-mock's manner."""

import logging
import ssl
import tempfile
import threading
from datetime import datetime
from pathlib import Path

import click
from flask import Flask
from werkzeug.serving import BaseWSGIServer, make_server

from mocks.wechatpay import fixture_files, tls
from mocks.wechatpay.server import create_app
from mocks.wechatpay.state import State

VERSION = "0.2.0"


def _moment(_: click.Context, __: click.Parameter, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.BadParameter("not a time like 2027-01-05T09:00:00+08:00") from error
    if moment.tzinfo is None:
        raise click.BadParameter("the time needs an offset, like +08:00")
    return moment


def _listen(
    app: Flask, port: int, path: str | None, secure: ssl.SSLContext | None
) -> BaseWSGIServer:
    host = f"unix://{path}" if path else "127.0.0.1"
    server = make_server(host, 0 if path else port, app, threaded=True, ssl_context=secure)
    kind = "https" if secure else "http"
    click.echo(f"wechatpay-mock: {kind} on {path or f'127.0.0.1:{server.server_port}'}")
    return server


def _load(folder: str | None) -> fixture_files.Fixtures:
    try:
        return fixture_files.load(Path(folder)) if folder else fixture_files.load()
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise click.BadParameter(f"{folder} cannot be used: {error}") from error


@click.command()
@click.option("--http-port", type=int, default=12111, show_default=True, help="0: choose one.")
@click.option(
    "--https-port", type=int, default=12112, show_default=True, help="0: choose one; -1: none."
)
@click.option("--http-unix", type=click.Path(), help="Listen on this socket instead of a port.")
@click.option("--https-unix", type=click.Path(), help="The same for HTTPS.")
@click.option("--tls-dir", type=click.Path(), help="Where ca.pem is written for clients to trust.")
@click.option("--stateless", is_flag=True, help="Remember nothing; answers reflect the request.")
@click.option("--fixtures", "folder", type=click.Path(), help="Merchants, keys, canned answers.")
@click.option(
    "--write-fixtures", type=click.Path(), help="Write the fixtures there to change them, and end."
)
@click.option("--seed", type=int, help="The same numbers in the same order in every run.")
@click.option("--clock", callback=_moment, help="Time stands here until the control API moves it.")
@click.option("--verbose", is_flag=True, help="Log every request.")
@click.version_option(VERSION)
def main(
    http_port: int,
    https_port: int,
    http_unix: str | None,
    https_unix: str | None,
    tls_dir: str | None,
    stateless: bool,
    folder: str | None,
    write_fixtures: str | None,
    seed: int | None,
    clock: datetime | None,
    verbose: bool,
) -> None:
    """Serve WeChat's pay paths (API v2 and v3) and login paths on loopback, for tests and demos."""
    if write_fixtures:
        for written in fixture_files.copy_to(Path(write_fixtures)):
            click.echo(f"wechatpay-mock: wrote {written}")
        return
    logging.getLogger("werkzeug").setLevel(logging.INFO if verbose else logging.ERROR)
    state = State(_load(folder), is_stateless=stateless, seed=seed, begins_at=clock)
    app = create_app(state)
    servers: list[BaseWSGIServer] = []
    if http_port >= 0 or http_unix:
        servers.append(_listen(app, http_port, http_unix, None))
    if https_port >= 0 or https_unix:
        where = Path(tls_dir or tempfile.mkdtemp(prefix="wechatpay-mock-"))
        servers.append(_listen(app, https_port, https_unix, tls.make(where)))
        click.echo(f"wechatpay-mock: clients trust {where / tls.CA_FILE}")
    if not servers:
        raise click.UsageError("nothing to listen on")
    for server in servers[1:]:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        servers[0].serve_forever()
    except KeyboardInterrupt:
        click.echo("wechatpay-mock: stopped")


if __name__ == "__main__":
    main()
