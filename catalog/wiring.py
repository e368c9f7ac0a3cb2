"""What the catalog package plugs into the application."""

from collections.abc import Mapping

from catalog.products import ops_views as product_ops
from catalog.products import supplier_views as product_views
from catalog.products import views as products
from catalog.stock import queries as stock
from catalog.stock import supplier_views as stock_views
from catalog.suppliers import ops_views as supplier_ops
from catalog.suppliers import supplier_views as template_views
from mall.kernel.outbox import Reaction

BLUEPRINTS = [
    products.bp,
    product_views.bp,
    product_ops.bp,
    stock_views.bp,
    supplier_ops.bp,
    template_views.bp,
]
REACTIONS: Mapping[type, list[Reaction]] = {}
INVARIANTS = stock.INVARIANTS
