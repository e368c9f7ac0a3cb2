"""`make soak`: the long forms of what `make test` runs in short, for as long as one likes.

Rounds of parts, each part with a seed of its own: state machines, requests made up from the OpenAPI
document, harmful and mutated files, the attack suite, races and chaos. Ends with one line that
counts what was checked and what was wrong; the command that repeats a part stands beside each fault.
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import click
from rich.console import Console

from bench.chaos.faults import FAULTS

ROOT = Path(__file__).parents[1]
# No part begins with less than this; it would prove nothing.
LEAST_SECONDS = 25.0
# No part takes more of a round than this: what the others leave goes to another round, of another seed.
MOST_SECONDS = 300.0
# How long a part may take beyond its share: one test is never cut in the middle.
OVER_SECONDS = 420.0
# Starting the service and waiting until everything has settled.
CHAOS_SECONDS = 60.0
# How much of what a part said first and last is shown when something is wrong.
SAID = 4_000
console = Console(width=max(110, Console().width))


@dataclass
class Outcome:
    """What a part found: how much was checked, and the name of each fault."""

    checks: int
    faults: list[str]
    said: str = ""


@dataclass(frozen=True)
class Part:
    """What a round does: which tests, its weight in sharing out the time, and its environment."""

    tests: tuple[str, ...]
    weight: float
    environment: Callable[[float], dict[str, str]] = lambda _: {}


def _examples(seconds: float) -> dict[str, str]:
    """Two machines: an example of thirty steps takes one to four seconds."""
    return {"MALL_EXAMPLES": str(max(2, int(seconds / 8)))}


def _requests(seconds: float) -> dict[str, str]:
    """So many requests for each of some 340 operations."""
    return {"MALL_MADE_UP": str(max(2, min(200, int(seconds / 8))))}


PARTS: dict[str, Part] = {
    "attacks": Part(("tests/attacks",), 3),
    "machines": Part(("tests/journeys/test_state_machine.py",), 3, _examples),
    "requests": Part(("tests/journeys/test_made_up_requests.py",), 2, _requests),
    "files": Part(
        (
            "tests/mall/kernel/test_harmful.py",
            "tests/catalog/media/test_colours.py",
            "tests/catalog/uploads/test_turns.py",
        ),
        2,
    ),
    "races": Part(("tests/races", "tests/mall/access/test_standing.py"), 2),
    "chaos": Part((), 2),
}


def _ended(process: subprocess.Popen[str], seconds: float) -> tuple[str, bool]:
    """Return what a process said, and whether it ended by itself."""
    try:
        return process.communicate(timeout=seconds)[0], True
    except subprocess.TimeoutExpired:
        # It ends what it has started, if it can; it is its own session, so nobody else is meant.
        process.send_signal(signal.SIGINT)
    try:
        return process.communicate(timeout=60)[0], False
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return process.communicate()[0], False


def _run(command: list[str], environment: dict[str, str], seconds: float) -> tuple[str, bool]:
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    return _ended(process, seconds)


def play_tests(part: Part, seed: int, seconds: float) -> Outcome:
    """Run the long form of some tests; after its time no further test begins."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", *part.tests, "-n", "0", "-p", "no:cacheprovider"]
        command += [f"--hypothesis-seed={seed}", f"--junitxml={report}", "--tb=short"]
        command += ["--timeout", "1500", f"--session-timeout={int(seconds)}"]
        environment = {
            "MALL_SOAK": "1",
            "MALL_SEED": str(seed),
            "HYPOTHESIS_PROFILE": "explore",
            **part.environment(seconds),
        }
        said, has_ended = _run(command, environment, seconds + OVER_SECONDS)
        if not has_ended:
            return Outcome(0, ["it did not end"], said)
        if not report.exists():
            return Outcome(0, ["nothing was tested"], said)
        found = read_report(report)
    found.said = said
    return found


def read_report(report: Path) -> Outcome:
    """Return what pytest tells of its tests."""
    checks, faults = 0, []
    for case in ElementTree.parse(report).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        if case.find("failure") is not None or case.find("error") is not None:
            faults.append(name)
        elif case.find("skipped") is None:
            checks += 1
    return Outcome(checks, faults)


def play_chaos(seed: int, seconds: float) -> Outcome:
    """Break some of the parts of a running service, as many as there is time for."""
    stream = max(12.0, seconds - CHAOS_SECONDS)
    count = max(1, min(len(FAULTS), int(stream / 8)))
    chosen = random.Random(seed).sample(sorted(FAULTS), count)
    command = [sys.executable, "-m", "bench.chaos", "--seconds", str(int(stream))]
    said, has_ended = _run([*command, "--only", ",".join(chosen)], {}, seconds + OVER_SECONDS)
    lines = said.splitlines()
    checks = sum(line.startswith("✓") for line in lines)
    faults = [line for line in lines if line.startswith("✗")]
    if not has_ended or (not faults and "nothing lost, nothing twice" not in said):
        faults.append("it did not end well")
    return Outcome(checks, faults, said)


def play(name: str, seed: int, seconds: float) -> Outcome:
    """Run one part for about so many seconds."""
    if name == "chaos":
        return play_chaos(seed, seconds)
    return play_tests(PARTS[name], seed, seconds)


def soak(seconds: float, seed: int, chosen: list[str]) -> tuple[int, int, int]:
    """Play rounds until the time is over; return how many, the checks and the faults."""
    ends_at = time.monotonic() + seconds
    rounds = checks = faults = 0
    while rounds == 0 or ends_at - time.monotonic() > LEAST_SECONDS * len(chosen):
        rounds += 1
        for number, name in enumerate(chosen):
            weight = sum(PARTS[each].weight for each in chosen[number:])
            share = (ends_at - time.monotonic()) * PARTS[name].weight / weight
            began, own = time.monotonic(), seed + rounds - 1
            share = min(MOST_SECONDS, max(LEAST_SECONDS, share))
            found = play(name, own, share)
            checks, faults = checks + found.checks, faults + len(found.faults)
            took = time.monotonic() - began
            told = f"seed {own}: {found.checks} checks, {len(found.faults)} faults, {took:.0f} s"
            console.print(f"round {rounds}, {name}, {told}", highlight=False)
            for each in found.faults:
                console.print(f"  ✗ {each}", highlight=False, markup=False)
            if found.faults:
                console.print(found.said[:SAID], highlight=False, markup=False)
                console.print("…", found.said[SAID:][-SAID:], highlight=False, markup=False)
                again = f"make soak SEED={own} ONLY={name} SECONDS={int(share)}"
                console.print(f"  again: {again}", highlight=False)
    return rounds, checks, faults


@click.command()
@click.option("--seconds", default=1800, show_default=True, help="How long it goes on, about.")
@click.option("--seed", type=int, default=None, help="Of the first round; left out: a fresh one.")
@click.option("--only", default="", help="Names of parts, separated by commas; left out: all.")
def main(seconds: int, seed: int | None, only: str) -> None:
    """Run the long forms of state machines, fuzzing, files, attacks, races and chaos."""
    chosen = [name for name in only.split(",") if name] or list(PARTS)
    unknown = sorted(set(chosen) - set(PARTS))
    if unknown:
        raise click.ClickException(f"unknown: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    seed = random.SystemRandom().randrange(10**9) if seed is None else seed
    console.print(f"soak: {seconds} s, seed {seed}, {', '.join(chosen)}", highlight=False)
    rounds, checks, faults = soak(seconds, seed, chosen)
    console.print(f"soak: {rounds} rounds, {checks} checks, {faults} faults", highlight=False)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
