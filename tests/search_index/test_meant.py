"""What was probably meant is said where it is likelier and finds more, and only there."""

import pytest

from search_index.answer import corrections, matching
from search_index.answer.suggest import Suggester
from search_index.language.analysis import analyzer
from search_index.rules import SearchRequest
from search_index.words.rules import NO_EDITS
from tests.search_index import machine, unseen

# Of "vorneq" there are many, of what somebody typed wrongly into a name only one.
TITLES = [
    *(f"Vorneq 果盘{n}" for n in range(8)),
    "Vornqe 果盘旧款",
    "手工挂面",
    "纯棉浴巾",
    "面条机",
]


class Meant:
    def __init__(self, snapshot):
        self.snapshot = snapshot
        self._suggester = Suggester(snapshot.suggestions())

    def __call__(self, text):
        wanted = SearchRequest(text=text)
        return corrections.meant(self.snapshot, self._suggester, analyzer(), wanted, NO_EDITS)

    def total(self, text):
        return matching.search(self.snapshot, analyzer(), SearchRequest(text=text)).total


@pytest.fixture(scope="module")
def food():
    [pattern] = list(unseen.shop("seen").products.values())[:1]
    with unseen.loaded(list(unseen.called(pattern, TITLES))) as snapshot:
        yield Meant(snapshot)


@pytest.fixture(scope="module")
def shop():
    with unseen.loaded(list(unseen.shop("seen").products.values())) as snapshot:
        yield Meant(snapshot)


@pytest.mark.parametrize("query", ["vroneq", "vornneq", "vorneqq", "vonreq 果盘", "chunmain"])
def test_where_nothing_holds_the_words_the_best_correction_is_answered_and_said(food, query):
    found, meant = food(query)
    assert not found.is_answered and meant.is_instead
    assert meant.found.total == food.total(meant.text) > 0


def test_a_suggestion_is_shown_where_it_is_likelier_and_finds_more(food):
    found, meant = food("vornqe")
    assert (found.total, meant.text, meant.is_instead) == (1, "vorneq", False)
    assert meant.found.total == 8
    # The other way round it is neither.
    assert food("vorneq")[1] is None


@pytest.mark.parametrize("query", ["面霜", "钢琴", "挂历", "面包机", "浴缸", "guitar", "gangqin"])
def test_what_is_not_sold_is_not_corrected_to_what_is(food, query):
    _found, meant = food(query)
    assert meant is None


def test_of_every_spelling_what_is_said_finds_more_than_what_was_typed(shop):
    said = 0
    for variant in machine.variants(unseen.shop("seen").names, count=120, seed=7):
        found, meant = shop(variant.query)
        if meant is None:
            continue
        said += 1
        if meant.is_instead:
            assert not found.is_answered and meant.found.total > 0
        else:
            assert meant.found.total > found.total
    assert said > 20


def test_no_query_takes_long(shop):
    """Limits on words, windows and tries: what is long and unknown ends soon all the same."""
    for query in ("嗮" * 200, "嗮防" * 100, "ab " * 66, "chunmian" * 25, "面" * 200, "a1" * 100):
        found, _meant = shop(query)
        assert found.total == 0 or found.question.slots
        assert len(found.question.slots) <= 12
