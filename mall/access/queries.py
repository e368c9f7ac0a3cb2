"""Look up who a token stands for."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from mall.access.models import StaffAccount
from mall.access.rules import AUDIENCE_OF_ROLE, AUDIENCES, OPERATOR, STORE, Actor, Principal
from mall.kernel.db import AutocommitPool, driver_sql
from mall.kernel.settings import installed

# Whether the subject still may is read with the token: a closed account, a changed role, another
# password and a closed supplier take effect at once, whatever was signed in meanwhile (ADR 0028).
_PRINCIPAL = """
    SELECT t.audience, t.subject_id, s.scope_id, t.id, s.duties, s.display_name,
           f.confirmed_at IS NOT NULL
    FROM access_token t LEFT JOIN staff_account s ON s.id = t.subject_id
    LEFT JOIN second_factor f ON f.account_id = s.id
    WHERE t.token_hash = :token_hash AND t.revoked_at IS NULL AND t.expires_at > :now
    """
# The same for members alone: they ask most, and this takes the database half the time to plan.
_MEMBER = """
    SELECT t.subject_id, t.id FROM access_token t
    WHERE t.token_hash = :token_hash AND t.revoked_at IS NULL AND t.expires_at > :now
      AND t.audience = 'store'
    """
_MAY = """
    SELECT 1 FROM (SELECT CAST(:audience AS text) AS audience, CAST(:subject_id AS uuid)
                          AS subject_id, CAST(:epoch AS bigint) AS epoch) t
    LEFT JOIN staff_account s ON s.id = t.subject_id WHERE true
    """


class Standings:
    """What must hold of a subject for its sessions, by audience: SQL over a token `t`.

    For staff `s` is the account, and the condition of its feature comes on top of the account's own.
    """

    def __init__(self, conditions: Mapping[str, str]) -> None:
        roles = {audience: role for role, audience in AUDIENCE_OF_ROLE.items()}
        cases = []
        for audience in AUDIENCES:
            parts = []
            if audience in roles:
                parts.append(f"s.is_active AND s.epoch = t.epoch AND s.role = '{roles[audience]}'")
            if audience in conditions:
                parts.append(f"({conditions[audience]})")
            cases.append(f"WHEN '{audience}' THEN {' AND '.join(parts) or 'true'}")
        may = f" AND CASE t.audience {' '.join(cases)} ELSE false END"
        self.principal = driver_sql(_PRINCIPAL + may)
        self.member = driver_sql(f"{_MEMBER} AND ({conditions.get(STORE, 'true')})")
        self.may = text(_MAY + may)


def _standings() -> Standings:
    found: Standings = installed("mall_standings")
    return found


def token_hash(token: str) -> bytes:
    """Return the form in which a token is stored; tokens are random, so plain SHA-256 is enough."""
    return hashlib.sha256(token.encode()).digest()


def principal(
    direct: AutocommitPool, token: str, now: datetime, wanted: str | None = None
) -> Principal | None:
    """Return who the token stands for, or None if it is unknown, ended or its subject may no more.

    It may be of another audience than the one that is wanted.
    """
    values = {"token_hash": token_hash(token), "now": now}
    if wanted == STORE:
        row = direct.read(_standings().member, values)
        if row is not None:
            return Principal(STORE, row[0], None, row[1])
    row = direct.read(_standings().principal, values)
    if row is None:
        return None
    audience, subject_id, scope_id, token_id, duties, name, has_factor = row
    own = (tuple(duties or ()), name or "", has_factor)
    return Principal(audience, subject_id, scope_id, token_id, *own)


def may_sign_in(session: Session, audience: str, subject_id: UUID, epoch: int) -> bool:
    """Tell whether a session of this epoch would live."""
    values = {"audience": audience, "subject_id": subject_id, "epoch": epoch}
    return session.execute(_standings().may, values).first() is not None


def actor(session: Session, account_id: UUID) -> Actor:
    """Return an account as the person it belongs to; one that is no account is nobody else."""
    found = session.get(StaffAccount, account_id)
    return person_of(found) if found else Actor(account_id)


def person_of(account: StaffAccount) -> Actor:
    """Return the person of an account as it is now."""
    is_confirmed = account.person_confirmed_at is not None
    return Actor(account.id, account.member_id, account.phone, is_confirmed)


def operators(session: Session, duty: str | None = None) -> list[StaffAccount]:
    """Return the operators' accounts, or those at work that have a duty, by user name."""
    query = select(StaffAccount).where(StaffAccount.role == OPERATOR)
    if duty is not None:
        query = query.where(
            StaffAccount.is_active,
            StaffAccount.password_hash.is_not(None),
            StaffAccount.duties.contains([duty]),
        )
    return list(session.scalars(query.order_by(StaffAccount.username).limit(500)))


def staff_of(session: Session, role: str, scope_id: UUID) -> list[StaffAccount]:
    """Return the accounts that act for a supplier, union or store, by user name."""
    query = select(StaffAccount).where(StaffAccount.role == role, StaffAccount.scope_id == scope_id)
    return list(session.scalars(query.order_by(StaffAccount.username).limit(500)))
