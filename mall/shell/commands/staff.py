"""`mall staff`: the first accounts, and what is needed when nobody gets in any more."""

import getpass
from uuid import UUID

import click
from sqlalchemy import select

from mall.access import service as access_service
from mall.access.models import StaffAccount
from mall.access.rules import DUTIES_OF_ROLE, OPERATOR, ROLES, TWO_PERSONS
from mall.access.service import NewStaff
from mall.access.staff.service import changes, invitations
from mall.access.staff.service.invitations import Invitation
from mall.kernel.uow import UnitOfWork, unit_of_work
from mall.shell.commands import environment

DUTIES = sorted({duty for duties in DUTIES_OF_ROLE.values() for duty in duties})


def by() -> str:
    """Return who uses the command line."""
    return f"cli:{getpass.getuser()}"


@click.group()
def staff() -> None:
    """Staff accounts."""


def _told(username: str, invitation: Invitation) -> str:
    until = f"{invitation.expires_at:%F %T} UTC"
    return f"invitation for {username}, good once until {until}:\n{invitation.link}"


def _proposed(change_id: UUID) -> str:
    return f"proposed as {change_id}: an operator with the duty accounts confirms it"


def open_account(uow: UnitOfWork, new: NewStaff) -> str:
    """Open an account and return its invitation in words; propose it where that takes two persons."""
    if new.role in TWO_PERSONS and changes.needs_confirmation(uow):
        return _proposed(changes.propose_open(uow, new, None).id)
    account = access_service.add_staff_account(uow, new)
    invitation = invitations.issue(uow, account, by())
    return f"{new.username} ({new.role}) is open: {account.id}\n{_told(new.username, invitation)}"


@staff.command("open")
@click.argument("username")
@click.option("--role", type=click.Choice(ROLES), required=True, help="What it may do.")
@click.option("--scope", type=click.UUID, help="The supplier, union or store it acts for.")
@click.option("--name", default="", help="The name shown.")
@click.option("--phone", help="The person's phone: two accounts of one phone are one person.")
@click.option(
    "--duty",
    "duties",
    multiple=True,
    type=click.Choice(DUTIES),
    help="What the account may do; may be given several times. Operators: all where none is given.",
)
@environment.within_application
def open_staff(
    username: str,
    role: str,
    scope: UUID | None,
    name: str,
    phone: str | None,
    duties: tuple[str, ...],
) -> None:
    """Open a staff account and print the invitation to choose its password.

    Once two operators have the duty accounts, an operator's or officer's account is only proposed.
    """
    if (role == OPERATOR) != (scope is None):
        raise click.UsageError("every role but operator needs --scope, and operator takes none")
    chosen = duties or (DUTIES_OF_ROLE[role] if role == OPERATOR else ())
    new = NewStaff(username, name or username, None, role, scope, tuple(chosen), phone)
    with unit_of_work() as uow:
        said = open_account(uow, new)
    click.echo(said)


def _account(uow: UnitOfWork, username: str) -> StaffAccount:
    found = uow.session.scalars(
        select(StaffAccount).where(StaffAccount.username == username)
    ).first()
    if found is None:
        raise click.ClickException("There is no such user.")
    return found


@staff.command("invite")
@click.argument("username")
@environment.within_application
def invite_staff(username: str) -> None:
    """Invite somebody again: to a new password, without the second factor that was lost.

    Once two operators have the duty accounts, this too is only proposed for operators and officers.
    """
    with unit_of_work() as uow:
        account = _account(uow, username)
        if account.role in TWO_PERSONS and changes.needs_confirmation(uow):
            said = _proposed(changes.propose_invitation(uow, account, None).id)
        else:
            said = _told(username, invitations.issue(uow, account, by()))
    click.echo(said)


@staff.command("disable")
@click.argument("username")
@environment.within_application
def disable_staff(username: str) -> None:
    """Close a staff account and end its sessions at once."""
    with unit_of_work() as uow:
        access_service.disable_staff_account(uow, username)
    click.echo(f"{username} is closed")
