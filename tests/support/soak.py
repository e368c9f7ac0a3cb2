"""How long tests run: short in `make test`, long in `make soak` (MALL_SOAK=1), which sets a seed."""

import os

LONG = os.environ.get("MALL_SOAK") == "1"
# What is chosen by chance is chosen by it: the same in every run of the suite, another in each soak.
SEED = int(os.environ.get("MALL_SEED", "0"))


def long_or_short(long, short):
    """Return what belongs to this run."""
    return long if LONG else short


def examples(long, short):
    """Return how many examples a search tries; a soak with little time names its own number."""
    return int(os.environ.get("MALL_EXAMPLES", long_or_short(long, short)))
