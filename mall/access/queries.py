"""Look up who a token stands for."""

import hashlib
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from mall.access.models import StaffAccount
from mall.access.rules import AUDIENCE_OF_ROLE, STORE, Principal
from mall.kernel.db import Direct, driver_sql

# Role and scope are read with every request, so that a changed or disabled account takes
# effect at once and not when its token ends.
_PRINCIPAL = """
    SELECT t.audience, t.subject_id, s.scope_id, t.id, s.duties, s.display_name, s.role
    FROM access_token t LEFT JOIN staff_account s ON s.id = t.subject_id AND s.is_active
    WHERE t.token_hash = :token_hash AND t.revoked_at IS NULL AND t.expires_at > :now
    """


def token_hash(token: str) -> bytes:
    """Return the form in which a token is stored; tokens are random, so plain SHA-256 is enough."""
    return hashlib.sha256(token.encode()).digest()


def principal(direct: Direct, token: str, now: datetime) -> Principal | None:
    """Return who the token stands for, or None if it is unknown, ended or its account is closed."""
    row = direct.read(driver_sql(_PRINCIPAL), {"token_hash": token_hash(token), "now": now})
    if row is None:
        return None
    audience, subject_id, scope_id, token_id, duties, name, role = row
    found = Principal(audience, subject_id, scope_id, token_id, tuple(duties or ()), name or "")
    if found.audience != STORE and AUDIENCE_OF_ROLE.get(role) != found.audience:
        return None
    return found


def staff_of(session: Session, role: str, scope_id: UUID) -> list[StaffAccount]:
    """Return the accounts that act for a supplier, union or store, by user name."""
    query = select(StaffAccount).where(StaffAccount.role == role, StaffAccount.scope_id == scope_id)
    return list(session.scalars(query.order_by(StaffAccount.username).limit(500)))
