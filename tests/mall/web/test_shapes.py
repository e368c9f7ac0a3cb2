"""JSON that nobody could read again is not written, whoever writes it."""

import json

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from mall.kernel.uow import reading
from tests.architecture.test_shapes import COLUMNS
from tests.support.database import count_rows, execute_sql, select_rows
from tests.support.people import new_member, new_staff
from tests.support.shop import new_sku, new_supplier

ODD = [5, "x", True, [[]], [None], [5, "x"], [{}, "x"], {"a": None}, [{"name": 1}], ["x", 1]]
# What each check takes of them.
TAKEN = {
    "strings": [],
    "objects": [[{"name": 1}]],
    "array": [[[]], [None], [5, "x"], [{}, "x"], [{"name": 1}], ["x", 1]],
    "object": [{"a": None}],
}


def rule_of(session, table, column):
    found = session.execute(
        text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = :name"),
        {"name": f"ck_{table}_{column}_shape"},
    ).scalar_one()
    return found.removeprefix("CHECK ").removesuffix(" NOT VALID")


@pytest.mark.parametrize(("table", "column", "shape"), COLUMNS)
def test_each_column_takes_its_shape_only(world, table, column, shape):
    with world.app.app_context(), reading() as session:
        rule = rule_of(session, table, column)
        taken = [
            value
            for value in ODD
            if session.execute(
                text(f"SELECT {rule} FROM (SELECT CAST(:odd AS jsonb) AS {column}) AS t"),
                {"odd": json.dumps(value)},
            ).scalar_one()
        ]
    assert taken == TAKEN[shape]


def test_the_database_refuses_another_shape(world):
    new_sku(world)
    with pytest.raises(IntegrityError):
        execute_sql(world, "UPDATE product SET keywords = '5'")
    with pytest.raises(IntegrityError):
        execute_sql(world, "UPDATE product SET keywords = '[5]'")


@pytest.mark.parametrize("joined", ["1900-01-01", "1965-05-01", "1985-07-01", "1999-12-31"])
def test_people_joined_before_the_mall_was_there(world, union, joined):
    ops, member = new_staff(world, "operator"), new_member(world)
    path = f"/v1/ops/unions/{union.id}/members/{member.id}"
    assert ops.put(path, {"joined_on": joined}).status_code == 204
    [(day,)] = select_rows(world, "SELECT joined_on::text FROM union_membership")
    assert day == joined


@pytest.mark.parametrize("joined", ["1899-12-31", "0001-01-01", "2101-01-01", "9999-12-31"])
def test_nobody_joined_before_1900(world, union, joined):
    ops, member = new_staff(world, "operator"), new_member(world)
    path = f"/v1/ops/unions/{union.id}/members/{member.id}"
    refused = ops.put(path, {"joined_on": joined})
    assert refused.status_code == 422
    assert "1900" in refused.get_json()["errors"][0]["detail_zh"]
    assert count_rows(world, "union_membership") == 0


@pytest.mark.parametrize(("since", "status"), [("1990-03-01", 201), ("1899-12-31", 422)])
def test_a_licence_may_be_older_than_the_mall(world, since, status):
    supplier = new_staff(world, "supplier", new_supplier(world))
    headers = {"Authorization": f"Bearer {supplier.token}", "Content-Type": "application/pdf"}
    sent = supplier.client.post("/v1/supplier/documents", data=b"%PDF-1.7", headers=headers)
    body = {
        "kind": "business_licence",
        "number": "9144080000000000XX",
        "document_id": sent.get_json()["id"],
        "valid_from": since,
    }
    assert supplier.post("/v1/supplier/qualifications", body).status_code == status
