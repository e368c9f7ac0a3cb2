"""The command `wechatpay-mock`, in stripe-mock's manner."""

import logging
import threading

import click
from werkzeug.serving import BaseWSGIServer, make_server

from mall.wechatpay_mock.server import create_app
from mall.wechatpay_mock.state import Merchant, State

VERSION = "0.1.0"


@click.command()
@click.option("--http-port", type=int, default=12111, show_default=True, help="0: choose one.")
@click.option("--https-port", type=int, default=12112, show_default=True, help="-1: none.")
@click.option("--http-unix", type=click.Path(), help="Listen on this socket instead of a port.")
@click.option("--https-unix", type=click.Path(), help="The same for HTTPS.")
@click.option("--stateless", is_flag=True, help="Remember nothing; answers reflect the request.")
@click.option("--verbose", is_flag=True, help="Log every request.")
@click.option("--appid", default=Merchant.appid, show_default=True, help="The mini-program.")
@click.option("--mch-id", default=Merchant.mch_id, show_default=True, help="The merchant.")
@click.version_option(VERSION)
def main(
    http_port: int,
    https_port: int,
    http_unix: str | None,
    https_unix: str | None,
    stateless: bool,
    verbose: bool,
    appid: str,
    mch_id: str,
) -> None:
    """Serve WeChat's pay (API v2) and login paths on loopback, for tests and demos."""
    logging.getLogger("werkzeug").setLevel(logging.INFO if verbose else logging.ERROR)
    state = State(merchant=Merchant(appid=appid, mch_id=mch_id), is_stateless=stateless)
    app = create_app(state)
    servers: list[BaseWSGIServer] = []
    for kind, port, path in (("http", http_port, http_unix), ("https", https_port, https_unix)):
        if port < 0 and not path:
            continue
        host = f"unix://{path}" if path else "127.0.0.1"
        server = make_server(
            host,
            port if not path else 0,
            app,
            threaded=True,
            ssl_context="adhoc" if kind == "https" else None,
        )
        servers.append(server)
        where = path or f"127.0.0.1:{server.server_port}"
        click.echo(f"wechatpay-mock: {kind} on {where}")
    for server in servers[1:]:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        servers[0].serve_forever()
    except KeyboardInterrupt:
        click.echo("wechatpay-mock: stopped")


if __name__ == "__main__":
    main()
