"""Selections have names and versions; a version never changes."""

from uuid import uuid4

import pytest

from tests.support.database import count_rows
from tests.support.people import new_staff
from tests.support.shop import new_sku


def items(*ids):
    return [{"product_id": str(each)} for each in ids]


def test_every_change_is_a_version_and_older_ones_stay(world):
    operator = new_staff(world, "operator")
    a, b = (new_sku(world, 100, 5)[0] for _ in range(2))
    made = operator.post("/v1/ops/selections", {"name": "端午", "items": items(a)}).get_json()
    path = f"/v1/ops/selections/{made['id']}"
    changed = operator.put(path, {"items": items(b, a), "note": "加一款"}).get_json()
    assert (made["version"], changed["version"], changed["note"]) == (1, 2, "加一款")
    same = operator.put(path, {"items": items(a, b)}).get_json()
    assert same["version"] == 2 and same["digest"] == changed["digest"]
    first = operator.get(f"{path}?version=1").get_json()
    assert [each["product_id"] for each in first["items"]] == [str(a)]
    assert first["newest_version"] == 2
    assert operator.get(f"{path}?version=3").status_code == 404


def test_a_selection_may_name_some_skus_of_a_product(world):
    officer = new_staff(world, "union_officer", uuid4())
    product, sku = new_sku(world, 100, 5)
    body = {"name": "甲", "items": [{"product_id": str(product), "sku_ids": [str(sku)]}]}
    made = officer.post("/v1/union/selections", body).get_json()
    assert made["items"][0]["sku_ids"] == [str(sku)]


def test_a_union_sees_its_own_selections_only(world):
    union_id = uuid4()
    one, colleague = (new_staff(world, "union_officer", union_id) for _ in range(2))
    other, operator = new_staff(world, "union_officer", uuid4()), new_staff(world, "operator")
    product, _ = new_sku(world, 100, 5)
    body = {"name": "甲", "items": items(product)}
    made = one.post("/v1/union/selections", body).get_json()
    path = f"/v1/union/selections/{made['id']}"
    assert colleague.get(path).status_code == 200
    assert (
        other.get(path).status_code == other.put(path, {"items": items(product)}).status_code == 404
    )
    assert operator.get(f"/v1/ops/selections/{made['id']}").status_code == 404
    assert other.post("/v1/union/selections", body).status_code == 201
    assert [each["name"] for each in one.get("/v1/union/selections").get_json()["items"]] == ["甲"]


@pytest.mark.parametrize("what", ["unknown", "twice", "none", "name"])
def test_a_wrong_selection_is_refused_and_nothing_is_kept(world, what):
    operator = new_staff(world, "operator")
    product, _ = new_sku(world, 100, 5)
    body = {"name": "甲", "items": items(product)}
    wrong = {
        "unknown": ({"items": items(uuid4())}, 404, "items"),
        "twice": ({"items": items(product, product)}, 422, "items"),
        "none": ({"items": []}, 422, "items"),
        "name": ({"name": ""}, 422, "name"),
    }
    change, status, field = wrong[what]
    reply = operator.post("/v1/ops/selections", body | change)
    assert (reply.status_code, reply.get_json()["field"]) == (status, field)
    assert count_rows(world, "selection") == 0


def test_a_name_is_used_once_by_a_union(world):
    operator = new_staff(world, "operator")
    product, _ = new_sku(world, 100, 5)
    body = {"name": "甲", "items": items(product)}
    operator.post("/v1/ops/selections", body)
    assert operator.post("/v1/ops/selections", body).get_json()["code"] == "selection_name_taken"
