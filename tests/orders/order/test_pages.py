"""A member's pages are written by the database and have the form of their schemas."""

from datetime import datetime

from mall.ledger.schemas import PurseReply
from orders.order.schemas import OrderPage
from tests.support.people import new_member, order_body
from tests.support.selling import Sale
from tests.support.shop import new_sku
from tests.support.working import run_outbox


def plain(value):
    """Return a reply with its moments read, however many digits their seconds have."""
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, str) and len(value) > 18 and value[4:5] == value[7:8] == "-":
        return datetime.fromisoformat(value)
    return value


def names_of(schema):
    """Return the names of a schema's fields, those of nested ones beneath."""
    found = {}
    for name, field in schema.fields.items():
        inner = getattr(field, "inner", field)
        found[name] = names_of(inner.schema) if hasattr(inner, "schema") else None
    return found


def fits(value, names):
    """Say whether a reply has exactly the fields of its schema, in every row."""
    if isinstance(value, list):
        return all(fits(each, names) for each in value)
    if names is None:
        return True
    return set(value) == set(names) and all(fits(value[name], names[name]) for name in names)


def test_an_order_in_the_list_is_the_order_itself(world):
    sale = Sale(world, freight=700)
    sale.deliver()
    run_outbox(world)
    other = sale.member.post("/v1/store/orders", order_body([sale.sku], "wechat", 3200))
    assert other.status_code == 201, other.get_json()
    page = sale.member.get("/v1/store/orders").get_json()
    assert [each["state"] for each in page["items"]] == ["awaiting_payment", "completed"]
    for each in page["items"]:
        detail = sale.member.get(f"/v1/store/orders/{each['id']}").get_json()
        del detail["history"]
        assert plain(each) == plain(detail)
    assert fits(page, names_of(OrderPage()))


def test_pages_follow_each_other_and_a_state_is_chosen(world):
    member = new_member(world, beans_fen=3000)
    _, sku = new_sku(world, 1000)
    placed = [
        member.post("/v1/store/orders", order_body([sku], "beans", 1000)).get_json()["order_id"]
        for _ in range(3)
    ]
    seen, cursor = [], ""
    while True:
        page = member.get(f"/v1/store/orders?limit=2{cursor}").get_json()
        seen += [each["id"] for each in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == placed[::-1]
    assert member.get("/v1/store/orders?state=cancelled").get_json()["items"] == []
    assert len(member.get("/v1/store/orders?state=paid").get_json()["items"]) == 3
    assert new_member(world).get("/v1/store/orders").get_json() == {
        "items": [],
        "next_cursor": None,
    }


def test_a_purse_has_the_form_of_its_schema(world):
    member = new_member(world, beans_fen=3000)
    _, sku = new_sku(world, 1000)
    member.post("/v1/store/orders", order_body([sku], "mixed", 4000, 4))
    purse = member.get("/v1/store/beans").get_json()
    assert fits(purse, names_of(PurseReply()))
    assert (purse["balance_fen"], purse["held_fen"]) == (0, 3000)
    [lot] = purse["lots"]
    assert (lot["balance_fen"], lot["held_fen"], lot["is_expired"]) == (0, 3000, False)
    empty = new_member(world).get("/v1/store/beans").get_json()
    assert empty == {"balance_fen": 0, "held_fen": 0, "lots": []}
