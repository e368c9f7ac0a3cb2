"""What operators add to the search, and how often words are searched for.

Counts hold words and a day, no member and no time.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0042"
down_revision = "0041"

SHAPES = {"strings": ("search_rule.words",)}
_IN_TIME = "BETWEEN '1970-01-01 00:00:00+00' AND '2102-01-01 00:00:00+00'"


def upgrade() -> None:
    op.create_table(
        "search_rule",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("words", JSONB(), nullable=False),
        sa.Column("meant", sa.Text()),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("kind", "key", name=op.f("uq_search_rule_kind_key")),
        sa.CheckConstraint(
            "kind IN ('synonyms','filler','kept','forgotten')",
            name=op.f("ck_search_rule_kind_known"),
        ),
        sa.CheckConstraint(f"changed_at {_IN_TIME}", name=op.f("ck_search_rule_changed_at_in_time")),
        sa.CheckConstraint(
            "jsonb_typeof(words) = 'array'"
            """ AND NOT jsonb_path_exists(words, 'strict $[*] ? (@.type() != "string")')""",
            name=op.f("ck_search_rule_words_shape"),
        ),
    )
    op.create_table(
        "search_placement",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("product_id", sa.Uuid(), sa.ForeignKey("product.id"), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("key", "product_id", name=op.f("uq_search_placement_key_product_id")),
        sa.CheckConstraint(
            "place IN ('pinned','buried')", name=op.f("ck_search_placement_place_known")
        ),
        sa.CheckConstraint(
            f"changed_at {_IN_TIME}", name=op.f("ck_search_placement_changed_at_in_time")
        ),
    )
    op.create_index(op.f("ix_search_placement_product_id"), "search_placement", ["product_id"])
    op.create_table(
        "search_tally",
        sa.Column("day", sa.Date(), primary_key=True),
        sa.Column("words", sa.Text(), primary_key=True),
        sa.Column("searches", sa.BigInteger(), nullable=False),
        sa.Column("without_hits", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "searches >= without_hits AND without_hits >= 0",
            name=op.f("ck_search_tally_counts_sane"),
        ),
        sa.CheckConstraint(
            "day BETWEEN '1970-01-01' AND '2102-01-01'", name=op.f("ck_search_tally_day_in_time")
        ),
    )


def downgrade() -> None:
    op.drop_table("search_tally")
    op.drop_table("search_placement")
    op.drop_table("search_rule")
