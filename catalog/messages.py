"""Facts the catalog announces; they carry ids, never rows."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ProductsChanged:
    """What is shown of these products changed, or whether they are shown at all."""

    product_ids: list[str]


@dataclass(frozen=True)
class SupplierChanged:
    """A supplier's name, origin or state changed: all its products show it."""

    supplier_id: str


@dataclass(frozen=True)
class QualificationsChanged:
    """A qualification was accepted: what hung on it may be sold again."""

    supplier_id: str


@dataclass(frozen=True)
class CategoryChanged:
    """A category was renamed or moved: all products below it show it."""

    category_id: str
