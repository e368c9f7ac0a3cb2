"""Staff signs in."""

from dataclasses import dataclass

from sqlalchemy import select

from mall.access import queries as access_queries
from mall.access import rules as access_rules
from mall.access import service as access_service
from mall.access.models import StaffAccount
from mall.access.rules import PASSWORD, SPRAYED, SURROUNDED, Allowance, IssuedToken
from mall.access.staff.service import factors, passwords, places
from mall.kernel.errors import DomainError
from mall.kernel.uow import ActingPerson, UnitOfWork


@dataclass(frozen=True)
class SignInAttempt:
    """What somebody signs in with, and from where."""

    username: str
    password: str
    # None: whichever the account is for.
    audience: str | None
    address: str
    totp: str | None = None


@dataclass(frozen=True)
class SignIn:
    """The outcome of a sign-in: a token, or the refusal to raise once the count is kept."""

    token: IssuedToken | None
    refusal: DomainError | None


@dataclass(frozen=True)
class Proof:
    """Whose password and second factor it was, or the refusal to raise once the count is kept."""

    account: StaffAccount | None
    refusal: DomainError | None


def sign_in(uow: UnitOfWork, attempt: SignInAttempt) -> SignIn:
    """Check a password and open a session for an account of this audience."""
    proof = prove(uow, attempt)
    if proof.account is None:
        return SignIn(None, proof.refusal)
    audience = access_rules.AUDIENCE_OF_ROLE[proof.account.role]
    token = access_service.issue_token(uow, audience, proof.account.id, proof.account.epoch)
    return SignIn(token, None)


def prove(uow: UnitOfWork, attempt: SignInAttempt) -> Proof:
    """Check a password and, where one is set, the second factor.

    A refusal is returned, not raised, so that the failure it counts is committed. An unknown name
    is counted and refused as a wrong password is, and costs as much.
    """
    guesses = _guesses(uow, attempt)
    try:
        _check(uow, guesses)
        found = uow.session.scalars(
            select(StaffAccount).where(StaffAccount.username == attempt.username)
        ).first()
        # Compared even where there is no such name: how long it takes must not tell.
        is_right = passwords.fits(found.password_hash if found else None, attempt.password)
        if found is None or not is_right or not _may(uow, found, attempt.audience):
            _count(uow, guesses)
            return Proof(None, access_rules.BadCredentials("password"))
        if factors.is_set(uow, found.id):
            if not attempt.totp:
                return Proof(None, access_rules.TotpNeeded("totp"))
            if not factors.use(uow, found.id, attempt.totp):
                _count(uow, guesses)
                return Proof(None, access_rules.TotpWrong("totp"))
        # Again after comparing: of many guesses at once none may slip in behind the limit.
        _check(uow, guesses)
    except access_rules.TooManyTries as error:
        return Proof(None, access_rules.LockedOut(**error.details))
    uow.doer = ActingPerson(access_rules.AUDIENCE_OF_ROLE[found.role], found.id, found.display_name)
    # Only those of this address: an attacker elsewhere is still counted.
    access_service.forget_tries(uow, *guesses[0])
    places.remember(uow, found.id, attempt.address)
    return Proof(found, None)


# What is counted, whose, and from where.
Guess = tuple[Allowance, str, str]


def _guesses(uow: UnitOfWork, attempt: SignInAttempt) -> list[Guess]:
    """Return what a guess is counted by; always in this order, so that two sign-ins do not deadlock."""
    subject, address = access_rules.subject_of_name(attempt.username), attempt.address
    found = [(PASSWORD, subject, address)]
    if not places.is_known(uow, attempt.username, address):
        # An address that nobody can tell apart from others' is not counted by itself.
        found += [(SPRAYED, address, "")] if address else []
        found.append((SURROUNDED, subject, ""))
    return found


def _check(uow: UnitOfWork, guesses: list[Guess]) -> None:
    for each in guesses:
        access_service.check_tries(uow, *each)


def _count(uow: UnitOfWork, guesses: list[Guess]) -> None:
    for each in guesses:
        access_service.count_wrong_try(uow, *each)


def _may(uow: UnitOfWork, account: StaffAccount, wanted: str | None) -> bool:
    audience = access_rules.AUDIENCE_OF_ROLE[account.role]
    return wanted in (None, audience) and access_queries.may_sign_in(
        uow.session, audience, account.id, account.epoch
    )
