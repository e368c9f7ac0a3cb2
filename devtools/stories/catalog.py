"""A supplier is onboarded, uploads 200 products, is reviewed, is found, sells in the pavilion."""

import io
import secrets
import time
import zipfile
from collections.abc import Sequence
from typing import Any

from PIL import Image

from catalog.uploads.rules.columns import COLUMNS, SHEET
from devtools.stories.telling import APPROVE, Step, StoryFailed, Telling, sent_by_sf
from mall.kernel.sheets import reading, writing
from mall.kernel.sheets.cells import Limits

COUNT = 200
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
KINDS = ("良姜片", "红薯干", "菠萝干", "生蚝干", "火龙果脆片")


class Catalog(Telling):
    """What a supplier and an operator do every week, and what a member finds."""

    def merchant_applies(self) -> str:
        mark = self.known["mark"] = f"s{secrets.token_hex(4)}"
        body = {
            "name": f"徐闻故事合作社 {mark}",
            "contact_name": "陈小湛",
            "contact_phone": "13800000001",
            "username": mark,
            "password": f"story-{mark}-pass",
        }
        self.known["supplier_id"] = self.supplier.post("/v1/supplier/applications", body)[
            "supplier_id"
        ]
        who = {"username": mark, "password": body["password"]}
        self.supplier.token = self.supplier.post("/v1/supplier/session", who)["token"]
        self.proves_who(who)
        return body["name"]

    def merchant_shows_documents(self) -> str:
        profile = {
            "contact_name": "陈小湛",
            "contact_phone": "13800000001",
            "origin_region_code": "440825",
            "story": "徐闻火山红土上种了三代人的良姜。",
            "settlement_account": {
                "bank": "中国农业银行徐闻支行",
                "account_name": "徐闻故事合作社",
                "account_number": "44600001040001234",
            },
        }
        self.supplier.call("PUT", "/v1/supplier/profile", profile)
        for kind in ("business_licence", "food_licence", "assistance"):
            sent = self.supplier.send("/v1/supplier/documents", b"%PDF-1.7", "application/pdf")
            body = {
                "kind": kind,
                "number": f"{kind}-{self.known['mark']}",
                "valid_from": "2026-01-01",
                "valid_until": "2029-12-31",
                "document_id": sent["id"],
            }
            if kind == "assistance":
                body["region_code"] = "440825"
            self.supplier.post("/v1/supplier/qualifications", body)
        self.supplier.post("/v1/supplier/profile/submit", expect=200)
        return "business licence, food licence, assistance qualification; submitted"

    def operator_reviews_supplier(self) -> str:
        self.operator = self.operator_named("operator")
        path = f"/v1/ops/suppliers/{self.known['supplier_id']}"
        for each in self.operator.get(f"{path}/qualifications")["items"]:
            self.operator.post(f"/v1/ops/qualifications/{each['id']}/review", APPROVE, 200)
        done = self.operator.post(f"{path}/review", {**APPROVE, "commission_bps": 500}, 200)
        proposed = done["proposed_commission_bps"] / 100
        return f"{done['state']}, commission of {proposed} % proposed to a second person"

    def _rows(self) -> list[dict[str, Any]]:
        mark = self.known["mark"]
        return [
            {
                "product_code": f"{mark}-{n}",
                "title": f"徐闻{KINDS[n % len(KINDS)]} {mark} {n}号",
                "category": "乡村振兴/香料药材",
                "sku_code": f"{mark}-{n}-A",
                "option_1": "净含量",
                "value_1": "500g",
                "list_price_fen": 20 + n / 10,
                "price_fen": 15 + n / 10,
                "purchase_price_fen": 14 + n / 10,
                "stock": 100,
                "keywords": "产地直发、乡村振兴",
                "origin_region_code": "440825",
                "is_pavilion": "是",
            }
            for n in range(COUNT)
        ]

    def _sheet(self, rows: list[dict[str, Any]]) -> bytes:
        cells = [[row.get(column.key) for column in COLUMNS] for row in rows]
        return writing.xlsx(SHEET, [column.head for column in COLUMNS], cells)

    def _checked(self, content: bytes) -> dict[str, Any]:
        sent = self.supplier.send("/v1/supplier/uploads?name=上新.xlsx", content, XLSX, 202)
        path = f"/v1/supplier/uploads/{sent['id']}"
        found: dict[str, Any] = self.wait(
            "not checked", lambda: self._in_state(path, "checked", "failed")
        )
        return found

    def _in_state(self, path: str, *states: str) -> dict[str, Any] | None:
        found: dict[str, Any] = self.supplier.get(path)
        return found if found["state"] in states else None

    def supplier_sends_a_wrong_sheet(self) -> str:
        template = self.supplier.download("/v1/supplier/upload-template")
        heads = next(reading.read_rows(template, Limits()))
        if len(heads.cells) != len(COLUMNS):
            raise StoryFailed(f"the template has {len(heads.cells)} columns")
        rows = self._rows()
        rows[7]["price_fen"] = "便宜"
        upload = self._checked(self._sheet(rows))
        [item] = self.supplier.get(f"/v1/supplier/uploads/{upload['id']}/items", action="wrong")[
            "items"
        ]
        report = self.supplier.download(f"/v1/supplier/uploads/{upload['id']}/report")
        if upload["counts"]["wrong"] != 1 or not report:
            raise StoryFailed(str(upload))
        self.supplier.post(f"/v1/supplier/uploads/{upload['id']}/apply", {}, 409)
        problem = item["problems"][0]
        return f"{problem['cell']} {problem['column']}：{problem['text']}"

    def supplier_uploads_products(self) -> str:
        upload = self._checked(self._sheet(self._rows()))
        path = f"/v1/supplier/uploads/{upload['id']}"
        self.supplier.send(f"{path}/images", self._images(), "application/zip", 202)
        upload = self.wait("not checked", lambda: self._in_state(path, "checked", "failed"))
        if upload["counts"]["create"] != COUNT:
            raise StoryFailed(str(upload))
        began = time.monotonic()
        self.supplier.post(f"{path}/apply", {}, 202)
        self.wait("not applied", lambda: self._in_state(path, "applied"))
        return f"{COUNT} products with images, applied in {time.monotonic() - began:.1f} s"

    def _images(self) -> bytes:
        out, picture = io.BytesIO(), io.BytesIO()
        Image.new("RGB", (800, 800), "#c96").save(picture, "JPEG")
        with zipfile.ZipFile(out, "w") as archive:
            for number in range(3):
                archive.writestr(f"{self.known['mark']}-{number}-A.jpg", picture.getvalue())
        return out.getvalue()

    def supplier_sends_it_again(self) -> str:
        counts = self._checked(self._sheet(self._rows()))["counts"]
        if counts["unchanged"] != COUNT:
            raise StoryFailed(str(counts))
        return f"{COUNT} unchanged"

    def _reviews(self) -> list[dict[str, Any]]:
        own = self.known["supplier_id"]
        found = self.operator.all("/v1/ops/product-reviews")
        return [each for each in found if each["supplier_id"] == own]

    def operator_reviews_products(self) -> str:
        first, *others = self._reviews()
        reason = {"field": "title", "text": "请写明净含量"}
        path = f"/v1/ops/product-reviews/{first['id']}/decision"
        self.operator.post(path, {"decision": "reject", "reasons": [reason]}, 200)
        ids = [each["id"] for each in others]
        self.operator.post(
            "/v1/ops/product-reviews/decisions", {**APPROVE, "revision_ids": ids}, 200
        )
        self.known["rejected"] = first["product_id"]
        return f"{len(ids)} approved, one sent back: {reason['text']}"

    def supplier_improves_and_publishes(self) -> str:
        path = f"/v1/supplier/products/{self.known['rejected']}"
        self.supplier.post(f"{path}/submit", expect=200)
        [review] = self._reviews()
        self.operator.post(f"/v1/ops/product-reviews/{review['id']}/decision", APPROVE, 200)
        approved = self.supplier.all("/v1/supplier/products", state="approved")
        ids = [each["id"] for each in approved]
        done = self.supplier.post("/v1/supplier/products/publish", {"product_ids": ids}, 200)
        self.known.update(published_at=time.monotonic(), products=ids)
        return f"{done['moved_count']} on sale"

    def _search(self, text: str, **query: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.member.get("/v1/store/products", q=text, **query)[
            "items"
        ]
        return found

    def _first_is_own(self, text: str) -> bool:
        found = self._search(text, limit=5)
        return bool(found) and self.known["mark"] in found[0]["title"]

    def member_finds_them(self) -> str:
        mark = self.known["mark"]
        self.wait("not found", lambda: self._first_is_own(f"良姜片 {mark}"))
        seconds = time.monotonic() - self.known["published_at"]
        for text in (f"liangjiangpian {mark}", f"地瓜干 {mark}", f"鳳梨乾 {mark}", f"牡蛎 {mark}"):
            if not self._first_is_own(text):
                raise StoryFailed(f"{text} finds {self._search(text, limit=3)}")
        return f"after {seconds:.1f} s; by pinyin, synonyms and traditional characters, too"

    def operator_opens_a_section(self) -> str:
        mark = self.known["mark"]
        body = {
            "kind": "pavilion",
            "title": f"乡村振兴馆 {mark}",
            "rule": {"assistance_regions": ["440825"], "origins": ["440825"]},
        }
        section = self.operator.post("/v1/ops/sections", body)["id"]
        shown = self.member.get(f"/v1/store/sections/{section}/products", limit=100)["items"]
        if not any(mark in item["title"] for item in shown):
            raise StoryFailed("the section does not show them")
        supplier = self.member.get(f"/v1/store/pavilion/suppliers/{self.known['supplier_id']}")
        return f"{supplier['product_count']} products from {supplier['origin_name']}"

    def member_buys_in_the_pavilion(self) -> str:
        mark = self.known["mark"]
        union = self.open_union(f"S-{mark}", f"湛江市故事工会委员会 {mark}")
        officer = self.officer(union, "handler", "handles")
        target = {"target_fen": 3_000_000, "counts_members": True}
        year = time.gmtime(time.time() + 8 * 3600).tm_year
        before = officer.call("PUT", f"/v1/union/assistance/{year}", target)
        membership = {"joined_on": f"{year}-01-01"}
        path = f"/v1/ops/unions/{before['union_id']}/members/{self.known['member_id']}"
        self.operator.call("PUT", path, membership, 204)
        self._pay_with_beans()
        after = officer.get(f"/v1/union/assistance/{year}")
        counted = after["done_fen"] - before["done_fen"]
        if counted != self.known["goods_fen"]:
            raise StoryFailed(f"{counted} fen were counted, not {self.known['goods_fen']}")
        return f"{counted} fen count towards the union's consumption assistance"

    def _pay_with_beans(self) -> None:
        self.grant(20_000)
        product = self.member.get(f"/v1/store/products/{self.known['products'][0]}")
        lines = [{"sku_id": product["skus"][0]["id"], "quantity": 2}]
        want = {"lines": lines, "tender": "beans"}
        quote = self.member.post("/v1/store/checkout/quote", want, 200)
        order = self.member.post(
            "/v1/store/orders", {**want, "quoted_total_fen": quote["total_fen"]}
        )
        self.known.update(order=order["order_id"], goods_fen=quote["goods_fen"])

    def supplier_ships(self) -> str:
        [fulfillment_order] = self.fulfillment_orders_of(self.known["order"])
        path = f"/v1/supplier/fulfillment-orders/{fulfillment_order['id']}/shipments"
        return str(self.supplier.post(path, sent_by_sf())["number"])

    def supplier_changes_a_price(self) -> str:
        path = f"/v1/supplier/products/{self.known['products'][0]}"
        rows = self._rows()
        own = self.supplier.get(path)
        code = own["skus"][0]["code"]
        [row] = [each for each in rows if each["sku_code"] == code]
        live = own["price_fen"]
        row["price_fen"] = live / 100 + 1
        upload = self._checked(self._sheet([row]))
        self.supplier.post(f"/v1/supplier/uploads/{upload['id']}/apply", {}, 202)
        self.wait(
            "not applied",
            lambda: self._in_state(f"/v1/supplier/uploads/{upload['id']}", "applied"),
        )
        if self.supplier.get(path)["price_fen"] != live:
            raise StoryFailed("the price is live before it was approved")
        [review] = self._reviews()
        changes = self.operator.get(f"/v1/ops/product-reviews/{review['id']}")["changes"]
        self.operator.post(f"/v1/ops/product-reviews/{review['id']}/decision", APPROVE, 200)
        if self.supplier.get(path)["price_fen"] != live + 100:
            raise StoryFailed("the price is not live although it was approved")
        return (
            f"{changes[0]['field']}: {changes[0]['before']} → {changes[0]['after']}, once approved"
        )

    def supplier_takes_one_off(self) -> str:
        gone = self.known["products"][0]
        title = self.member.get(f"/v1/store/products/{gone}")["title"]
        self.supplier.post(f"/v1/supplier/products/{gone}/unpublish", expect=200)
        if any(item["id"] == gone for item in self._search(title, sort="relevance", limit=7)):
            raise StoryFailed("it is still shown")
        return f"{title} is shown no more"

    def steps(self) -> Sequence[Step]:
        """Return what is told, in its order."""
        return [
            ("a merchant applies", self.merchant_applies),
            ("it shows its documents and submits", self.merchant_shows_documents),
            ("the operator reviews and approves it", self.operator_reviews_supplier),
            ("a sheet with a mistake is refused by cell", self.supplier_sends_a_wrong_sheet),
            ("the supplier uploads 200 products", self.supplier_uploads_products),
            ("the same sheet again changes nothing", self.supplier_sends_it_again),
            ("the operator reviews the products", self.operator_reviews_products),
            ("the supplier hands one in again and publishes", self.supplier_improves_and_publishes),
            ("a member signs in with WeChat", self.member_signs_in),
            ("the member adds an address", self.member_adds_address),
            ("the member finds them", self.member_finds_them),
            ("the operator opens a pavilion section", self.operator_opens_a_section),
            ("the member buys in the pavilion", self.member_buys_in_the_pavilion),
            ("the supplier ships from the place of origin", self.supplier_ships),
            ("a new price waits for approval", self.supplier_changes_a_price),
            ("one product leaves the sale at once", self.supplier_takes_one_off),
            ("the audit is clean", self.audit_is_clean),
        ]
