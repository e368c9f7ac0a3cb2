"""Twenty thousand made-up products whose names are made of the words of real ones."""

import json
import random
from collections.abc import Iterator
from pathlib import Path

from catalog.products.queries.searching import Searchable
from catalog.uploads.rules.columns import COLUMNS, SHEET
from mall.kernel.ids import new_id
from mall.kernel.sheets import writing
from mall.kernel.sheets.cells import Value
from search_index.language.analysis import analyzer
from search_index.language.pinyin import spelling

DATA = Path("devtools/data")
COLOURS = ("红色", "蓝色", "黑色", "白色", "灰色", "绿色", "粉色", "米色")
MATERIALS = ("棉", "麻", "陶瓷", "玻璃", "不锈钢", "竹", "木")
SIZES = ("大", "中", "小", "500g", "1kg", "3支装", "家庭装")
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
            brand=base["brand"] or f"品牌{number % 200}",
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
            attributes=(
                ("颜色", chance.choice(COLOURS)),
                ("材质", chance.choice(MATERIALS)),
                *((each["name"], each["value"]) for each in base["attributes"]),
            ),
            options=tuple(("规格", each) for each in chance.sample(SIZES, 3)),
        )


def queries(count: int, terms: int, seed: int = 2) -> list[str]:
    """Return so many queries of so many words each, out of real names."""
    chance = random.Random(seed)
    known = analyzer()
    words = [w for each in _real() for w in known.query_words(each["title"]) if len(w) > 1]
    return [" ".join(chance.sample(words, terms)) for _ in range(count)]


def misspelt(count: int, seed: int = 6) -> list[str]:
    """Return so many words of real names as pinyin with two letters swapped."""
    chance = random.Random(seed)
    found: list[str] = []
    for word in queries(4 * count, 1, seed):
        sound = "".join(spelling(word))
        if len(sound) > 5:
            place = chance.randrange(1, len(sound) - 2)
            swapped = sound[place + 1] + sound[place]
            found.append(sound[:place] + swapped + sound[place + 2 :])
    return found[:count]


def prefixes(count: int, seed: int = 3) -> list[str]:
    """Return so many beginnings of words, in Hanzi and in letters."""
    chance = random.Random(seed)
    short = ["l", "li", "lia", "xu", "si", "sijian", "quan", "fs", "sjt", "番", "四", "纯棉", "魔"]
    return [chance.choice(short) for _ in range(count)]


def sheet(count: int, category: str) -> bytes:
    """Return a product sheet of so many rows, each a product of its own."""
    chance = random.Random(4)
    words = [w for each in _real() for w in analyzer().query_words(each["title"]) if len(w) > 1]
    rows = []
    for number in range(count):
        price = chance.randrange(990, 99_000, 10) / 100
        row: dict[str, Value] = {
            "product_code": f"B{number:05}",
            "title": f"{''.join(chance.sample(words, 3))} {number}号",
            "category": category,
            "sku_code": f"B{number:05}-A",
            "option_1": "规格",
            "value_1": "标准",
            "list_price_fen": price + 10,
            "price_fen": price,
            "weight_grams": 500,
            "stock": 100,
            "brand": "徐闻味道",
            "unit": "袋",
            "brief": "产地直发，香浓可口",
            "keywords": "、".join(chance.sample(words, 3)),
            "attributes": "产地：广东省湛江市\n保质期：12 个月",
            "description": "<p>火山红土种植，切片低温烘干。</p>",
            "delivery_modes": "快递、配送到单位",
            "origin_region_code": "440825",
            "is_pavilion": "否",
        }
        rows.append([row.get(column.key) for column in COLUMNS])
    return writing.xlsx(SHEET, [column.head for column in COLUMNS], rows)
