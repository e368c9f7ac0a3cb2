"""`mall setup`: everything that a fresh installation needs, as often as one likes (docs/adr/0038)."""

import sys
from collections.abc import Callable
from functools import partial

import click
import psycopg
from flask import current_app
from rich.progress import Progress
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from catalog.products.queries import searching
from fulfillment.shipments.rules import CARRIERS
from mall.access import queries as access_queries
from mall.access.rules import ACCOUNTS, DUTIES_OF_ROLE, OPERATOR
from mall.access.service import NewStaff
from mall.kernel.errors import DomainError
from mall.kernel.settings import Settings
from mall.kernel.uow import UnitOfWork, reading, unit_of_work
from mall.members.service import members
from mall.shell import database
from mall.shell.checks.findings import FAILED
from mall.shell.commands import check, environment, staff
from search_index import indexing
from search_index.engines import Engine, IndexUnavailable

# What a step may meet that a person can mend; anything else is a fault of ours and shows as one.
EXPECTED = (SQLAlchemyError, psycopg.Error, OSError, IndexUnavailable)


@click.command()
@click.option(
    "--operator",
    "operators",
    multiple=True,
    metavar="NAME",
    help="A first operator to invite; name two, for what holds value takes two persons.",
)
def setup(operators: tuple[str, ...]) -> None:
    """Prepare the database, its rights, regions, folders, the index and the first operators; check.

    Run it again at any time: what is there is left as it is, and said so.
    """
    settings = environment.settings()
    _step("database", lambda: _migrate(settings))
    app = environment.application()
    with app.app_context(), environment.journalled():
        _step("regions", _regions)
        _step("carriers", lambda: _carriers(settings))
        _step("folders", lambda: _folders(settings))
        _step("search index", _index)
        for username in operators:
            _step(f"operator {username}", partial(_invite, username))
        _step("operators", _operators)
    found = check.look(app, settings, asks_others=False)
    sys.exit(1 if any(each.state == FAILED for each in found) else 0)


def _step(name: str, act: Callable[[], str]) -> None:
    """Do one thing and say what was done; end here where it cannot be done."""
    try:
        said = act()
    except DomainError as error:
        said = error.sentence("en")
    except EXPECTED as error:
        said = str(getattr(error, "orig", error)).strip()
    else:
        click.echo(f"✓ {name}: {said}")
        return
    click.echo(f"✗ {name}: {said}", err=True)
    sys.exit(1)


def _migrate(settings: Settings) -> str:
    before, after = database.migrate(settings, lambda text: click.echo(f"  {text}"))
    said = f"at migration {after}" if before == after else f"from {before or 'nothing'} to {after}"
    is_apart = settings.owner_url != settings.database_url
    return said + ("; the serving role may read and write every row" if is_apart else "")


def _regions() -> str:
    with unit_of_work() as uow:
        loaded = members.load_regions(uow)
        if loaded.added or loaded.changed:
            uow.note(after={"regions_added": loaded.added, "regions_changed": loaded.changed})
    return f"{loaded.total}, {loaded.added} added, {loaded.changed} changed"


def _carriers(settings: Settings) -> str:
    follows = "kuaidi100 follows" if settings.kuaidi100.is_configured else "nobody follows"
    return f"{len(CARRIERS)} known; {follows} their parcels"


def _folders(settings: Settings) -> str:
    folders = [settings.index_dir]
    if not settings.s3.bucket:
        folders.append(settings.media_dir)
    for folder in folders:
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    where = [str(each) for each in folders]
    return ", ".join([*where, *([f"bucket {settings.s3.bucket}"] if settings.s3.bucket else [])])


def _index() -> str:
    engine: Engine = current_app.extensions["mall_searcher"].engine
    if not engine.needs_rebuild():
        return "there"
    with reading() as session:
        return f"built, {_build(session, engine)} products"


def _build(session: Session, engine: Engine) -> int:
    console = environment.console
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("products", total=searching.count_shown(session))
        session.rollback()
        return indexing.rebuild(session, engine, lambda n: progress.advance(task, n))


def _invite(username: str) -> str:
    new = NewStaff(username, username, None, OPERATOR, None, tuple(DUTIES_OF_ROLE[OPERATOR]))
    with unit_of_work() as uow:
        if _is_there(uow, username):
            return f"there; `mall staff invite {username}` sends another invitation"
        return staff.open_account(uow, new)


def _is_there(uow: UnitOfWork, username: str) -> bool:
    return any(each.username == username for each in access_queries.operators(uow.session))


def _operators() -> str:
    with reading() as session:
        found = len(access_queries.operators(session, ACCOUNTS))
        invited = len(access_queries.operators(session)) - found
    said = f"{found} with the duty {ACCOUNTS}, {invited} invited or closed"
    missing = "" if found + invited > 1 else "; two are needed: mall setup --operator NAME"
    return said + missing
