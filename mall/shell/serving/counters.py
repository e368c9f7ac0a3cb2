"""The folder where processes of one command keep their counters, so that any of them tells them all.

A command that was killed cannot remove its folder: whoever starts next does. A lock that all its
processes inherit tells that somebody still has it.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import MutableMapping
from pathlib import Path

FOLDER, OWNED = "PROMETHEUS_MULTIPROC_DIR", "MALL_COUNTERS_ARE_OURS"
PREFIX, LOCK = "mall-metrics-", "lock"


def share(environ: MutableMapping[str, str]) -> None:
    """Let this process, and whatever it becomes or starts, count into one folder.

    One that is named already is somebody's who looks after it.
    """
    if FOLDER in environ:
        return
    remove_left_behind()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    lock = os.open(folder / LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    os.set_inheritable(lock, True)
    environ[FOLDER], environ[OWNED] = str(folder), "1"


def remove_own(environ: MutableMapping[str, str]) -> None:
    """Remove the folder, if this command made it."""
    if environ.get(OWNED) == "1":
        shutil.rmtree(environ[FOLDER], ignore_errors=True)


def remove_left_behind() -> None:
    """Remove folders that nobody has any more."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            with (folder / LOCK).open("r+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            # Somebody's, being made, or another user's.
            continue
