"""Moments and days from 2000 to 2100: what is beyond is refused, and nothing of it is kept."""

from datetime import UTC, date, datetime

import pytest
from click.testing import CliRunner
from marshmallow import ValidationError
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from mall.kernel.clock import FIRST_DAY, LAST_DAY
from mall.kernel.db import current_pool, driver_sql
from mall.kernel.uow import reading
from mall.shell import cli
from mall.web.fields import Day, Moment
from tests.support.database import execute_sql
from tests.support.people import new_staff
from tests.support.shop import new_sku, new_supplier

BEYOND = [
    "9999-12-31T23:59:59-12:00",
    "9999-12-31T23:59:59+00:00",
    "0001-01-01T00:00:00+14:00",
    "0001-01-01T00:00:00Z",
    "1999-12-31T23:59:59.999999Z",
    "2000-01-01T00:00:00+08:00",
    "2101-01-01T00:00:00Z",
    "2100-12-31T23:59:59-00:01",
]
WITHIN = {
    "2000-01-01T00:00:00Z": datetime(2000, 1, 1, tzinfo=UTC),
    "1999-12-31T12:00:00-12:00": datetime(2000, 1, 1, tzinfo=UTC),
    "2101-01-01T07:59:59+08:00": datetime(2100, 12, 31, 23, 59, 59, tzinfo=UTC),
}


@pytest.mark.parametrize("told", [*BEYOND, "2027-01-01T00:00:00", "2027-01-01", "now", "", 5, None])
def test_a_moment_beyond_or_without_a_zone_is_refused(told):
    with pytest.raises(ValidationError):
        Moment().deserialize(told)


@pytest.mark.parametrize("told", WITHIN)
def test_a_moment_within_is_loaded_as_utc(told):
    found = Moment().deserialize(told)
    assert (found, found.tzinfo) == (WITHIN[told], UTC)


@pytest.mark.parametrize(
    "told", ["1999-12-31", "2101-01-01", "0001-01-01", "9999-12-31", "2027-02-30"]
)
def test_a_day_beyond_is_refused(told):
    with pytest.raises(ValidationError):
        Day().deserialize(told)


@pytest.mark.parametrize("told", ["2000-01-01", "2100-12-31"])
def test_the_first_and_the_last_day_are_taken(told):
    assert Day().deserialize(told) == date.fromisoformat(told)


@pytest.mark.parametrize("told", BEYOND)
@pytest.mark.parametrize("name", ["publish_at", "unpublish_at"])
def test_a_refused_moment_is_not_committed_and_breaks_no_list(world, name, told):
    supplier_id = new_supplier(world)
    product_id, _ = new_sku(world, 1000, 1, supplier_id)
    supplier = new_staff(world, "supplier", supplier_id)
    path = f"/v1/supplier/products/{product_id}"
    before = supplier.get(path).get_json()
    reply = supplier.put(f"{path}/schedule", {name: told})
    assert (reply.status_code, reply.get_json()["field"]) == (422, name)
    assert supplier.get(path).get_json() == before
    assert len(supplier.get("/v1/supplier/products").get_json()["items"]) == 1


@pytest.mark.parametrize("at", ["infinity", "-infinity", "10000-01-01", "0044-03-15 BC"])
def test_the_database_stores_no_time_that_cannot_be_read(world, at):
    new_sku(world)
    for column in ("publish_at", "created_at"):
        with pytest.raises(IntegrityError, match="in_time"):
            execute_sql(world, f"UPDATE product SET {column} = CAST(:at AS timestamptz)", at=at)


@pytest.mark.parametrize(
    ("sql", "nearest"),
    [
        ("CAST('infinity' AS timestamptz)", LAST_DAY),
        ("CAST('10000-01-01 11:59:59+00' AS timestamptz)", LAST_DAY),
        ("CAST('-infinity' AS timestamptz)", FIRST_DAY),
        ("CAST('0044-03-15 BC' AS timestamptz)", FIRST_DAY),
        ("CAST('infinity' AS date)", LAST_DAY),
        ("CAST('0044-03-15 BC' AS date)", FIRST_DAY),
    ],
)
def test_a_time_that_is_there_nevertheless_can_be_read(app, sql, nearest):
    with app.app_context():
        with reading() as session:
            found = session.execute(text(f"SELECT {sql}")).scalar_one()
        [direct] = current_pool().read(driver_sql(f"SELECT {sql}"), {})
    for each in (found, direct):
        assert (each.date() if isinstance(each, datetime) else each) == nearest


@pytest.mark.parametrize("day", ["9999-12-31", "1999-12-31", "2101-01-01"])
@pytest.mark.parametrize("command", ["grant", "reconcile"])
def test_a_day_of_the_command_line_is_within_reach_too(command, day):
    member = "019a3c5e-0000-7000-8000-000000000001"
    arguments = {
        "grant": [
            "beans",
            "grant",
            member,
            "1",
            "--programme",
            "x",
            "--reference",
            "y",
            "--expires",
        ],
        "reconcile": ["reconcile", "--day"],
    }[command]
    result = CliRunner().invoke(cli.main, [*arguments, day])
    assert result.exit_code == 2
    assert "from 2000 to 2100" in result.output
