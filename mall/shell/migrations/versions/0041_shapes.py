"""JSON columns hold what their rows are read as, and people's history may begin before 1970.

A column with rows of another shape gets its check NOT VALID, and the log says how many there are and in
which column: they stay as they are, new ones are refused.
"""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"

STRINGS, OBJECTS, ARRAY, OBJECT = "strings", "objects", "array", "object"
# The journal's are whatever was sent, and are not here.
SHAPES = {
    STRINGS: (
        "after_sales_case.photos",
        "product.delivery_modes",
        "product.image_urls",
        "product.keywords",
        "product.tags",
        "roster_row.problems",
        "roster_row.warnings",
        "store.closed_on",
        "store.product_ids",
    ),
    OBJECTS: (
        "order_line.bean_lots",
        "pack.parts",
        "pickup_voucher.history",
        "product_revision.reasons",
        "programme.shown",
        "programme.warnings",
        "reimbursement.bean_lots",
        "selection_version.items",
        "shipping_template.rules",
        "shop_order.freight",
        "sku.options",
        "store.hours",
        "supplier.review_reasons",
        "supplier_qualification.reasons",
        "upload_item.problems",
    ),
    ARRAY: (
        "fulfillment_line.options",
        "order_line.options",
        "price_request.options",
        "product.attributes",
        "shipment.earlier",
        "upload_item.changes",
    ),
    OBJECT: (
        "after_sales_case.return_to",
        "fulfillment_order.address",
        "outbox_delivery.payload",
        "pickup_choice.place",
        "product_revision.content",
        "programme.content",
        "programme.unit_address",
        "roster.changes",
        "roster.problem",
        "settlement_statement.account",
        "shop_order.address",
        "storefront_section.rule",
        "supplier.settlement_account",
        "upload.problem",
        "upload_item.content",
        "upload_item.stock",
        "value_act.body",
        "value_act.result",
        "wechat_message.data",
    ),
}
# Columns of days that tell of a life before the mall, and of documents.
HISTORY = (
    ("union_membership", "joined_on"),
    ("union_membership", "left_on"),
    ("supplier_qualification", "valid_from"),
)


def _rule(shape: str, column: str, is_nullable: bool) -> str:
    kind = "object" if shape == OBJECT else "array"
    rule = f"jsonb_typeof({column}) = '{kind}'"
    if shape in (STRINGS, OBJECTS):
        item = "string" if shape == STRINGS else "object"
        rule += f""" AND NOT jsonb_path_exists({column}, 'strict $[*] ? (@.type() != "{item}")')"""
    # Where nothing is written, it is SQL's NULL or that of JSON.
    return f"({rule}) OR jsonb_typeof({column}) = 'null'" if is_nullable else rule


def _name(table: str, column: str) -> str:
    return f"ck_{table}_{column}_shape"


def upgrade() -> None:
    connection = op.get_bind()
    nullable = {
        (row.table_name, row.column_name): row.is_nullable == "YES"
        for row in connection.execute(
            sa.text(
                "SELECT table_name, column_name, is_nullable FROM information_schema.columns"
                " WHERE table_schema = current_schema() AND data_type = 'jsonb'"
            )
        )
    }
    for shape, places in SHAPES.items():
        for place in places:
            table, column = place.split(".")
            rule = _rule(shape, column, nullable[table, column])
            odd = connection.execute(
                sa.text(f"SELECT count(*) FROM {table} WHERE NOT ({rule})")  # noqa: S608
            ).scalar_one()
            op.execute(
                sa.text(
                    f"ALTER TABLE {table} ADD CONSTRAINT {_name(table, column)} CHECK ({rule})"
                    + (" NOT VALID" if odd else "")
                )
            )
            if odd:
                print(f"{odd} rows of {table} have a {column} of another shape; they stay.")
    for table, column in HISTORY:
        _bound(table, column, "1900-01-01", "")


def _bound(table: str, column: str, first: str, how: str) -> None:
    name = f"ck_{table}_{column}_in_time"
    op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    op.execute(
        f"ALTER TABLE {table} ADD CONSTRAINT {name}"
        f" CHECK ({column} BETWEEN '{first}' AND '2102-01-01') {how}"
    )


def downgrade() -> None:
    for places in SHAPES.values():
        for place in places:
            table, column = place.split(".")
            op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {_name(table, column)}")
    # What began before 1970 meanwhile stays; only new rows are bound.
    for table, column in HISTORY:
        _bound(table, column, "1970-01-01", "NOT VALID")
