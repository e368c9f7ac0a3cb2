"""A union accepts what came for a programme, and files it (docs/adr/0015)."""

from uuid import UUID

from fulfillment.after_sales import rules as after_sales_rules
from fulfillment.dispatch import rules as dispatch_rules
from fulfillment.dispatch import service as dispatch_service
from fulfillment.handover import queries, rules
from mall.approvals.rules import ACCEPTANCE, FILING, Subject
from mall.approvals.service import authors
from mall.kernel.uow import UnitOfWork
from mall.ledger import queries as ledger_queries
from orders.entitlements import service as entitlement_service
from orders.programmes import queries as programme_queries
from orders.programmes import rules as programme_rules
from orders.programmes.service import history, lifecycle
from orders.programmes.service.history import Step
from orders.programmes.service.lifecycle import Officer


def accept(uow: UnitOfWork, officer: Officer, programme_id: UUID, note: str) -> None:
    """Accept a closed programme whose goods have all come; what went to the unit is now delivered.

    Raises WrongState, NotArrived, ClaimsOpen, and SamePerson for whoever recorded what came or was
    paid; then nothing is changed.
    """
    programme = programme_queries.lock_of_union(uow, officer.union_id, programme_id)
    programme_rules.STATES.check(programme.state, programme_rules.ACCEPTED)
    unsplit = queries.count_unsplit(uow.session, programme.id)
    rules.check_arrived(queries.fulfillment_counts(uow.session, programme.id), unsplit)
    claims = queries.claims_of(uow.session, programme.id)
    undecided = sum(claim.state not in after_sales_rules.ENDED for claim in claims)
    if undecided:
        raise rules.ClaimsOpen(count=undecided)
    signer = lifecycle.signer_of(uow, officer)
    authors.decide(uow, Subject(ACCEPTANCE, programme.id), signer)
    authors.touch(uow, Subject(FILING, programme.id), signer)
    handed = entitlement_service.redeem_in_bulk(uow, programme.id)
    accepted = 0
    for fulfillment_order in queries.unit_fulfillment_orders(uow.session, programme.id):
        if fulfillment_order.state == dispatch_rules.DISPATCHED:
            dispatch_service.deliver(uow, fulfillment_order.id, officer.signature.actor)
            accepted += 1
    details = {"unit_parts": accepted, "rights": handed, "claims": len(claims)}
    programme.state = programme_rules.ACCEPTED
    history.append(uow, programme, Step(officer.signature, "accepted", note, details))


def touch_claim(uow: UnitOfWork, officer: Officer, programme_id: UUID, case_id: UUID) -> None:
    """Record who appeals or withdraws a claim of a programme: that person may not accept it.

    Raises NotFound for a case of another programme.
    """
    programme_queries.lock_of_union(uow, officer.union_id, programme_id)
    queries.check_claim(uow.session, programme_id, case_id)
    signer = lifecycle.signer_of(uow, officer)
    authors.touch(uow, Subject(ACCEPTANCE, programme_id), signer)


def archive(uow: UnitOfWork, officer: Officer, programme_id: UUID, note: str) -> None:
    """File an accepted programme of which nothing is left anywhere.

    Raises WrongState, ValueStillOut, FundNotEmpty, and SamePerson for whoever accepted it or
    recorded what was accepted.
    """
    programme = programme_queries.lock_of_union(uow, officer.union_id, programme_id)
    programme_rules.STATES.check(programme.state, programme_rules.ARCHIVED)
    found = ledger_queries.fund_figures(uow.session, programme.id)
    if found.outstanding_fen or found.held_fen:
        raise rules.ValueStillOut(out_fen=found.outstanding_fen + found.held_fen)
    if found.balance_fen:
        raise rules.FundNotEmpty(balance_fen=found.balance_fen)
    signer = lifecycle.signer_of(uow, officer)
    recorded = [Subject(ACCEPTANCE, programme.id)]
    authors.decide(uow, Subject(FILING, programme.id), signer, recorded)
    lifecycle.step(uow, programme, officer.signature, programme_rules.ARCHIVED, note)
