"""Open and close staff accounts, issue and revoke tokens, count wrong guesses."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from mall.access import queries, rules
from mall.access.models import AccessToken, GuessCounter, StaffAccount, UsedLoginCode
from mall.access.queries import token_hash
from mall.access.rules import Allowance, IssuedToken
from mall.access.staff.service import passwords
from mall.kernel.db import delete_some, hold_turn
from mall.kernel.errors import Invalid, LimitReached, NotFound
from mall.kernel.ids import new_id
from mall.kernel.uow import UnitOfWork

# A login code lives five minutes at WeChat, a token that ended serves only an investigation.
KEEP_ENDED = timedelta(days=30)


@dataclass(frozen=True)
class NewStaff:
    """What a staff account is opened with."""

    username: str
    display_name: str
    # None: the person chooses it, by invitation.
    password: str | None
    role: str
    scope_id: UUID | None = None
    duties: tuple[str, ...] = ()
    phone: str | None = None


def issue_token(uow: UnitOfWork, audience: str, subject_id: UUID, epoch: int = 0) -> IssuedToken:
    """Open a session and return its token, which is readable only now.

    It lives while its subject is in the epoch that was read of it.
    """
    token = secrets.token_urlsafe(32)
    expires_at = uow.now + timedelta(seconds=uow.settings.token_ttl_seconds)
    uow.session.add(
        AccessToken(
            id=new_id(),
            token_hash=token_hash(token),
            audience=audience,
            subject_id=subject_id,
            epoch=epoch,
            created_at=uow.now,
            expires_at=expires_at,
        )
    )
    return IssuedToken(token, expires_at)


def open_staff_account(uow: UnitOfWork, new: NewStaff) -> UUID:
    """Open a staff account, or set name, password, role and scope of the one that exists."""
    check(new)
    account = _find(uow, new.username)
    if account is None:
        account = StaffAccount(id=new_id(), username=new.username, epoch=0, created_at=uow.now)
        uow.session.add(account)
    elif not _is_same(account, new):
        end_sessions(account)
    _fill(account, new)
    uow.session.flush()
    return account.id


def get_account(uow: UnitOfWork, account_id: UUID) -> StaffAccount:
    """Return a staff account, or raise NotFound."""
    found = uow.session.get(StaffAccount, account_id)
    if found is None:
        raise NotFound("account")
    return found


def _is_same(account: StaffAccount, new: NewStaff) -> bool:
    is_same = (account.role, account.scope_id) == (new.role, new.scope_id)
    return is_same and (new.password is None or passwords.fits(account.password_hash, new.password))


def end_sessions(account: StaffAccount) -> None:
    """End every session of an account, also one whose sign-in is under way."""
    account.epoch = StaffAccount.epoch + 1


def add_staff_account(uow: UnitOfWork, new: NewStaff) -> StaffAccount:
    """Open a staff account of a new user name; raise UsernameTaken."""
    check(new)
    account = StaffAccount(id=new_id(), username=new.username, epoch=0, created_at=uow.now)
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


def check(new: NewStaff) -> None:
    """Raise Invalid or PasswordRefused for what no account can be opened with."""
    if not rules.USERNAME.fullmatch(new.username):
        raise Invalid("username", "username_wrong")
    if new.password is not None:
        passwords.check(new.password, new.username)
    if new.phone is not None and not rules.PHONE.fullmatch(new.phone):
        raise Invalid("phone", "account_phone_wrong")
    if set(new.duties) - set(rules.DUTIES_OF_ROLE.get(new.role, ())):
        raise Invalid("duties", "duty_not_of_role")


def confirm_person(uow: UnitOfWork, account: StaffAccount, member_id: UUID, phone: str) -> None:
    """Note that an account is this member's, whose phone is verified; both were proved.

    Raises PersonTaken where it was confirmed as another member's since its last invitation.
    """
    uow.session.refresh(account, with_for_update=True)
    is_kept = account.person_confirmed_at is not None
    if is_kept and account.member_id != member_id:
        raise rules.PersonTaken("username")
    account.member_id, account.phone = member_id, phone
    account.person_confirmed_at = uow.now
    uow.session.flush()


def _find(uow: UnitOfWork, username: str) -> StaffAccount | None:
    return uow.session.scalars(
        select(StaffAccount).where(StaffAccount.username == username)
    ).first()


def _fill(account: StaffAccount, new: NewStaff) -> None:
    account.display_name = new.display_name
    if new.password is not None:
        account.password_hash = passwords.hash_of(new.password)
    if account.person_confirmed_at is None:
        # What its owner proved is not overruled by what somebody says.
        account.phone = new.phone
    account.role = new.role
    account.scope_id = new.scope_id
    account.duties = list(new.duties)
    account.is_active = True


def disable_staff_account(uow: UnitOfWork, username: str) -> None:
    """Close a staff account and end its sessions."""
    account = _find(uow, username)
    if account is None:
        raise Invalid("username", "username_unknown")
    account.is_active = False
    end_sessions(account)


def colleague(
    uow: UnitOfWork, own_id: UUID, scope_id: UUID | None, account_id: UUID
) -> StaffAccount:
    """Return another account of one's own supplier, union or store, or another operator's.

    Raises NotFound, also of someone else's, and NotYourself.
    """
    account = uow.session.get(StaffAccount, account_id)
    if account is None or account.scope_id != scope_id:
        raise NotFound("user")
    if account.id == own_id:
        raise rules.NotYourself()
    return account


def close_colleague(uow: UnitOfWork, own_id: UUID, scope_id: UUID | None, account_id: UUID) -> None:
    """Close the account of a colleague, whose sessions end; raises NotFound and NotYourself."""
    account = colleague(uow, own_id, scope_id, account_id)
    account.is_active = False
    end_sessions(account)


def revoke_token(uow: UnitOfWork, token_id: UUID) -> None:
    """End one session; ending it twice changes nothing."""
    uow.session.execute(
        update(AccessToken)
        .where(AccessToken.id == token_id, AccessToken.revoked_at.is_(None))
        .values(revoked_at=uow.now)
    )


def forget_ended_sessions(uow: UnitOfWork) -> int:
    """Delete tokens that ended, and login codes used, long ago; a bounded number at once."""
    before = {"before": uow.now - KEEP_ENDED}
    ended = "least(expires_at, revoked_at) < :before"
    tokens = delete_some(uow.session, "access_token", ended, before)
    delete_some(uow.session, "guess_counter", "ends_at < :now", {"now": uow.now})
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


# One more wrong guess, where its counter is open: whoever comes after the last free one waits. A
# counter with free guesses has been open since 2000: whoever began a moment earlier than the
# last one to be counted is not late.
_COUNT = text("""
    INSERT INTO guess_counter AS c (purpose, subject, address, tries, opens_at, ends_at)
    VALUES (:purpose, :subject, :address, 1,
            CASE WHEN :tries <= 1 THEN CAST(:now AS timestamptz) + LEAST(:longest, :pause)
                 ELSE '2000-01-01Z' END,
            CAST(:now AS timestamptz) + CAST(:span AS interval))
    ON CONFLICT (purpose, subject, address) DO UPDATE
    SET (tries, opens_at, ends_at) = (
        SELECT n, CASE WHEN n < :tries THEN CAST('2000-01-01Z' AS timestamptz)
                       ELSE LEAST(e, :now + LEAST(CAST(:longest AS interval),
                            CAST(:pause AS interval) * power(2, LEAST(n - :tries, 20)))) END, e
        FROM (SELECT CASE WHEN c.ends_at <= :now THEN 1 ELSE c.tries + 1 END AS n,
                     CASE WHEN c.ends_at <= :now THEN excluded.ends_at ELSE c.ends_at END AS e) x)
    WHERE c.opens_at <= :now OR c.ends_at <= :now
    RETURNING tries
    """)


def _counter(allowance: Allowance, subject: object, address: str) -> dict[str, Any]:
    return {"purpose": allowance.purpose, "subject": str(subject), "address": address}


def check_tries(uow: UnitOfWork, allowance: Allowance, subject: object, address: str = "") -> None:
    """Raise TooManyTries where a subject may not guess now.

    Asked after a guess was compared: one that ran beside others counts as if it came after them.
    """
    found = uow.session.get(
        GuessCounter,
        tuple(_counter(allowance, subject, address).values()),
        populate_existing=True,
    )
    if found is not None and uow.now < min(found.opens_at, found.ends_at):
        wait = int((min(found.opens_at, found.ends_at) - uow.now).total_seconds()) + 1
        raise rules.TooManyTries(retry_after_seconds=wait)


def count_wrong_try(
    uow: UnitOfWork, allowance: Allowance, subject: object, address: str = ""
) -> None:
    """Count a wrong guess; the caller lets the transaction commit before it refuses.

    Raises TooManyTries where others used the last one up: then nothing is learnt from the refusal.
    """
    values = {
        **_counter(allowance, subject, address),
        "tries": allowance.tries,
        "pause": allowance.pause,
        "longest": allowance.longest,
        "span": allowance.span,
        "now": uow.now,
    }
    if uow.session.execute(_COUNT, values).first() is None:
        check_tries(uow, allowance, subject, address)
        raise rules.TooManyTries(retry_after_seconds=1)


def forget_tries(
    uow: UnitOfWork, allowance: Allowance, subject: object, address: str | None = None
) -> None:
    """Forget a subject's wrong guesses, from one address or from all."""
    mine = delete(GuessCounter).where(
        GuessCounter.purpose == allowance.purpose, GuessCounter.subject == str(subject)
    )
    if address is not None:
        mine = mine.where(GuessCounter.address == address)
    uow.session.execute(mine)
