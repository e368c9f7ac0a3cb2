"""Settlement work on a schedule."""

from uuid import UUID

from fulfillment.settlement import queries, rules
from fulfillment.settlement.service import settlements
from mall.kernel import clock
from mall.kernel.clock import beijing_day
from mall.kernel.rows.sweeping import one_by_one
from mall.kernel.uow import reading, unit_of_work

MAX_RUN_SECONDS = 60
SYSTEM = "system"


def draft_month() -> int:
    """Draft last month's statement of every supplier that has none yet; return how many.

    Run by the scheduler every hour: the first run of a month does it, later ones what was left.
    """
    ends_on = rules.month_before(beijing_day(clock.now()))
    with reading() as session:
        found = [
            supplier_id
            for supplier_id in queries.suppliers_with_open(session, settlements.end_of(ends_on))
            if not queries.was_settled(session, supplier_id, ends_on)
        ]

    def draft(supplier_id: UUID) -> bool:
        with unit_of_work() as uow:
            settlements.draft(uow, supplier_id, ends_on, SYSTEM)
        return True

    return one_by_one("draft_month", found, draft, MAX_RUN_SECONDS)
