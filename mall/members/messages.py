"""Facts the members announce; they carry ids, never rows."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RosterEntriesClaimed:
    """A member proved to be the person of roster entries."""

    member_id: str
    entry_ids: list[str]
