"""What a selection holds."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from mall.kernel.errors import DomainError, Invalid

MAX_ITEMS, MAX_SELECTIONS = 2000, 500


@dataclass(frozen=True)
class Item:
    """A product, with all its SKUs or only some."""

    product_id: UUID
    sku_ids: tuple[UUID, ...] = ()

    def stored(self) -> dict[str, object]:
        """Return the form in which it is kept."""
        return {"product_id": str(self.product_id), "sku_ids": sorted(map(str, self.sku_ids))}


class SelectionNameTaken(DomainError):
    code = "selection_name_taken"


def check(items: Sequence[Item]) -> None:
    """Raise Invalid where a product is named twice."""
    ids = [item.product_id for item in items]
    if len(set(ids)) != len(ids):
        raise Invalid("items", "product_repeated")


def digest(items: Sequence[Item]) -> str:
    """Return what identifies a content, whatever its order."""
    kept = sorted((item.stored() for item in items), key=lambda each: str(each["product_id"]))
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()
