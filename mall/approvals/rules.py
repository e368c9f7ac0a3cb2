"""What waits for a second person, and the words about it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from mall.access.rules import Actor
from mall.kernel.errors import DomainError
from mall.kernel.states import Transitions
from mall.kernel.uow import UnitOfWork

PROPOSED, CONFIRMED, REJECTED = "proposed", "confirmed", "rejected"
WITHDRAWN, LAPSED, ALONE = "withdrawn", "lapsed", "alone"
STATES = Transitions(
    "proposal",
    {
        PROPOSED: {CONFIRMED, REJECTED, WITHDRAWN, LAPSED},
        CONFIRMED: set(),
        REJECTED: set(),
        WITHDRAWN: set(),
        LAPSED: set(),
        # Within the limit of what one person does alone; carried out when it was entered.
        ALONE: set(),
    },
)
MAX_WAITING, MAX_BODY_BYTES = 1000, 256 * 1024
# What is known of an object: its kind and its id.
VALUE, FUNDING, PROGRAMME, CHANGE = "value", "funding", "programme", "programme_change"
ROSTER, SELECTION, PACK = "roster", "selection", "pack"
PRODUCT, REVISION, UPLOAD = "product", "product_revision", "upload"
APPLICATION, QUALIFICATION = "supplier_application", "qualification"
STATEMENT = "statement"
# What a union says came and was paid for a programme, and that all of it may be filed.
ACCEPTANCE, FILING = "acceptance", "filing"


Body = Mapping[str, Any]


class Subject(NamedTuple):
    """An object that somebody makes and somebody else decides about."""

    kind: str
    id: UUID


@dataclass(frozen=True)
class Signer:
    """Who acts: the person, how the guard names the account, and the name that people know."""

    actor: Actor | None
    name: str
    display_name: str

    @property
    def account_id(self) -> UUID | None:
        return self.actor.account_id if self.actor else None

    @property
    def keys(self) -> list[str]:
        """Return all that this person is known by; two accounts that share one are one person."""
        if self.actor is None:
            return ["cli"]
        found = [f"account:{self.actor.account_id}"]
        if self.actor.member_id is not None:
            found.append(f"member:{self.actor.member_id}")
        if self.actor.phone is not None:
            found.append(f"phone:{self.actor.phone}")
        return sorted(found)


@dataclass(frozen=True)
class Kind:
    """A way in which staff moves value by its word.

    `check` refuses what could not be carried out now; `carry_out` is the use case, given the frozen
    body and who entered it, and returns what it did; `encode` says that as JSON. What has a reply of
    its own gets its encoder where the packages are wired, for services know no schemas.
    """

    zh: str
    en: str
    check: Callable[[UnitOfWork, Body], None]
    carry_out: Callable[[UnitOfWork, Body, str], Any]
    # Whether one person may do it within the limit.
    is_alone_allowed: bool = True
    # Hears, with the reason, that it was turned down or lapsed.
    on_refused: Callable[[UnitOfWork, Body, str], None] | None = None
    encode: Callable[[Any], Any] = lambda done: done


@dataclass(frozen=True)
class Wanted:
    """What somebody of staff wants to be done; of one subject one thing of a kind waits at a time."""

    kind: str
    body: Body
    amount_fen: int
    subject: str
    about: str


class AlreadyProposed(DomainError):
    code = "already_proposed"


class ProposalLapsed(DomainError):
    code = "proposal_lapsed"


class NotYours(DomainError):
    code = "not_your_proposal"
