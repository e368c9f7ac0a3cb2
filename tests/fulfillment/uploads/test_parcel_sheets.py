"""Many parcels by one sheet: each row by itself, and again changes nothing."""

import io

import openpyxl
import pytest

from fulfillment.uploads.rules import HEADS
from mall.web.files import CSV, XLSX
from tests.support.database import select_rows
from tests.support.people import new_staff, order_body
from tests.support.selling import PARCEL, Sale
from tests.support.shop import new_sku, new_supplier

PATH = "/v1/supplier/parcel-sheet"
NUMBERS = [f"SF{number:013d}" for number in range(1, 9)]


def sheet(rows, heads=HEADS):
    book = openpyxl.Workbook()
    book.active.title = "发货"
    for row in [heads, *rows]:
        book.active.append(list(row))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.fixture
def sales(world):
    """Three orders of one supplier: two of one line, and one of two lines."""
    sale = Sale(world)
    _, other = new_sku(world, 1000, 10, sale.supplier_id)
    sale.orders = [sale.order, sale.place(order_body([sale.sku], "wechat", None))]
    sale.orders.append(sale.place(order_body([sale.sku, other], "wechat", None)))
    return sale


def parts(sale):
    items = sale.supplier.get("/v1/supplier/fulfillment-orders").get_json()["items"]
    return sorted(items, key=lambda each: each["id"])


def send(sale, content, kind=XLSX, supplier=None):
    person = supplier or sale.supplier
    headers = {"Authorization": f"Bearer {person.token}"}
    return person.client.post(PATH, data=content, headers=headers, content_type=kind)


def test_what_waits_is_downloaded_filled_in_and_sent(sales, audited):
    reply = sales.supplier.get(PATH)
    found = openpyxl.load_workbook(io.BytesIO(reply.data)).active
    rows = [list(row) for row in found.iter_rows(min_row=2, values_only=True)]
    assert [row[0] for row in rows] == [part["number"] for part in parts(sales)]
    assert [row[5] for row in rows] == [2, 1, 2]
    assert "陈*" in rows[0][6] and "跃进路" not in str(rows)
    for row, number in zip(rows, NUMBERS, strict=False):
        row[1:3] = ["顺丰速运", number]
    content = sheet(rows)
    assert send(sales, content).get_json() == {
        "sent": 3,
        "unchanged": 0,
        "refused": 0,
        "problems": [],
    }
    assert {part["state"] for part in parts(sales)} == {"dispatched"}
    again = send(sales, content).get_json()
    assert (again["sent"], again["unchanged"]) == (0, 3)
    audited()


def test_each_row_stands_by_itself(world, sales, audited):
    mine = [part["number"] for part in parts(sales)]
    other = Sale(world)
    foreign = other.part()["number"]
    rows = [
        (mine[0], "sf", NUMBERS[0]),
        (mine[1], "飞毛腿", NUMBERS[1]),
        (mine[1], "顺丰", "12"),
        ("", "顺丰", NUMBERS[2]),
        (foreign, "顺丰", NUMBERS[3]),
        (mine[2], "顺丰", NUMBERS[4], 1),
        (mine[1], "顺丰", NUMBERS[5], "两"),
        (mine[0], "顺丰", NUMBERS[6]),
        (mine[1], "", ""),
    ]
    found = send(sales, sheet(rows)).get_json()
    assert (found["sent"], found["refused"]) == (1, 7)
    assert [(each["row"], each["code"]) for each in found["problems"]] == [
        (3, "carrier_unknown"),
        (4, "tracking_number_unlike"),
        (5, "no_number"),
        (6, "not_found"),
        (7, "invalid"),
        (8, "quantity_wrong"),
        (9, "wrong_state"),
    ]
    assert [part["state"] for part in parts(sales)] == ["dispatched", "open", "open"]
    assert other.part()["state"] == "open"
    audited()


def test_several_parcels_of_one_order_by_their_quantities(sales, audited):
    number = parts(sales)[0]["number"]
    rows = [(number, "顺丰", NUMBERS[0], 1), (number, "顺丰", NUMBERS[1], 1)]
    assert send(sales, sheet(rows)).get_json()["sent"] == 2
    assert parts(sales)[0]["state"] == "dispatched"
    too_many = send(sales, sheet([(number, "顺丰", NUMBERS[2], 1)])).get_json()
    assert [each["code"] for each in too_many["problems"]] == ["wrong_state"]
    audited()


def test_csv_with_spaces_and_small_letters_is_read_as_well(sales, audited):
    number = parts(sales)[0]["number"]
    text = f"履约单号,快递公司,快递单号\n {number.lower()} , SF , sf 0000 000000001 \n"
    assert send(sales, text.encode("gb18030"), CSV).get_json()["sent"] == 1
    [parcel] = sales.member.get(f"{sales.path}/shipments").get_json()["items"]
    assert (parcel["tracking_no"], parcel["carrier_name"]) == (NUMBERS[0], "顺丰速运")
    audited()


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "空"),
        (sheet([], ("履约单号", "快递单号")), "快递公司"),
        (sheet([("F", "sf", "1")] * 501), "500"),
        (b"\xd0\xcf\x11\xe0", "xls"),
    ],
    ids=["empty", "columns", "rows", "old"],
)
def test_what_is_no_such_sheet_is_refused_whole(sales, content, text):
    reply = send(sales, content)
    assert (reply.status_code, reply.get_json()["code"]) == (422, "sheet_refused")
    assert text in reply.get_json()["detail_zh"]
    assert {part["state"] for part in parts(sales)} == {"open"}


def test_a_number_is_corrected_until_the_parcel_is_delivered(world, sales, audited):
    sales.dispatch()
    [parcel] = sales.member.get(f"{sales.path}/shipments").get_json()["items"]
    path = f"/v1/supplier/shipments/{parcel['id']}"
    right = {"carrier": "jt", "tracking_no": "jt0000000000001"}
    done = sales.supplier.put(path, right).get_json()
    assert (done["carrier"], done["tracking_no"]) == ("jt", "JT0000000000001")
    assert sales.supplier.put(path, right).status_code == 200
    [row] = select_rows(world, "SELECT earlier FROM shipment")
    assert [each["tracking_no"] for each in row.earlier] == [PARCEL["tracking_no"]]
    assert new_staff(world, "supplier", new_supplier(world)).put(path, right).status_code == 404
    wrong = sales.supplier.put(path, {"carrier": "jt", "tracking_no": "1"}).get_json()
    assert (wrong["code"], wrong["field"]) == ("tracking_number_unlike", "tracking_no")
    confirm = f"/v1/store/fulfillment-orders/{sales.part()['id']}/confirm"
    assert sales.member.post(confirm).status_code == 200
    late = sales.supplier.put(path, {"carrier": "sf", "tracking_no": NUMBERS[0]})
    assert (late.status_code, late.get_json()["code"]) == (409, "parcel_delivered")
    audited()


def test_every_carriers_own_example_is_like_its_numbers(sales):
    carriers = sales.supplier.get("/v1/supplier/carriers").get_json()["items"]
    assert {each["code"] for each in carriers} >= {"sf", "ems", "yto", "zto", "jd"}
    number = parts(sales)[0]["number"]
    for each in carriers:
        if each["example"]:
            row = (number, each["name"], each["example"], 9999)
            [problem] = send(sales, sheet([row])).get_json()["problems"]
            assert problem["code"] == "too_many_dispatched", each
