"""What is played on an installation, each on a ground of its own."""

import os
import signal
import subprocess
import time

from devtools.stories.play import STORIES
from tests.production.ground import Ground, say
from tests.production.installation import Installation
from tests.production.release import Release


def opened(ground: Ground, release: Release) -> tuple[Installation, dict[str, str]]:
    """Set an installation up and open it; return it and the tokens of its two operators."""
    mall = Installation(ground, release.programs)
    said = mall.run("setup", "--operator", "operator", "--operator", "operator2", owner=True)
    for line in said.splitlines():
        say(f"  {line}")
    mall.start_all()
    names = ("operator", "operator2")
    return mall, {name: mall.operator(name, said) for name in names}


def stories(ground: Ground, release: Release) -> None:
    """Play every story in staging mode, on what `mall setup` alone has prepared."""
    mall, operators = opened(ground, release)
    for name in STORIES:
        say(f"  {name}: {mall.tell(name, operators)}")
    again = mall.run("setup", owner=True)
    assert "0 added, 0 changed" in again, again
    assert mall.stop_all() == [0] * 4


# Seconds after the start; those of old were swallowed between 2.5 and 5.
MOMENTS = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 7.0)
# A worker ends its job first: the first one loads what it needs.
STOPS_WITHIN = {"serve": 5.0, "worker": 20.0, "workers": 20.0, "scheduler": 5.0}


def stopping(ground: Ground, release: Release) -> None:
    """Stop every part at many moments of its start, alone and with its whole group."""
    mall = Installation(ground, release.programs)
    mall.run("setup", owner=True)
    port = str(mall.port)
    parts = {
        "serve": ("serve", "--port", port, "--workers", "2"),
        "worker": ("worker", "--processes", "1"),
        "workers": ("worker", "--processes", "2"),
        "scheduler": ("scheduler",),
    }
    # Jobs come all the while, so that a stop meets a worker's first one too.
    mall.start("scheduler", "--internal-port", "0", name="background")
    for name, arguments in parts.items():
        slowest = 0.0
        for seconds in MOMENTS:
            for whole_group in (False, True):
                process = mall.start(*arguments, name=f"stopped-{name}")
                time.sleep(seconds)
                began = time.monotonic()
                (os.killpg if whole_group else os.kill)(process.pid, signal.SIGTERM)
                try:
                    status = process.wait(STOPS_WITHIN[name])
                except subprocess.TimeoutExpired as error:
                    how = "with its group" if whole_group else "alone"
                    raise AssertionError(f"{name}, {how}, after {seconds} s: swallowed") from error
                assert status in (0, -signal.SIGTERM), (name, seconds, status)
                slowest = max(slowest, time.monotonic() - began)
        say(
            f"  {name}: {2 * len(MOMENTS)} of {2 * len(MOMENTS)} stops heard, in {slowest:.1f} s at most"
        )
    left = [each.name for each in (ground.folder / "tmp").iterdir()]
    assert not left, f"left behind: {left}"
