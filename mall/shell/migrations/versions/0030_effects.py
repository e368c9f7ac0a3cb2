"""Returned units leave the member's limit; numbers of parcels and phones are looked up.

A phone number is unique among active members only.
"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    op.add_column(
        "order_line",
        sa.Column("returned_quantity", sa.BigInteger(), nullable=False, server_default="0"),
    )
    op.create_check_constraint(
        op.f("ck_order_line_no_more_returned_than_sold"),
        "order_line",
        "returned_quantity BETWEEN 0 AND quantity",
    )
    op.create_index("ix_shipment_tracking_no", "shipment", ["tracking_no"])
    op.drop_constraint(op.f("uq_member_phone"), "member")
    op.create_index(
        "uq_member_phone", "member", ["phone"], unique=True, postgresql_where=sa.text("is_active")
    )


def downgrade() -> None:
    # Of several members with one number the active one keeps it.
    op.execute(
        """
        UPDATE member m SET phone = NULL
        WHERE NOT is_active AND EXISTS (SELECT FROM member o
                                        WHERE o.phone = m.phone AND (o.is_active OR o.id > m.id)
                                          AND o.id <> m.id)
        """
    )
    op.drop_index("uq_member_phone", "member")
    op.create_unique_constraint(op.f("uq_member_phone"), "member", ["phone"])
    op.drop_index("ix_shipment_tracking_no", "shipment")
    op.drop_constraint(op.f("ck_order_line_no_more_returned_than_sold"), "order_line")
    op.drop_column("order_line", "returned_quantity")
