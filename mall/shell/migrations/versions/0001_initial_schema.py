"""The initial schema."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
revision = '0001'
down_revision = None

APPEND_ONLY = ("ledger_transfer", "ledger_entry", "stock_movement", "order_event")


def upgrade() -> None:
    # The name search; the extension is trusted since PostgreSQL 13, so no superuser is needed.
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.create_table('access_token',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('token_hash', sa.LargeBinary(), nullable=False),
    sa.Column('audience', sa.Text(), nullable=False),
    sa.Column('subject_id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_access_token')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_access_token_token_hash'))
    )
    op.create_index('ix_access_token_subject_id', 'access_token', ['subject_id'], unique=False)
    op.create_table('bean_scope',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('product_ids', postgresql.ARRAY(sa.UUID()), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_bean_scope')),
    sa.UniqueConstraint('name', name=op.f('uq_bean_scope_name'))
    )
    op.create_table('cart_line',
    sa.Column('member_id', sa.Uuid(), nullable=False),
    sa.Column('sku_id', sa.Uuid(), nullable=False),
    sa.Column('quantity', sa.BigInteger(), nullable=False),
    sa.Column('delivery_mode', sa.Text(), nullable=True),
    sa.Column('seen_price_fen', sa.BigInteger(), nullable=False),
    sa.Column('added_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('quantity > 0', name=op.f('ck_cart_line_quantity_positive')),
    sa.PrimaryKeyConstraint('member_id', 'sku_id', name=op.f('pk_cart_line'))
    )
    op.create_table('category',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('parent_id', sa.Uuid(), nullable=True),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('path', sa.Text(), nullable=False),
    sa.Column('position', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['parent_id'], ['category.id'], name=op.f('fk_category_parent_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_category')),
    sa.UniqueConstraint('parent_id', 'name', name=op.f('uq_category_parent_id_name'), postgresql_nulls_not_distinct=True)
    )
    op.create_table('fulfillment_order',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.Text(), nullable=False),
    sa.Column('order_id', sa.Uuid(), nullable=False),
    sa.Column('order_no', sa.Text(), nullable=False),
    sa.Column('member_id', sa.Uuid(), nullable=False),
    sa.Column('supplier_id', sa.Uuid(), nullable=False),
    sa.Column('delivery_mode', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('address', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('dispatched_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('confirm_by', sa.DateTime(timezone=True), nullable=True),
    sa.Column('delivered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('delivered_by', sa.Text(), nullable=True),
    sa.CheckConstraint("state IN ('open','partly_dispatched','dispatched','delivered')", name=op.f('ck_fulfillment_order_state_known')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_fulfillment_order')),
    sa.UniqueConstraint('number', name=op.f('uq_fulfillment_order_number')),
    sa.UniqueConstraint('order_id', 'supplier_id', 'delivery_mode', name=op.f('uq_fulfillment_order_order_id_supplier_id_delivery_mode'))
    )
    op.create_index('ix_fulfillment_order_confirm', 'fulfillment_order', ['confirm_by'], unique=False, postgresql_where=sa.text("state = 'dispatched'"))
    op.create_index('ix_fulfillment_order_member_id', 'fulfillment_order', ['member_id', 'id'], unique=False)
    op.create_index('ix_fulfillment_order_supplier_id', 'fulfillment_order', ['supplier_id', 'id'], unique=False)
    op.create_table('idempotency_record',
    sa.Column('caller', sa.Text(), nullable=False),
    sa.Column('endpoint', sa.Text(), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('body_hash', sa.LargeBinary(), nullable=False),
    sa.Column('http_status', sa.BigInteger(), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('caller', 'endpoint', 'key', name=op.f('pk_idempotency_record'))
    )
    op.create_index('ix_idempotency_record_expires_at', 'idempotency_record', ['expires_at'], unique=False)
    op.create_table('ledger_transfer',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('reference', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('asset', sa.Text(), nullable=False),
    sa.Column('posted_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("asset IN ('beans','cny')", name=op.f('ck_ledger_transfer_asset_known')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ledger_transfer')),
    sa.UniqueConstraint('reference', name=op.f('uq_ledger_transfer_reference'))
    )
    op.create_table('member',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('openid', sa.Text(), nullable=False),
    sa.Column('phone', sa.Text(), nullable=True),
    sa.Column('phone_verified_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('real_name', sa.Text(), nullable=True),
    sa.Column('real_name_state', sa.Text(), nullable=False),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("real_name_state IN ('unverified','verified')", name=op.f('ck_member_real_name_state')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_member')),
    sa.UniqueConstraint('openid', name=op.f('uq_member_openid')),
    sa.UniqueConstraint('phone', name=op.f('uq_member_phone'))
    )
    op.create_table('outbox_delivery',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('topic', sa.Text(), nullable=False),
    sa.Column('payload', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('handler', sa.Text(), nullable=False),
    sa.Column('queue', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('attempts', sa.BigInteger(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('done_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_error', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_outbox_delivery'))
    )
    op.create_index('ix_outbox_delivery_open', 'outbox_delivery', ['due_at'], unique=False, postgresql_where=sa.text("state = 'pending'"))
    op.create_table('payment',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('order_id', sa.Uuid(), nullable=False),
    sa.Column('out_trade_no', sa.Text(), nullable=False),
    sa.Column('trade_type', sa.Text(), nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('prepay_id', sa.Text(), nullable=True),
    sa.Column('code_url', sa.Text(), nullable=True),
    sa.Column('transaction_id', sa.Text(), nullable=True),
    sa.Column('is_late', sa.Boolean(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('query_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('query_count', sa.BigInteger(), nullable=False),
    sa.Column('paid_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(state = 'paid') = (transaction_id IS NOT NULL)", name=op.f('ck_payment_paid_has_number')),
    sa.CheckConstraint("state IN ('open','paid','closed')", name=op.f('ck_payment_state_known')),
    sa.CheckConstraint('amount_fen > 0', name=op.f('ck_payment_amount_positive')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_payment')),
    sa.UniqueConstraint('out_trade_no', name=op.f('uq_payment_out_trade_no')),
    sa.UniqueConstraint('transaction_id', name=op.f('uq_payment_transaction_id'))
    )
    op.create_index('ix_payment_order_id', 'payment', ['order_id'], unique=False)
    op.create_index('ix_payment_query', 'payment', ['query_at'], unique=False, postgresql_where=sa.text("state = 'open'"))
    op.create_index('uq_payment_open', 'payment', ['order_id', 'trade_type'], unique=True, postgresql_where=sa.text("state = 'open'"))
    op.create_table('refund',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('payment_id', sa.Uuid(), nullable=False),
    sa.Column('out_trade_no', sa.Text(), nullable=False),
    sa.Column('out_refund_no', sa.Text(), nullable=False),
    sa.Column('total_fen', sa.BigInteger(), nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('refund_id', sa.Text(), nullable=True),
    sa.Column('attempts', sa.BigInteger(), nullable=False),
    sa.Column('try_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_error', sa.Text(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("state IN ('requested','accepted','succeeded','failed')", name=op.f('ck_refund_state_known')),
    sa.CheckConstraint('amount_fen > 0', name=op.f('ck_refund_amount_positive')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_refund')),
    sa.UniqueConstraint('out_refund_no', name=op.f('uq_refund_out_refund_no'))
    )
    op.create_index('ix_refund_due', 'refund', ['try_at'], unique=False, postgresql_where=sa.text("state IN ('requested','accepted')"))
    op.create_index(op.f('ix_refund_payment_id'), 'refund', ['payment_id'], unique=False)
    op.create_table('region',
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('level', sa.BigInteger(), nullable=False),
    sa.Column('parent_code', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('code', name=op.f('pk_region'))
    )
    op.create_index(op.f('ix_region_parent_code'), 'region', ['parent_code'], unique=False)
    op.create_table('shop_order',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('order_no', sa.Text(), nullable=False),
    sa.Column('member_id', sa.Uuid(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('tender', sa.Text(), nullable=False),
    sa.Column('goods_fen', sa.BigInteger(), nullable=False),
    sa.Column('freight_fen', sa.BigInteger(), nullable=False),
    sa.Column('total_fen', sa.BigInteger(), nullable=False),
    sa.Column('beans_fen', sa.BigInteger(), nullable=False),
    sa.Column('wechat_fen', sa.BigInteger(), nullable=False),
    sa.Column('freight', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('address', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('placed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('pay_by', sa.DateTime(timezone=True), nullable=True),
    sa.Column('paid_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('completed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('cancelled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('cancel_reason', sa.Text(), nullable=True),
    sa.CheckConstraint("state IN ('awaiting_payment','paid','completed','cancelled')", name=op.f('ck_shop_order_state_known')),
    sa.CheckConstraint('beans_fen >= 0 AND wechat_fen >= 0', name=op.f('ck_shop_order_tenders_not_negative')),
    sa.CheckConstraint('total_fen = beans_fen + wechat_fen', name=op.f('ck_shop_order_tenders_add_up')),
    sa.CheckConstraint('total_fen = goods_fen + freight_fen', name=op.f('ck_shop_order_total_adds_up')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_shop_order')),
    sa.UniqueConstraint('order_no', name=op.f('uq_shop_order_order_no'))
    )
    op.create_index('ix_shop_order_member_id', 'shop_order', ['member_id', 'id'], unique=False)
    op.create_index('ix_shop_order_unpaid', 'shop_order', ['pay_by'], unique=False, postgresql_where=sa.text("state = 'awaiting_payment'"))
    op.create_table('staff_account',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('username', sa.Text(), nullable=False),
    sa.Column('display_name', sa.Text(), nullable=False),
    sa.Column('password_hash', sa.Text(), nullable=False),
    sa.Column('role', sa.Text(), nullable=False),
    sa.Column('scope_id', sa.Uuid(), nullable=True),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.Column('failed_count', sa.BigInteger(), nullable=False),
    sa.Column('locked_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("(role = 'operator') = (scope_id IS NULL)", name=op.f('ck_staff_account_scope_fits_role')),
    sa.CheckConstraint("role IN ('union_officer','supplier','store_clerk','operator')", name=op.f('ck_staff_account_role_known')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_staff_account')),
    sa.UniqueConstraint('username', name=op.f('uq_staff_account_username'))
    )
    op.create_table('stock_movement',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('sku_id', sa.Uuid(), nullable=False),
    sa.Column('quantity', sa.BigInteger(), nullable=False),
    sa.Column('cause', sa.Text(), nullable=False),
    sa.Column('reference', sa.Text(), nullable=False),
    sa.Column('moved_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('quantity <> 0', name=op.f('ck_stock_movement_quantity_not_zero')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_stock_movement'))
    )
    op.create_index(op.f('ix_stock_movement_sku_id'), 'stock_movement', ['sku_id'], unique=False)
    op.create_table('supplier',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("state IN ('active','suspended','closed')", name=op.f('ck_supplier_state_known')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_supplier')),
    sa.UniqueConstraint('name', name=op.f('uq_supplier_name'))
    )
    op.create_table('used_login_code',
    sa.Column('code_hash', sa.LargeBinary(), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('code_hash', name=op.f('pk_used_login_code'))
    )
    op.create_table('address',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('member_id', sa.Uuid(), nullable=False),
    sa.Column('recipient', sa.Text(), nullable=False),
    sa.Column('phone', sa.Text(), nullable=False),
    sa.Column('region_code', sa.Text(), nullable=False),
    sa.Column('detail', sa.Text(), nullable=False),
    sa.Column('is_default', sa.Boolean(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['member_id'], ['member.id'], name=op.f('fk_address_member_id')),
    sa.ForeignKeyConstraint(['region_code'], ['region.code'], name=op.f('fk_address_region_code')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_address'))
    )
    op.create_index('ix_address_member_id', 'address', ['member_id'], unique=False)
    op.create_index('uq_address_default', 'address', ['member_id'], unique=True, postgresql_where=sa.text('is_default'))
    op.create_table('bean_lot',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('member_id', sa.Uuid(), nullable=False),
    sa.Column('scope_id', sa.Uuid(), nullable=True),
    sa.Column('programme', sa.Text(), nullable=False),
    sa.Column('granted_fen', sa.BigInteger(), nullable=False),
    sa.Column('balance_fen', sa.BigInteger(), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('balance_fen >= 0', name=op.f('ck_bean_lot_balance_not_negative')),
    sa.CheckConstraint('granted_fen > 0', name=op.f('ck_bean_lot_granted_positive')),
    sa.ForeignKeyConstraint(['scope_id'], ['bean_scope.id'], name=op.f('fk_bean_lot_scope_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_bean_lot'))
    )
    op.create_index('ix_bean_lot_expiry', 'bean_lot', ['expires_at'], unique=False, postgresql_where=sa.text('balance_fen > 0'))
    op.create_index('ix_bean_lot_member_id', 'bean_lot', ['member_id', 'id'], unique=False)
    op.create_index('ix_bean_lot_open', 'bean_lot', ['member_id'], unique=False, postgresql_where=sa.text('balance_fen > 0'))
    op.create_table('fulfillment_line',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('fulfillment_order_id', sa.Uuid(), nullable=False),
    sa.Column('order_line_id', sa.Uuid(), nullable=False),
    sa.Column('sku_id', sa.Uuid(), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('options', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('quantity', sa.BigInteger(), nullable=False),
    sa.Column('dispatched_quantity', sa.BigInteger(), nullable=False),
    sa.CheckConstraint('dispatched_quantity >= 0 AND dispatched_quantity <= quantity', name=op.f('ck_fulfillment_line_not_too_many')),
    sa.ForeignKeyConstraint(['fulfillment_order_id'], ['fulfillment_order.id'], name=op.f('fk_fulfillment_line_fulfillment_order_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_fulfillment_line')),
    sa.UniqueConstraint('order_line_id', name=op.f('uq_fulfillment_line_order_line_id'))
    )
    op.create_index(op.f('ix_fulfillment_line_fulfillment_order_id'), 'fulfillment_line', ['fulfillment_order_id'], unique=False)
    op.create_table('ledger_entry',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('transfer_id', sa.Uuid(), nullable=False),
    sa.Column('account', sa.Text(), nullable=False),
    sa.Column('member_id', sa.Uuid(), nullable=True),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.CheckConstraint('amount_fen <> 0', name=op.f('ck_ledger_entry_amount_not_zero')),
    sa.ForeignKeyConstraint(['transfer_id'], ['ledger_transfer.id'], name=op.f('fk_ledger_entry_transfer_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ledger_entry'))
    )
    op.create_index('ix_ledger_entry_account', 'ledger_entry', ['account'], unique=False)
    op.create_index('ix_ledger_entry_statement', 'ledger_entry', ['member_id', 'id'], unique=False, postgresql_where=sa.text('member_id IS NOT NULL'))
    op.create_index(op.f('ix_ledger_entry_transfer_id'), 'ledger_entry', ['transfer_id'], unique=False)
    op.create_table('order_event',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('order_id', sa.Uuid(), nullable=False),
    sa.Column('happened_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('actor', sa.Text(), nullable=False),
    sa.Column('from_state', sa.Text(), nullable=True),
    sa.Column('to_state', sa.Text(), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['order_id'], ['shop_order.id'], name=op.f('fk_order_event_order_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_order_event'))
    )
    op.create_index(op.f('ix_order_event_order_id'), 'order_event', ['order_id'], unique=False)
    op.create_table('order_line',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('order_id', sa.Uuid(), nullable=False),
    sa.Column('position', sa.BigInteger(), nullable=False),
    sa.Column('sku_id', sa.Uuid(), nullable=False),
    sa.Column('product_id', sa.Uuid(), nullable=False),
    sa.Column('supplier_id', sa.Uuid(), nullable=False),
    sa.Column('supplier_name', sa.Text(), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('options', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('image_url', sa.Text(), nullable=True),
    sa.Column('delivery_mode', sa.Text(), nullable=False),
    sa.Column('quantity', sa.BigInteger(), nullable=False),
    sa.Column('price_fen', sa.BigInteger(), nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.Column('beans_fen', sa.BigInteger(), nullable=False),
    sa.Column('wechat_fen', sa.BigInteger(), nullable=False),
    sa.Column('bean_lots', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.CheckConstraint('amount_fen = beans_fen + wechat_fen', name=op.f('ck_order_line_tenders_add_up')),
    sa.CheckConstraint('amount_fen = quantity * price_fen', name=op.f('ck_order_line_amount_adds_up')),
    sa.CheckConstraint('quantity > 0', name=op.f('ck_order_line_quantity_positive')),
    sa.ForeignKeyConstraint(['order_id'], ['shop_order.id'], name=op.f('fk_order_line_order_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_order_line'))
    )
    op.create_index(op.f('ix_order_line_order_id'), 'order_line', ['order_id'], unique=False)
    op.create_table('shipment',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('fulfillment_order_id', sa.Uuid(), nullable=False),
    sa.Column('carrier', sa.Text(), nullable=False),
    sa.Column('tracking_no', sa.Text(), nullable=True),
    sa.Column('dispatched_by', sa.Text(), nullable=False),
    sa.Column('dispatched_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['fulfillment_order_id'], ['fulfillment_order.id'], name=op.f('fk_shipment_fulfillment_order_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_shipment'))
    )
    op.create_index(op.f('ix_shipment_fulfillment_order_id'), 'shipment', ['fulfillment_order_id'], unique=False)
    op.create_table('shipping_template',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('supplier_id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('charge_by', sa.Text(), nullable=False),
    sa.Column('free_over_fen', sa.BigInteger(), nullable=True),
    sa.Column('rules', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("charge_by IN ('piece','weight')", name=op.f('ck_shipping_template_charge_by_known')),
    sa.ForeignKeyConstraint(['supplier_id'], ['supplier.id'], name=op.f('fk_shipping_template_supplier_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_shipping_template'))
    )
    op.create_index(op.f('ix_shipping_template_supplier_id'), 'shipping_template', ['supplier_id'], unique=False)
    op.create_table('bean_hold',
    sa.Column('order_id', sa.Uuid(), nullable=False),
    sa.Column('lot_id', sa.Uuid(), nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.CheckConstraint("state IN ('held','captured','released')", name=op.f('ck_bean_hold_state_known')),
    sa.CheckConstraint('amount_fen > 0', name=op.f('ck_bean_hold_amount_positive')),
    sa.ForeignKeyConstraint(['lot_id'], ['bean_lot.id'], name=op.f('fk_bean_hold_lot_id')),
    sa.PrimaryKeyConstraint('order_id', 'lot_id', name=op.f('pk_bean_hold'))
    )
    op.create_table('product',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('supplier_id', sa.Uuid(), nullable=False),
    sa.Column('category_id', sa.Uuid(), nullable=False),
    sa.Column('shipping_template_id', sa.Uuid(), nullable=True),
    sa.Column('source_id', sa.Text(), nullable=True),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('brief', sa.Text(), nullable=False),
    sa.Column('description', sa.Text(), nullable=False),
    sa.Column('brand', sa.Text(), nullable=True),
    sa.Column('unit', sa.Text(), nullable=False),
    sa.Column('keywords', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('attributes', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('image_urls', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('delivery_modes', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('search_text', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('price_fen', sa.BigInteger(), nullable=False),
    sa.Column('list_price_fen', sa.BigInteger(), nullable=False),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('published_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("state IN ('draft','published','unpublished')", name=op.f('ck_product_state_known')),
    sa.ForeignKeyConstraint(['category_id'], ['category.id'], name=op.f('fk_product_category_id')),
    sa.ForeignKeyConstraint(['shipping_template_id'], ['shipping_template.id'], name=op.f('fk_product_shipping_template_id')),
    sa.ForeignKeyConstraint(['supplier_id'], ['supplier.id'], name=op.f('fk_product_supplier_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_product')),
    sa.UniqueConstraint('supplier_id', 'source_id', name=op.f('uq_product_supplier_id_source_id'))
    )
    op.create_index('ix_product_category_id', 'product', ['category_id'], unique=False)
    op.create_index('ix_product_price', 'product', ['price_fen', 'id'], unique=False, postgresql_where=sa.text("state = 'published'"))
    op.create_index('ix_product_search', 'product', ['search_text'], unique=False, postgresql_using='gin', postgresql_ops={'search_text': 'gin_trgm_ops'})
    op.create_index('ix_product_shown', 'product', ['id'], unique=False, postgresql_where=sa.text("state = 'published'"))
    op.create_index('ix_product_supplier_id', 'product', ['supplier_id', 'id'], unique=False)
    op.create_table('shipment_line',
    sa.Column('shipment_id', sa.Uuid(), nullable=False),
    sa.Column('fulfillment_line_id', sa.Uuid(), nullable=False),
    sa.Column('quantity', sa.BigInteger(), nullable=False),
    sa.CheckConstraint('quantity > 0', name=op.f('ck_shipment_line_quantity_positive')),
    sa.ForeignKeyConstraint(['fulfillment_line_id'], ['fulfillment_line.id'], name=op.f('fk_shipment_line_fulfillment_line_id')),
    sa.ForeignKeyConstraint(['shipment_id'], ['shipment.id'], name=op.f('fk_shipment_line_shipment_id')),
    sa.PrimaryKeyConstraint('shipment_id', 'fulfillment_line_id', name=op.f('pk_shipment_line'))
    )
    op.create_index(op.f('ix_shipment_line_fulfillment_line_id'), 'shipment_line', ['fulfillment_line_id'], unique=False)
    op.create_table('sku',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('product_id', sa.Uuid(), nullable=False),
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('options', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('list_price_fen', sa.BigInteger(), nullable=False),
    sa.Column('price_fen', sa.BigInteger(), nullable=False),
    sa.Column('weight_grams', sa.BigInteger(), nullable=False),
    sa.Column('min_per_order', sa.BigInteger(), nullable=False),
    sa.Column('max_per_order', sa.BigInteger(), nullable=False),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.Column('position', sa.BigInteger(), nullable=False),
    sa.CheckConstraint('min_per_order >= 1 AND min_per_order <= max_per_order', name=op.f('ck_sku_limits_sane')),
    sa.CheckConstraint('price_fen >= 0 AND price_fen <= list_price_fen', name=op.f('ck_sku_price_sane')),
    sa.ForeignKeyConstraint(['product_id'], ['product.id'], name=op.f('fk_sku_product_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sku')),
    sa.UniqueConstraint('product_id', 'code', name=op.f('uq_sku_product_id_code'))
    )
    op.create_table('reservation',
    sa.Column('order_id', sa.Uuid(), nullable=False),
    sa.Column('sku_id', sa.Uuid(), nullable=False),
    sa.Column('quantity', sa.BigInteger(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.CheckConstraint("state IN ('held','consumed','released')", name=op.f('ck_reservation_state_known')),
    sa.CheckConstraint('quantity > 0', name=op.f('ck_reservation_quantity_positive')),
    sa.ForeignKeyConstraint(['sku_id'], ['sku.id'], name=op.f('fk_reservation_sku_id')),
    sa.PrimaryKeyConstraint('order_id', 'sku_id', name=op.f('pk_reservation'))
    )
    op.create_index('ix_reservation_held', 'reservation', ['sku_id'], unique=False, postgresql_where=sa.text("state = 'held'"))
    op.create_table('stock_level',
    sa.Column('sku_id', sa.Uuid(), nullable=False),
    sa.Column('on_hand', sa.BigInteger(), nullable=False),
    sa.Column('reserved', sa.BigInteger(), nullable=False),
    sa.CheckConstraint('reserved >= 0 AND reserved <= on_hand', name=op.f('ck_stock_level_never_oversold')),
    sa.ForeignKeyConstraint(['sku_id'], ['sku.id'], name=op.f('fk_stock_level_sku_id')),
    sa.PrimaryKeyConstraint('sku_id', name=op.f('pk_stock_level')),
    postgresql_with={'fillfactor': 50}
    )
    # What value did is history: it is added to and never changed.
    op.execute(
        """
        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'rows of % are never changed or deleted', TG_TABLE_NAME;
        END $$
        """
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    op.drop_table('stock_level')
    op.drop_index('ix_reservation_held', table_name='reservation', postgresql_where=sa.text("state = 'held'"))
    op.drop_table('reservation')
    op.drop_table('sku')
    op.drop_index(op.f('ix_shipment_line_fulfillment_line_id'), table_name='shipment_line')
    op.drop_table('shipment_line')
    op.drop_index('ix_product_supplier_id', table_name='product')
    op.drop_index('ix_product_shown', table_name='product', postgresql_where=sa.text("state = 'published'"))
    op.drop_index('ix_product_search', table_name='product', postgresql_using='gin', postgresql_ops={'search_text': 'gin_trgm_ops'})
    op.drop_index('ix_product_price', table_name='product', postgresql_where=sa.text("state = 'published'"))
    op.drop_index('ix_product_category_id', table_name='product')
    op.drop_table('product')
    op.drop_table('bean_hold')
    op.drop_index(op.f('ix_shipping_template_supplier_id'), table_name='shipping_template')
    op.drop_table('shipping_template')
    op.drop_index(op.f('ix_shipment_fulfillment_order_id'), table_name='shipment')
    op.drop_table('shipment')
    op.drop_index(op.f('ix_order_line_order_id'), table_name='order_line')
    op.drop_table('order_line')
    op.drop_index(op.f('ix_order_event_order_id'), table_name='order_event')
    op.drop_table('order_event')
    op.drop_index(op.f('ix_ledger_entry_transfer_id'), table_name='ledger_entry')
    op.drop_index('ix_ledger_entry_statement', table_name='ledger_entry', postgresql_where=sa.text('member_id IS NOT NULL'))
    op.drop_index('ix_ledger_entry_account', table_name='ledger_entry')
    op.drop_table('ledger_entry')
    op.drop_index(op.f('ix_fulfillment_line_fulfillment_order_id'), table_name='fulfillment_line')
    op.drop_table('fulfillment_line')
    op.drop_index('ix_bean_lot_open', table_name='bean_lot', postgresql_where=sa.text('balance_fen > 0'))
    op.drop_index('ix_bean_lot_member_id', table_name='bean_lot')
    op.drop_index('ix_bean_lot_expiry', table_name='bean_lot', postgresql_where=sa.text('balance_fen > 0'))
    op.drop_table('bean_lot')
    op.drop_index('uq_address_default', table_name='address', postgresql_where=sa.text('is_default'))
    op.drop_index('ix_address_member_id', table_name='address')
    op.drop_table('address')
    op.drop_table('used_login_code')
    op.drop_table('supplier')
    op.drop_index(op.f('ix_stock_movement_sku_id'), table_name='stock_movement')
    op.drop_table('stock_movement')
    op.drop_table('staff_account')
    op.drop_index('ix_shop_order_unpaid', table_name='shop_order', postgresql_where=sa.text("state = 'awaiting_payment'"))
    op.drop_index('ix_shop_order_member_id', table_name='shop_order')
    op.drop_table('shop_order')
    op.drop_index(op.f('ix_region_parent_code'), table_name='region')
    op.drop_table('region')
    op.drop_index(op.f('ix_refund_payment_id'), table_name='refund')
    op.drop_index('ix_refund_due', table_name='refund', postgresql_where=sa.text("state IN ('requested','accepted')"))
    op.drop_table('refund')
    op.drop_index('uq_payment_open', table_name='payment', postgresql_where=sa.text("state = 'open'"))
    op.drop_index('ix_payment_query', table_name='payment', postgresql_where=sa.text("state = 'open'"))
    op.drop_index('ix_payment_order_id', table_name='payment')
    op.drop_table('payment')
    op.drop_index('ix_outbox_delivery_open', table_name='outbox_delivery', postgresql_where=sa.text("state = 'pending'"))
    op.drop_table('outbox_delivery')
    op.drop_table('member')
    op.drop_table('ledger_transfer')
    op.drop_index('ix_idempotency_record_expires_at', table_name='idempotency_record')
    op.drop_table('idempotency_record')
    op.drop_index('ix_fulfillment_order_supplier_id', table_name='fulfillment_order')
    op.drop_index('ix_fulfillment_order_member_id', table_name='fulfillment_order')
    op.drop_index('ix_fulfillment_order_confirm', table_name='fulfillment_order', postgresql_where=sa.text("state = 'dispatched'"))
    op.drop_table('fulfillment_order')
    op.drop_table('category')
    op.drop_table('cart_line')
    op.drop_table('bean_scope')
    op.drop_index('ix_access_token_subject_id', table_name='access_token')
    op.drop_table('access_token')
    op.execute("DROP FUNCTION refuse_change()")
