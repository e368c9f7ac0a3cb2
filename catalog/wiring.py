"""What the catalog package plugs into the application."""

from collections.abc import Mapping

from catalog import messages
from catalog.media import views as media_views
from catalog.onboarding import jobs as onboarding_jobs
from catalog.onboarding import ops_views as onboarding_ops_views
from catalog.onboarding import queries as onboarding_queries
from catalog.onboarding import supplier_views as onboarding_supplier_views
from catalog.onboarding import views as onboarding_views
from catalog.onboarding.service import accounts
from catalog.packs import supplier_views as pack_supplier_views
from catalog.packs import views as pack_views
from catalog.pavilion import ops_views as pavilion_ops_views
from catalog.pavilion import views as pavilion_views
from catalog.products import jobs as product_jobs
from catalog.products import ops_views as product_ops_views
from catalog.products import supplier_views as product_supplier_views
from catalog.products import views as product_views
from catalog.products.service import editing
from catalog.selections import views as selection_views
from catalog.stock import invariants as stock_invariants
from catalog.stock import jobs as stock_jobs
from catalog.stock import supplier_views as stock_supplier_views
from catalog.suppliers import ops_views as supplier_ops_views
from catalog.suppliers import queries as supplier_queries
from catalog.suppliers import supplier_views as supplier_supplier_views
from catalog.suppliers.service import commissions
from catalog.uploads import jobs as upload_jobs
from catalog.uploads import queries as upload_queries
from catalog.uploads import supplier_views as upload_supplier_views
from mall.access.rules import SUPPLIER
from mall.kernel.files.retention import InForce
from mall.kernel.files.store import DOCUMENTS, UPLOADS
from mall.kernel.outbox import Reaction

BLUEPRINTS = [
    *media_views.BLUEPRINTS,
    product_views.bp,
    onboarding_views.bp,
    onboarding_supplier_views.bp,
    onboarding_ops_views.bp,
    product_supplier_views.bp,
    product_ops_views.bp,
    product_ops_views.reviews_bp,
    stock_supplier_views.bp,
    supplier_ops_views.bp,
    supplier_supplier_views.bp,
    supplier_supplier_views.images_bp,
    upload_supplier_views.bp,
    pavilion_views.bp,
    pavilion_ops_views.bp,
    *selection_views.BLUEPRINTS,
    *pack_views.BLUEPRINTS,
    pack_supplier_views.bp,
]
REACTIONS: Mapping[type, list[Reaction]] = {
    messages.QualificationsChanged: [Reaction(editing.apply_qualifications)],
    messages.CategoryChanged: [Reaction(editing.apply_categories)],
}
# Function, seconds between runs, queue.
SWEEPS = [
    (product_jobs.run_schedule, 5, "fulfillment"),
    (stock_jobs.count_availability, 5, "fulfillment"),
    (stock_jobs.count_sales, 300, "bulk"),
    (product_jobs.withhold_unqualified, 300, "fulfillment"),
    (upload_jobs.work_uploads, 2, "sheets"),
    (upload_jobs.work_large_uploads, 2, "bulk"),
    (onboarding_jobs.announce_endings, 3600, "notify"),
    (onboarding_jobs.give_up_applications, 3600, "bulk"),
]
AUDITED = [stock_invariants]
FILES_IN_FORCE: Mapping[str, InForce] = {
    DOCUMENTS: onboarding_queries.files_in_force,
    UPLOADS: upload_queries.files_in_force,
}
VALUE_KINDS = {**commissions.KINDS, **accounts.KINDS}
STANDINGS = {SUPPLIER: supplier_queries.STANDING}
