"""What members find of one stock that nobody changes, and what is said besides."""

import shutil

import pytest

from tests.search_index.conftest import Shop
from tests.support.people import World
from tests.support.shop import new_sku, new_supplier

# One process for all: the shop is built once.
pytestmark = pytest.mark.xdist_group("one-stock")


@pytest.fixture(scope="module")
def stocked(app, mock_base, emptying):
    """A few products of the trade."""
    emptying()
    shop = Shop(World(app, mock_base))
    shutil.rmtree(shop.engine.root, ignore_errors=True)
    shop.searcher.renew()
    supplier_id = new_supplier(shop.world)
    shop.skus = {}
    for title, more in {
        "雷州番薯": {"keywords": ("沙地番薯",)},
        "番薯干": {"brief": "三蒸三晒"},
        "流沙南珠蚝": {"brief": "粒粒饱满"},
        "徐闻良姜片": {"brief": "火山红土 <b>姜香</b>", "brand": "徐闻味道"},
        "吴川月饼·金腿大饼": {},
        "纯棉水洗四件套": {},
        "Carat钻石炒锅30cm": {},
    }.items():
        _, sku = new_sku(shop.world, 1000, 5, supplier_id, title=title, **more)
        shop.skus[title] = sku
    shop.build()
    yield shop
    shutil.rmtree(shop.engine.root, ignore_errors=True)
    shop.searcher.renew()


SAME = {
    "a synonym": ("地瓜", "雷州番薯"),
    "another": ("红薯", "雷州番薯"),
    "the word itself": ("番薯", "雷州番薯"),
    "pinyin": ("fanshu", "雷州番薯"),
    "initials": ("fs", "雷州番薯"),
    "pinyin of several words": ("xuwenliangjiang", "徐闻良姜片"),
    "oyster by another name": ("牡蛎", "流沙南珠蚝"),
    "traditional characters": ("吳川月餅", "吴川月饼·金腿大饼"),
    "full width": ("ＣＡＲＡＴ", "Carat钻石炒锅30cm"),
    "capitals": ("cARAT", "Carat钻石炒锅30cm"),
    "one wrong character": ("纯绵四件套", "纯棉水洗四件套"),
    "another order": ("四件套 水洗 纯棉", "纯棉水洗四件套"),
    "the middle of a word": ("姜片", "徐闻良姜片"),
    "a brand": ("徐闻味道", "徐闻良姜片"),
    "words of two fields": ("良姜 火山", "徐闻良姜片"),
}


@pytest.mark.parametrize(("query", "title"), SAME.values(), ids=SAME)
def test_it_is_found_by(stocked, query, title):
    """Case 32."""
    reply = stocked.ask(q=query)
    assert reply.headers["Search-Engine"] == "index"
    assert title in [item["title"] for item in reply.get_json()["items"]][:2]


ODD = [
    "!!!",
    "（）",
    "\u3000",
    "title:番薯",
    "番薯 OR 1",
    "*",
    "番薯^5",
    '"番薯',
    "a AND NOT b",
    "[x TO y]",
]
ODD += ["番薯~2", "' OR 1=1 --", "\\", "番薯" * 100, "a" * 200, "🍠", "\u200b番薯", "<script>"]


@pytest.mark.parametrize("query", ODD)
def test_query_text_is_data_and_never_syntax(stocked, query):
    """Case 32: only punctuation, 200 characters, query syntax characters."""
    reply = stocked.ask(q=query)
    assert (reply.status_code, reply.headers.get("Search-Engine", "index")) == (200, "index")
    if "番薯" in query:
        assert reply.get_json()["items"][0]["title"] in ("雷州番薯", "番薯干")


def test_what_was_meant_is_said(stocked):
    assert stocked.ask(q="纯绵四件套").get_json()["did_you_mean"] == "纯棉四件套"
    assert stocked.ask(q="liangjiangg").get_json()["did_you_mean"] == "良姜"
    assert stocked.ask(q="纯棉四件套").get_json()["did_you_mean"] is None


def test_what_matched_is_marked_and_all_else_is_escaped(stocked):
    [item] = stocked.ask(q="良姜 姜香").get_json()["items"][:1]
    assert item["highlights"]["title"] == "徐闻<em>良姜</em>片"
    assert item["highlights"]["brief"] == "火山红土 &lt;b&gt;<em>姜香</em>&lt;/b&gt;"
    first = stocked.ask(q="地瓜").get_json()["items"][0]
    assert first["highlights"]["title"] == "雷州<em>番薯</em>"


@pytest.mark.parametrize(
    ("typed", "word"),
    [
        ("番", "番薯"),
        ("fansh", "番薯"),
        ("fs", "番薯"),
        ("liangj", "良姜"),
        ("徐闻 良", "徐闻 良姜"),
    ],
)
def test_what_is_being_typed_is_completed(stocked, typed, word):
    assert word in stocked.suggest(typed)


@pytest.mark.parametrize("typed", ["囗囗", "!!!", "xyzxyz", "a" * 200])
def test_what_leads_nowhere_is_not_completed(stocked, typed):
    assert stocked.suggest(typed) == []


@pytest.mark.parametrize("query", ["🍊", "%", "_", "？！", "（）", "\u200b", "\ufeff", "🍠🍊", "—"])
def test_a_query_of_signs_alone_finds_nothing_rather_than_everything(stocked, query):
    for more in ({}, {"sort": "newest"}, {"sort": "price_asc"}, {"in_stock": "true"}):
        found = stocked.ask(q=query, **more).get_json()
        assert (found["items"], found["total"], found["next_cursor"]) == ([], 0, None)
