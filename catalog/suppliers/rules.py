"""Freight: what a supplier charges to send a parcel to a region."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from mall.kernel.errors import DomainError
from mall.kernel.states import Transitions

APPLIED, ACTIVE, SUSPENDED, CLOSED = "applied", "active", "suspended", "closed"
STATES = Transitions(
    "supplier",
    {
        APPLIED: {ACTIVE, CLOSED},
        ACTIVE: {SUSPENDED, CLOSED},
        SUSPENDED: {ACTIVE, CLOSED},
        CLOSED: set(),
    },
)
# Who is not one yet, or not any more, sends nothing but documents.
_NO_SUPPLIER = (APPLIED, CLOSED)
PIECE, WEIGHT = "piece", "weight"
MAX_TEMPLATES, MAX_RULES = 20, 50
# How far ahead a commission may be set.
MAX_DAYS_AHEAD = 366


class NotYetApproved(DomainError):
    code = "supplier_not_approved"


def check_may_upload(state: str) -> None:
    """Raise NotYetApproved for a supplier that may send nothing but documents."""
    if state in _NO_SUPPLIER:
        raise NotYetApproved(state=STATES.name(state))


@dataclass(frozen=True)
class FreightRule:
    """A tariff for some regions: a first block of units, then equal further blocks.

    Units are pieces or grams. An empty list of regions makes the rule the default.
    """

    regions: tuple[str, ...]
    is_served: bool
    first_units: int = 1
    first_fee_fen: int = 0
    next_units: int = 1
    next_fee_fen: int = 0

    def reach(self, region_code: str) -> int:
        """Return how exactly this rule names a region: digits matched, 0 by default, -1 not."""
        if not self.regions:
            return 0
        prefixes = (significant(code) for code in self.regions)
        return max((len(p) for p in prefixes if region_code.startswith(p)), default=-1)


@dataclass(frozen=True)
class ShippingTemplate:
    """A supplier's tariff."""

    id: UUID
    supplier_id: UUID
    name: str
    charge_by: str
    free_over_fen: int | None
    rules: tuple[FreightRule, ...]


@dataclass(frozen=True)
class Parcel:
    """What one supplier sends under one template."""

    quantity: int
    weight_grams: int
    amount_fen: int


class RegionNotServed(DomainError):
    code = "region_not_served"


class NotFromThen(DomainError):
    code = "commission_not_from_then"


def check_from(from_on: date, today: date) -> None:
    """Raise NotFromThen unless a rate begins after today, so that nothing sold changes."""
    if not today < from_on <= today + timedelta(days=MAX_DAYS_AHEAD):
        raise NotFromThen("from_on", first=str(today + timedelta(days=1)))


def significant(region_code: str) -> str:
    """Return a region code without its trailing pairs of zeros: 440000 is 44, 440800 is 4408."""
    code = region_code
    while code.endswith("00") and len(code) > 2:
        code = code[:-2]
    return code


def freight_fen(template: ShippingTemplate | None, parcel: Parcel, region_code: str) -> int | None:
    """Return the fee for a parcel, or None where the supplier does not deliver.

    Without a template sending is free everywhere. The rule that names the region most exactly
    counts; where no rule names it and there is no default, it is not served.
    """
    if template is None:
        return 0
    rule = max(template.rules, key=lambda each: each.reach(region_code), default=None)
    if rule is None or rule.reach(region_code) < 0 or not rule.is_served:
        return None
    if template.free_over_fen is not None and parcel.amount_fen >= template.free_over_fen:
        return 0
    units = parcel.quantity if template.charge_by == PIECE else parcel.weight_grams
    further = max(0, units - rule.first_units)
    blocks = -(-further // max(1, rule.next_units))
    return rule.first_fee_fen + blocks * rule.next_fee_fen


def rules_from(stored: Sequence[Mapping[str, Any]]) -> tuple[FreightRule, ...]:
    """Read rules from their stored form."""
    return tuple(FreightRule(**{**rule, "regions": tuple(rule["regions"])}) for rule in stored)
