"""A union is known among those beside it by its name, however that is written."""

import secrets

import pytest

from mall.kernel.sheets import writing
from tests.support.people import new_staff

HEADS = ("工会代码", "工会名称", "上级代码")
XLSX = "application/octet-stream"


@pytest.fixture
def operator(world):
    return new_staff(world, "operator")


@pytest.fixture
def mark():
    return secrets.token_hex(3)


def opened(operator, mark, code, name, parent_id=None):
    body = {"code": f"{mark}-{code}", "name": name, "parent_id": parent_id}
    return operator.post("/v1/ops/unions", body)


def sent(operator, mark, rows):
    rows = [(f"{mark}-{code}", name, above and f"{mark}-{above}") for code, name, above in rows]
    headers = {"Authorization": f"Bearer {operator.token}", "Content-Type": XLSX}
    content = writing.xlsx("工会", HEADS, rows)
    return operator.client.post("/v1/ops/unions/import", data=content, headers=headers)


@pytest.mark.parametrize(
    "name", ["第一小学工会", "第一小学工会 ", "第一 小学工会", "第一小学\u200b工会"]
)
def test_two_beside_each_other_have_two_names(operator, mark, name):
    above = opened(operator, mark, "A", f"甲区{mark}").get_json()["id"]
    elsewhere = opened(operator, mark, "B", f"乙区{mark}").get_json()["id"]
    assert opened(operator, mark, "1", "第一小学工会", above).status_code == 201
    refused = opened(operator, mark, "2", name, above)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "union_name_taken")
    assert refused.get_json()["field"] == "name"
    # Another district has a first primary school, too; it does not move here.
    other = opened(operator, mark, "2", name, elsewhere).get_json()
    body = {"name": other["name"], "parent_id": above, "claims_by_employee": False}
    path = f"/v1/ops/unions/{other['id']}"
    assert operator.put(path, body).get_json()["code"] == "union_name_taken"
    assert operator.put(path, {**body, "parent_id": elsewhere}).status_code == 200


def test_a_list_says_which_names_are_not_told_apart_and_may_swap_two(operator, mark):
    rows = [("A", f"甲区{mark}", ""), ("1", "一校工会", "A"), ("2", "二校工会", "A")]
    assert sent(operator, mark, rows).get_json()["added"] == 3
    swapped = [("1", "二校工会", "A"), ("2", "一校工会", "A")]
    assert sent(operator, mark, swapped).get_json()["changed"] == 2
    refused = sent(
        operator, mark, [("3", "三校工会", "A"), ("4", "一校·工会", "A"), ("5", "一校 工会", "A")]
    )
    told = refused.get_json()
    assert (refused.status_code, [each["row"] for each in told["problems"]]) == (422, [4])
    assert f"{mark}-2" in told["problems"][0]["text"]
    # Under nobody, too.
    flat = [("7", f"同名{mark}", ""), ("8", f"同名{mark}", "")]
    assert [each["row"] for each in sent(operator, mark, flat).get_json()["problems"]] == [2, 3]
