"""Several requests take the last room, or the same name, at one instant: one wins, the others are told.

Before, those that lost the race between look and write were answered with 500, or let in.
"""

import threading
from concurrent.futures import ThreadPoolExecutor

from catalog.suppliers import rules as supplier_rules
from mall.members import rules as member_rules
from tests.support.database import count_rows
from tests.support.people import new_member, new_staff, same_person
from tests.support.shop import new_supplier

AT_ONCE = 6


def all_at_once(acts):
    """Do all at the same instant; return the replies."""
    gate = threading.Barrier(len(acts))

    def run(act):
        gate.wait(20)
        return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def outcome(replies):
    """Return how often it was done, and the codes of the refusals."""
    done = [reply for reply in replies if reply.status_code < 300]
    codes = {reply.get_json()["code"] for reply in replies if reply.status_code >= 300}
    assert all(reply.status_code in (200, 201, 202, 204, 409, 412, 422) for reply in replies), [
        (reply.status_code, reply.get_json()) for reply in replies
    ]
    return len(done), codes


def template(number):
    return {"name": f"运费{number}", "charge_by": "piece", "rules": [{"first_fee_fen": 800}]}


def address(number=0, is_default=False):
    return {
        "recipient": "陈小湛",
        "phone": "13800000001",
        "region_code": "440802",
        "detail": f"跃进路 {number} 号",
        "is_default": is_default,
    }


def test_one_room_is_left_and_one_gets_it(world):
    supplier, member = (
        new_staff(world, "supplier", new_supplier(world)),
        new_member(world, address=False),
    )
    for number in range(supplier_rules.MAX_TEMPLATES - 1):
        assert supplier.post("/v1/supplier/shipping-templates", template(number)).status_code == 201
    for number in range(member_rules.MAX_ADDRESSES - 1):
        assert member.post("/v1/store/addresses", address(number)).status_code == 201
    others = [same_person(world, supplier) for _ in range(AT_ONCE)]
    acts = [
        lambda who=who, n=n: who.post("/v1/supplier/shipping-templates", template(f"last {n}"))
        for n, who in enumerate(others)
    ]
    assert outcome(all_at_once(acts)) == (1, {"limit_reached"})
    phones = [same_person(world, member) for _ in range(AT_ONCE)]
    acts = [lambda who=who: who.post("/v1/store/addresses", address(9)) for who in phones]
    assert outcome(all_at_once(acts)) == (1, {"limit_reached"})


def test_one_name_is_taken_once(world):
    ops = [new_staff(world, "operator") for _ in range(AT_ONCE)]
    body = {"code": "440800-race", "name": "同名工会"}
    acts = [lambda who=who: who.post("/v1/ops/unions", body) for who in ops]
    # Code and name are both taken; which of them is met first is the race.
    won, refused = outcome(all_at_once(acts))
    assert won == 1 and refused <= {"union_code_taken", "union_name_taken"} and refused
    acts = [lambda who=who: who.post("/v1/ops/suppliers", {"name": "同名供应商"}) for who in ops]
    assert outcome(all_at_once(acts)) == (1, {"supplier_name_taken"})
    acts = [lambda who=who: who.post("/v1/ops/categories", {"path": ["同名分类"]}) for who in ops]
    done, codes = outcome(all_at_once(acts))
    assert (done > 0, codes <= {"category_name_taken"}) == (True, True)
    assert count_rows(world, "category") == 1


def test_the_default_address_is_one_whoever_chooses_at_the_same_time(world):
    member = new_member(world, address=False)
    ids = [
        member.post("/v1/store/addresses", address(number)).get_json()["id"] for number in range(4)
    ]
    acts = [
        lambda who=same_person(world, member), each=each: who.put(
            f"/v1/store/addresses/{each}", address(1, is_default=True)
        )
        for each in ids * 2
    ]
    assert {reply.status_code for reply in all_at_once(acts)} <= {200, 204}
    shown = member.get("/v1/store/addresses").get_json()["items"]
    assert sum(each["is_default"] for each in shown) == 1
