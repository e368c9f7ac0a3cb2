"""How well names are found, with a floor under it; `make bench ONLY=search_quality` reports it."""

import json
from pathlib import Path

import pytest

from catalog.uploads.process.importing import import_lines
from search_index.answer import matching
from search_index.language.analysis import analyzer
from search_index.rules import Wanted
from tests.search_index import quality
from tests.support.database import select_rows

DATA = Path("devtools/data")
HOUSE = "橙意严选（示例）"


@pytest.fixture
def demo(shop):
    """The demo catalog, indexed; what is asked goes straight to the index."""
    with shop.app.app_context():
        for name in ("litemall_goods.jsonl", "zhanjiang_goods.jsonl"):
            lines = (DATA / name).read_text(encoding="utf-8").splitlines()
            assert not import_lines(lines, HOUSE, lambda: None).errors
    shop.build()
    snapshot, _ = shop.searcher.current()
    rows = select_rows(shop.world, "SELECT id, title FROM product")
    titles = {row.id: row.title for row in rows}

    def search(text):
        found = matching.search(snapshot, analyzer(), Wanted(text=text))
        return [titles[snapshot.ids[doc]] for doc in found.docs[:10]]

    return search


def test_real_names_and_judgements_are_found_well(demo):
    lines = (DATA / "litemall_goods.jsonl").read_text(encoding="utf-8").splitlines()
    real = [(each["title"], each["category"][-1]) for each in map(json.loads, lines)]
    cases = quality.derive(real, analyzer())
    assert len(cases) == 5 * 239
    first_three, first_ten, _ = quality.rates(cases, demo)["all"]
    assert first_ten >= 0.95 and first_three >= 0.85
    every = quality.judgements()
    held_out = [each for each in every if each.is_held_out]
    assert len(every) >= 60 and len(held_out) >= len(every) / 3 - 1
    assert quality.mean_ndcg(every, demo) >= 0.85
    assert quality.mean_ndcg(held_out, demo) >= 0.85
