"""A port belongs to one service from the moment it is chosen until that service ends.

granian's web processes each listen on the port with SO_REUSEPORT, so that the kernel spreads
connections over them; with it alone a second service on the same port would get every other
connection. A socket that is bound and does not listen keeps the second one away.
"""

import fcntl
import os
import socket
import tempfile
from pathlib import Path
from typing import IO

TRIES = 200
# Locks of ports that this process chose; they end with it.
_chosen: list[IO[str]] = []


class PortTaken(Exception):
    """Somebody else has the port, or nobody may have it; the message says so to a person."""


def hold(host: str, port: int, option: str = "--port") -> socket.socket:
    """Return a socket that keeps a port until it is closed; raise PortTaken.

    Whoever sets SO_REUSEPORT may then listen there; whoever holds it first, as every service of
    ours does, is refused.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    try:
        # Connections that ended a moment ago are no reason to refuse; a listener is.
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
        found.listen(1)
        # From here on nobody without SO_REUSEPORT gets it, and nobody connects to this socket.
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
        found.shutdown(socket.SHUT_RDWR)
    except OSError as error:
        found.close()
        raise PortTaken(
            f"cannot listen on {host}:{port}: {error.strerror}. Where another program has this "
            f"port, stop it or choose another with {option}."
        ) from error
    return found


def hold_from(preferred: int) -> tuple[int, socket.socket]:
    """Return the preferred port, or the next one that nobody has, and what holds it."""
    for port in range(preferred, preferred + TRIES):
        try:
            return port, hold("127.0.0.1", port)
        except PortTaken:
            continue
    raise PortTaken(f"no free port from {preferred} to {preferred + TRIES - 1}")


def free_port(preferred: int) -> int:
    """Return the preferred port, or the next one, for a program that binds it by itself.

    A lock, kept to the end of this process, keeps other services of ours from choosing the same
    between this moment and that program's start.
    """
    folder = Path(tempfile.gettempdir()) / f"mall-ports-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    for port in range(preferred, preferred + TRIES):
        lock = (folder / str(port)).open("w", encoding="ascii")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            hold("127.0.0.1", port).close()
        except (OSError, PortTaken):
            lock.close()
            continue
        _chosen.append(lock)
        return port
    raise PortTaken(f"no free port from {preferred} to {preferred + TRIES - 1}")
