"""Plant single bugs in value-critical code and count how many the nearest tests notice.

`make mutants COUNT=200 SEED=1`. Mutants come from cosmic-ray's operators; a sample of them, drawn by
the seed, evenly over the modules, is tried one by one in copies of the tree, each with the tests
named in `aims.py`. A mutant is noticed if a test fails or the time is over. What survives is printed
with its line, for a person to judge (docs/mutants.md). `AGAIN=var/mutants.json` tries only what
survived an earlier run, wherever its lines stand now.
"""

import argparse
import difflib
import json
import os
import queue
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path

from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator

from bench.mutants.aims import AIMS, OPERATORS, tests_of
from devtools import engines
from mall.shell import config, database

ROOT = Path(__file__).parent.parent.parent
SKIPPED = shutil.ignore_patterns(".git", ".venv", "var", "__pycache__", "*.egg-info", ".*_cache")
# What names and sentences say is nobody's decision.
_TEXT = re.compile(r"^\s*(zh|en|code)\s*=|^\s*(\"|f\"|#)|^\s*@|__tablename__")
MAX_OCCURRENCES = 500
MAY_SURVIVE = 0.15
NOTICED, SURVIVED, BROKEN = "noticed", "survived", "broken"


@dataclass(frozen=True)
class Mutant:
    """One planted bug: where, what was there, what stands there now."""

    module: str
    operator: str
    occurrence: int
    line: int
    before: str
    after: str


def mutants_of(module: str) -> list[Mutant]:
    """Return the mutants of a module, one for each line and what stands there afterwards."""
    source = (ROOT / module).read_text(encoding="utf-8")
    found: dict[tuple[int, str], Mutant] = {}
    for name in OPERATORS:
        operator = get_operator(f"core/{name}")()
        for occurrence in range(MAX_OCCURRENCES):
            mutated = mutate_code(source, operator, occurrence)
            if mutated is None:
                break
            mutant = _described(module, name, occurrence, source, mutated)
            if mutant is not None:
                found.setdefault((mutant.line, mutant.after), mutant)
    return list(found.values())


def _described(module: str, name: str, occurrence: int, source: str, mutated: str) -> Mutant | None:
    before, after = source.splitlines(), mutated.splitlines()
    for tag, i, _, j, _ in difflib.SequenceMatcher(None, before, after, False).get_opcodes():
        if tag != "equal":
            old, new = before[i] if i < len(before) else "", after[j] if j < len(after) else ""
            if _TEXT.search(old):
                return None
            return Mutant(module, name, occurrence, i + 1, old.strip(), new.strip())
    return None


def drawn(count: int, seed: int, only: str) -> list[Mutant]:
    """Draw so many mutants, in turn from each module, so that small ones are not left out."""
    chance = random.Random(seed)
    by_module = {name: mutants_of(name) for name in AIMS if only in name}
    for found in by_module.values():
        chance.shuffle(found)
    chosen: list[Mutant] = []
    while len(chosen) < count and any(by_module.values()):
        chosen += [found.pop() for found in by_module.values() if found]
    return chosen[:count]


def again(earlier: Path, only: str) -> list[Mutant]:
    """Find the survivors of an earlier run by what their lines say; tell which are there no more."""
    found: list[Mutant] = []
    known: dict[str, list[Mutant]] = {}
    for row in json.loads(earlier.read_text(encoding="utf-8")):
        if row["outcome"] != SURVIVED or only not in row["module"]:
            continue
        places = _modules_now(row["module"])
        known |= {name: mutants_of(name) for name in places if name not in known}
        alike = [
            mutant
            for name in places
            for mutant in known[name]
            if mutant.operator == row["operator"]
            and _plain(mutant.before, mutant.after) == _plain(row["before"], row["after"])
        ]
        if alike:
            # Where a line stands there more than once: the one that is nearest to where it was.
            found.append(min(alike, key=lambda each: abs(each.line - row["line"])))
        else:
            print(f"gone      {row['module']}:{row['line']}  {row['after']}", flush=True)
    return list(dict.fromkeys(found))


def _plain(*lines: str) -> list[str]:
    # The operators' spaces differ from one version of theirs to the next.
    return ["".join(line.split()) for line in lines]


def _modules_now(module: str) -> list[str]:
    """Return the module, or where it was moved or split: those of its feature."""
    if module in AIMS:
        return [module]
    feature = "/".join(module.split("/")[:2]) + "/"
    return [name for name in AIMS if name.startswith(feature)]


class Ground:
    """One PostgreSQL with a migrated template for all tries, and a copy of the tree for each hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.chmod(0o755)
        self.server = engines.start_postgres(folder / "postgres")
        engines.configure(self.server, {"max_connections": "300", "fsync": "off"})
        url = engines.ensure_database(self.server, "mall_template")
        database.migrate(config.load({"DATABASE_URL": url, "REDIS_URL": "redis://unused"}))
        self.environment = {
            **os.environ,
            "MALL_TEST_DIRECTORY": str(folder),
            "MALL_TEST_URL": url,
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def copy(self, number: int) -> Path:
        target = self.folder / f"tree{number}"
        shutil.copytree(ROOT, target, ignore=SKIPPED)
        return target

    def close(self) -> None:
        engines.stop_postgres(self.server)


def tried(ground: Ground, tree: Path, mutant: Mutant, seconds: int) -> str:
    """Plant a mutant in a tree, run its tests, take it out again; return what became of it."""
    path = tree / mutant.module
    source = path.read_text(encoding="utf-8")
    operator = get_operator(f"core/{mutant.operator}")()
    mutated = mutate_code(source, operator, mutant.occurrence)
    assert mutated is not None
    path.write_text(mutated, encoding="utf-8")
    tests = tests_of(mutant.module, tree)
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-n", "0", "-p", "no:cacheprovider"]
    try:
        done = subprocess.run(
            [*command, *tests],
            cwd=tree,
            env={**ground.environment, "PYTHONPATH": str(tree), "MALL_TEST_NAME": tree.name},
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return NOTICED
    finally:
        path.write_text(source, encoding="utf-8")
    # 1: a test failed. 0: none did. Anything else: it could not even be collected.
    return {0: SURVIVED, 1: NOTICED}.get(done.returncode, BROKEN)


def run(options: argparse.Namespace) -> bool:
    """Try the sample until it or the time is over; tell whether too many survived."""
    waiting: queue.SimpleQueue[Mutant] = queue.SimpleQueue()
    if options.again:
        chosen = again(options.again, options.only)
    else:
        chosen = drawn(options.count, options.seed, options.only)
    for mutant in chosen:
        waiting.put(mutant)
    results: list[dict[str, object]] = []
    ends = time.monotonic() + 60 * options.minutes
    out = ROOT / "var" / ("mutants-again.json" if options.again else "mutants.json")
    out.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="mall-mutants-") as name:
        ground = Ground(Path(name))

        def work(number: int) -> None:
            tree = ground.copy(number)
            while time.monotonic() < ends and not waiting.empty():
                mutant = waiting.get()
                outcome = tried(ground, tree, mutant, options.timeout)
                results.append({**asdict(mutant), "outcome": outcome})
                out.write_text(json.dumps(results, ensure_ascii=False, indent=1), "utf-8")
                print(f"{outcome:9} {mutant.module}:{mutant.line}  {mutant.after}", flush=True)

        hands = [threading.Thread(target=work, args=(n,)) for n in range(options.hands)]
        try:
            for hand in hands:
                hand.start()
            for hand in hands:
                hand.join()
        finally:
            ground.close()
    return _told(results, options.seed) > MAY_SURVIVE * len(chosen)


def _told(results: list[dict[str, object]], seed: int) -> int:
    counts: dict[str, int] = defaultdict(int)
    for each in results:
        counts[str(each["outcome"])] += 1
        if each["outcome"] == SURVIVED:
            print(f"\n{each['module']}:{each['line']} ({each['operator']})")
            print(f"  - {each['before']}\n  + {each['after']}")
    judged = counts[NOTICED] + counts[SURVIVED]
    share = 100 * counts[NOTICED] / judged if judged else 0
    print(
        f"\nmutants: {judged} judged with seed {seed}, {counts[NOTICED]} noticed ({share:.0f} %), "
        f"{counts[SURVIVED]} survived, {counts[BROKEN]} could not be run"
    )
    return counts[SURVIVED]


def main() -> None:
    """Read the command line; exit 1 where fewer than 85 in 100 are noticed."""
    parser = argparse.ArgumentParser(prog="python -m bench.mutants", description=__doc__)
    parser.add_argument("--count", type=int, default=200, help="how many mutants")
    parser.add_argument("--seed", type=int, default=1, help="which sample")
    parser.add_argument("--only", default="", help="modules whose path holds this")
    parser.add_argument("--minutes", type=int, default=90, help="no new one is begun afterwards")
    parser.add_argument("--timeout", type=int, default=180, help="seconds for the tests of one")
    parser.add_argument("--hands", type=int, default=2, help="tried at the same time")
    parser.add_argument(
        "--again", type=Path, metavar="FILE", help="try only what survived an earlier run: its JSON"
    )
    sys.exit(1 if run(parser.parse_args()) else 0)


if __name__ == "__main__":
    main()
