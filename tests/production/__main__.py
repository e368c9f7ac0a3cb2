"""`make production`: this folder as a wheel in production, on Debian's programs where there are any."""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click

from tests.production import plays, upgrading
from tests.production.ground import Ground, say
from tests.production.machine import Missing
from tests.production.release import Release

PLAYS: dict[str, Callable[[Ground, Release], None]] = {
    "stories": plays.stories,
    "stopping": plays.stopping,
    "upgrade": upgrading.upgrade,
}


@click.command()
@click.option("--only", default="", help="Names of plays, separated by commas; left out: all.")
@click.option("--embedded", is_flag=True, help="Use the embedded engines even where Debian's are.")
def main(only: str, embedded: bool) -> None:
    """Build the wheel, install it apart, and play what production asks of it."""
    chosen = [name for name in only.split(",") if name] or list(PLAYS)
    unknown = sorted(set(chosen) - set(PLAYS))
    if unknown:
        raise click.ClickException(f"unknown: {', '.join(unknown)}; there are {', '.join(PLAYS)}")
    with tempfile.TemporaryDirectory(prefix="mall-release-") as folder:
        release = Release(Path(folder))
        failed = [name for name in chosen if not _play(name, release, embedded)]
    say(f"production: {len(chosen)} plays, {len(failed)} failed")
    sys.exit(1 if failed else 0)


def _play(name: str, release: Release, embedded: bool) -> bool:
    """Play one on a ground of its own; tell whether it went as it must, or could not be played."""
    began = time.monotonic()
    with Ground(embedded) as ground:
        say(f"— {name}: " + "; ".join(ground.notes))
        try:
            PLAYS[name](ground, release)
        except Missing as missing:
            say(f"- {name} is not played: {missing}")
        except (AssertionError, RuntimeError, TimeoutError) as error:
            say(f"✗ {name}: {type(error).__name__}: {error}")
            for log in sorted(ground.folder.glob("mall-*.log")):
                say(f"  {log.name}: {ground.log(log.stem)[-1500:]}")
            return False
    say(f"✓ {name} ({time.monotonic() - began:.0f} s)")
    return True


if __name__ == "__main__":
    main()
