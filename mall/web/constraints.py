"""What a constraint of the database says to a person: the one place where they get their codes.

Services look before they write and refuse by name. Between look and write another request may win;
then the constraint decides, and its name (by the convention of `mall/kernel/db.py`) leads here to the
same code, and so to the same words.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from mall.kernel.text import wording
from mall.kernel.text.wording import Wording


@dataclass(frozen=True)
class Refusal:
    """Code, and field of the input."""

    code: str
    field: str | None = None


# Unique constraints that input can reach: code and field of the input.
TAKEN: Mapping[str, Refusal] = {
    "uq_address_default": Refusal("default_address_changed", "is_default"),
    "uq_bean_scope_name_key": Refusal("scope_name_taken", "name"),
    "uq_category_parent_id_name_key": Refusal("category_name_taken", "name"),
    "uq_entitlement_programme_id_entry_id": Refusal("already_listed", "entry_id"),
    "uq_funding_reference": Refusal("bank_reference_used", "bank_reference"),
    "uq_ledger_transfer_reference": Refusal("reference_used", "reference"),
    "uq_member_openid": Refusal("signed_in_meanwhile", "code"),
    "uq_member_phone": Refusal("phone_taken", "code"),
    "uq_pack_scope_id_name_key": Refusal("pack_title_taken", "title"),
    "uq_payment_transaction_id": Refusal("transaction_known", None),
    "uq_payment_open": Refusal("payment_under_way", None),
    "uq_product_supplier_id_source_id": Refusal("product_known", "source_id"),
    "uq_product_revision_product_id_number": Refusal("changed_meanwhile", None),
    "ix_product_revision_open": Refusal("changed_meanwhile", None),
    "uq_roster_union_id_name_key": Refusal("roster_name_taken", "name"),
    "uq_roster_entry_roster_id_member_id": Refusal("already_claimed", None),
    "uq_roster_entry_roster_id_phone": Refusal("roster_phone_taken", "phone"),
    "uq_search_placement_key_product_id": Refusal("product_placed", "product_id"),
    "uq_search_rule_kind_key": Refusal("search_rule_taken", None),
    "uq_selection_scope_id_name_key": Refusal("selection_name_taken", "name"),
    "uq_settlement_statement_bank_reference": Refusal("payout_reference_used", "bank_reference"),
    "uq_settlement_statement_open": Refusal("statement_open", None),
    "uq_shipping_template_supplier_id_name_key": Refusal("template_name_taken", "name"),
    "uq_sku_supplier_id_code": Refusal("sku_code_taken", "skus"),
    "uq_staff_account_username": Refusal("username_taken", "username"),
    "uq_storefront_section_name_key": Refusal("section_title_taken", "title"),
    "uq_store_supplier_id_name_key": Refusal("store_name_taken", "name"),
    "uq_supplier_name_key": Refusal("supplier_name_taken", "name"),
    "uq_trade_union_parent_id_name_key": Refusal("union_name_taken", "name"),
    "uq_trade_union_code": Refusal("union_code_taken", "code"),
    "uq_value_act_waiting": Refusal("already_proposed", None),
}

# Unique constraints of what the service itself makes up or does once: another attempt is the answer.
OWN = {
    "uq_access_token_token_hash",
    "uq_after_sales_case_number",
    "uq_entitlement_code",
    "uq_fulfillment_line_order_line_id",
    "uq_fulfillment_order_case_id",
    "uq_fulfillment_order_number",
    "uq_fulfillment_order_split",
    "uq_notice_audience_scope_id_reference",
    "uq_payment_out_trade_no",
    "uq_pickup_voucher_code_hash",
    "uq_pickup_voucher_fulfillment_line_id_position",
    "uq_price_request_open",
    "uq_programme_number",
    "uq_bill_line_proof",
    "uq_journal_seal_line_id",
    "uq_reconciliation_case_merchant_kind_number_difference_place",
    "uq_refund_out_refund_no",
    "uq_reimbursement_reference",
    "uq_settlement_item_reference",
    "uq_settlement_statement_number",
    "uq_shop_order_order_no",
    "uq_staff_invitation_code_hash",
    "uq_tracking_event_shipment_id_tracking_no_digest",
}

# Checks whose field has another name than the constraint suggests, or none.
IMPOSSIBLE: Mapping[str, str] = {
    "ck_union_policy_limit_positive": "annual_member_fen",
    "ck_union_policy_share_sane": "min_assistance_bps",
    "ck_assistance_target_amounts_not_negative": "target_fen",
    "ck_assistance_target_share_sane": "share_bps",
    "ck_assistance_target_year_sane": "year",
    "ck_cart_line_quantity_positive": "quantity",
    "ck_funding_amount_positive": "amount_fen",
    "ck_pack_price_positive": "price_fen",
    "ck_programme_amount_positive": "per_member_fen",
    "ck_programme_days_in_order": "closes_on",
    "ck_programme_expires_after": "expires_on",
    "ck_roster_entry_can_be_claimed": "phone",
    "ck_sku_price_sane": "price_fen",
    "ck_sku_limits_sane": "max_per_order",
    "ck_sku_member_limit_whole": "member_limit_days",
    "ck_store_times_positive": "lead_hours",
    "ck_store_capacity_positive": "daily_capacity",
    "ck_store_on_earth": "latitude",
    "ck_storefront_section_times_in_order": "ends_at",
    "ck_supplier_commission_sane": "commission_bps",
    "ck_supplier_qualification_days_in_order": "valid_until",
    "ck_union_membership_days_in_order": "left_on",
}

_MEANWHILE, _GONE = Refusal("written_meanwhile"), Refusal("reference_gone")
_UNIQUE, _FOREIGN, _CHECK, _NOT_NULL = "23505", "23503", "23514", "23502"


def refusal_of(sqlstate: str | None, constraint: str | None) -> Refusal | None:
    """Return what a violated constraint says; None for what is no violation of one."""
    if sqlstate == _UNIQUE:
        return TAKEN.get(constraint or "", _MEANWHILE)
    if sqlstate == _FOREIGN:
        return _GONE
    if sqlstate in (_CHECK, _NOT_NULL):
        return Refusal("impossible_value", IMPOSSIBLE.get(constraint or ""))
    return None


def wording_of(refusal: Refusal, constraint: str | None) -> Wording:
    """Return what a refusal says: the words of its code, but where the constraint has its own."""
    own = f"constraints.{constraint}"
    return Wording(own if own in wording.catalogue() else f"refusals.{refusal.code}")
