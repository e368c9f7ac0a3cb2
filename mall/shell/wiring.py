"""Every package plugged in, in one place."""

from collections.abc import Mapping
from typing import Any

from apiflask import APIFlask

import catalog.wiring
import fulfillment.wiring
import orders.wiring
import search_index.wiring
from mall.access import guard
from mall.access import jobs as access_jobs
from mall.access import views as access_views
from mall.access.rules import STORE, UNION
from mall.access.staff import ops_views as staff_ops_views
from mall.access.staff import views as staff_views
from mall.approvals import invariants as approval_invariants
from mall.approvals import jobs as approval_jobs
from mall.approvals import ops_views as approval_ops_views
from mall.approvals.service.values import ActKinds
from mall.audit import jobs as audit_jobs
from mall.journal import invariants as journal_invariants
from mall.journal import jobs as journal_jobs
from mall.journal import ops_views as journal_ops_views
from mall.kernel import outbox
from mall.kernel.files import quotas, retention
from mall.kernel.files.store import ROSTERS
from mall.kernel.invariants import Books
from mall.ledger import invariants as ledger_invariants
from mall.ledger import jobs as ledger_jobs
from mall.ledger import ops_views as ledger_ops_views
from mall.ledger import views as ledger_views
from mall.ledger.service import granting
from mall.members import ops_views as member_ops_views
from mall.members import queries as member_queries
from mall.members import views as member_views
from mall.members.rosters import jobs as roster_jobs
from mall.members.rosters import queries as roster_queries
from mall.members.rosters import union_views as roster_union_views
from mall.members.rosters import views as roster_views
from mall.notification import jobs as notification_jobs
from mall.notification import views as notification_views
from mall.notification.service import proposals
from mall.outbox_admin import ops_views as outbox_ops_views
from mall.shell import health
from mall.shell.background import ending, relay

BLUEPRINTS = [
    *access_views.BLUEPRINTS,
    *staff_views.BLUEPRINTS,
    staff_ops_views.bp,
    journal_ops_views.bp,
    approval_ops_views.bp,
    member_views.bp,
    member_ops_views.bp,
    member_ops_views.unions_bp,
    roster_union_views.bp,
    roster_views.bp,
    ledger_views.bp,
    ledger_ops_views.bp,
    ledger_ops_views.accounts_bp,
    outbox_ops_views.bp,
    *notification_views.BLUEPRINTS,
    *search_index.wiring.BLUEPRINTS,
    *catalog.wiring.BLUEPRINTS,
    *orders.wiring.BLUEPRINTS,
    *fulfillment.wiring.BLUEPRINTS,
    health.bp,
]
REACTIONS: tuple[Mapping[Any, list[outbox.Reaction]], ...] = (
    catalog.wiring.REACTIONS,
    search_index.wiring.REACTIONS,
    orders.wiring.REACTIONS,
    fulfillment.wiring.REACTIONS,
)
# Function, seconds between runs, queue. What is due later is a time in the database.
SWEEPS = [
    (relay.sweep, 2, "payments"),
    (relay.forget_old, 3600, "bulk"),
    (ending.end_files, 3600, "bulk"),
    (access_jobs.forget_ended_sessions, 3600, "bulk"),
    (approval_jobs.lapse_proposals, 3600, "bulk"),
    (journal_jobs.seal_journal, 2, "fulfillment"),
    (audit_jobs.check_invariants, 86_400, "bulk"),
    (ledger_jobs.lapse_expired_lots, 60, "bulk"),
    (ledger_jobs.roll_up_accounts, 3600, "bulk"),
    (notification_jobs.send_wechat_messages, 3, "notify"),
    (roster_jobs.work_rosters, 2, "sheets"),
    (roster_jobs.work_large_rosters, 2, "bulk"),
    *catalog.wiring.SWEEPS,
    *search_index.wiring.SWEEPS,
    *orders.wiring.SWEEPS,
    *fulfillment.wiring.SWEEPS,
]
# What must hold of whoever is signed in, by audience.
STANDINGS = {
    STORE: member_queries.MEMBER_STANDING,
    UNION: member_queries.OFFICER_STANDING,
    **catalog.wiring.STANDINGS,
    **fulfillment.wiring.STANDINGS,
}
# What `mall audit` checks, and how it finds what changed.
BOOKS = Books.of(
    [
        journal_invariants,
        approval_invariants,
        ledger_invariants,
        *catalog.wiring.AUDITED,
        *orders.wiring.AUDITED,
        *fulfillment.wiring.AUDITED,
        relay,
        retention,
        quotas,
    ]
)
# What staff does to value by its word: alone within the limit, else by two persons.
VALUES = ActKinds(
    {
        **granting.KINDS,
        **catalog.wiring.VALUE_KINDS,
        **orders.wiring.VALUE_KINDS,
        **fulfillment.wiring.VALUE_KINDS,
    },
    proposals.tell,
)
# Which files of each private area somebody still needs.
FILES_IN_FORCE: Mapping[str, retention.InForce] = {
    **catalog.wiring.FILES_IN_FORCE,
    ROSTERS: roster_queries.files_in_force,
}


def plug_in(app: APIFlask) -> None:
    """Register every blueprint and reaction."""
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    guard.check_declared(app)
    for table in REACTIONS:
        outbox.registry.connect(table)
