"""An account that has every duty but the one an operation declares does nothing with it."""

from mall.access import rules as access_rules
from tests.attacks.attacking import Attacker
from tests.support.people import new_staff


def test_every_operation_refuses_whoever_lacks_its_duty_alone(
    ground, tenants, port, document, digest
):
    """From the OpenAPI document, with this tenant's own ids and a body of the document."""
    mine = tenants[0]
    scopes = {
        "ops": (access_rules.OPERATOR, None),
        "union": (access_rules.UNION_OFFICER, mine.union.id),
        "pickup": ("store_clerk", mine.counter.store_id),
    }
    people, wrong, tried = {}, [], 0
    asked = [each for each in document if each.duty]
    for each in asked:
        role, scope_id = scopes[each.audience]
        if (role, each.duty) not in people:
            others = [duty for duty in access_rules.DUTIES_OF_ROLE[role] if duty != each.duty]
            token = new_staff(ground, role, scope_id, others).token
            people[role, each.duty] = Attacker(port, token)
    before = digest()
    for each in asked:
        ids = {name: mine.id_of(each.path, name) for name in each.ids}
        kind, example = each.media
        body = {"body": example} if kind == "application/json" else {"data": b"x"}
        person = people[scopes[each.audience][0], each.duty]
        answer = person.ask(each.method, each.at(ids), **body)
        if (answer.status, answer.code) != (403, "duty_missing"):
            wrong.append((each.name, answer.status, answer.code))
        tried += 1
    assert not wrong, "\n".join(map(str, wrong))
    assert tried > 60
    assert digest() == before


def test_every_operation_of_staff_that_changes_something_tells_who_may(document):
    """But signing in and out, one's own password and factor, and reading one's notices."""
    own = ("session", "password", "totp", "notices/read", "images")
    for each in document:
        if each.audience not in ("ops", "union") or each.method == "GET":
            continue
        rest = each.path.split("/", 3)[3]
        assert each.duty or rest.startswith(own), each.name
