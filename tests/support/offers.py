"""What pure tests are made of: an offer that is for sale, and the pairs of a table of states."""

from itertools import product
from uuid import UUID

import pytest

from catalog.stock.rules import Offer
from mall.kernel.errors import DomainError, WrongState
from mall.kernel.text import wording
from mall.web.problems import members_of

SUPPLIER = UUID(int=900)
DEFAULTS = {
    "supplier_id": SUPPLIER,
    "supplier_name": "湛江水产",
    "title": "虾干",
    "options": ({"name": "规格", "value": "500 克"},),
    "image_url": None,
    "price_fen": 1000,
    "list_price_fen": 1200,
    "weight_grams": 500,
    "min_per_order": 1,
    "max_per_order": 99,
    "delivery_modes": ("ship", "store_pickup"),
    "template": None,
    "available": 10,
    "is_for_sale": True,
}


def sku(number):
    return UUID(int=number)


def offer(number=1, **changes):
    """Return an offer of a SKU, which is told by a small number; its product's is 100 more."""
    return Offer(**{"sku_id": sku(number), "product_id": sku(100 + number), **DEFAULTS, **changes})


def pairs(states):
    """Return each pair of states of which the second may follow the first, by trying all."""
    found = set()
    for current, following in product(states.states, repeat=2):
        try:
            states.check(current, following)
        except WrongState as refusal:
            assert members_of(refusal) == {
                "state": current,
                "state_zh": states.names_zh[current],
                "wanted": following,
            }
        else:
            found.add((current, following))
    return found


def written(text):
    """Read lines of `state: following following` as pairs."""
    found = set()
    for line in text.strip().splitlines():
        current, _, following = line.partition(":")
        found |= {(current.strip(), each) for each in following.split()}
    return found


def refusals(rules):
    """Return the code and HTTP status of each refusal that a module defines."""
    return {
        each.code: wording.status_of(each.code)
        for each in vars(rules).values()
        if isinstance(each, type)
        and issubclass(each, DomainError)
        and each.__module__ == rules.__name__
    }


def refused(kind, act, *arguments):
    """Let an act be refused; return its field and what the problem document says beside it."""
    with pytest.raises(kind) as caught:
        act(*arguments)
    assert caught.value.sentence("zh") and caught.value.sentence("en")
    return caught.value.field, members_of(caught.value)
