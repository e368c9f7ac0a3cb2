"""Transition tables, checked when they are defined."""

from collections.abc import Mapping

from mall.kernel.errors import WrongState


class Transitions:
    """Which state may follow which, and what each is called in Chinese; ends map to nothing."""

    def __init__(
        self, table: Mapping[str, frozenset[str] | set[str]], names_zh: Mapping[str, str]
    ) -> None:
        known = set(table)
        for state, following in table.items():
            unknown = set(following) - known
            if unknown:
                raise ValueError(f"{state} leads to unknown states {sorted(unknown)}")
        if set(names_zh) != known:
            raise ValueError(f"names are wanted for {sorted(known ^ set(names_zh))}")
        self.table = {state: frozenset(following) for state, following in table.items()}
        self.names_zh = dict(names_zh)

    @property
    def states(self) -> tuple[str, ...]:
        """Return every state, in the order of the table."""
        return tuple(self.table)

    def check(self, current: str, following: str) -> None:
        """Raise WrongState unless `following` may come after `current`."""
        if following not in self.table[current]:
            raise self.refusal(current, following)

    def refusal(self, current: str, wanted: str) -> WrongState:
        """Return the error that something cannot be done in a state."""
        return WrongState(state=current, state_zh=self.names_zh[current], wanted=wanted)
