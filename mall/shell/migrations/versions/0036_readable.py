"""No time that cannot be read again, and names that look alike are one.

Each column of a time has a check, wider than what requests may name: counters begin in 1970, and
days of Beijing, grace and reckoning lead a little beyond 2100. Older rows are moved to the edge. In tables that may only grow they stay as they are.
"""

import sqlalchemy as sa
from alembic import op

from mall.kernel.text import canonical

revision = "0036"
down_revision = "0035"

# Table, its name's column, within what a name is unique, and what kept it so before.
NAMES = (
    ("supplier", "name", None, "uq_supplier_name"),
    ("storefront_section", "title", None, "uq_storefront_section_title"),
    ("bean_scope", "name", None, "uq_bean_scope_name"),
    ("category", "name", "parent_id", "uq_category_parent_id_name"),
    ("pack", "title", "scope_id", "uq_pack_scope_id_title"),
    ("selection", "name", "scope_id", "uq_selection_scope_id_name"),
    ("roster", "name", "union_id", "uq_roster_union_id_name"),
    ("shipping_template", "name", "supplier_id", None),
)
# Where people's birthdays stand.
BIRTHDAYS = "born_on"


def _columns(what: str) -> str:
    """Return a block that does something with every column of a time; `c` is the column."""
    return f"""
    DO $$
    DECLARE c record; low text; high text; kept boolean; rule text;
    BEGIN
        FOR c IN
            SELECT k.table_name, k.column_name, k.data_type,
                   'ck_' || k.table_name || '_' || k.column_name || '_in_time' AS name
            FROM information_schema.columns k
            JOIN information_schema.tables t USING (table_schema, table_name)
            WHERE k.table_schema = current_schema() AND t.table_type = 'BASE TABLE'
              AND k.data_type IN ('date', 'timestamp with time zone')
            ORDER BY 1, 2
        LOOP
            low := CASE WHEN c.column_name = '{BIRTHDAYS}' THEN '1900-01-01' ELSE '1970-01-01' END;
            high := '2102-01-01';
            IF c.data_type <> 'date' THEN
                low := low || ' 00:00:00+00';
                high := high || ' 00:00:00+00';
            END IF;
            {what}
        END LOOP;
    END $$
    """


def _keep_keys(table: str, name: str, owner: str | None) -> None:
    """Write the key of every name; of two that look alike the younger gets its id to it."""
    connection = op.get_bind()
    seen = set()
    rows = connection.execute(
        sa.text(f"SELECT id, {name} AS name, {owner or 'NULL'} AS owner FROM {table} ORDER BY id")
    ).all()
    for row in rows:
        key = canonical.key(row.name)
        if not key or (row.owner, key) in seen:
            key = f"{key}#{row.id}"
        seen.add((row.owner, key))
        connection.execute(
            sa.text(f"UPDATE {table} SET name_key = :key WHERE id = :id"),
            {"key": key, "id": row.id},
        )


def upgrade() -> None:
    for table, name, owner, before in NAMES:
        op.add_column(table, sa.Column("name_key", sa.Text()))
        _keep_keys(table, name, owner)
        op.alter_column(table, "name_key", nullable=False)
        if before is not None:
            op.drop_constraint(op.f(before), table)
        columns = [owner, "name_key"] if owner else ["name_key"]
        op.create_unique_constraint(
            op.f(f"uq_{table}_{'_'.join(columns)}"),
            table,
            columns,
            postgresql_nulls_not_distinct=owner in ("parent_id", "scope_id"),
        )
    op.execute(
        _columns(
            """
            kept := EXISTS (SELECT FROM pg_trigger g WHERE g.tgname = 'append_only'
                            AND g.tgrelid = to_regclass(quote_ident(c.table_name)));
            IF NOT kept THEN
                EXECUTE format(
                    'UPDATE %1$I SET %2$I = least(greatest(%2$I, %3$L), %4$L)
                     WHERE NOT (%2$I BETWEEN %3$L AND %4$L)',
                    c.table_name, c.column_name, low, high);
            END IF;
            rule := format('ALTER TABLE %1$I ADD CONSTRAINT %5$I CHECK (%2$I BETWEEN %3$L AND %4$L)',
                           c.table_name, c.column_name, low, high, left(c.name, 63));
            BEGIN
                EXECUTE rule;
            EXCEPTION WHEN check_violation THEN
                EXECUTE rule || ' NOT VALID';
            END;
            """
        )
    )


def downgrade() -> None:
    op.execute(
        _columns(
            """
            EXECUTE format('ALTER TABLE %I DROP CONSTRAINT IF EXISTS %I',
                           c.table_name, left(c.name, 63));
            """
        )
    )
    for table, name, owner, before in NAMES:
        # Its unique constraint goes with the column.
        op.drop_column(table, "name_key")
        if before is not None:
            op.create_unique_constraint(
                op.f(before),
                table,
                [owner, name] if owner else [name],
                postgresql_nulls_not_distinct=owner in ("parent_id", "scope_id"),
            )
