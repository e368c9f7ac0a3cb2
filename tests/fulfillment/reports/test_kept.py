"""Papers say what was agreed: whatever is renamed, priced or paid elsewhere afterwards."""

import io
import re
import secrets
import zipfile
from datetime import timedelta

import pytest

from mall.kernel import clock
from mall.kernel.clock import beijing_day
from tests.support.database import execute_sql
from tests.support.selling import Counter, Sale
from tests.support.shop import new_sku
from tests.support.working import run_outbox

ACCOUNT = '{"bank": "农行", "account_name": "旧户", "account_number": "4460000101111"}'
OTHER = ACCOUNT.replace("旧户", "新户").replace("1111", "2222")
RENAMED = (
    "UPDATE supplier SET name = name || '改', settlement_account = '" + OTHER + "'",
    "UPDATE trade_union SET name = name || '改'",
    "UPDATE product SET title = title || '改', price_fen = price_fen + 7",
    "UPDATE sku SET price_fen = price_fen + 7, list_price_fen = list_price_fen + 7",
    "UPDATE pack SET title = title || '改', price_fen = price_fen + 7",
    "UPDATE selection SET name = name || '改'",
    "UPDATE roster SET name = name || '改'",
    "UPDATE member SET phone = '19900000000' WHERE id = (SELECT id FROM member LIMIT 1)",
    "UPDATE address SET detail = '别处', recipient = '别人'",
    "UPDATE staff_account SET display_name = '改'",
    "UPDATE category SET name = name || '改'",
    "UPDATE store SET name = name || '改', detail = detail || '改', phone = '19900000000',"
    " region_code = '440803', latitude = 20, longitude = 110",
    "UPDATE region SET full_name = full_name || '改'",
)


def cells(content):
    """Return a workbook's cells as text, without the moment at which it was printed."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        names = sorted(each for each in book.namelist() if each.startswith("xl/"))
        found = b"\n".join(book.read(each) for each in names).decode()
    return re.sub(r"打印[^<]*|\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?", "", found)


def taken(papers):
    found = {}
    for person, path in papers:
        reply = person.get(path)
        assert reply.status_code == 200, (path, reply.get_json())
        found[path] = cells(reply.data) if "format=xlsx" in path else reply.get_json()
    return found


@pytest.fixture
def regions_come_back(world):
    """Regions are loaded once for all tests: give them their names back."""
    yield
    execute_sql(world, "UPDATE region SET full_name = replace(full_name, '改', '')")


def test_papers_lists_and_notices_stay_as_they_were_agreed(union, world, regions_come_back):
    rows = union.people(1)
    packs = [union.pack(30_000)[0] for _ in range(2)]
    chosen = union.issued(roster_id=union.roster(rows), pack_ids=packs)
    person = union.members[rows[0][1]]
    order_id = union.redeem(person, chosen, packs[0]).get_json()["order_id"]
    run_outbox(world)
    unit = union.issued(**union.for_unit(union.people(1)))
    items = [{"product_id": str(new_sku(world, 1000, 9)[0])} for _ in range(2)]
    body = {"name": secrets.token_hex(4), "items": items}
    selection = union.handler.post("/v1/union/selections", body).get_json()["id"]
    form = {"kind": "restricted", "selection_id": selection}
    bound = union.issued(roster_id=union.roster(union.people(1)), **form)
    sale = Sale(world).deliver()
    execute_sql(world, f"UPDATE supplier SET settlement_account = '{ACCOUNT}'")
    run_outbox(world)
    clock.freeze(clock.now() + timedelta(days=1))
    draft = {"supplier_id": str(sale.supplier_id)}
    draft["ends_on"] = str(beijing_day(clock.now()) - timedelta(days=1))
    statement = union.operator.post("/v1/ops/settlement/statements", draft).get_json()
    papers = [
        (union.auditor, f"/v1/union/programmes/{programme}/papers/{name}?format=xlsx")
        for programme in (chosen, unit, bound)
        for name in (
            *("purchase-list", "contract-appendix", "bill", "acceptance-note", "settlement"),
            *("issue-list", "hand-out-sheet"),
        )
    ]
    papers += [(person, f"/v1/store/public-notice/{each}") for each in (chosen, unit, bound)]
    papers += [
        (person, "/v1/store/public-notice"),
        (person, f"/v1/store/orders/{order_id}"),
        (sale.member, sale.path),
        (
            sale.supplier,
            f"/v1/supplier/fulfillment-orders/{sale.part()['id']}/pick-list?format=xlsx",
        ),
        (sale.supplier, f"/v1/supplier/settlement/statements/{statement['id']}/paper?format=xlsx"),
        (union.operator, f"/v1/ops/settlement/statements/{statement['id']}/paper?format=xlsx"),
        (union.operator, f"/v1/ops/settlement/statements/{statement['id']}/items"),
        (union.operator, f"/v1/ops/settlement/statements/{statement['id']}"),
        (union.auditor, f"/v1/union/programmes/{chosen}/history"),
    ]
    counter, year = Counter(world), beijing_day(clock.now()).year
    assert counter.choose().status_code == 200
    [used, *_] = counter.codes()
    assert counter.redeem(used).status_code == 200
    day = counter.vouchers()[0]["pickup"]["slot_starts"][:10]
    target = {"target_fen": 3_000_000}
    assert union.handler.put(f"/v1/union/assistance/{year}", target).status_code == 200
    papers += [
        (counter.member, f"{counter.path}/vouchers"),
        (counter.member, f"{counter.path}/pickup"),
        (counter.clerk, f"/v1/pickup/day?day={day}"),
        (union.auditor, f"/v1/union/assistance/{year}.xlsx?format=xlsx"),
        (union.auditor, f"/v1/union/assistance/{year}"),
    ]
    before, told = taken(papers), counter.redeem(used).get_json()
    for each in RENAMED:
        execute_sql(world, each)
    after = taken(papers)
    assert [path for path in before if before[path] != after[path]] == []
    assert counter.redeem(used).get_json() == told
    assert "旧户" in before[f"/v1/ops/settlement/statements/{statement['id']}/paper?format=xlsx"]
    assert "门店 " in before[f"{counter.path}/vouchers"]["items"][0]["pickup"]["store"]["name"]
