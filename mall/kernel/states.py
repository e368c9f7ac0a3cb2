"""Transition tables, checked when they are defined."""

from collections.abc import Mapping
from functools import cached_property

from mall.kernel.errors import WrongState
from mall.kernel.text import wording
from mall.kernel.text.wording import Wording


class Transitions:
    """Which state may follow which; ends map to nothing. What they are called is named by `kind`."""

    def __init__(self, kind: str, table: Mapping[str, frozenset[str] | set[str]]) -> None:
        known = set(table)
        for state, following in table.items():
            unknown = set(following) - known
            if unknown:
                raise ValueError(f"{state} leads to unknown states {sorted(unknown)}")
        self.kind = kind
        self.table = {state: frozenset(following) for state, following in table.items()}

    @property
    def states(self) -> tuple[str, ...]:
        """Return every state, in the order of the table."""
        return tuple(self.table)

    @cached_property
    def names_zh(self) -> dict[str, str]:
        """Return what each state is called in Chinese."""
        return {state: self.name(state).zh for state in self.table}

    def name(self, state: str) -> Wording:
        """Return what a state is called."""
        return wording.name(self.kind, state)

    def check(self, current: str, following: str) -> None:
        """Raise WrongState unless `following` may come after `current`."""
        if following not in self.table[current]:
            raise self.refusal(current, following)

    def refusal(self, current: str, wanted: str) -> WrongState:
        """Return the error that something cannot be done in a state."""
        return WrongState(state=self.name(current), wanted=wanted)
