"""Every JSON column says which shape its rows have, and the database checks it."""

import importlib

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB

from mall.kernel.db import Base
from mall.kernel.uow import reading

# Migrations that make JSON columns say which shape each has.
MIGRATIONS = ("0041_shapes", "0042_search_words")
COLUMNS = sorted(
    (*place.split("."), shape)
    for name in MIGRATIONS
    for shape, places in importlib.import_module(
        f"mall.shell.migrations.versions.{name}"
    ).SHAPES.items()
    for place in places
)
# Whatever was sent, as it was sent; and it can only grow.
ANYTHING = {("journal_line", name) for name in ("given", "before", "after")}


def test_every_json_column_has_its_check(app):
    with app.app_context(), reading() as session:
        found = set(
            session.scalars(
                text("SELECT conname FROM pg_constraint WHERE conname LIKE '%\\_shape'")
            )
        )
    expected = {
        f"ck_{table.name}_{column.name}_shape"
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, JSONB) and (table.name, column.name) not in ANYTHING
    }
    assert expected == found
    assert len(COLUMNS) == len(expected)
