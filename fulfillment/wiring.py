"""What the fulfillment package plugs into the application."""

from dataclasses import replace

from fulfillment.after_sales import invariants as after_sales_invariants
from fulfillment.after_sales import jobs as after_sales_jobs
from fulfillment.after_sales import ops_views as after_sales_ops_views
from fulfillment.after_sales import supplier_views as after_sales_supplier_views
from fulfillment.after_sales import views as after_sales_views
from fulfillment.after_sales.service import deciding
from fulfillment.dispatch import invariants as dispatch_invariants
from fulfillment.dispatch import jobs as dispatch_jobs
from fulfillment.dispatch import ops_views as dispatch_ops_views
from fulfillment.dispatch import service as dispatch_service
from fulfillment.dispatch import supplier_views as dispatch_supplier_views
from fulfillment.dispatch import views as dispatch_views
from fulfillment.handover import invariants as handover_invariants
from fulfillment.handover import supplier_views as handover_supplier_views
from fulfillment.handover import union_views as handover_union_views
from fulfillment.handover import views as handover_views
from fulfillment.messages import FulfillmentOrderDelivered, ParcelSent, PickupOpened
from fulfillment.reports import invariants as report_invariants
from fulfillment.reports import union_views as report_union_views
from fulfillment.reports import views as report_views
from fulfillment.settlement import invariants as settlement_invariants
from fulfillment.settlement import jobs as settlement_jobs
from fulfillment.settlement import ops_views as settlement_ops_views
from fulfillment.settlement import supplier_views as settlement_supplier_views
from fulfillment.settlement.schemas import StatementReply
from fulfillment.settlement.service import paying, settlements
from fulfillment.shipments import invariants as shipment_invariants
from fulfillment.shipments import supplier_views as shipment_supplier_views
from fulfillment.shipments import views as shipment_views
from fulfillment.stores import invariants as store_invariants
from fulfillment.stores import queries as store_queries
from fulfillment.stores import supplier_views as store_supplier_views
from fulfillment.stores import views as store_views
from fulfillment.tracking import invariants as tracking_invariants
from fulfillment.tracking import jobs as tracking_jobs
from fulfillment.tracking import ops_views as tracking_ops_views
from fulfillment.tracking import service as tracking_service
from fulfillment.tracking import supplier_views as tracking_supplier_views
from fulfillment.tracking import views as tracking_views
from fulfillment.tracking.gateway import TrackingGateway
from fulfillment.tracking.kuaidi100 import Kuaidi100
from fulfillment.uploads import supplier_views as upload_supplier_views
from fulfillment.vouchers import clerk_views as voucher_clerk_views
from fulfillment.vouchers import invariants as voucher_invariants
from fulfillment.vouchers import jobs as voucher_jobs
from fulfillment.vouchers import ops_views as voucher_ops_views
from fulfillment.vouchers import service as voucher_service
from fulfillment.vouchers import views as voucher_views
from mall.access.rules import PICKUP
from mall.kernel.outbox import Reaction
from mall.kernel.settings import Kuaidi100Settings
from orders.messages import LineReimbursed, OrderCancelled, OrderPaid

BLUEPRINTS = [
    dispatch_views.bp,
    dispatch_supplier_views.bp,
    dispatch_ops_views.bp,
    shipment_views.bp,
    shipment_supplier_views.bp,
    shipment_supplier_views.parcels_bp,
    upload_supplier_views.bp,
    tracking_views.bp,
    tracking_supplier_views.bp,
    tracking_ops_views.bp,
    store_views.bp,
    store_supplier_views.bp,
    voucher_views.bp,
    voucher_clerk_views.bp,
    voucher_ops_views.bp,
    after_sales_views.bp,
    after_sales_supplier_views.bp,
    after_sales_ops_views.bp,
    settlement_supplier_views.bp,
    settlement_ops_views.bp,
    handover_union_views.bp,
    handover_views.bp,
    handover_supplier_views.bp,
    report_union_views.bp,
    report_views.bp,
]
REACTIONS = {
    OrderPaid: [Reaction(dispatch_service.open_fulfillment_orders)],
    PickupOpened: [Reaction(voucher_service.issue)],
    ParcelSent: [Reaction(tracking_service.follow, "notify")],
    FulfillmentOrderDelivered: [Reaction(settlements.collect, "bulk")],
    LineReimbursed: [Reaction(settlements.collect, "bulk")],
    OrderCancelled: [
        Reaction(voucher_service.revoke_cancelled),
        Reaction(dispatch_service.cancel_fulfillment_orders),
        Reaction(deciding.close_with_orders),
    ],
}
SWEEPS = [
    (dispatch_jobs.confirm_silent_deliveries, 60, "fulfillment"),
    (tracking_jobs.subscribe_parcels, 5, "notify"),
    (tracking_jobs.ask_about_silent, 60, "notify"),
    (dispatch_jobs.remind_overdue, 300, "notify"),
    (after_sales_jobs.decide_by_silence, 60, "fulfillment"),
    (after_sales_jobs.lapse_vouchers, 60, "fulfillment"),
    (voucher_jobs.remind_expiring, 300, "notify"),
    (settlement_jobs.draft_month, 3600, "bulk"),
]
STANDINGS = {PICKUP: store_queries.STANDING}
VALUE_KINDS = {
    **paying.KINDS,
    paying.PAY: replace(paying.KINDS[paying.PAY], encode=StatementReply().dump),
}
AUDITED = [
    store_invariants,
    dispatch_invariants,
    shipment_invariants,
    tracking_invariants,
    voucher_invariants,
    after_sales_invariants,
    settlement_invariants,
    handover_invariants,
    report_invariants,
]


def tracking(settings: Kuaidi100Settings) -> TrackingGateway:
    """Return who follows parcels."""
    return Kuaidi100(settings)
