"""Messages are called by the field's words: what still waits in the outbox bears the new names.

Only what is pending or parked is renamed. What is done or dropped is a record of its time, and there
are months of it. Processes of the release before may still write the old names while they are being
replaced: the registry understands them for one release (`former_topic` in the packages' messages). A
worker of the release before that meets a new name fails it and tries again, for some four minutes;
what is parked then, `mall jobs retry` takes up.
"""

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"

RENAMED = {"PartDelivered": "FulfillmentOrderDelivered", "RightsIssued": "EntitlementsIssued"}


def rename(names: dict[str, str]) -> None:
    for old, new in names.items():
        op.get_bind().execute(
            sa.text(
                "UPDATE outbox_delivery SET topic = :new"
                " WHERE topic = :old AND state IN ('pending', 'parked')"
            ),
            {"old": old, "new": new},
        )


def upgrade() -> None:
    rename(RENAMED)


def downgrade() -> None:
    rename({new: old for old, new in RENAMED.items()})
