"""Integers of fen: formatting and splitting without losing one."""

from collections.abc import Sequence

MAX_FEN = 100_000_000_00  # ¥100 million: more is a typing error everywhere in this trade.


def yuan(amount_fen: int, separator: str = "") -> str:
    """Return an amount as people write it, for example `12.05`; thousands apart by "," if wanted."""
    sign = "-" if amount_fen < 0 else ""
    return f"{sign}{abs(amount_fen) // 100:{separator}}.{abs(amount_fen) % 100:02d}"


def percent(bps: int) -> str:
    """Return hundredths of a percent as people write them, for example `5` or `5.25`."""
    return f"{bps // 100}.{bps % 100:02d}".rstrip("0").rstrip(".")


def split_by_weight(amount_fen: int, weights: Sequence[int]) -> list[int]:
    """Split an amount by largest remainder; the parts sum exactly and ties go to the first.

    Raises ValueError on a negative amount or weight, or when something is to be split by nothing.
    """
    if amount_fen < 0 or any(weight < 0 for weight in weights):
        raise ValueError("amounts and weights are never negative")
    total = sum(weights)
    if total == 0:
        if amount_fen:
            raise ValueError("nothing to split by")
        return [0 for _ in weights]
    parts = [amount_fen * weight // total for weight in weights]
    remainders = [amount_fen * weight % total for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-remainders[i], i))
    for index in by_remainder[: amount_fen - sum(parts)]:
        parts[index] += 1
    return parts
