"""Programs of Debian's packages: found, installed where that is possible, or said to be missing."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

POSTGRES = Path("/usr/lib/postgresql")
# What is asked for, and the package that brings it.
PACKAGES = {
    "postgres": "postgresql-15",
    "redis-server": "redis-server",
    "nginx": "nginx-light",
    "pgbouncer": "pgbouncer",
    "promtool": "prometheus",
    "systemd-analyze": "systemd",
}


class Missing(Exception):
    """A program is not on this machine and cannot be installed; the message says why."""


@dataclass(frozen=True)
class Program:
    """Where a program is."""

    path: str

    @property
    def folder(self) -> Path:
        return Path(self.path).parent


def _find(name: str) -> str | None:
    if name == "postgres":
        found = sorted(POSTGRES.glob("*/bin/postgres"), key=lambda each: int(each.parts[4]))
        return str(found[-1]) if found else None
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def need(name: str) -> Program:
    """Return a program of Debian's, installed if need be; raise Missing with the reason."""
    if (found := _find(name)) is None:
        _install(name)
        found = _find(name)
    if found is None:
        raise Missing(f"{name} is not where Debian's {PACKAGES[name]} keeps it")
    return Program(found)


def _install(name: str) -> None:
    package = PACKAGES[name]
    if shutil.which("apt-get") is None:
        raise Missing(f"{name} is missing, and this machine has no apt-get for {package}")
    if os.geteuid() != 0:
        raise Missing(f"{name} is missing: only root can install {package}")
    # Nothing is started by being installed: the policy says no for the time being.
    policy = Path("/usr/sbin/policy-rc.d")
    is_ours = not policy.exists()
    if is_ours:
        policy.write_text("#!/bin/sh\nexit 101\n", encoding="ascii")
        policy.chmod(0o755)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        for command in (
            ["apt-get", "update", "-qq"],
            ["apt-get", "install", "-qq", "-y", "--no-install-recommends", package],
        ):
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, timeout=300
            )
            if done.returncode != 0:
                said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
                raise Missing(f"{package} cannot be installed: {said}")
    except subprocess.TimeoutExpired as error:
        raise Missing(f"{package} cannot be installed within five minutes") from error
    finally:
        if is_ours:
            policy.unlink()
