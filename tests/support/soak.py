"""How long tests run: short in `make test`, long in `make soak` (MALL_SOAK=1)."""

import os

LONG = os.environ.get("MALL_SOAK") == "1"


def long_or_short(long, short):
    """Return what belongs to this run."""
    return long if LONG else short
