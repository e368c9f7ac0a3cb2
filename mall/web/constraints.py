"""What a constraint of the database says to a person: the one place where they get their words.

Services look before they write and refuse by name. Between look and write another request may win;
then the constraint decides, and its name (by the convention of `mall/kernel/db.py`) leads here to the
same code and sentence.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Refusal:
    """Code, HTTP status, field of the input, and the sentences in Chinese and English."""

    code: str
    field: str | None
    zh: str
    en: str
    status: int = 409


_MOVEMENT = Refusal(
    "bank_reference_used",
    "bank_reference",
    "该银行流水号已登记过。",
    "This bank reference was recorded before.",
)

# Unique constraints that input can reach.
TAKEN: Mapping[str, Refusal] = {
    "uq_address_default": Refusal(
        "default_address_changed",
        "is_default",
        "默认地址刚刚被更改，请重试。",
        "The default address was changed this moment; try again.",
    ),
    "uq_bean_scope_name_key": Refusal(
        "scope_name_taken", "name", "已有同名的使用范围。", "There is a scope of this name."
    ),
    "uq_category_parent_id_name_key": Refusal(
        "category_name_taken",
        "name",
        "同级已有同名分类。",
        "A category beside it has this name.",
    ),
    "uq_entitlement_programme_id_entry_id": Refusal(
        "already_listed",
        "entry_id",
        "该人员已在方案中。",
        "This person is in the programme already.",
    ),
    "uq_funding_reference": _MOVEMENT,
    "uq_ledger_transfer_reference": Refusal(
        "reference_used",
        "reference",
        "该凭证号已入账。",
        "This reference was booked before.",
    ),
    "uq_member_openid": Refusal(
        "signed_in_meanwhile",
        "code",
        "该微信账号正在登录，请重试。",
        "This WeChat account signs in at this moment; try again.",
    ),
    "uq_member_phone": Refusal(
        "phone_taken",
        "code",
        "该手机号已绑定其他会员。",
        "This phone number belongs to another member.",
    ),
    "uq_pack_scope_id_name_key": Refusal(
        "pack_title_taken", "title", "已有同名的福利包。", "There is a pack of this title."
    ),
    "uq_payment_transaction_id": Refusal(
        "transaction_known",
        None,
        "该笔支付已记录在另一单上。",
        "This transaction was recorded for another payment.",
    ),
    "uq_payment_open": Refusal(
        "payment_under_way",
        None,
        "该订单的支付正在发起，请稍后重试。",
        "A payment for this order is being opened; retry shortly.",
    ),
    "uq_product_supplier_id_source_id": Refusal(
        "product_known",
        "source_id",
        "该来源编号的商品已存在。",
        "There is a product of this source number.",
    ),
    "uq_product_revision_product_id_number": Refusal(
        "changed_meanwhile",
        None,
        "商品刚刚被他人修改，请重新读取。",
        "The product was changed this moment; read it again.",
    ),
    "ix_product_revision_open": Refusal(
        "changed_meanwhile",
        None,
        "商品已有待审核的修改，请重新读取。",
        "A change of the product waits for review already; read it again.",
    ),
    "uq_roster_union_id_name_key": Refusal(
        "roster_name_taken", "name", "已有同名的名册。", "There is a roster of this name."
    ),
    "uq_roster_entry_roster_id_member_id": Refusal(
        "already_claimed",
        None,
        "您已在该名册中。",
        "You are in this roster already.",
    ),
    "uq_roster_entry_roster_id_phone": Refusal(
        "roster_phone_taken",
        "phone",
        "名册中已有该手机号。",
        "The roster has this phone number already.",
    ),
    "uq_search_placement_key_product_id": Refusal(
        "product_placed",
        "product_id",
        "该商品在此搜索词下已置顶或沉底。",
        "This product has its place for this query already.",
    ),
    "uq_search_rule_kind_key": Refusal(
        "search_rule_taken",
        None,
        "已有相同的搜索规则。",
        "There is a search rule for this already.",
    ),
    "uq_selection_scope_id_name_key": Refusal(
        "selection_name_taken", "name", "已有同名的选品。", "There is a selection of this name."
    ),
    "uq_settlement_statement_bank_reference": Refusal(
        "payout_reference_used",
        "bank_reference",
        "该银行流水号已用于另一张结算单。",
        "This bank reference already paid another statement.",
    ),
    "uq_settlement_statement_open": Refusal(
        "statement_open",
        None,
        "该供应商已有未确认的结算单。",
        "The supplier has an unconfirmed statement already.",
    ),
    "uq_shipping_template_supplier_id_name_key": Refusal(
        "template_name_taken", "name", "已有同名的运费模板。", "There is a template of this name."
    ),
    "uq_sku_supplier_id_code": Refusal(
        "sku_code_taken",
        "skus",
        "SKU 编码已用于您的另一个商品。",
        "The SKU code is already used by another of your products.",
    ),
    "uq_staff_account_username": Refusal(
        "username_taken",
        "username",
        "该用户名已被使用，请换一个。",
        "This user name is taken; choose another.",
    ),
    "uq_storefront_section_name_key": Refusal(
        "section_title_taken", "title", "已有同名的专题。", "There is a section of this title."
    ),
    "uq_store_supplier_id_name_key": Refusal(
        "store_name_taken", "name", "您已有同名的门店。", "You have a store of this name."
    ),
    "uq_supplier_name_key": Refusal(
        "supplier_name_taken", "name", "已有同名的供应商。", "There is a supplier of this name."
    ),
    "uq_trade_union_parent_id_name_key": Refusal(
        "union_name_taken",
        "name",
        "同一上级下已有同名工会。",
        "A union of this name stands beside it, under the same one.",
    ),
    "uq_trade_union_code": Refusal(
        "union_code_taken", "code", "已有使用该代码的工会。", "There is a union of this code."
    ),
    "uq_value_act_waiting": Refusal(
        "already_proposed",
        None,
        "同一事项已提交，正在等待另一人确认。",
        "The same was proposed already and waits for another person.",
    ),
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

_MEANWHILE = Refusal(
    "written_meanwhile",
    None,
    "他人刚刚保存了同样的内容，请重新读取后再试。",
    "The same was saved by another request this moment; read it again, then retry.",
)
_GONE = Refusal(
    "reference_gone",
    None,
    "所引用的内容不存在或仍在使用，请重新读取。",
    "Something that this refers to is gone, or is still in use; read it again.",
)
_UNIQUE, _FOREIGN, _CHECK, _NOT_NULL = "23505", "23503", "23514", "23502"


def refusal_of(sqlstate: str | None, constraint: str | None) -> Refusal | None:
    """Return what a violated constraint says; None for what is no violation of one."""
    if sqlstate == _UNIQUE:
        return TAKEN.get(constraint or "", _MEANWHILE)
    if sqlstate == _FOREIGN:
        return _GONE
    if sqlstate in (_CHECK, _NOT_NULL):
        return Refusal(
            "impossible_value",
            IMPOSSIBLE.get(constraint or ""),
            "提交的数值不符合规则，未保存。",
            "A value breaks a rule of what can be stored; nothing was saved.",
            422,
        )
    return None
