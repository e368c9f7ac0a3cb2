"""The command `kuaidi100-mock`."""

import logging

import click
from werkzeug.serving import make_server

from mocks.kuaidi100.server import State, create_app


@click.command()
@click.option("--port", type=int, default=12113, show_default=True, help="0: choose one.")
@click.option("--verbose", is_flag=True, help="Log every request.")
def main(port: int, verbose: bool) -> None:
    """Serve kuaidi100's subscribe and query paths on loopback, for tests and demos."""
    logging.getLogger("werkzeug").setLevel(logging.INFO if verbose else logging.ERROR)
    server = make_server("127.0.0.1", port, create_app(State()), threaded=True)
    click.echo(f"kuaidi100-mock: http on 127.0.0.1:{server.server_port}")
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        click.echo("kuaidi100-mock: stopped")


if __name__ == "__main__":
    main()
