"""What the catalog package plugs into the application."""

from collections.abc import Mapping

from catalog import messages
from catalog.media import views as media
from catalog.onboarding import jobs as onboarding_jobs
from catalog.onboarding import ops_views as onboarding_ops
from catalog.onboarding import queries as onboarding
from catalog.onboarding import supplier_views as onboarding_views
from catalog.onboarding import views as applications
from catalog.onboarding.service import accounts as payout_accounts
from catalog.packs import supplier_views as pack_prices
from catalog.packs import views as packs
from catalog.pavilion import ops_views as section_ops
from catalog.pavilion import views as sections
from catalog.products import jobs as product_jobs
from catalog.products import ops_views as product_ops
from catalog.products import supplier_views as product_views
from catalog.products import views as shown
from catalog.products.service import editing as products
from catalog.selections import views as selections
from catalog.stock import jobs as stock_jobs
from catalog.stock import queries as stock
from catalog.stock import supplier_views as stock_views
from catalog.suppliers import acts as commissions
from catalog.suppliers import ops_views as supplier_ops
from catalog.suppliers import queries as suppliers
from catalog.suppliers import supplier_views as template_views
from catalog.uploads import jobs as upload_jobs
from catalog.uploads import queries as uploads
from catalog.uploads import supplier_views as upload_views
from mall.access.rules import SUPPLIER
from mall.kernel.files.retention import InForce
from mall.kernel.files.store import DOCUMENTS, UPLOADS
from mall.kernel.outbox import Reaction

BLUEPRINTS = [
    *media.BLUEPRINTS,
    shown.bp,
    applications.bp,
    onboarding_views.bp,
    onboarding_ops.bp,
    product_views.bp,
    product_ops.bp,
    product_ops.reviews_bp,
    stock_views.bp,
    supplier_ops.bp,
    template_views.bp,
    template_views.images_bp,
    upload_views.bp,
    sections.bp,
    section_ops.bp,
    *selections.BLUEPRINTS,
    *packs.BLUEPRINTS,
    pack_prices.bp,
]
REACTIONS: Mapping[type, list[Reaction]] = {
    messages.QualificationsChanged: [Reaction(products.apply_qualifications)],
    messages.CategoryChanged: [Reaction(products.apply_categories)],
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
INVARIANTS = stock.INVARIANTS
FILES_IN_FORCE: Mapping[str, InForce] = {
    DOCUMENTS: onboarding.files_in_force,
    UPLOADS: uploads.files_in_force,
}
VALUE_KINDS = {**commissions.KINDS, **payout_accounts.KINDS}
STANDINGS = {SUPPLIER: suppliers.STANDING}
