"""A release: a wheel, and an environment in which nothing else is installed."""

import shutil
import subprocess
import sys
import venv
from functools import cached_property
from pathlib import Path

from tests.production.ground import ROOT, say


def _run(command: list[str], **how: object) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, **how)  # type: ignore[call-overload]
    if done.returncode != 0:
        raise RuntimeError(
            f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        )


def build(source: Path, target: Path) -> Path:
    """Build the wheel of a folder; return it."""
    say(f"building the wheel of {source} …")
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps"]
    # setuptools keeps what it built before: files that are gone would be in the wheel.
    _run([*command, "--quiet", "--wheel-dir", str(target), "."], cwd=source)
    [wheel] = target.glob("*.whl")
    return wheel


def install(wheel: Path, folder: Path, requirements: Path = ROOT / "requirements.txt") -> Path:
    """Install a wheel and what it needs, pinned, into a fresh environment; return its `bin`."""
    say(f"installing {wheel.name} without development packages …")
    venv.create(folder, with_pip=True)
    python = str(folder / "bin" / "python")
    pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    _run([*pip, "--require-hashes", "-r", str(requirements)])
    _run([*pip, "--no-deps", str(wheel)])
    return folder / "bin"


def copy_of_source(target: Path) -> Path:
    """Copy what a wheel is built from, so that building leaves nothing here and may be changed."""
    for name in ("mall", "catalog", "orders", "fulfillment", "search_index"):
        shutil.copytree(
            ROOT / name, target / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
        )
    for name in ("setup.cfg", "pyproject.toml", "requirements.in", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, target / name)
    return target


class Release:
    """This folder as it is now, built and installed once for all plays."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def programs(self) -> Path:
        """Return where the installed programs are."""
        source = self.folder / "source"
        wheel = build(copy_of_source(source), self.folder / "wheel")
        return install(wheel, self.folder / "venv")
