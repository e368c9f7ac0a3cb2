"""What stock counts of a product's SKUs together, kept for those who list products."""

from collections.abc import Mapping
from uuid import UUID

from catalog.products import statements
from mall.kernel.together import array
from mall.kernel.uow import UnitOfWork


def note_available(uow: UnitOfWork, available: Mapping[UUID, bool]) -> None:
    """Note of products whether anything is left of them."""
    if available:
        flags = "{" + ",".join(str(each).lower() for each in available.values()) + "}"
        values = {"product_ids": array(list(available)), "flags": flags}
        uow.session.execute(statements.NOTE_AVAILABLE, values)


def note_sold(uow: UnitOfWork, sold: Mapping[UUID, int]) -> None:
    """Note of products how many were sold."""
    if sold:
        counts = array([int(each) for each in sold.values()])
        uow.session.execute(
            statements.NOTE_SOLD, {"product_ids": array(list(sold)), "counts": counts}
        )
