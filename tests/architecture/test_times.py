"""Times of requests and of the database are within reach, wherever a new one is added."""

from datetime import date, datetime

from marshmallow import fields
from sqlalchemy import text

from mall.kernel.db import Base
from mall.kernel.uow import unit_of_work
from mall.web.fields import Day, Items, Moment

TIMES = (fields.DateTime, fields.Date)
COLUMNS = [
    (table.name, column.name)
    for table in Base.metadata.sorted_tables
    for column in table.columns
    if column.type.python_type in (date, datetime)
]


def input_schemas(app):
    for view in app.view_functions.values():
        spec = getattr(view, "_spec", {})
        found = [spec["body"]] if spec.get("body") is not None else []
        found += [schema for schema, _ in spec.get("args") or []]
        for schema in found:
            if hasattr(schema, "fields") or (isinstance(schema, type)):
                yield schema() if isinstance(schema, type) else schema


def fields_of(schema, seen):
    if type(schema) in seen:
        return
    seen.add(type(schema))
    waiting = list(schema.fields.items())
    while waiting:
        name, field = waiting.pop()
        yield f"{type(schema).__name__}.{name}", field
        if isinstance(field, fields.List):
            waiting.append((name, field.inner))
        elif isinstance(field, fields.Nested):
            yield from fields_of(field.schema, seen)


def test_requests_name_times_by_the_two_fields_only(app):
    seen = set()
    found = [each for schema in input_schemas(app) for each in fields_of(schema, seen)]
    times = [(name, field) for name, field in found if isinstance(field, TIMES)]
    assert len(times) > 20
    assert [name for name, field in times if not isinstance(field, (Moment, Day))] == []


def test_lists_of_replies_survive_a_bad_item(app):
    """A reply's `items` are made one by one."""
    wrong = []
    for view in app.view_functions.values():
        schema = getattr(view, "_spec", {}).get("response", {}).get("schema")
        items = getattr(schema, "fields", {}).get("items")
        if isinstance(items, fields.List) and isinstance(items.inner, fields.Nested):
            wrong += [] if isinstance(items, Items) else [type(schema).__name__]
    assert wrong == []


def test_every_column_of_a_time_has_its_check(app):
    with app.app_context(), unit_of_work() as uow:
        rows = uow.session.execute(
            text("SELECT conname FROM pg_constraint WHERE contype = 'c' AND conname LIKE '%time'")
        )
        names = {row.conname for row in rows}
    expected = {f"ck_{table}_{column}_in_time"[:63] for table, column in COLUMNS}
    assert expected - names == set()
