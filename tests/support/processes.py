"""Programs of this project, started for a test, and waiting for what they do."""

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import requests
from click.testing import CliRunner

from mall.shell import cli

MALL = str(Path(sys.executable).with_name("mall"))
WECHATPAY_MOCK = (sys.executable, "-m", "mocks.wechatpay")
# What is not installed with the mall is found by its folder.
FROM_ROOT = {"PYTHONPATH": str(Path(__file__).parents[2])}
DEVTOOLS = (sys.executable, "-m", "devtools")
GONE = (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)


def wait_until(check, seconds=20):
    """Return as soon as `check()` is true; raise TimeoutError after so many seconds."""
    deadline = time.monotonic() + seconds
    while not check():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not so after {seconds} s")
        time.sleep(0.01)


def answers(url, **how):
    """Tell whether an address answers with success."""
    try:
        return requests.get(url, timeout=2, **how).ok
    except requests.RequestException:
        return False


def is_alive(process):
    """Tell whether a process still runs."""
    try:
        return process.is_running() and process.status() not in GONE
    except psutil.NoSuchProcess:
        return False


def kill_all(process):
    """Send SIGKILL to a process and all it started."""
    try:
        family = [*psutil.Process(process.pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        family = []
    for each in family:
        each.kill()
    process.kill()
    process.wait(10)


@dataclass
class Done:
    """How a command ended and what it said, in the words of `subprocess.run`."""

    returncode: int
    stdout: str
    stderr: str


def run_command(*arguments, text=""):
    """Run `mall` with these arguments within this process; its mistakes are raised here.

    For tests of what a command does: an interpreter that loads the whole service costs seconds.
    """
    told = CliRunner().invoke(cli.main, [str(each) for each in arguments], input=text)
    if told.exception is not None and not isinstance(told.exception, SystemExit):
        raise told.exception
    return Done(told.exit_code, told.stdout, told.stderr)
