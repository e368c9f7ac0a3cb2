"""What a child of the sandbox is let do in tests: to behave, and to misbehave."""

import ctypes
import os
import time

from mall.kernel.files import fetching


def echo(file, options, send):
    send({"options": options, "size": len(file.read())})
    send(b"\x00bytes")


def eat_memory(file, options, send):
    kept = []
    while True:
        kept.append(bytearray(10_000_000))


def spin(file, options, send):
    send({"begun": True})
    while True:
        pass


def hang(file, options, send):
    time.sleep(60)


def crash(file, options, send):
    ctypes.string_at(0)


def talk(file, options, send):
    while True:
        send(b"x" * 1_000_000)


def say_odd_things(file, options, send):
    send(eval(options["what"]))


def look_around(file, options, send):
    send({"environment": sorted(os.environ), "files": os.listdir("/proc/self/fd")})


def write(file, options, send):
    with open(options["path"], "wb") as kept:
        kept.write(b"x" * 100)


def fetch_at_home(file, options, send):
    """Fetch from this machine, whatever the host is called."""
    fetching.public_address = lambda host, port: "127.0.0.1"
    fetching.send_fetched(file, options, send)
