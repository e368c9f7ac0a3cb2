"""What `mall check` finds, one sentence each."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

OK, WARNING, FAILED = "ok", "warning", "failed"
MARKS = {OK: "✓", WARNING: "!", FAILED: "✗"}


@dataclass(frozen=True)
class Finding:
    """Something that was looked at, how it is, and what there is to say about it."""

    what: str
    state: str
    says: str

    def __str__(self) -> str:
        return f"{MARKS[self.state]} {self.what}: {self.says}"


Check = Callable[[], Iterable[Finding]]


def ok(what: str, says: str) -> Finding:
    return Finding(what, OK, says)


def warning(what: str, says: str) -> Finding:
    return Finding(what, WARNING, says)


def failed(what: str, says: str) -> Finding:
    return Finding(what, FAILED, says)


def found_by(what: str, check: Check) -> Iterator[Finding]:
    """Yield what a check finds; one that breaks off is a finding too, and stops no other."""
    try:
        yield from check()
    except Exception as error:
        # The last line of a library's words, which says what; never its parameters.
        lines = str(getattr(error, "orig", error)).strip().splitlines()
        yield failed(what, f"{type(error).__name__}: {lines[0] if lines else 'no reason given'}")
