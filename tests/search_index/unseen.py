"""Shops that the demo does not have, indexed without a database, and what is asked of them."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID, uuid5

from catalog.products.queries.searching import Searchable
from search_index import snapshots
from search_index.answer import corrections
from search_index.answer.suggest import Suggester
from search_index.documents import document
from search_index.engines import Engine
from search_index.language.analysis import analyzer
from search_index.rules import SearchRequest
from search_index.words.rules import NO_EDITS
from tests.search_index.quality import Judgement

SHOPS = Path(__file__).parent / "shops"
_SPACE = UUID(int=16)
Find = Callable[[str], list[str]]


@dataclass(frozen=True)
class Shop:
    """Products by their code, and the judgements about them."""

    products: dict[str, Searchable]
    judgements: list[Judgement]

    @property
    def names(self) -> list[str]:
        return [each.title for each in self.products.values()]


def _lines(name: str) -> Iterator[str]:
    for line in (SHOPS / name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            yield line


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    found = [pair.partition("=") for pair in text.split(";") if pair]
    return tuple((name, value) for name, _, value in found)


def _product(line: str, number: int) -> tuple[str, Searchable]:
    code, path, brand, title, brief, keywords, yuan, attributes, options = line.split("|")
    names = tuple(path.split("/"))
    ids = tuple(uuid5(_SPACE, "/".join(names[: end + 1])) for end in range(len(names)))
    choices = [(name, each) for name, value in _pairs(options) for each in value.split("/")]
    return code, Searchable(
        id=UUID(int=(number + 1) << 64),
        title=title,
        brief=brief,
        text="",
        brand=brand or None,
        keywords=tuple(each for each in keywords.split(",") if each),
        category_ids=ids,
        category_names=names,
        supplier_id=uuid5(_SPACE, names[0]),
        supplier_name="数码百货专营店",
        origin_region_code=None,
        origin_name="",
        is_pavilion=False,
        delivery_modes=("ship",),
        tags=(),
        price_fen=int(yuan) * 100,
        attributes=_pairs(attributes),
        options=tuple(choices),
    )


def shop(name: str) -> Shop:
    """Return the shop that was seen, or the one held out."""
    found = (_product(line, n) for n, line in enumerate(_lines(f"{name}_products.txt")))
    products = dict(found)
    judged = []
    for line in _lines(f"{name}_queries.txt"):
        query, *grades = (part.strip() for part in line.split("|"))
        named: dict[str, int] = {}
        for part in grades:
            grade, _, codes = part.partition(":")
            named |= {products[code].title: int(grade) for code in codes.split()}
        judged.append(Judgement(query, named, name == "held_out"))
    return Shop(products, judged)


def unanswerable(is_held_out: bool) -> list[str]:
    """Return queries for what no shop has."""
    every = list(_lines("unanswerable.txt"))
    half = len(every) // 2
    return every[half:] if is_held_out else every[:half]


@contextmanager
def loaded(products: list[Searchable]) -> Iterator[snapshots.Snapshot]:
    """Index products in a folder of their own."""
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine(Path(folder) / "index")
        with engine.rebuilding() as build:
            for each in products:
                build.add(document(each))
            with engine.writing():
                build.swap()
        found = snapshots.load(engine)
        yield found
        found.close()


@contextmanager
def finding(products: list[Searchable]) -> Iterator[Find]:
    """Give what finds titles among products."""
    titles = {each.id: each.title for each in products}
    with loaded(products) as taken:
        suggester = Suggester(taken.suggestions())

        def find(query: str) -> list[str]:
            asked = SearchRequest(text=query)
            found, meant = corrections.meant(taken, suggester, analyzer(), asked, NO_EDITS)
            docs = (meant.found if meant and meant.is_instead else found).docs[:10]
            return [titles[key] for key in (taken.ids[doc] for doc in docs) if key]

        yield find


def called(pattern: Searchable, titles: list[str]) -> Iterator[Searchable]:
    """Give products that are nothing but their names."""
    for number, title in enumerate(titles):
        yield replace(
            pattern,
            id=UUID(int=(900 + number) << 64),
            title=title,
            brief="",
            brand=None,
            category_names=("杂项",),
            category_ids=pattern.category_ids[:1],
            attributes=(),
            options=(),
        )
