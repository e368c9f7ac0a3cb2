"""Where an account has signed in before: there it is not slowed by what others try."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import text

from mall.kernel.db import delete_some
from mall.kernel.uow import UnitOfWork

KEEP = timedelta(days=180)
# One statement for names that exist and names that do not.
_IS_KNOWN = text("""
    SELECT 1 FROM known_place k JOIN staff_account a ON a.id = k.account_id
    WHERE a.username = :username AND k.address = :address AND k.last_at > :since
    """)
# Written once a day at most.
_REMEMBER = text("""
    INSERT INTO known_place AS k (account_id, address, last_at) VALUES (:account_id, :address, :now)
    ON CONFLICT (account_id, address) DO UPDATE SET last_at = excluded.last_at
    WHERE k.last_at < excluded.last_at - interval '1 day'
    """)


def is_known(uow: UnitOfWork, username: str, address: str) -> bool:
    """Tell whether the account of a name signed in from an address within half a year."""
    values = {"username": username, "address": address, "since": uow.now - KEEP}
    return uow.session.execute(_IS_KNOWN, values).first() is not None


def remember(uow: UnitOfWork, account_id: UUID, address: str) -> None:
    """Note that an account signed in from an address, where there is one to tell."""
    if address:
        values = {"account_id": account_id, "address": address, "now": uow.now}
        uow.session.execute(_REMEMBER, values)


def forget_old(uow: UnitOfWork) -> int:
    """Delete what was too long ago to count; a bounded number at once."""
    return delete_some(uow.session, "known_place", "last_at < :before", {"before": uow.now - KEEP})
