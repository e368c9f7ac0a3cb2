"""What the search knows of a product's stock and sales."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "product_figure",
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("is_available", sa.Boolean(), nullable=False),
        sa.Column("sold", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["product_id"], ["product.id"], name="fk_product_figure_product_id"
        ),
        sa.PrimaryKeyConstraint("product_id", name="pk_product_figure"),
    )


def downgrade() -> None:
    op.drop_table("product_figure")
