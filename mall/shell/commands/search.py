"""`mall search`: look after the index, and ask it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from flask import Flask
from rich.progress import Progress

from catalog.products.queries import searching
from mall.kernel.uow import reading
from mall.shell.commands import environment
from search_index import indexing
from search_index import service as search_service
from search_index.engines import Engine, IndexUnavailable
from search_index.rules import SORTS, SearchRequest


@click.group()
def search() -> None:
    """The search index: rebuild it, verify it, ask it."""


@contextmanager
def _index() -> Iterator[tuple[Flask, Engine]]:
    app = environment.application()
    with app.app_context():
        try:
            yield app, app.extensions["mall_searcher"].engine
        except IndexUnavailable as error:
            raise click.ClickException(
                "the index cannot be read, or another process is writing it;"
                " `mall search rebuild` makes a new one"
            ) from error


@search.command()
def rebuild() -> None:
    """Build the index anew and swap it in; searches go on all the while."""
    with _index() as (_, engine), Progress(console=environment.console) as progress:
        with reading() as session:
            task = progress.add_task("products", total=searching.count_shown(session))
        with reading() as session:
            count = indexing.rebuild(session, engine, lambda n: progress.advance(task, n))
    click.echo(f"{count} products are indexed")


@search.command()
@click.option("--repair/--no-repair", default=True, help="Mend what differs, or only say so.")
def verify(repair: bool) -> None:
    """Compare the index with the database; exit 1 if they differ and are left so."""
    with _index() as (_, engine), reading() as session:
        found = indexing.verify(session, engine, repairs=repair)
    click.echo(
        f"{found.missing} missing, {found.stale} stale, {found.left_over} left over"
        + ("; mended" if found.total and repair else "")
    )
    sys.exit(1 if found.total and not repair else 0)


@search.command()
@click.argument("text")
@click.option("--limit", type=click.IntRange(1, 100), default=10, help="How many to show.")
@click.option("--sort", type=click.Choice(SORTS), default="relevance", help="In which order.")
def query(text: str, limit: int, sort: str) -> None:
    """Ask the index for TEXT and show what members would find."""
    with _index() as (app, _):
        searcher = app.extensions["mall_searcher"]
        searcher.renew()
        searcher.renew_edits()
        answer = search_service.search(searcher, SearchRequest(text=text, sort=sort), None, limit)
    _show(answer.body, answer.engine)


def _show(body: dict[str, Any], engine: str) -> None:
    for number, item in enumerate(body["items"], start=1):
        price = f"¥{item['price_fen'] / 100:.2f}"
        click.echo(f"{number:3}. {item['title']}  {price}  {item['supplier_name']}")
    if body["is_corrected"]:
        click.echo(f"nothing holds what was typed; this answers: {body['did_you_mean']}")
    elif body["did_you_mean"]:
        click.echo(f"did you mean: {body['did_you_mean']}")
    click.echo(f"{body['total'] if body['total'] is not None else '?'} found by the {engine}")
