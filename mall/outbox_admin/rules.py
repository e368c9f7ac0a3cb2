"""What may become of a delivery, and what an operator may do about it."""

from mall.kernel.outbox import DONE, DROPPED, PARKED, PENDING
from mall.kernel.states import Transitions

STATES = Transitions(
    "delivery",
    {
        # Tried again by itself, later each time; an operator may want it now, or out of the way.
        PENDING: {PENDING, DONE, PARKED},
        PARKED: {PENDING, DROPPED},
        DROPPED: {PENDING},
        DONE: set(),
    },
)
