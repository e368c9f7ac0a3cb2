"""Import products from a file of JSON lines, repeatable without duplicates."""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from catalog.media import service as media_service
from catalog.media.process import store_image
from catalog.media.rules import MAX_BYTES
from catalog.products import rules as product_rules
from catalog.products.queries import products
from catalog.products.service import describing, editing, reviewing
from catalog.stock import queries as stock_queries
from catalog.stock import service as stock_service
from catalog.suppliers import queries as supplier_queries
from catalog.suppliers.service import supplying
from mall.kernel.errors import DomainError, Invalid
from mall.kernel.files import fetching
from mall.kernel.files.names import is_own_image
from mall.kernel.files.store import current_public_files
from mall.kernel.settings import current_settings
from mall.kernel.text import canonical
from mall.kernel.uow import UnitOfWork, unit_of_work

MAX_LINES = 20_000
MAX_LINE_BYTES = 1_000_000


@dataclass
class ImportSummary:
    """What an import did, and what it could not do, by line."""

    counts: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)


def import_lines(
    lines: Iterable[str], default_supplier: str, advance: Callable[[], None]
) -> ImportSummary:
    """Import each line in a transaction of its own: a wrong line leaves the others be.

    A product is known by its supplier and `source_id`; stock is set only for SKUs that were never
    stocked, so that importing again never brings sold units back.
    """
    summary = ImportSummary()
    for number, line in enumerate(lines, start=1):
        if number > MAX_LINES:
            summary.errors.append(f"{number}: a file has at most {MAX_LINES} lines")
            summary.counts["failed"] += 1
            break
        try:
            raw = _parse(line)
            raw["images"] = _own_images(raw)
            with unit_of_work() as uow:
                summary.counts[_import_one(uow, raw, default_supplier)] += 1
        except (DomainError, ValueError, KeyError, TypeError) as error:
            summary.counts["failed"] += 1
            summary.errors.append(f"{number}: {type(error).__name__}: {error}")
        advance()
    # What was published whole was not looked at one by one.
    with unit_of_work() as uow:
        editing.withhold(uow)
    return summary


def _parse(line: str) -> dict[str, Any]:
    if len(line) > MAX_LINE_BYTES:
        raise ValueError("the line is too long")
    raw = json.loads(line)
    if not isinstance(raw, dict):
        raise ValueError("a line is one JSON object")
    return raw


def _own_images(raw: dict[str, Any]) -> list[str]:
    """Return the images of a line as the mall's own; those of other hosts are fetched and kept.

    Members' browsers ask nobody else. Raises Invalid where fetching is off, FetchRefused and
    ImageRefused.
    """
    found = []
    for address in list(raw.get("images") or [])[: product_rules.MAX_IMAGES]:
        if is_own_image(str(address)):
            found.append(str(address))
        elif not current_settings().fetch_images:
            raise Invalid("images", "images_not_fetched")
        else:
            content = fetching.fetch(str(address), MAX_BYTES)
            found.append(store_image(current_public_files(), content).large)
    return found


def _import_one(uow: UnitOfWork, raw: dict[str, Any], default_supplier: str) -> str:
    supplier_id = _supplier(uow, str(raw.get("supplier") or default_supplier))
    form = _form(raw, editing.ensure_category(uow, list(raw["category"])))
    known = products.find_by_source(uow.session, supplier_id, str(raw["source_id"]))
    if known is None:
        # What an operator imports is reviewed by its file.
        describing.check(uow, supplier_id, form)
        describing.check_codes(uow, supplier_id, None, form)
        prepared = editing.prepare(uow, supplier_id, form, product_rules.PUBLISHED)
        counts = {
            prepared.sku_ids[sku.code]: sku.stock for sku in form.skus if sku.stock is not None
        }
        uow.defer(prepared.write, stock_service.stocking(counts, str(form.source_id), uow.now))
        return "created"
    is_changed = reviewing.replace_unseen(uow, known, form)
    _stock(uow, known.id, form)
    return "updated" if is_changed else "unchanged"


def _supplier(uow: UnitOfWork, name: str) -> UUID:
    known = supplier_queries.find_supplier(uow.session, name)
    return known.id if known else supplying.open_supplier(uow, name)


def _stock(uow: UnitOfWork, product_id: UUID, form: product_rules.ProductForm) -> None:
    skus = products.active_skus(uow.session, product_id)
    stocked = stock_queries.levels(uow.session, [sku.id for sku in skus])
    wanted = {sku.code: sku.stock for sku in form.skus}
    for sku in skus:
        quantity = wanted.get(sku.code)
        if sku.id not in stocked and quantity is not None:
            stock_service.set_on_hand(uow, sku.id, quantity, "import", str(form.source_id))


def _pairs(items: list[dict[str, Any]], make: Callable[[str], str]) -> tuple[tuple[str, str], ...]:
    pairs = ((canonical.prose(str(each["name"])), make(str(each["value"]))) for each in items)
    return tuple(pair for pair in pairs if all(pair))


def _sku(raw: dict[str, Any], product: dict[str, Any]) -> product_rules.SkuForm:
    options = _pairs(raw.get("options", []), canonical.prose)
    price_fen = _positive(raw["price_fen"], "price_fen")
    list_price = raw.get("list_price_fen", product["list_price_fen"])
    own = str(raw.get("code") or "/".join(value for _, value in options) or "标准")
    return product_rules.SkuForm(
        # A supplier's codes are unique: what a file names only by its options is told apart.
        code=_code(own if raw.get("code") else f"{product['source_id']}:{own}"),
        options=options,
        # A list price below the price of a dearer SKU says nothing about that SKU.
        list_price_fen=max(_positive(list_price, "list_price_fen"), price_fen),
        price_fen=price_fen,
        weight_grams=int(raw.get("weight_grams", product.get("weight_grams", 500))),
        stock=int(raw["stock"]),
    )


def _code(text: str) -> str:
    return canonical.code(canonical.code(text)[:64])


def _positive(value: Any, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise Invalid(name, "price_not_in_fen")
    return value


def _form(raw: dict[str, Any], category_id: UUID) -> product_rules.ProductForm:
    title = canonical.prose(str(raw["title"]))
    if not 1 <= len(title) <= 100:
        raise Invalid("title", "title_length_wrong")
    modes = tuple(raw.get("delivery_modes") or (product_rules.SHIP,))
    if set(modes) - set(product_rules.DELIVERY_MODES):
        raise Invalid("delivery_modes", "delivery_mode_unknown")
    return product_rules.ProductForm(
        title=title,
        category_id=category_id,
        brief=canonical.prose(str(raw.get("brief") or ""))[:200],
        description=media_service.clean(str(raw.get("description") or "")[:20_000]),
        brand=canonical.prose(str(raw.get("brand") or "")[:50]) or None,
        unit=canonical.prose(str(raw.get("unit") or "")[:10]) or product_rules.UNIT,
        keywords=tuple(
            dict.fromkeys(filter(None, (canonical.prose(str(w)) for w in raw.get("keywords", []))))
        )[:20],
        attributes=_pairs(raw.get("attributes", []), canonical.lines)[:50],
        image_urls=tuple(raw["images"]),
        delivery_modes=modes,
        source_id=str(raw["source_id"]),
        origin_region_code=raw.get("origin_region_code"),
        is_pavilion=bool(raw.get("is_pavilion", False)),
        skus=tuple(_sku(sku, raw) for sku in raw["skus"]),
    )
