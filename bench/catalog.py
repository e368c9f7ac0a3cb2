"""Twenty thousand made-up products whose names are made of the words of real ones."""

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

from catalog.products.searching import Searchable
from mall.kernel.ids import new_id
from search_index.words.analysis import analyzer

DATA = Path("mall/shell/data")
ORIGINS = ("440825", "440882", "440883", "440881", "440811", "440803", "450502")


def _real() -> list[dict]:
    lines = []
    for name in ("litemall_goods.jsonl", "zhanjiang_goods.jsonl"):
        lines += (DATA / name).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def products(count: int = 20_000, seed: int = 1) -> Iterator[Searchable]:
    """Give so many products, the same ones for the same seed but for their ids."""
    chance = random.Random(seed)
    real = _real()
    known = analyzer()
    words = [[w for w in known.query_words(each["title"]) if len(w) > 1] for each in real]
    categories = sorted({tuple(each["category"]) for each in real})
    ids = {path: tuple(new_id() for _ in path) for path in categories}
    suppliers = [(new_id(), f"{place}合作社{n}") for n in range(60) for place in ("徐闻", "雷州")]
    for number in range(count):
        base = chance.choice(real)
        mixed = chance.sample(chance.choice(words), 1) + chance.choice(words)[-2:]
        supplier_id, supplier_name = chance.choice(suppliers)
        category = tuple(base["category"])
        yield Searchable(
            id=new_id(),
            title=f"{''.join(dict.fromkeys(mixed))} {number % 997}号"[:100],
            brief=base["brief"] or "",
            text="".join(pair["value"] for pair in base["attributes"])[:300],
            brand=base["brand"],
            keywords=tuple(base["keywords"])[:5],
            category_ids=ids[category],
            category_names=category,
            supplier_id=supplier_id,
            supplier_name=supplier_name,
            origin_region_code=chance.choice(ORIGINS),
            origin_name="广东省湛江市",
            is_pavilion=chance.random() < 0.2,
            delivery_modes=("ship",) if chance.random() < 0.7 else ("ship", "store_pickup"),
            tags=(),
            price_fen=chance.randrange(990, 99_000, 10),
        )


def queries(count: int, terms: int, seed: int = 2) -> list[str]:
    """Return so many queries of so many words each, out of real names."""
    chance = random.Random(seed)
    known = analyzer()
    words = [w for each in _real() for w in known.query_words(each["title"]) if len(w) > 1]
    return [" ".join(chance.sample(words, terms)) for _ in range(count)]


def prefixes(count: int, seed: int = 3) -> list[str]:
    """Return so many beginnings of words, in Hanzi and in letters."""
    chance = random.Random(seed)
    short = ["l", "li", "lia", "xu", "si", "sijian", "quan", "fs", "sjt", "番", "四", "纯棉", "魔"]
    return [chance.choice(short) for _ in range(count)]


def owned(product: Searchable, product_id: UUID) -> Searchable:
    """Return a product under another id."""
    return replace(product, id=product_id)
