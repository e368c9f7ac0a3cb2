"""Names on vouchers, day lists and yearly sheets are what they were when it was agreed.

Older rows take what is in force now: what it was before is not known any more.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    op.add_column("pickup_choice", sa.Column("place", JSONB()))
    op.execute(
        """
        UPDATE pickup_choice c SET place = jsonb_build_object(
            'name', s.name, 'region_code', s.region_code, 'region', coalesce(r.full_name, ''),
            'detail', s.detail, 'latitude', s.latitude, 'longitude', s.longitude, 'phone', s.phone)
        FROM store s LEFT JOIN region r ON r.code = s.region_code WHERE s.id = c.store_id
        """
    )
    op.alter_column("pickup_choice", "place", nullable=False)
    op.add_column("pickup_voucher", sa.Column("store_name", sa.Text()))
    op.execute(
        "UPDATE pickup_voucher v SET store_name = s.name FROM store s WHERE s.id = v.store_id"
    )
    op.add_column("assistance_target", sa.Column("union_name", sa.Text()))
    op.execute(
        """
        UPDATE assistance_target t SET union_name =
            coalesce((SELECT name FROM trade_union u WHERE u.id = t.union_id), '')
        """
    )
    op.alter_column("assistance_target", "union_name", nullable=False)


def downgrade() -> None:
    op.drop_column("assistance_target", "union_name")
    op.drop_column("pickup_voucher", "store_name")
    op.drop_column("pickup_choice", "place")
