"""What was found, counted by what one may choose."""

from collections.abc import Callable, Mapping
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from catalog.products.rules import DELIVERY_MODES
from search_index.answer.filters import ATTRIBUTE, through
from search_index.snapshots import Codes, Docs, Mask, Snapshot

Counts = dict[str, int]
MAX_ATTRIBUTES = 5
# Where bands of prices end: at numbers that people say.
_ROUND = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
_PARTS = (0.2, 0.4, 0.6, 0.8)
# A band that holds more than this share is cut finer.
MAX_SHARE = 0.5
Prices = NDArray[np.int64]


def facets(snapshot: Snapshot, base: Mask, chosen: Mapping[str, Mask]) -> dict[str, Counts]:
    """Return the counts of every facet, each under all filters but its own."""
    whole = np.flatnonzero(through(base, chosen)).astype(np.int32)

    def docs(facet: str) -> Docs:
        if facet not in chosen:
            return whole
        return np.flatnonzero(through(base, chosen, facet)).astype(np.int32)

    modes = snapshot.modes[docs("delivery_mode")]
    found = {
        "category": snapshot.categories.counted(docs("category")),
        "supplier": _coded(snapshot.supplier[docs("supplier")], snapshot.suppliers),
        "origin": _coded(snapshot.origin[docs("origin")], snapshot.origins),
        "brand": _coded(snapshot.brand[docs("brand")], snapshot.brands),
        "delivery_mode": {
            mode: int(((modes & (1 << n)) != 0).sum()) for n, mode in enumerate(DELIVERY_MODES)
        },
        "pavilion": {"true": int(snapshot.is_pavilion[docs("pavilion")].sum())},
        "in_stock": {"true": int(snapshot.available[docs("in_stock")].sum())},
        "price": bands(snapshot.price[docs("price")]),
    }
    return found | _attributes(snapshot, docs, chosen)


def _coded(numbers: NDArray[np.int32], codes: Codes) -> Counts:
    counts = np.bincount(numbers, minlength=len(codes.names))
    return {codes.names[n]: int(counts[n]) for n in np.flatnonzero(counts) if codes.names[n]}


def _attributes(
    snapshot: Snapshot, docs: Callable[[str], Docs], chosen: Mapping[str, Mask]
) -> dict[str, Counts]:
    """Return the counts of the attributes that tell most of what was found apart."""
    by_name: dict[str, Counts] = {}
    for code, count in snapshot.attributes.counted(docs("")).items():
        name = code.partition(":")[0]
        by_name.setdefault(name, {})[code] = count
    mine = [name.removeprefix(ATTRIBUTE) for name in chosen if name.startswith(ATTRIBUTE)]
    telling = [name for name, counts in by_name.items() if len(counts) > 1 and name not in mine]
    telling.sort(key=lambda name: (-sum(by_name[name].values()), name))
    found = {name: by_name[name] for name in telling[: max(0, MAX_ATTRIBUTES - len(mine))]}
    for name in mine[:MAX_ATTRIBUTES]:
        counts = snapshot.attributes.counted(docs(f"{ATTRIBUTE}{name}"))
        found[name] = {code: n for code, n in counts.items() if code.partition(":")[0] == name}
    return {f"{ATTRIBUTE}{name}": counts for name, counts in found.items()}


def bands(prices: Prices) -> Counts:
    """Return how many prices lie in each band, as `low-high` in fen, both of them inside.

    Bands end at quantiles, at readable numbers where none of them holds nearly everything then.
    """
    if not len(prices):
        return {}
    ordered = np.sort(prices)
    low, high = int(ordered[0]), int(ordered[-1])
    at = [int(ordered[int(part * (len(ordered) - 1))]) for part in _PARTS]
    best: tuple[int, list[int], list[int]] | None = None
    for rounded in (_readable, _two_digits, _exact):
        edges = sorted({edge for price in at if low < (edge := rounded(price)) <= high})
        places = [0, *np.searchsorted(ordered, edges).tolist(), len(ordered)]
        counts = [end - start for start, end in pairwise(places)]
        most = max(counts)
        if best is None or most < best[0]:
            best = (most, edges, counts)
        if most <= MAX_SHARE * len(ordered):
            break
    assert best is not None
    _, edges, counts = best
    lows, highs = [0, *edges], [*(str(edge - 1) for edge in edges), ""]
    return {
        f"{least}-{most}": count
        for least, most, count in zip(lows, highs, counts, strict=True)
        if count
    }


def _readable(price: int) -> int:
    power = 10 ** (len(str(price)) - 1)
    return int(min(_ROUND, key=lambda each: abs(each * power / max(price, 1) - 1)) * power)


def _two_digits(price: int) -> int:
    power = 10 ** max(len(str(price)) - 2, 0)
    return round(price / power) * power


def _exact(price: int) -> int:
    return price + 1
