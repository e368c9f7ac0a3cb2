"""Figures of products are counted without waiting for whoever changes a product."""

from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.drop_constraint("fk_product_figure_product_id", "product_figure")


def downgrade() -> None:
    op.create_foreign_key(
        "fk_product_figure_product_id", "product_figure", "product", ["product_id"], ["id"]
    )
