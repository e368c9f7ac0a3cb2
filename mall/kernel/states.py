"""Transition tables, checked when they are defined."""

from collections.abc import Mapping

from mall.kernel.errors import WrongState


class Transitions:
    """Which state may follow which; terminal states map to nothing."""

    def __init__(self, table: Mapping[str, frozenset[str] | set[str]]) -> None:
        known = set(table)
        for state, following in table.items():
            unknown = set(following) - known
            if unknown:
                raise ValueError(f"{state} leads to unknown states {sorted(unknown)}")
        self.table = {state: frozenset(following) for state, following in table.items()}

    @property
    def states(self) -> tuple[str, ...]:
        """Return every state, in the order of the table."""
        return tuple(self.table)

    def check(self, current: str, following: str) -> None:
        """Raise WrongState unless `following` may come after `current`."""
        if following not in self.table[current]:
            raise WrongState(state=current, wanted=following)
