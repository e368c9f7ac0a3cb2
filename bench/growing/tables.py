"""What becomes of each table when the world is multiplied: copied, unless it is named here."""

from dataclasses import dataclass

# There is one of it however many orders there are; each with the reason.
_CATALOGUE = "the catalogue is one for all members"
_STAFF = "who works here does not grow with orders"
_SIGN_IN = "guesses end within days"
_SHEETS = "sheets are worked off, whatever is sold"
_JOURNAL = "one chain of hashes over acts of staff; no copy could be a link of it"
_BILLS = "a merchant has one bill a day, from WeChat"
_SEARCH = "words and rules of the search, edited by operators"
_ROLLED_UP = "sums over all copies, which are rolled up anew"
_AUDIT = "audits find out by themselves what they have not seen"
_FILES = "a file lies in a folder; a copied row would have none"

WORLD_WIDE: dict[str, str] = {
    "alembic_version": "the schema itself",
    "region": "the country's own list",
    "category": _CATALOGUE,
    "product": _CATALOGUE,
    "product_revision": _CATALOGUE,
    "sku": _CATALOGUE,
    "price_change": _CATALOGUE,
    "shipping_template": _CATALOGUE,
    "supplier": _CATALOGUE,
    "supplier_application": _CATALOGUE,
    "supplier_document": _CATALOGUE,
    "supplier_qualification": _CATALOGUE,
    "commission_rate": _CATALOGUE,
    "return_address": _CATALOGUE,
    "store": _CATALOGUE,
    "storefront_section": _CATALOGUE,
    "section_pick": _CATALOGUE,
    "bean_scope": _CATALOGUE,
    "pack": _CATALOGUE,
    "price_request": _CATALOGUE,
    "selection": _CATALOGUE,
    "selection_version": _CATALOGUE,
    "search_placement": _SEARCH,
    "search_rule": _SEARCH,
    "search_tally": _SEARCH,
    "upload": _SHEETS,
    "upload_archive": _SHEETS,
    "upload_image": _SHEETS,
    "upload_item": _SHEETS,
    "trade_union": "unions are the federation's tree",
    "union_policy": "a union has one",
    "assistance_target": "a union has one a year",
    "staff_account": _STAFF,
    "staff_change": _STAFF,
    "staff_invitation": _STAFF,
    "second_factor": _STAFF,
    "recovery_code": _STAFF,
    "known_place": _STAFF,
    "guess_counter": _SIGN_IN,
    "password_request": _SIGN_IN,
    "journal_line": _JOURNAL,
    "journal_pending": _JOURNAL,
    "journal_seal": _JOURNAL,
    "bill": _BILLS,
    "bill_line": _BILLS,
    "reconciliation_case": _BILLS,
    "stored_file": _FILES,
    "storage_use": _FILES,
    "ended_file": _FILES,
    "ledger_snapshot": _ROLLED_UP,
    "stock_sale": _ROLLED_UP,
    "stock_sale_mark": _ROLLED_UP,
    "audit_mark": _AUDIT,
    "audit_round": _AUDIT,
    "audit_sum": _AUDIT,
    "audit_count": _AUDIT,
    "audit_suspect": _AUDIT,
}

_SOLD = "cause IN ('sale', 'cancellation')"


@dataclass(frozen=True)
class Sum:
    """Columns that hold sums over what is copied: each copy adds as much again, in some rows."""

    columns: tuple[str, ...]
    rows: str = "true"


SUMS: dict[str, Sum] = {
    "stock_level": Sum(("on_hand", "reserved")),
    # What came in is one movement still, of so much more.
    "stock_movement": Sum(("quantity",), f"NOT {_SOLD}"),
    "product_figure": Sum(("sold",)),
    # The limit grows along: a copy of what somebody did alone is done by the same person.
    "alone_sum": Sum(("sum_fen", "limit_fen")),
}

# After copying: what is rolled up begins anew.
ANEW = (
    "DELETE FROM ledger_snapshot",
    "DELETE FROM stock_sale",
    "DELETE FROM stock_sale_mark",
)
# Copied with the moments that they have: WeChat knows no bills of days that never were.
PRESENT = ("payment", "refund")
# Of these only some rows are copied.
ROWS = {
    # What is kept of a request of staff has its line in the journal, which is not copied.
    "idempotency_record": "caller LIKE 'store:%'",
    "stock_movement": _SOLD,
}
# Of these only what is about something that is copied: the catalogue is announced and reviewed once.
NAMING = {
    "outbox_delivery": "payload",
    "author": "subject_id",
    "author_source": "subject_id",
    "decision": "subject_id",
}


def is_copied(table: str) -> bool:
    """Tell whether each copy of the world has its own rows of a table."""
    return table not in WORLD_WIDE and (table not in SUMS or table in ROWS)
