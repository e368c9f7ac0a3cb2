"""People change their own password and set their own second factor up."""

from sqlalchemy import select, update

from mall.access import rules as access_rules
from mall.access import service as access_service
from mall.access.models import AccessToken, StaffAccount
from mall.access.rules import PASSWORD, Principal
from mall.access.staff.service import factors, passwords
from mall.kernel.errors import DomainError
from mall.kernel.uow import UnitOfWork

# Where wrong passwords of somebody signed in are counted, whatever the address.
SIGNED_IN = "signed in"


def _refusal(uow: UnitOfWork, account: StaffAccount, is_right: bool) -> DomainError | None:
    subject = access_rules.subject_of_name(account.username)
    if is_right:
        access_service.check_tries(uow, PASSWORD, subject, SIGNED_IN)
        return None
    access_service.count_wrong_try(uow, PASSWORD, subject, SIGNED_IN)
    return access_rules.BadCredentials("password")


def check_password(uow: UnitOfWork, who: Principal, password: str) -> DomainError | None:
    """Return None where it is the password of whoever is signed in, else the refusal.

    It is raised once the count is kept. Raises TooManyTries.
    """
    account = access_service.get_account(uow, who.subject_id)
    access_service.check_tries(
        uow, PASSWORD, access_rules.subject_of_name(account.username), SIGNED_IN
    )
    return _refusal(uow, account, passwords.fits(account.password_hash, password))


def change_password(uow: UnitOfWork, who: Principal, password: str) -> None:
    """Set another password; every other session ends. Raises PasswordRefused."""
    account = access_service.get_account(uow, who.subject_id)
    passwords.check(password, account.username)
    account.password_hash = passwords.hash_of(password)
    _end_other_sessions(uow, who, account)


def _end_other_sessions(uow: UnitOfWork, who: Principal, account: StaffAccount) -> None:
    access_service.end_sessions(account)
    uow.session.flush()
    epoch = select(StaffAccount.epoch).where(StaffAccount.id == account.id).scalar_subquery()
    uow.session.execute(
        update(AccessToken).where(AccessToken.id == who.token_id).values(epoch=epoch)
    )


def begin_factor(uow: UnitOfWork, who: Principal) -> dict[str, str]:
    """Return a new secret for an app of one-time passwords; raise TotpSet."""
    secret, uri = factors.begin(uow, access_service.get_account(uow, who.subject_id))
    return {"secret": secret, "uri": uri}


def confirm_factor(uow: UnitOfWork, who: Principal, code: str) -> list[str] | None:
    """Take the second factor into use; every other session ends.

    Returns the recovery codes, or None for a wrong code, once it is counted. Raises TooManyTries
    and TotpSet.
    """
    account = access_service.get_account(uow, who.subject_id)
    subject = access_rules.subject_of_name(account.username)
    access_service.check_tries(uow, PASSWORD, subject, SIGNED_IN)
    codes = factors.confirm(uow, account, code)
    if codes is None:
        access_service.count_wrong_try(uow, PASSWORD, subject, SIGNED_IN)
    else:
        _end_other_sessions(uow, who, account)
    return codes
