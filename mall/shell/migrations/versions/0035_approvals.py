"""Authors, decisions, acts on value; what statements keep of their supplier."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0035"
down_revision = "0034"


def _person() -> list[sa.Column]:
    return [
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("display_name", sa.Text(), nullable=False),
    ]


def _subject() -> list[sa.Column]:
    return [
        sa.Column("subject_kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
    ]


def _moment(name: str, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    _authors()
    _values()
    _keep_what_was_there()
    _keep_what_was_given()


def _authors() -> None:
    op.create_table(
        "author",
        *_subject(),
        *_person(),
        sa.Column("id", sa.Uuid(), nullable=False),
        _moment("touched_at"),
        sa.Column("touches", sa.BigInteger(), nullable=False),
        sa.Column("settled", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject_kind", "subject_id", "name", name="pk_author"),
    )
    op.create_table(
        "author_source",
        *_subject(),
        sa.Column("part_kind", sa.Text(), nullable=False),
        sa.Column("part_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("touches", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "subject_kind", "subject_id", "part_kind", "part_id", "name", name="pk_author_source"
        ),
    )
    op.create_table(
        "decision",
        sa.Column("id", sa.Uuid(), nullable=False),
        *_subject(),
        *_person(),
        _moment("decided_at"),
        sa.PrimaryKeyConstraint("id", name="pk_decision"),
    )
    op.create_index("ix_decision_subject_id", "decision", ["subject_id", "subject_kind"])


def _values() -> None:
    op.create_table(
        "value_act",
        sa.Column("id", sa.Uuid(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("kind", "state", "subject")),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("body", postgresql.JSONB(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("limit_fen", sa.BigInteger(), nullable=True),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("proposer_id", sa.Uuid(), nullable=True),
        sa.Column("proposer_name", sa.Text(), nullable=False),
        _moment("proposed_at"),
        sa.Column("day", sa.Date(), nullable=False),
        _moment("ends_at"),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decider_id", sa.Uuid(), nullable=True),
        sa.Column("decider_name", sa.Text(), nullable=True),
        _moment("decided_at", nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("result", postgresql.JSONB(), nullable=True),
        sa.CheckConstraint("amount_fen >= 0", name="ck_value_act_amount_not_negative"),
        sa.CheckConstraint(
            "state IN ('proposed','confirmed','rejected','withdrawn','lapsed','alone')",
            name="ck_value_act_state_known",
        ),
        sa.CheckConstraint(
            "(state = 'proposed') = (decided_at IS NULL)", name="ck_value_act_decided_once"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_value_act"),
    )
    op.create_index(
        "uq_value_act_waiting",
        "value_act",
        ["kind", "subject"],
        unique=True,
        postgresql_where=sa.text("state = 'proposed'"),
    )
    op.create_index("ix_value_act_state", "value_act", ["state", "id"])
    op.create_table(
        "alone_sum",
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("sum_fen", sa.BigInteger(), nullable=False),
        sa.Column("limit_fen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("person", "day", name="pk_alone_sum"),
    )


def _keep_what_was_there() -> None:
    """What was done by one person before stays on record as that."""
    op.add_column("settlement_statement", sa.Column("supplier_name", sa.Text(), nullable=True))
    op.add_column("settlement_statement", sa.Column("account", postgresql.JSONB(), nullable=True))
    op.execute(
        "UPDATE settlement_statement s SET supplier_name = p.name, account = p.settlement_account"
        " FROM supplier p WHERE p.id = s.supplier_id"
    )
    op.execute("UPDATE settlement_statement SET supplier_name = '' WHERE supplier_name IS NULL")
    op.alter_column("settlement_statement", "supplier_name", nullable=False)
    op.add_column(
        "funding", sa.Column("is_by_two", sa.Boolean(), nullable=False, server_default="true")
    )
    op.execute("UPDATE funding SET is_by_two = false WHERE state <> 'recorded'")
    op.execute(
        """
        INSERT INTO author (subject_kind, subject_id, name, id, account_id, member_id, phone,
                            display_name, touched_at, touches, settled)
        SELECT 'programme', p.id, 'union:' || s.id, gen_random_uuid(), s.id, s.member_id, s.phone,
               s.display_name, p.created_at, 1, 0
        FROM programme p JOIN staff_account s ON s.id = ANY(p.authors)
        WHERE p.state IN ('draft', 'submitted', 'rejected')
        """
    )
    op.execute(
        """
        INSERT INTO author (subject_kind, subject_id, name, id, account_id, member_id, phone,
                            display_name, touched_at, touches, settled)
        SELECT 'funding', f.id, f.recorded_by, gen_random_uuid(), s.id, s.member_id, s.phone,
               coalesce(s.display_name, f.recorded_by), f.recorded_at, 1, 0
        FROM funding f LEFT JOIN staff_account s ON CAST(s.id AS text) = split_part(f.recorded_by, ':', 2)
        WHERE f.state = 'recorded'
        """
    )
    op.add_column("programme", sa.Column("shown", postgresql.JSONB(), nullable=True))
    op.drop_column("programme", "authors")


def _keep_what_was_given() -> None:
    """Put what one person gave on record, with a limit that allowed it."""
    shared = """, '', '{}', x.fen, x.fen, 'before', 'before', x.at, CAST(x.at AS date), x.at, x.at, ''"""
    columns = """(id, kind, state, subject, about, body, amount_fen, limit_fen, proposed_by,
                  proposer_name, proposed_at, day, ends_at, decided_at, note, result)"""
    sources = {
        "grant": """SELECT regexp_replace(substr(t.reference, 7), ':[0-9a-f-]{36}$', '') AS subject,
                    sum(e.amount_fen) AS fen, min(t.posted_at) AS at, NULL AS item
                    FROM ledger_transfer t JOIN ledger_entry e ON e.transfer_id = t.id
                    WHERE t.kind = 'grant' AND e.amount_fen > 0 GROUP BY 1""",
        "statement_payment": """SELECT CAST(id AS text) AS subject, net_fen AS fen, paid_at AS at,
                    NULL AS item FROM settlement_statement WHERE state = 'paid'""",
        "adjustment": """SELECT CAST(id AS text) AS subject, abs(net_fen) AS fen, happened_at AS at,
                    CAST(id AS text) AS item FROM settlement_item WHERE kind = 'adjustment'""",
        "settle_refund": """SELECT CAST(id AS text) AS subject, amount_fen AS fen, ended_at AS at,
                    NULL AS item FROM refund WHERE state = 'settled'""",
    }
    for kind, source in sources.items():
        op.execute(
            f"INSERT INTO value_act {columns} SELECT gen_random_uuid(), '{kind}', 'alone',"
            f" x.subject{shared}, jsonb_build_object('id', x.item) FROM ({source}) x"
        )


def downgrade() -> None:
    op.add_column(
        "programme",
        sa.Column(
            "authors", postgresql.ARRAY(postgresql.UUID(as_uuid=True)), nullable=False,
            server_default="{}",
        ),
    )
    op.execute(
        "UPDATE programme p SET authors = (SELECT coalesce(array_agg(a.account_id), '{}') FROM author a"
        " WHERE a.subject_kind = 'programme' AND a.subject_id = p.id AND a.account_id IS NOT NULL)"
    )
    op.alter_column("programme", "authors", server_default=None)
    op.drop_column("programme", "shown")
    op.drop_column("funding", "is_by_two")
    op.drop_column("settlement_statement", "account")
    op.drop_column("settlement_statement", "supplier_name")
    for table in ("alone_sum", "value_act", "decision", "author_source", "author"):
        op.drop_table(table)
