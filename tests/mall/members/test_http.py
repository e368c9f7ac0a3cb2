"""A member's phone, name and addresses."""

import pytest

from tests.support.people import new_member, new_staff, phone_number

ADDRESS = {
    "recipient": "陈小湛",
    "phone": "13800000001",
    "region_code": "440802",
    "detail": "跃进路 1 号",
}


def test_binding_a_phone_shows_it_masked(world):
    """Case 41."""
    member = new_member(world)
    reply = member.put("/v1/store/me/phone", {"code": "phone-13912345678:1"})
    assert reply.get_json()["phone"] == "139****5678"
    assert member.get("/v1/store/me").get_json()["phone"] == "139****5678"


def test_a_phone_belongs_to_one_member(world):
    first, second = new_member(world), new_member(world)
    number = phone_number()
    assert first.put("/v1/store/me/phone", {"code": f"phone-{number}:1"}).status_code == 200
    reply = second.put("/v1/store/me/phone", {"code": f"phone-{number}:2"})
    assert (reply.status_code, reply.get_json()["code"]) == (409, "phone_taken")
    assert second.get("/v1/store/me").get_json()["phone"] is None


def test_a_refused_phone_code_changes_nothing(world):
    member = new_member(world)
    reply = member.put("/v1/store/me/phone", {"code": "nonsense"})
    assert (reply.status_code, reply.get_json()["code"]) == (422, "phone_code_refused")
    assert reply.get_json()["field"] == "code"
    assert member.get("/v1/store/me").get_json()["phone"] is None


def test_an_operator_records_the_verified_name(world):
    """Case 41: the name is masked in what comes back."""
    member, operator = new_member(world), new_staff(world, "operator")
    reply = operator.put(f"/v1/ops/members/{member.id}/real-name", {"real_name": "陈小湛"})
    assert (reply.get_json()["real_name"], reply.get_json()["real_name_state"]) == (
        "陈**",
        "verified",
    )


def test_the_first_address_becomes_the_default_and_a_new_default_takes_over(world):
    member = new_member(world, address=False)
    first = member.post("/v1/store/addresses", ADDRESS).get_json()
    second = member.post("/v1/store/addresses", ADDRESS | {"is_default": True}).get_json()
    listed = member.get("/v1/store/addresses").get_json()["items"]
    assert [(each["id"], each["is_default"]) for each in listed] == [
        (second["id"], True),
        (first["id"], False),
    ]
    assert listed[0]["region"] == "广东省湛江市赤坎区"


def test_removing_the_default_hands_it_on(world):
    member = new_member(world, address=False)
    first = member.post("/v1/store/addresses", ADDRESS).get_json()
    second = member.post("/v1/store/addresses", ADDRESS).get_json()
    assert member.delete(f"/v1/store/addresses/{first['id']}").status_code == 204
    [left] = member.get("/v1/store/addresses").get_json()["items"]
    assert (left["id"], left["is_default"]) == (second["id"], True)


def test_a_member_has_at_most_twenty_addresses(world):
    member = new_member(world, address=False)
    for _ in range(20):
        assert member.post("/v1/store/addresses", ADDRESS).status_code == 201
    reply = member.post("/v1/store/addresses", ADDRESS)
    assert (reply.status_code, reply.get_json()["code"]) == (409, "limit_reached")
    assert len(member.get("/v1/store/addresses").get_json()["items"]) == 20


def test_full_width_digits_and_a_country_code_are_understood(world):
    member = new_member(world, address=False)
    reply = member.post("/v1/store/addresses", ADDRESS | {"phone": "+86 １３８0000-0001"})
    assert reply.get_json()["phone"] == "13800000001"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"phone": "12345"}, "phone"),
        ({"phone": "23800000001"}, "phone"),
        ({"region_code": "440800"}, "region_code"),
        ({"region_code": "999999"}, "region_code"),
        ({"region_code": "x"}, "region_code"),
        ({"recipient": ""}, "recipient"),
        ({"recipient": "陈\n湛"}, "recipient"),
        ({"detail": "x" * 201}, "detail"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_a_bad_address_names_its_field_and_is_not_kept(world, change, field):
    member = new_member(world, address=False)
    reply = member.post("/v1/store/addresses", ADDRESS | change)
    problem = reply.get_json()
    assert (reply.status_code, problem["field"]) == (422, field)
    assert problem["detail_zh"] and problem["detail_en"]
    assert member.get("/v1/store/addresses").get_json()["items"] == []


def test_anothers_address_is_not_found(world):
    """Case 39."""
    owner, stranger = new_member(world, address=False), new_member(world)
    path = f"/v1/store/addresses/{owner.post('/v1/store/addresses', ADDRESS).get_json()['id']}"
    assert stranger.put(path, ADDRESS).status_code == 404
    assert stranger.delete(path).status_code == 404
    assert len(owner.get("/v1/store/addresses").get_json()["items"]) == 1


def test_regions_are_walked_from_the_province_down(world):
    guest = new_member(world)
    provinces = guest.get("/v1/store/regions").get_json()["items"]
    assert {"code": "440000", "name": "广东省", "level": 1, "is_leaf": False} in provinces
    cities = guest.get("/v1/store/regions?parent_code=440000").get_json()["items"]
    by_name = {city["name"]: city for city in cities}
    assert by_name["湛江市"]["is_leaf"] is False
    # Three cities have no counties: the city itself is where the address lies.
    assert by_name["东莞市"] == {
        "code": "441900",
        "name": "东莞市",
        "level": 2,
        "is_leaf": True,
    }


def test_a_city_without_counties_takes_addresses(world):
    member = new_member(world, address=False)
    reply = member.post("/v1/store/addresses", ADDRESS | {"region_code": "442000"})
    assert reply.get_json()["region"] == "广东省中山市"


def test_the_phone_of_a_disabled_member_is_free_for_whoever_has_it_now(world):
    """Numbers change hands; and the one who comes back does not get it from its new owner."""
    first, second, operator = new_member(world), new_member(world), new_staff(world, "operator")
    number = phone_number()
    assert first.put("/v1/store/me/phone", {"code": f"phone-{number}:1"}).status_code == 200
    path = f"/v1/ops/members/{first.id}/state"
    assert operator.put(path, {"is_active": False}).status_code == 200
    assert second.put("/v1/store/me/phone", {"code": f"phone-{number}:2"}).status_code == 200
    refused = operator.put(path, {"is_active": True}).get_json()
    assert (refused["code"], refused["field"]) == ("phone_taken", "is_active")
    assert (
        operator.put(f"/v1/ops/members/{second.id}/state", {"is_active": False}).status_code == 200
    )
    assert operator.put(path, {"is_active": True}).status_code == 200
