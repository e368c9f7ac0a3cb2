"""What a developer starts: `python -m devtools run`, `demo` or `story`; `make` calls them."""

import os
import sys
from pathlib import Path

import click

from devtools import demo, errors, supervisor
from devtools.stories import play
from mall.shell.app import create_app
from mall.shell.commands import environment


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """The mall on one machine, for development: run it, seed it, play its stories."""


@main.command()
def run() -> None:
    """Start everything on this machine (`make run`)."""
    # The supervisor needs none of the application: a fresh process keeps it small.
    os.execv(sys.executable, [sys.executable, "-m", "devtools.supervisor"])  # noqa: S606


@main.command("demo")
def seed_demo() -> None:
    """Seed the demo (repeatable) and print its accounts with fresh tokens as JSON."""
    settings = environment.settings()
    if not settings.is_development:
        raise click.ClickException("refused: the demo's passwords are known to everybody")
    app = create_app(settings)
    with app.app_context():
        click.echo(demo.seed(Path(os.environ.get("MALL_DEMO_DIR", str(demo.DATA)))))


@main.command()
@click.argument("name", type=click.Choice(play.NAMES), default="buying")
@click.option("--base", default=None, help="Base of a running service; left out: find or start.")
@click.option("--short", is_flag=True, help="Play the unions' stories with a part of the people.")
def story(name: str, base: str | None, short: bool) -> None:
    """Play the story NAME over HTTP as its people would, then audit.

    buying: a member buys with beans and WeChat. catalog: a supplier is onboarded, uploads 200
    products, is reviewed, is found, sells in the pavilion. court: 340 people choose one of three
    packs, ¥102,000. customs: 990 spend beans within a selection, ¥861,993. maternity: a pack for
    1,400 goes to the unit, ¥1,198,414. cake: birthday beans for the cakes of two merchants. all:
    one after the other.
    """
    sys.exit(supervisor.run_story(base, play.player(name, short)))


@main.command("errors")
def list_errors() -> None:
    """Write docs/errors.md out of the catalogues of texts (`make errors`)."""
    errors.write()


if __name__ == "__main__":
    main()
