"""Where parcels are, and what was reported of them."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.add_column(
        "shipment", sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.execute(
        "UPDATE shipment s SET delivered_at = f.delivered_at FROM fulfillment_order f"
        " WHERE f.id = s.fulfillment_order_id AND f.state = 'delivered'"
    )
    op.create_table(
        "tracked_parcel",
        sa.Column("shipment_id", sa.Uuid(), nullable=False),
        sa.Column("carrier", sa.Text(), nullable=False),
        sa.Column("tracking_no", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("last_event_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("watch", sa.Text(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "watch IN ('wanted','watched','asked','ended')",
            name=op.f("ck_tracked_parcel_watch_known"),
        ),
        sa.ForeignKeyConstraint(
            ["shipment_id"], ["shipment.id"], name=op.f("fk_tracked_parcel_shipment_id")
        ),
        sa.PrimaryKeyConstraint("shipment_id", name=op.f("pk_tracked_parcel")),
    )
    op.create_index(
        op.f("ix_tracked_parcel_due"),
        "tracked_parcel",
        ["due_at"],
        postgresql_where=sa.text("watch <> 'ended'"),
    )
    # What left before there was tracking: nobody is asked about it.
    op.execute(
        "INSERT INTO tracked_parcel (shipment_id, carrier, tracking_no, state, watch, attempts,"
        " due_at) SELECT id, carrier, tracking_no, 'sent', 'ended', 0, dispatched_at FROM shipment"
    )
    op.create_table(
        "tracking_event",
        *(sa.Column(name, sa.Uuid(), nullable=False) for name in ("id", "shipment_id")),
        sa.Column("tracking_no", sa.Text(), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("state", "text", "place", "digest", "source")
        ),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["shipment_id"], ["shipment.id"], name=op.f("fk_tracking_event_shipment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tracking_event")),
        sa.UniqueConstraint(
            "shipment_id",
            "tracking_no",
            "digest",
            name=op.f("uq_tracking_event_shipment_id_tracking_no_digest"),
        ),
    )
    op.create_index(op.f("ix_tracking_event_shipment_id"), "tracking_event", ["shipment_id"])


def downgrade() -> None:
    op.drop_table("tracking_event")
    op.drop_table("tracked_parcel")
    op.drop_column("shipment", "delivered_at")
