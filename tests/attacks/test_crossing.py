"""Nobody reaches what is another tenant's: every path with an id, with the other tenant's ids."""

import pytest

from mall.web.files import XLSX, ZIP
from tests.attacks.attacking import AUDIENCES, Attacker
from tests.support.sheets import archive, row_of, sheet
from tests.support.soak import LONG

# What everybody may see or take, whose id stands in the path.
PUBLIC = {
    "GET /v1/store/products/{product_id}",
    "GET /v1/store/pavilion/suppliers/{supplier_id}",
    "GET /v1/store/sections/{section_id}",
    "GET /v1/store/sections/{section_id}/products",
    "GET /v1/store/stores/{store_id}/slots",
    "GET /v1/store/public-notice/{programme_id}",
}
# What every union may read of any supplier's product on sale; nobody of another audience may.
SHARED = {"GET /v1/union/products/{product_id}/prices"}
# What is not crossed, and why.
UNREACHED = {
    "PUT /v1/store/cart/{sku_id}": "the cart is the caller's own; what is in it is on public sale",
    "DELETE /v1/store/cart/{sku_id}": "the cart is the caller's own",
    "POST /v1/webhooks/kuaidi100/{shipment_id}": "needs the aggregator's signature: test_tracking",
}
REFUSED = {401, 403, 404}
PDF = b"%PDF-1.7"
FILES = {ZIP: lambda: archive(["a.png"]), XLSX: lambda: sheet([row_of(1)])}


def body_of(operation, tenant):
    """Return a body that gets as far as to the id: the document's example, or a right one."""
    kind, example = operation.media
    if kind == "application/json":
        return {"body": BODIES.get(operation.name, lambda _: example)(tenant)}
    content = FILES.get(kind, lambda: PDF)()
    return {"data": content, "headers": {"Content-Type": kind}} if kind else {}


# Where the document's example is refused for something else than the id.
BODIES = {
    "PUT /v1/supplier/products/{product_id}/schedule": lambda _: {
        "publish_at": "2090-01-01T00:00:00Z"
    },
    "PUT /v1/supplier/stores/{store_id}": lambda _: {
        "name": "夺来的店",
        "region_code": "440802",
        "detail": "寸金路 12 号",
        "latitude": 21.27,
        "longitude": 110.36,
        "phone": "13800000001",
        "hours": [{"weekday": 6, "opens": "09:00", "closes": "21:00"}],
    },
    "PUT /v1/union/programmes/{programme_id}": lambda tenant: {
        "roster_id": tenant.ids["roster_id"],
        "pack_ids": tenant.packs,
        "name": "夺来的方案",
        "kind": "pick_one",
        "per_member_fen": 30_000,
        "opens_on": "2027-01-18",
        "closes_on": "2027-02-10",
        "delivery": "ship",
    },
    "POST /v1/union/programmes/{programme_id}/hand-outs/scan": lambda tenant: {
        "code": tenant.hand_out_code
    },
}


def foreign_paths(operation, mine, theirs):
    """Return the paths that name another's: all ids theirs, and each one theirs beside mine."""
    strangers = {name: theirs.id_of(operation.path, name) for name in operation.ids}
    own = {name: mine.id_of(operation.path, name) for name in operation.ids}
    assert None not in strangers.values(), f"{operation.name}: no {strangers}"
    found = [strangers]
    if len(operation.ids) > 1:
        found += [{**own, name: strangers[name]} for name in operation.ids]
    return [operation.at(each) for each in found]


@pytest.fixture(scope="package")
def crossed(document):
    return [each for each in document if each.ids and each.name not in PUBLIC | UNREACHED.keys()]


def test_no_id_of_another_tenant_opens_anything_to_its_own_audience(tenants, port, crossed, digest):
    """Each answer is that of what is not there, and no row of any table is changed."""
    wrong, tried = [], set()
    for mine, theirs in (tenants, tenants[::-1]):
        people = {
            audience: [Attacker(port, person.token) for person in found]
            for audience, found in mine.people.items()
        }
        before = digest()
        for operation in crossed:
            if operation.audience == "ops":
                continue
            if operation.name in SHARED:
                tried.add(operation.name)
                continue
            told = body_of(operation, theirs)
            for path in foreign_paths(operation, mine, theirs):
                answers = [
                    a.ask(operation.method, path, **told) for a in people[operation.audience]
                ]
                if any(a.status not in REFUSED for a in answers) or not any(
                    a.status == 404 for a in answers
                ):
                    wrong.append((operation.name, [(a.status, a.code) for a in answers]))
            tried.add(operation.name)
        after = digest()
        assert {name for name in before if before[name] != after[name]} == set()
    assert not wrong, "\n".join(map(str, wrong))
    assert {each.name for each in crossed if each.audience != "ops"} == tried


def test_no_token_of_another_audience_opens_anything(tenants, port, crossed, digest):
    """In the short form each operation is tried by a guest and by one other audience in turn."""
    mine, theirs = tenants
    people = {who: Attacker(port, found[0].token) for who, found in mine.people.items()}
    guest, before, wrong = Attacker(port), digest(), []
    for number, operation in enumerate(crossed):
        ids = {name: theirs.id_of(operation.path, name) for name in operation.ids}
        others = [each for each in AUDIENCES if each != operation.audience]
        told = body_of(operation, theirs)
        for who in others if LONG else [others[number % len(others)]]:
            answer = people[who].ask(operation.method, operation.at(ids), **told)
            if (answer.status, answer.code) != (403, "wrong_audience"):
                wrong.append((operation.name, who, answer.status, answer.code))
        answer = guest.ask(operation.method, operation.at(ids), **told)
        if answer.status != 401:
            wrong.append((operation.name, "guest", answer.status, answer.code))
    assert not wrong, "\n".join(map(str, wrong))
    after = digest()
    assert {name for name in before if before[name] != after[name]} == set()


def test_operators_cannot_name_a_part_beside_another_whole(tenants, port, crossed, digest):
    """Where two ids stand in a path, the second is looked for within the first."""
    mine, theirs = tenants
    operator, before, wrong, tried = Attacker(port, mine.operator.token), digest(), [], 0
    for operation in crossed:
        if operation.audience != "ops" or len(operation.ids) < 2:
            continue
        # Any member may become a union's.
        if operation.ids == ["union_id", "member_id"]:
            continue
        for path in foreign_paths(operation, mine, theirs)[1:]:
            answer = operator.ask(operation.method, path, **body_of(operation, theirs))
            if answer.status != 404:
                wrong.append((operation.name, answer.status, answer.code))
            tried += 1
    assert wrong == [] and tried >= 4
    assert digest() == before


def test_what_is_not_crossed_is_there_and_has_a_reason(document):
    assert PUBLIC | UNREACHED.keys() <= {each.name for each in document}
    assert len(UNREACHED) <= 3 and all(UNREACHED.values())
