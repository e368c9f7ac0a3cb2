"""Dashboard and papers of a programme: every number is that of the ledger."""

import io
import re

import pytest
from openpyxl import load_workbook
from pypdf import PdfReader

from fulfillment.reports.rules import PAPERS
from mall.kernel.text import wording
from tests.support.giving import Union
from tests.support.people import Person


@pytest.fixture
def mixed(union):
    """Three people with ¥300 each: one took the dearer pack, one the cheaper, one nothing."""
    packs = [union.pack(30_000, parts=2)[0], union.pack(25_000)[0]]
    rows = union.people(3)
    programme_id = union.issued(roster_id=union.roster(rows), pack_ids=packs)
    for row, pack in zip(rows, packs, strict=False):
        reply = union.redeem(union.members[row[1]], programme_id, pack)
        assert reply.status_code == 201, reply.get_json()
    union.run()
    return programme_id


def dashboard(union, programme_id):
    return union.auditor.get(f"/v1/union/programmes/{programme_id}/dashboard").get_json()


def adds_up(money):
    kept = ("spent_fen", "outstanding_fen", "held_fen", "lapsed_fen", "balance_fen", "paid_out_fen")
    return money["received_fen"] == sum(money[name] for name in kept)


def paper(union, programme_id, name, kind):
    path = f"/v1/union/programmes/{programme_id}/papers/{name}?format={kind}"
    reply = union.auditor.get(path)
    assert reply.status_code == 200, reply.get_json()
    return reply.data


def cells(content):
    sheet = load_workbook(io.BytesIO(content)).active
    return [[cell for cell in row if cell is not None] for row in sheet.iter_rows(values_only=True)]


def row_of(found, label):
    [row] = [row for row in found if row and row[0] == label]
    return row


def words(content):
    reader = PdfReader(io.BytesIO(content))
    return "".join(page.extract_text() for page in reader.pages), len(reader.pages)


def test_the_dashboard_says_what_was_issued_chosen_and_left(union, mixed, audited):
    found = dashboard(union, mixed)
    assert found["people"] == {
        "recipients": 3,
        "listed": 0,
        "issued": 3,
        "waiting": 0,
        "open": 1,
        "redeemed": 2,
        "ended": 0,
        "withdrawn": 0,
        "not_chosen": 1,
    }
    money = found["money"]
    assert (money["received_fen"], money["spent_fen"]) == (90_000, 55_000)
    # The third's right, and what the cheaper pack left over.
    assert money["outstanding_fen"] == 35_000
    assert adds_up(money)
    assert [pack["chosen"] for pack in found["packs"]] == [1, 1]
    assert sum(each["paid_fen"] for each in found["suppliers"]) == 55_000
    assert found["delivery"] == {"parts": 2, "waiting": 2, "shipped": 0, "signed": 0}
    path = f"/v1/union/programmes/{mixed}/recipients?has_not_chosen=true"
    assert len(union.auditor.get(path).get_json()["items"]) == 1
    guest = Person(union.world.app)
    public = guest.get(f"/v1/store/public-notice/{mixed}").get_json()
    assert public["deliveries"]["parts"] == 2
    audited()


def test_left_over_money_is_traced_to_the_unions_bank(union, mixed, audited):
    union.approver.post(f"/v1/union/programmes/{mixed}/close", {"reason": "到此为止"})
    union.run()
    money = dashboard(union, mixed)["money"]
    assert (money["returned_fen"], money["balance_fen"]) == (35_000, 35_000)
    assert union.pay_out(mixed, amount_fen=35_000).status_code == 200
    money = dashboard(union, mixed)["money"]
    assert (money["balance_fen"], money["paid_out_fen"], adds_up(money)) == (0, 35_000, True)
    sheet = cells(paper(union, mixed, "settlement", "xlsx"))
    assert row_of(sheet, "已退回工会")[1] == 350.0
    assert next(row[1] for row in sheet if row and row[0] == "合计") == 900.0
    audited()


@pytest.mark.parametrize("name", PAPERS)
def test_every_paper_comes_as_pdf_and_xlsx_and_says_the_same(union, mixed, name):
    text, _ = words(paper(union, mixed, name, "pdf"))
    sheet = cells(paper(union, mixed, name, "xlsx"))
    title = wording.name("paper", name).zh
    assert title in text and sheet[0] == [title]
    for row in sheet:
        for cell in row:
            shown = f"{cell:,.2f}" if isinstance(cell, float) else str(cell)
            # What is wrapped on paper is broken into lines there.
            assert re.sub(r"\s", "", shown)[:4] in re.sub(r"\s", "", text), (name, shown)
    history = union.auditor.get(f"/v1/union/programmes/{mixed}/history").get_json()["events"]
    assert history[-1]["hash"][:16] in text


def test_the_purchase_list_adds_up_to_what_was_spent(union, mixed):
    sheet = cells(paper(union, mixed, "purchase-list", "xlsx"))
    assert [row for row in sheet if row and row[0] == "合计"] == [["合计", 3, 550, 550]]
    assert len([row for row in sheet if row and row[0] == "每份合计"]) == 2


def test_a_long_sheet_repeats_its_head_on_every_page(union, monkeypatch):
    rows = union.people(120, members_too=False)
    programme_id = union.approved(**union.for_unit(rows))
    content = paper(union, programme_id, "hand-out-sheet", "pdf")
    text, pages = words(content)
    assert pages >= 4 and text.count("签名") == pages
    assert all(row[0] in text for row in rows)
    assert rows[0][1] not in text
    monkeypatch.setattr("fulfillment.reports.rules.MAX_ROWS", 50)
    path = f"/v1/union/programmes/{programme_id}/papers/issue-list?format=xlsx&part="
    last = cells(union.auditor.get(f"{path}3").data)
    assert last[0] == ["发放名册（第 3 部分，共 3 部分）"]
    assert [row[0] for row in last if len(row) == 7] == list(range(101, 121))
    assert union.auditor.get(f"{path}4").get_json()["code"] == "not_found"


def test_papers_and_figures_are_the_unions_own(union, mixed, world):
    other = Union(world)
    for path in ("dashboard", "papers", "papers/bill", "deliveries"):
        reply = other.auditor.get(f"/v1/union/programmes/{mixed}/{path}")
        assert reply.status_code == 404, path
    base = f"/v1/union/programmes/{mixed}/papers"
    assert len(union.auditor.get(base).get_json()["items"]) == len(PAPERS)
    assert union.auditor.get(f"{base}/novel").status_code == 404
    assert union.auditor.get(f"{base}/bill?format=docx").status_code == 422
    draft = union.draft(
        roster_id=union.roster(union.people(1)), pack_ids=[union.pack(1_000)[0] for _ in range(2)]
    ).get_json()
    early = union.auditor.get(f"/v1/union/programmes/{draft['id']}/papers/bill").get_json()
    assert early["code"] == "no_paper_yet"
