"""Which modules are mutated, and which tests are nearest to each: those must notice."""

from collections.abc import Mapping, Sequence
from pathlib import Path

RULES = "test_rules.py"
# What else needs no database.
PURE = (
    *("tests/mall/access/test_guard.py", "tests/mall/web/test_claims.py"),
    "tests/mall/kernel/test_outbox.py",
)
LEDGER = ("tests/mall/ledger",)
CHECKOUT = ("tests/orders/checkout", "tests/orders/order")
GIVING = ("tests/orders/programmes", "tests/orders/collective", "tests/orders/redeeming")
AFTER = ("tests/fulfillment/after_sales",)

AIMS: Mapping[str, Sequence[str]] = {
    "mall/ledger/rules.py": LEDGER,
    "mall/ledger/service/wallet.py": (*LEDGER, "tests/orders/refunds"),
    "mall/ledger/service/funds.py": (*LEDGER, *GIVING),
    "mall/ledger/service/posting.py": LEDGER,
    "mall/access/service.py": ("tests/mall/access",),
    "mall/access/guard.py": ("tests/mall/access", "tests/architecture/test_duties.py"),
    "mall/web/idempotency.py": (
        "tests/mall/web/test_claims.py",
        "tests/mall/web/test_idempotency.py",
    ),
    "mall/kernel/outbox.py": (
        *("tests/mall/kernel/test_outbox.py", "tests/mall/outbox_admin"),
        "tests/mall/shell/test_background.py",
    ),
    "mall/notification/service/staff_notices.py": ("tests/mall/notification",),
    "mall/notification/jobs.py": ("tests/mall/notification",),
    "catalog/packs/rules.py": ("tests/catalog/packs",),
    "catalog/packs/service.py": ("tests/catalog/packs",),
    "catalog/stock/service.py": ("tests/catalog/stock", *CHECKOUT),
    "catalog/suppliers/rules.py": ("tests/catalog/suppliers", "tests/orders/checkout"),
    "orders/order/service.py": (*CHECKOUT, "tests/orders/refunds/test_cancelled.py"),
    "orders/order/queries.py": CHECKOUT,
    "orders/checkout/rules.py": CHECKOUT,
    "orders/checkout/service.py": (*CHECKOUT, "tests/orders/refunds/test_cancelled.py"),
    "orders/refunds/rules.py": ("tests/orders/refunds",),
    "orders/refunds/service/refunding.py": ("tests/orders/refunds",),
    "orders/refunds/service/reimbursing.py": ("tests/orders/refunds", *AFTER),
    "orders/payments/rules.py": ("tests/orders/payments",),
    "orders/payments/service.py": ("tests/orders/payments", "tests/orders/order/test_locks.py"),
    "orders/entitlements/service.py": ("tests/orders/entitlements", *GIVING),
    "orders/entitlements/rules.py": ("tests/orders/entitlements", *GIVING),
    "orders/redeeming/rules.py": GIVING,
    "orders/redeeming/service.py": GIVING,
    "orders/programmes/rules.py": GIVING,
    "orders/programmes/service/lifecycle.py": GIVING,
    "orders/collective/rules.py": GIVING,
    "orders/collective/service/funding.py": GIVING,
    "orders/collective/service/closing.py": GIVING,
    "orders/reconciliation/rules.py": ("tests/orders/reconciliation",),
    "orders/reconciliation/service.py": ("tests/orders/reconciliation",),
    "fulfillment/dispatch/rules.py": ("tests/fulfillment/dispatch", "tests/fulfillment/shipments"),
    "fulfillment/dispatch/service.py": (
        *("tests/fulfillment/dispatch", "tests/fulfillment/shipments", *AFTER),
    ),
    "fulfillment/after_sales/rules.py": AFTER,
    "fulfillment/after_sales/service/asking.py": AFTER,
    "fulfillment/after_sales/service/deciding.py": AFTER,
    "fulfillment/vouchers/rules.py": ("tests/fulfillment/vouchers",),
    "fulfillment/vouchers/service.py": ("tests/fulfillment/vouchers",),
    "fulfillment/settlement/rules.py": ("tests/fulfillment/settlement",),
    "fulfillment/settlement/service/settlements.py": ("tests/fulfillment/settlement",),
}


def tests_of(module: str, tree: Path) -> list[str]:
    """Return the test files that must notice a mutant, the quickest first: a try ends with one.

    Those of rules need no database; those of the module's own feature come before its neighbours'.
    """
    feature = "/".join(module.split("/")[:2])
    files = dict.fromkeys(
        str(path.relative_to(tree))
        for each in AIMS[module]
        for path in (sorted((tree / each).rglob("test_*.py")) or [tree / each])
        if path.exists()
    )

    def rank(name: str) -> tuple[bool, bool]:
        is_pure = name.endswith(RULES) or name in PURE
        return not is_pure, not name.startswith(f"tests/{feature}/")

    return sorted(files, key=rank)


# What changes a decision. Left out: operators that only break types, annotations and decorators.
OPERATORS = (
    *("AddNot", "ReplaceTrueWithFalse", "ReplaceFalseWithTrue", "ReplaceAndWithOr"),
    *("ReplaceOrWithAnd", "ReplaceBreakWithContinue", "ReplaceContinueWithBreak"),
    *("NumberReplacer", "ZeroIterationForLoop", "ReplaceUnaryOperator_Delete_Not"),
    *("ReplaceBinaryOperator_Add_Sub", "ReplaceBinaryOperator_Sub_Add"),
    *("ReplaceBinaryOperator_Mul_Add", "ReplaceBinaryOperator_FloorDiv_Mul"),
    *("ReplaceBinaryOperator_Mod_Add", "ReplaceComparisonOperator_Eq_NotEq"),
    *("ReplaceComparisonOperator_NotEq_Eq", "ReplaceComparisonOperator_Lt_LtE"),
    *("ReplaceComparisonOperator_LtE_Lt", "ReplaceComparisonOperator_Gt_GtE"),
    *("ReplaceComparisonOperator_GtE_Gt", "ReplaceComparisonOperator_Lt_GtE"),
    *("ReplaceComparisonOperator_Gt_LtE", "ReplaceComparisonOperator_Is_IsNot"),
    *("ReplaceComparisonOperator_IsNot_Is",),
)
