"""What the orders package plugs into the application."""

from dataclasses import replace
from datetime import datetime

from mall.kernel.outbox import Reaction
from mall.kernel.settings import MerchantSettings, WeChatSettings
from mall.members.messages import RosterEntriesClaimed
from mall.web.fields import values_of
from orders import messages
from orders.assistance import jobs as assistance_jobs
from orders.assistance import ops_views as assistance_ops_views
from orders.assistance import union_views as assistance_union_views
from orders.carts import views as cart_views
from orders.checkout import jobs as checkout_jobs
from orders.checkout import views as checkout_views
from orders.collective import invariants as collective_invariants
from orders.collective import jobs as collective_jobs
from orders.collective import ops_views as collective_ops_views
from orders.collective import union_views as collective_union_views
from orders.collective.service import funding, telling
from orders.entitlements import invariants as entitlement_invariants
from orders.order import invariants as order_invariants
from orders.order import views as order_views
from orders.payments import invariants as payment_invariants
from orders.payments import jobs as payment_jobs
from orders.payments import ops_views as payment_ops_views
from orders.payments import process as payment_process
from orders.payments.views import payments
from orders.payments.wechat import keys
from orders.payments.wechat.merchants import Merchants
from orders.programmes import invariants as programme_invariants
from orders.programmes import union_views as programme_union_views
from orders.reconciliation import invariants as reconciliation_invariants
from orders.reconciliation import jobs as reconciliation_jobs
from orders.reconciliation import ops_views as reconciliation_ops_views
from orders.redeeming import views as redeeming_views
from orders.refunds import invariants as refund_invariants
from orders.refunds import jobs as refund_jobs
from orders.refunds import ops_views as refund_ops_views
from orders.refunds import views as refund_views
from orders.refunds.schemas import RefundReply
from orders.refunds.service import refunding, settling

BLUEPRINTS = [
    checkout_views.bp,
    order_views.bp,
    cart_views.bp,
    payments.bp,
    payment_ops_views.bp,
    assistance_union_views.bp,
    assistance_ops_views.bp,
    redeeming_views.bp,
    programme_union_views.bp,
    programme_union_views.policy_bp,
    collective_union_views.bp,
    collective_ops_views.bp,
    refund_views.bp,
    refund_views.notice_bp,
    refund_ops_views.bp,
    reconciliation_ops_views.bp,
]
REACTIONS = {
    messages.FundPaid: [Reaction(funding.settle_paid_funds, "payments")],
    messages.EntitlementsIssued: [Reaction(telling.announce, "notify")],
    RosterEntriesClaimed: [Reaction(collective_jobs.give_claimed)],
    messages.LatePaymentReceived: [Reaction(refunding.open_late_refunds, "payments")],
}
# Function, seconds between runs, queue.
SWEEPS = [
    (payment_jobs.query_open_payments, 5, "payments"),
    (payment_jobs.forget_messages, 3600, "bulk"),
    (refund_jobs.send_due_refunds, 5, "payments"),
    (reconciliation_jobs.want_bills, 600, "bulk"),
    (reconciliation_jobs.check_bills, 60, "bulk"),
    (checkout_jobs.lapse_unpaid_orders, 10, "payments"),
    (collective_jobs.run_programmes, 2, "bulk"),
    (assistance_jobs.remind_unions, 86_400, "notify"),
]
VALUE_KINDS = {
    settling.SETTLE: replace(
        settling.KINDS[settling.SETTLE],
        encode=lambda refund: RefundReply().dump(values_of(refund, RefundReply)),
    )
}
AUDITED = [
    order_invariants,
    payment_invariants,
    refund_invariants,
    reconciliation_invariants,
    entitlement_invariants,
    programme_invariants,
    collective_invariants,
]


def judge_keys(merchant: MerchantSettings, now: datetime) -> keys.Keys:
    """Return what is wrong with a merchant's keys and certificate."""
    return keys.judge(merchant, now)


def merchants(settings: WeChatSettings) -> Merchants:
    """Return the merchants of these settings; what goes over the wire is kept."""
    return Merchants(settings, payment_process.record_message)
