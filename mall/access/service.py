"""Sign staff in, issue and revoke tokens."""

import hashlib
import secrets
import threading
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from mall.access import queries, rules
from mall.access.models import AccessToken, StaffAccount, UsedLoginCode, WrongTry
from mall.access.queries import token_hash
from mall.access.rules import IssuedToken
from mall.kernel.db import delete_some, hold_turn
from mall.kernel.errors import Invalid, LimitReached, NotFound
from mall.kernel.ids import new_id
from mall.kernel.uow import UnitOfWork

# A login code lives five minutes at WeChat, a token that ended serves only an investigation.
KEEP_ENDED = timedelta(days=30)
# OWASP's second profile: 19 MiB, two passes; keeps a web process under its memory budget.
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
# One at a time in a process: a burst of sign-ins costs time, not 19 MiB for each thread.
_hashing = threading.Lock()
# Verified for unknown user names too, so that the time taken tells nothing.
_NOBODY = _hasher.hash(secrets.token_urlsafe())


@dataclass(frozen=True)
class NewStaff:
    """What a staff account is opened with."""

    username: str
    display_name: str
    password: str
    role: str
    scope_id: UUID | None = None
    duties: tuple[str, ...] = ()


@dataclass(frozen=True)
class SignIn:
    """The outcome of a sign-in: a token, or the refusal to raise once the count is kept."""

    token: IssuedToken | None
    refusal: rules.DomainError | None


def issue_token(uow: UnitOfWork, audience: str, subject_id: UUID) -> IssuedToken:
    """Open a session and return its token, which is readable only now."""
    token = secrets.token_urlsafe(32)
    expires_at = uow.now + timedelta(seconds=uow.settings.token_ttl_seconds)
    uow.session.add(
        AccessToken(
            id=new_id(),
            token_hash=token_hash(token),
            audience=audience,
            subject_id=subject_id,
            created_at=uow.now,
            expires_at=expires_at,
        )
    )
    return IssuedToken(token, expires_at)


def sign_in_staff(uow: UnitOfWork, username: str, password: str, audience: str) -> SignIn:
    """Check a password and open a session for an account of this audience.

    A refusal is returned, not raised, so that the failure it counts is committed. The row is
    locked: parallel guesses are counted one after the other.
    """
    account = uow.session.scalars(
        select(StaffAccount).where(StaffAccount.username == username).with_for_update()
    ).first()
    if account is not None and account.locked_until and account.locked_until > uow.now:
        wait = int((account.locked_until - uow.now).total_seconds()) + 1
        return SignIn(None, rules.LockedOut(retry_after_seconds=wait))
    is_right = _verify(account.password_hash if account else _NOBODY, password)
    if account is None or not account.is_active:
        return SignIn(None, rules.BadCredentials("password"))
    if rules.AUDIENCE_OF_ROLE[account.role] != audience:
        return SignIn(None, rules.BadCredentials("password"))
    if not is_right:
        account.failed_count += 1
        account.locked_until = rules.locked_until(account.failed_count, uow.now)
        if account.locked_until:
            account.failed_count = 0
        return SignIn(None, rules.BadCredentials("password"))
    account.failed_count = 0
    account.locked_until = None
    return SignIn(issue_token(uow, audience, account.id), None)


def _verify(stored_hash: str, password: str) -> bool:
    try:
        with _hashing:
            return _hasher.verify(stored_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def open_staff_account(uow: UnitOfWork, new: NewStaff) -> UUID:
    """Open a staff account, or set name, password, role and scope of the one that exists."""
    _check(new)
    account = _find(uow, new.username)
    if account is None:
        account = StaffAccount(id=new_id(), username=new.username, created_at=uow.now)
        uow.session.add(account)
    _fill(account, new)
    uow.session.flush()
    return account.id


def add_staff_account(uow: UnitOfWork, new: NewStaff) -> StaffAccount:
    """Open a staff account of a new user name; raise UsernameTaken."""
    _check(new)
    account = StaffAccount(id=new_id(), username=new.username, created_at=uow.now)
    _fill(account, new)
    try:
        with uow.session.begin_nested():
            uow.session.add(account)
    except IntegrityError as error:
        raise rules.UsernameTaken("username") from error
    return account


def add_colleague(uow: UnitOfWork, new: NewStaff, limit: int) -> StaffAccount:
    """Open one more account for a supplier, union or store; raise LimitReached and UsernameTaken."""
    assert new.scope_id is not None
    hold_turn(uow.session, "staff_account", new.scope_id)
    if len(queries.staff_of(uow.session, new.role, new.scope_id)) >= limit:
        raise LimitReached(limit=limit)
    return add_staff_account(uow, new)


def _check(new: NewStaff) -> None:
    if not rules.USERNAME.fullmatch(new.username):
        raise Invalid(
            "username",
            "用户名须为 3 至 32 位小写字母、数字、点、横线，字母开头。",
            "User names are 3 to 32 lower-case letters, digits, dots or dashes, a letter first.",
        )
    if not rules.MIN_PASSWORD <= len(new.password) <= rules.MAX_PASSWORD:
        raise Invalid(
            "password", "密码须为 10 至 128 个字符。", "Passwords have 10 to 128 characters."
        )
    if set(new.duties) - set(rules.DUTIES_OF_ROLE.get(new.role, ())):
        raise Invalid(
            "duties", "该类账号没有这项职责。", "Accounts of this role have no such duty."
        )


def _find(uow: UnitOfWork, username: str) -> StaffAccount | None:
    return uow.session.scalars(
        select(StaffAccount).where(StaffAccount.username == username)
    ).first()


def _fill(account: StaffAccount, new: NewStaff) -> None:
    account.display_name = new.display_name
    account.password_hash = _hasher.hash(new.password)
    account.role = new.role
    account.scope_id = new.scope_id
    account.duties = list(new.duties)
    account.is_active = True


def disable_staff_account(uow: UnitOfWork, username: str) -> None:
    """Close a staff account and end its sessions."""
    account = _find(uow, username)
    if account is None:
        raise Invalid("username", "没有这个用户。", "There is no such user.")
    account.is_active = False
    revoke_sessions(uow, account.id)


def close_colleague(uow: UnitOfWork, own_id: UUID, scope_id: UUID, account_id: UUID) -> None:
    """Close an account of one's own supplier, union or store; another's is as unknown as none.

    Raises NotFound and NotYourself.
    """
    account = uow.session.get(StaffAccount, account_id)
    if account is None or account.scope_id != scope_id:
        raise NotFound("user", "用户")
    if account.id == own_id:
        raise rules.NotYourself()
    account.is_active = False
    revoke_sessions(uow, account.id)


def revoke_token(uow: UnitOfWork, token_id: UUID) -> None:
    """End one session; ending it twice changes nothing."""
    uow.session.execute(
        update(AccessToken)
        .where(AccessToken.id == token_id, AccessToken.revoked_at.is_(None))
        .values(revoked_at=uow.now)
    )


def revoke_sessions(uow: UnitOfWork, subject_id: UUID) -> None:
    """End every session of a subject."""
    uow.session.execute(
        update(AccessToken)
        .where(AccessToken.subject_id == subject_id, AccessToken.revoked_at.is_(None))
        .values(revoked_at=uow.now)
    )


def forget_ended_sessions(uow: UnitOfWork) -> int:
    """Delete tokens that ended, and login codes used, long ago; a bounded number at once."""
    before = {"before": uow.now - KEEP_ENDED}
    ended = "least(expires_at, revoked_at) < :before"
    tokens = delete_some(uow.session, "access_token", ended, before)
    delete_some(uow.session, "wrong_try", "tried_at < :before", before)
    return tokens + delete_some(uow.session, "used_login_code", "used_at < :before", before)


def use_login_code(uow: UnitOfWork, code: str) -> None:
    """Mark a WeChat login code as used; raise CodeRefused when it already was."""
    digest = hashlib.sha256(code.encode()).digest()
    inserted = uow.session.execute(
        insert(UsedLoginCode)
        .values(code_hash=digest, used_at=uow.now)
        .on_conflict_do_nothing()
        .returning(UsedLoginCode.code_hash)
    ).first()
    if inserted is None:
        raise rules.CodeRefused("code")


def check_tries(
    uow: UnitOfWork, subject_id: UUID, purpose: str, limit: int, span: timedelta
) -> None:
    """Raise TooManyTries where a subject guessed wrongly so often within a span."""
    since = uow.now - span
    found = uow.session.scalars(
        select(WrongTry.tried_at)
        .where(
            WrongTry.subject_id == subject_id,
            WrongTry.purpose == purpose,
            WrongTry.tried_at > since,
        )
        .order_by(WrongTry.tried_at.desc())
        .limit(limit)
    ).all()
    if len(found) >= limit:
        wait = int((found[-1] + span - uow.now).total_seconds()) + 1
        raise rules.TooManyTries(retry_after_seconds=wait)


def count_wrong_try(uow: UnitOfWork, subject_id: UUID, purpose: str) -> None:
    """Note a wrong guess; the caller lets the transaction commit before it refuses."""
    uow.session.add(WrongTry(id=new_id(), subject_id=subject_id, purpose=purpose, tried_at=uow.now))
