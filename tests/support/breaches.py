"""How to break what must always be true of programmes and after-sales, one statement each."""

GIVING_BREACHES = {
    "fund_balance": "UPDATE ledger_fund SET balance_fen = balance_fen + 1",
    "prepaid_beans_paid": "UPDATE ledger_entry SET amount_fen = amount_fen + 1"
    " WHERE account = 'beans:prepaid'",
    "programme_orders": "UPDATE order_programme SET amount_fen = amount_fen + 1",
    "entitlements_have_lots": "UPDATE bean_lot SET granted_fen = granted_fen + 1",
    "redeemed_once": "UPDATE entitlement SET order_id = gen_random_uuid() WHERE state = 'redeemed'",
    "nobody_twice": "UPDATE entitlement SET member_id = (SELECT member_id FROM entitlement"
    " WHERE state = 'redeemed')",
    "history_unbroken": "UPDATE programme_event SET note = 'all is well' WHERE number = 2",
    "history_whole": "DELETE FROM programme_event e USING programme p"
    " WHERE e.programme_id = p.id AND e.number = p.event_count",
    "programme_budget": "UPDATE programme SET head_count = head_count + 1,"
    " budget_fen = budget_fen + per_member_fen",
    "issued_from_fund": "UPDATE entitlement SET amount_fen = amount_fen + 1"
    " WHERE state = 'redeemed'",
    "money_posted": "DELETE FROM ledger_transfer WHERE reference LIKE 'bank:%'",
    "claimed_entitlements_given": "UPDATE entitlement SET state = 'waiting' WHERE state = 'open'",
    "closed_means_settled": "UPDATE programme SET state = 'closed'",
    "programme_settles": "UPDATE order_programme SET amount_fen = amount_fen + 1",
    "accepted_means_arrived": "UPDATE programme SET state = 'accepted'",
    "archived_is_empty": "UPDATE programme SET state = 'archived';"
    " UPDATE ledger_fund SET balance_fen = 1",
}

AFTER_SALES_BREACHES = {
    "reimbursed_by_tender": "UPDATE reimbursement SET beans_fen = beans_fen + 1,"
    " wechat_fen = wechat_fen - 1",
    "never_more_back_than_paid": "UPDATE reimbursement SET wechat_fen = wechat_fen + 10000,"
    " amount_fen = amount_fen + 10000",
    "cases_refunded_once": "UPDATE after_sales_case SET refunded_fen = refunded_fen + 1"
    " WHERE state = 'refunded'",
    "cases_within_line": "UPDATE after_sales_case SET quantity = 3 WHERE state = 'refunded'",
    "held_units_asked_back": "UPDATE after_sales_case SET held = 0 WHERE held > 0",
    "unsent_units_taken_out": "UPDATE reimbursement SET unsent = unsent + 1",
    "exchanges_sent_once": "UPDATE fulfillment_order SET case_id = gen_random_uuid()"
    " WHERE case_id IS NOT NULL",
}

VOUCHER_BREACHES = {
    "vouchers_match_units": "DELETE FROM pickup_voucher WHERE state = 'valid'",
    "vouchers_of_cancelled_revoked": "UPDATE shop_order SET state = 'cancelled'",
    "vouchers_used_at_their_merchant": "UPDATE store SET supplier_id = gen_random_uuid()",
    "choices_within_their_merchant": "UPDATE pickup_choice SET member_id = gen_random_uuid()",
}

BILL_BREACHES = {
    "bills_match_clearing": "DELETE FROM ledger_transfer WHERE reference LIKE 'payment:%'",
    "clearing_is_on_bills": "DELETE FROM bill_line",
    "bills_add_up": "UPDATE bill SET paid_fen = paid_fen + 1",
}

SETTLEMENT_BREACHES = {
    "parcels_where_their_events_say": "UPDATE tracked_parcel SET state = 'trouble'",
    "suppliers_owed_what_is_unpaid": "UPDATE settlement_item SET amount_fen = amount_fen + 1,"
    " net_fen = net_fen + 1",
    "commission_as_sold": "UPDATE order_line SET commission_bps = commission_bps + 1",
    "statements_add_up": "UPDATE settlement_statement SET item_count = item_count + 1",
    "delivered_lines_are_settled": "DELETE FROM settlement_item WHERE kind = 'sale'",
    "freight_is_settled": "DELETE FROM settlement_item WHERE kind = 'freight'",
}

UNIT_BREACHES = {
    "receipts_within_parcels": "UPDATE load_receipt_line SET sent = sent + 1",
    "hand_outs_have_shares": "UPDATE entitlement SET order_id = NULL",
}

JOURNAL_BREACHES = {
    "journal_chain": "UPDATE journal_line SET outcome = 'nothing happened'",
    "journal_sealed": "INSERT INTO journal_line"
    " SELECT gen_random_uuid(), at, audience, actor_id, actor_name, operation, request, objects,"
    " given, before, after, address, request_id, outcome FROM journal_line LIMIT 1",
    "journal_complete": "UPDATE journal_line SET actor_id = NULL",
}

APPROVAL_BREACHES = {
    "decided_by_others": "UPDATE author a SET account_id = d.account_id FROM decision d"
    " WHERE d.subject_id = a.subject_id",
    "value_moved_by_two": "UPDATE value_act SET state = 'alone' WHERE state = 'confirmed'",
    "alone_within_limit": "UPDATE alone_sum SET sum_fen = sum_fen - 1",
    "grants_on_record": "DELETE FROM value_act WHERE kind = 'grant'",
    "settled_on_record": "DELETE FROM value_act WHERE kind = 'adjustment'",
    "settled_refunds_on_record": "UPDATE refund SET state = 'settled', settled_by = 'x',"
    " channel = 'bank', channel_reference = 'x', note = ''",
    "money_confirmed_by_two": "UPDATE funding SET decided_by = recorded_by",
}
