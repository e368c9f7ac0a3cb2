"""Stores of a merchant and unions side by side have names of their own; codes are plain.

Of two names that look alike the younger gets its id to its key, as in 0036. SKU codes and barcodes that
were stored in full width, or with what nobody sees, are rewritten as they are read today. Where the
plain code is another SKU's of the supplier they stay, and the log says which.
"""

import logging
from collections import defaultdict

import sqlalchemy as sa
from alembic import op

from mall.kernel.text import canonical

revision = "0039"
down_revision = "0038"

log = logging.getLogger("alembic.runtime.migration")
# Table, and within what a name is unique.
NAMES = (("store", "supplier_id"), ("trade_union", "parent_id"))
# A plain code has only printable ASCII, or is looked at.
_ODD = "code !~ '^[!-~]+( [!-~]+)*$'"
_REVISIONS = """
    UPDATE product_revision r SET content = jsonb_set(r.content, '{skus}', (
        SELECT jsonb_agg(CASE WHEN sku->>'code' = :old
                         THEN jsonb_set(sku, '{code}', to_jsonb(CAST(:new AS text)))
                         ELSE sku END ORDER BY place)
        FROM jsonb_array_elements(r.content->'skus') WITH ORDINALITY s (sku, place)))
    FROM product p
    WHERE p.id = r.product_id AND p.supplier_id = :supplier_id AND r.state = 'in_review'
      AND r.content->'skus' @> jsonb_build_array(jsonb_build_object('code', CAST(:old AS text)))
    """


def _keep_keys(table: str, owner: str) -> None:
    connection = op.get_bind()
    seen = set()
    rows = connection.execute(sa.text(f"SELECT id, name, {owner} AS owner FROM {table} ORDER BY id"))
    for row in rows.all():
        key = canonical.key(row.name)
        if not key or (row.owner, key) in seen:
            log.warning("%s %s: the name “%s” is another one's, too", table, row.id, row.name)
            key = f"{key}#{row.id}"
        seen.add((row.owner, key))
        statement = sa.text(f"UPDATE {table} SET name_key = :key WHERE id = :id")
        connection.execute(statement, {"key": key, "id": row.id})


def _plain_codes() -> None:
    connection = op.get_bind()
    odd = connection.execute(
        sa.text(f"SELECT id, supplier_id, code FROM sku WHERE {_ODD} ORDER BY id")
    ).all()
    wanted = defaultdict(list)
    for row in odd:
        plain = canonical.code(row.code)
        if plain != row.code:
            wanted[row.supplier_id, plain].append(row)
    for (supplier_id, plain), rows in wanted.items():
        taken = connection.execute(
            sa.text("SELECT id FROM sku WHERE supplier_id = :supplier_id AND code = :code"),
            {"supplier_id": supplier_id, "code": plain},
        ).first()
        if not plain or taken is not None or len(rows) > 1:
            for row in rows:
                log.warning("sku %s: “%s” stays, “%s” is taken", row.id, row.code, plain)
            continue
        [row] = rows
        values = {"id": row.id, "old": row.code, "new": plain, "supplier_id": supplier_id}
        connection.execute(sa.text("UPDATE sku SET code = :new WHERE id = :id"), values)
        # What waits for review knows its SKUs by their codes.
        connection.execute(sa.text(_REVISIONS), values)


def _plain_barcodes() -> None:
    connection = op.get_bind()
    odd = sa.text("SELECT id, barcode FROM sku WHERE barcode !~ '^[!-~]+$'")
    for row in connection.execute(odd).all():
        values = {"id": row.id, "new": canonical.code(row.barcode) or None}
        connection.execute(sa.text("UPDATE sku SET barcode = :new WHERE id = :id"), values)


def upgrade() -> None:
    for table, owner in NAMES:
        op.add_column(table, sa.Column("name_key", sa.Text()))
        _keep_keys(table, owner)
        op.alter_column(table, "name_key", nullable=False)
    op.create_unique_constraint(
        op.f("uq_store_supplier_id_name_key"), "store", ["supplier_id", "name_key"]
    )
    op.create_unique_constraint(
        op.f("uq_trade_union_parent_id_name_key"),
        "trade_union",
        ["parent_id", "name_key"],
        postgresql_nulls_not_distinct=True,
        deferrable=True,
        initially="IMMEDIATE",
    )
    _plain_codes()
    _plain_barcodes()


def downgrade() -> None:
    # Each constraint goes with its column; codes stay plain.
    for table, _ in NAMES:
        op.drop_column(table, "name_key")
