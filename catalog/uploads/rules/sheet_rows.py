"""Rows of a sheet become products; pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from catalog.products import rules as product_rules
from catalog.products.rules import ProductForm, SkuForm
from catalog.uploads.rules import columns
from catalog.uploads.rules.columns import COLUMNS, OF_PRODUCT, Problem, SheetRow
from mall.kernel.errors import DomainError, Invalid
from mall.kernel.states import Transitions
from mall.kernel.text import canonical
from mall.kernel.text.wording import Wording, finding

WAITING, CHECKING, CHECKED = "waiting", "checking", "checked"
APPLYING, APPLIED, FAILED = "applying", "applied", "failed"
STATES = Transitions(
    "upload",
    {
        WAITING: {CHECKING, FAILED},
        CHECKING: {CHECKED, FAILED, WAITING},
        CHECKED: {APPLYING, WAITING},
        APPLYING: {APPLIED},
        APPLIED: set(),
        FAILED: set(),
    },
)
# Somebody works on it, or soon will.
OPEN = (WAITING, CHECKING, APPLYING)
CREATE, CHANGE, SAME, WRONG = "create", "change", "unchanged", "wrong"
ACTIONS = (CREATE, CHANGE, SAME, WRONG)
# So many rows are applied in a second or two.
SMALL_ROWS = 300
# An upload that was checked and not applied for so long waits for nobody any more.
LEFT_LYING = timedelta(days=30)
MAX_OPEN_UPLOADS, MAX_SHOWN_CHANGES = 20, 50
_BY_KEY = {column.key: column for column in COLUMNS}


class UploadHasProblems(DomainError):
    code = "upload_has_problems"


class UploadBusy(DomainError):
    code = "upload_busy"


@dataclass(frozen=True)
class Known:
    """What the rows refer to: categories by path, templates by name, regions, images by SKU code."""

    categories: Mapping[str, UUID]
    templates: Mapping[str, UUID]
    regions: frozenset[str]
    images: Mapping[str, tuple[str, ...]]
    # The product that each known SKU code of the supplier, and each product code, belongs to.
    by_sku: Mapping[str, UUID]
    by_code: Mapping[str, UUID]


@dataclass
class Group:
    """The rows of one product, and what is wrong with them."""

    product_code: str
    rows: list[SheetRow] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    form: ProductForm | None = None
    product_id: UUID | None = None

    @property
    def stocktakes(self) -> dict[str, int]:
        """Return what was counted of each SKU."""
        return {
            row.values["sku_code"]: row.values["stocktake"]
            for row in self.rows
            if "stocktake" in row.values and "sku_code" in row.values
        }


def group(rows: Iterable[SheetRow]) -> list[Group]:
    """Gather rows by product; a row without a code stands alone and is wrong."""
    groups: dict[str, Group] = {}
    seen: dict[str, str] = {}
    for row in rows:
        product_code = row.values.get("product_code", f"#{row.number}")
        found = groups.setdefault(product_code, Group(product_code))
        found.rows.append(row)
        found.problems += row.problems
        complained = {problem.cell for problem in row.problems}
        for key in ("product_code", "sku_code", "list_price_fen", "price_fen"):
            address = row.addresses[key]
            if key not in row.values and address not in complained:
                found.problems.append(Problem(address, _BY_KEY[key].head, finding("required")))
        sku_code = row.values.get("sku_code")
        if sku_code in seen:
            _note(found, row, "sku_code", finding("sku_code_repeated_at", cell=seen[sku_code]))
        elif sku_code is not None:
            seen[sku_code] = row.addresses["sku_code"]
    return list(groups.values())


def build(found: Group, known: Known) -> None:
    """Make the product of a group, or note every reason why it cannot be made."""
    common = _common(found)
    category_id = _look_up(found, common, "category", known.categories, "category_unknown")
    template_id = _look_up(found, common, "template", known.templates, "template_unknown")
    region = common.get("origin_region_code")
    if region is not None and region not in known.regions:
        _complain(found, "origin_region_code", finding("region_code_unknown"))
    _find_product(found, known)
    _check_options(found)
    for row in found.rows:
        _check_numbers(found, row)
    if found.problems:
        return
    assert category_id is not None
    names = ("title", "brand", "unit", "keywords", "attributes", "delivery_modes")
    form = ProductForm(
        **{name: common.get(name, _BY_KEY[name].default) for name in (*names, "is_pavilion")},
        brief=common.get("brief", ""),
        description=common.get("description", ""),
        category_id=category_id,
        shipping_template_id=template_id,
        origin_region_code=region,
        image_urls=_images(found, known),
        source_id=found.product_code,
        skus=tuple(map(_sku, found.rows)),
    )
    try:
        product_rules.check(form)
    except Invalid as error:
        _complain_of(found, error)
        return
    found.form = form


def _find_product(found: Group, known: Known) -> None:
    """Let the SKU codes decide which product this is: a known one, or a new one."""
    found.product_id = known.by_code.get(found.product_code)
    for row in found.rows:
        owner = known.by_sku.get(row.values.get("sku_code", ""))
        if owner is None:
            continue
        if found.product_id is None:
            found.product_id = owner
        elif owner != found.product_id:
            _note(found, row, "sku_code", finding("sku_code_of_another"))


def _check_options(found: Group) -> None:
    for row in found.rows:
        for number in columns.OPTIONS:
            name, value = f"option_{number}", f"value_{number}"
            if (name in row.values) != (value in row.values):
                key = name if name in row.values else value
                _note(found, row, key, finding("option_incomplete"))


def _check_numbers(found: Group, row: SheetRow) -> None:
    """Note numbers of a row that contradict each other, whatever else is wrong with it."""
    values = row.values
    pairs = (
        ("price_fen", "list_price_fen", "price_above_market"),
        ("min_per_order", "max_per_order", "minimum_above_limit"),
    )
    for low, high, told in pairs:
        if low in values and high in values and values[low] > values[high]:
            _note(found, row, low, finding(told))
    limits = ("member_limit", "member_limit_days")
    given = [key for key in limits if key in values]
    if len(given) == 1:
        _note(found, row, given[0], finding("member_limit_alone"))


def _note(found: Group, row: SheetRow, key: str, told: Wording) -> None:
    found.problems.append(Problem(row.addresses[key], _BY_KEY[key].head, told))


def _common(found: Group) -> dict[str, Any]:
    common: dict[str, Any] = {}
    for row in found.rows:
        for key in OF_PRODUCT:
            if key not in row.values:
                continue
            if key in common and common[key] != row.values[key]:
                _note(found, row, key, finding("row_differs", code=found.product_code))
            common.setdefault(key, row.values[key])
    complained = {problem.column for problem in found.problems}
    for key in ("title", "category"):
        if key not in common and _BY_KEY[key].head not in complained:
            _complain(found, key, finding("required"))
    return common


def _look_up(
    found: Group, common: Mapping[str, Any], key: str, table: Mapping[str, UUID], unknown: str
) -> UUID | None:
    if key not in common:
        return None
    name = common[key]
    found_id = table.get(path_key(name) if key == "category" else canonical.key(name))
    if found_id is None:
        _complain(found, key, finding(unknown, name=name[:40]))
    return found_id


def path_key(path: str) -> str:
    """Return that by which a path of categories is compared; `\\/` is no step of it."""
    steps = columns.split(path, columns.LEVELS)
    return "\n".join(canonical.key(columns.unescaped(step)) for step in steps)


def _complain(found: Group, key: str, told: Wording) -> None:
    row = next((each for each in found.rows if key in each.values), found.rows[0])
    address = row.addresses.get(key, f"A{row.number}")
    found.problems.append(Problem(address, _BY_KEY[key].head, told))


def _complain_of(found: Group, error: Invalid) -> None:
    """Say at the right cell what the product's own rules say of a form."""
    place = (error.field or "").split(".")
    row, key = found.rows[0], "sku_code"
    if len(place) == 3:
        row, key = found.rows[int(place[1])], place[2]
    elif place == ["skus"]:
        key = "value_1"
    address = row.addresses.get(key, row.addresses["sku_code"])
    head = _BY_KEY[key if key in row.addresses else "sku_code"].head
    found.problems.append(Problem(address, head, error.wording))


def _images(found: Group, known: Known) -> tuple[str, ...]:
    codes = [row.values["sku_code"] for row in found.rows]
    urls = [url for code in (found.product_code, *codes) for url in known.images.get(code, ())]
    return tuple(dict.fromkeys(urls))[: product_rules.MAX_IMAGES]


def _sku(row: SheetRow) -> SkuForm:
    values = row.values
    options = tuple(
        (values[f"option_{n}"], values[f"value_{n}"])
        for n in columns.OPTIONS
        if f"option_{n}" in values and f"value_{n}" in values
    )
    names = ("weight_grams", "min_per_order", "max_per_order", "low_stock_at")
    optional = ("barcode", "purchase_price_fen", "member_limit", "member_limit_days", "stock")
    more: dict[str, Any] = {name: values.get(name, _BY_KEY[name].default) for name in names}
    more |= {name: values.get(name) for name in optional}
    return SkuForm(
        code=values["sku_code"],
        options=options,
        list_price_fen=values["list_price_fen"],
        price_fen=values["price_fen"],
        **more,
    )


def kept_images(form: ProductForm, live: ProductForm) -> ProductForm:
    """Return a form that keeps the live images where the file names none."""
    if form.image_urls or not live.image_urls:
        return form
    return ProductForm(**{**vars(form), "image_urls": live.image_urls})
