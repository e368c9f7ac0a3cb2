"""The share of a combined write that adds a whole product; an upload adds thousands of them."""

from mall.kernel.together import Share


def _rows(table: str, parameter: str) -> str:
    return (
        f"INSERT INTO {table} SELECT * FROM jsonb_populate_recordset("
        f"CAST(NULL AS {table}), CAST(:{parameter} AS jsonb))"
    )


ADD = Share(
    "product",
    f"""
    product_new AS (
        INSERT INTO product SELECT * FROM jsonb_populate_record(
            CAST(NULL AS product), CAST(:product_row AS jsonb))
    ), skus_new AS ({_rows("sku", "product_skus")}),
    prices_new AS ({_rows("price_change", "product_prices")}),
    revisions_new AS ({_rows("product_revision", "product_revisions")})""",
)
