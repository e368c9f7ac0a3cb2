"""No time that cannot be read again: each column of one has a check.

What requests may name is a year narrower; days of Beijing, grace and reckoning lead a little beyond.
Older rows are moved to the edge. In tables that may only grow they stay as they are.
"""

from alembic import op

revision = "0070"
down_revision = "0033"

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
            low := CASE WHEN c.column_name = '{BIRTHDAYS}' THEN '1900-01-01' ELSE '1999-01-01' END;
            high := '2102-01-01';
            IF c.data_type <> 'date' THEN
                low := low || ' 00:00:00+00';
                high := high || ' 00:00:00+00';
            END IF;
            {what}
        END LOOP;
    END $$
    """


def upgrade() -> None:
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
