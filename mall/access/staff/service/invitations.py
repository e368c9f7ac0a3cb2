"""Accounts open by invitation, and passwords that were forgotten are chosen anew by one."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session

from mall.access import rules as access_rules
from mall.access import service as access_service
from mall.access.models import PasswordRequest, StaffAccount, StaffInvitation
from mall.access.queries import token_hash
from mall.access.staff.service import factors, passwords
from mall.kernel.ids import new_id
from mall.kernel.uow import ActingPerson, UnitOfWork

LIFE = timedelta(days=1)
# One statement for names that exist and names that do not.
_ASK = text("""
    INSERT INTO password_request (account_id, asked_at)
    SELECT id, :now FROM staff_account WHERE username = :username AND role = :role AND is_active
    ON CONFLICT (account_id) DO UPDATE SET asked_at = excluded.asked_at
    """)


@dataclass(frozen=True)
class Invitation:
    """A fresh invitation; its code is shown once and stored only as a hash."""

    code: str
    link: str
    expires_at: datetime


def issue(uow: UnitOfWork, account: StaffAccount, issued_by: str) -> Invitation:
    """Invite a person to choose the password of an account; earlier invitations end.

    Whoever was slowed down by wrong passwords may try again, and the request is answered.
    """
    code = secrets.token_urlsafe(32)
    expires_at = uow.now + LIFE
    uow.session.execute(
        update(StaffInvitation)
        .where(StaffInvitation.account_id == account.id, StaffInvitation.used_at.is_(None))
        .values(used_at=uow.now)
    )
    uow.session.add(
        StaffInvitation(
            id=new_id(),
            account_id=account.id,
            code_hash=token_hash(code),
            issued_by=issued_by,
            issued_at=uow.now,
            expires_at=expires_at,
        )
    )
    for allowance in (access_rules.PASSWORD, access_rules.SURROUNDED):
        access_service.forget_tries(uow, allowance, access_rules.subject_of_name(account.username))
    uow.session.execute(delete(PasswordRequest).where(PasswordRequest.account_id == account.id))
    audience = access_rules.AUDIENCE_OF_ROLE[account.role]
    base = uow.settings.invitation_url or f"/v1/{audience}/password/invitation"
    return Invitation(code, f"{base}#{code}", expires_at)


def accept(uow: UnitOfWork, audience: str, code: str, password: str) -> StaffAccount:
    """Set the password that an invited person chose; every session and the second factor end.

    Raises InvitationRefused for a code that is unknown, used or over, and PasswordRefused, after
    which the code is still good.
    """
    account_id = uow.session.scalars(
        update(StaffInvitation)
        .where(
            StaffInvitation.code_hash == token_hash(code),
            StaffInvitation.used_at.is_(None),
            StaffInvitation.expires_at > uow.now,
        )
        .values(used_at=uow.now)
        .returning(StaffInvitation.account_id)
    ).first()
    account = uow.session.get(StaffAccount, account_id) if account_id else None
    if account is None or not account.is_active:
        raise access_rules.InvitationRefused("code")
    if access_rules.AUDIENCE_OF_ROLE[account.role] != audience:
        raise access_rules.InvitationRefused("code")
    uow.doer = ActingPerson(audience, account.id, account.display_name)
    passwords.check(password, account.username)
    account.password_hash = passwords.hash_of(password)
    # Whoever took the invitation up may be somebody else: they prove anew who they are.
    account.person_confirmed_at = None
    access_service.end_sessions(account)
    factors.remove(uow, account.id)
    uow.session.flush()
    return account


def ask(uow: UnitOfWork, audience: str, username: str) -> None:
    """Note that the password of an account was forgotten; for no account nothing happens."""
    role = next(role for role, opens in access_rules.AUDIENCE_OF_ROLE.items() if opens == audience)
    uow.session.execute(_ASK, {"username": username, "role": role, "now": uow.now})


def requests(session: Session, limit: int) -> Sequence[dict[str, Any]]:
    """Return who waits for an invitation, longest first."""
    query = (
        select(StaffAccount, PasswordRequest.asked_at)
        .join(PasswordRequest, PasswordRequest.account_id == StaffAccount.id)
        .order_by(PasswordRequest.asked_at)
        .limit(limit)
    )
    names = ("username", "display_name", "role", "scope_id")
    return [
        {"account_id": account.id, "asked_at": asked_at}
        | {name: getattr(account, name) for name in names}
        for account, asked_at in session.execute(query)
    ]
