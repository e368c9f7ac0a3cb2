"""Products that the tuning never saw are found as well as those that it saw."""

import random

import pytest

from search_index.language.analysis import analyzer
from tests.search_index import machine, quality, unseen


@pytest.fixture(scope="module", params=["seen", "held_out"])
def asked(request):
    taken = unseen.shop(request.param)
    with unseen.finding(list(taken.products.values())) as find:
        yield request.param, taken, find


def test_judged_queries_are_answered_well(asked):
    _, taken, find = asked
    answers = [(each, find(each.query)) for each in taken.judgements]
    assert len(taken.products) + len(answers) >= 150
    gains = [quality.ndcg(each, titles) for each, titles in answers]
    hits = [any(title in each.grades for title in titles) for each, titles in answers]
    zero = [not titles for _, titles in answers]
    assert sum(gains) / len(gains) >= 0.85
    assert sum(hits) / len(hits) >= 0.95
    assert sum(zero) / len(zero) <= 0.04


def test_what_is_not_sold_is_not_found(asked):
    name, _, find = asked
    queries = unseen.unanswerable(name == "held_out")
    found = {query: titles for query in queries if (titles := find(query))}
    assert len(found) <= len(queries) / 10, found


def test_spellings_made_by_a_machine_find_what_they_were_made_of(asked):
    _, taken, find = asked
    variants = machine.variants(taken.names)
    assert len(variants) == 300 and len({each.kind for each in variants}) == 8
    missed = [
        (each.kind, each.query, each.origin)
        for each in variants
        if each.titles.isdisjoint(find(each.query))
    ]
    assert len(missed) <= 15, missed


# Spellings that are one, of names that no list of words knows


SAME = [
    ("Zeqo K88 蓝牙适配盒", ["zeqok88", "zeqo k 88", "ZEQO-K88", "zeqo k88"]),
    ("Vornex XR-700 Plus", ["vornexxr700plus", "xr700", "xr 700", "vornex xr-700", "voxnex"]),
    ("弗兰多 Q3 吊灯 18W", ["q3吊灯", "18瓦吊灯", "吊灯18w", "fulanduo", "fld", "吊灯 弗兰多"]),
    ("塔拉 收纳罐 1.5L", ["1500ml收纳罐", "1.5升 收纳罐", "收纳罐1500毫升", "sng", "tala"]),
    ("岩米 硬盘 2TB", ["2t硬盘", "2048gb 硬盘", "硬盘2TB"]),
    ("Bellinas 手工灯串", ["bellina", "bellinas", "belinas", "bellnias", "bell inas"]),
    ("阔叶 3层 蒸架", ["三层蒸架", "3层蒸架", "蒸架 3层"]),
    ("丁香 500g 袋装", ["1斤丁香", "0.5kg丁香", "丁香500克"]),
]


@pytest.fixture(scope="module")
def find_same():
    taken = unseen.shop("seen")
    [plain] = list(taken.products.values())[:1]
    with unseen.finding([*unseen.called(plain, [title for title, _ in SAME])]) as find:
        yield find


@pytest.mark.parametrize(
    ("title", "query"), [(title, query) for title, queries in SAME for query in queries]
)
def test_the_same_written_otherwise_is_found_first(find_same, title, query):
    assert find_same(query)[:1] == [title]


@pytest.mark.parametrize(
    ("query", "same"),
    [
        ("我想买一个吊灯", "吊灯"),
        ("有没有吊灯啊", "吊灯"),
        ("请问哪款吊灯好用", "吊灯"),
        ("帮我推荐一款便宜的吊灯", "吊灯"),
        ("吊灯多少钱", "吊灯"),
    ],
)
def test_a_question_finds_what_its_thing_finds(find_same, query, same):
    assert find_same(query) == find_same(same) != []


@pytest.mark.parametrize("query", ["灯塔模型", "丁字尺", "手工皂", "硬盘录像机"])
def test_a_thing_that_is_not_sold_is_neither_found_nor_corrected(find_same, query):
    assert find_same(query) == []


def test_a_query_keeps_its_words(find_same):
    """Nothing but fillers is a query, too."""
    known = analyzer()
    assert [each.token.text for each in known.said("的")] == ["的"]
    assert find_same("的") == [] and find_same("我想买一个") == []


@pytest.mark.parametrize("query", ["diaodeng {}", "弗兰多 {}", "{} diaodeng", "吊灯{}"])
def test_a_word_and_a_number_of_letters_and_digits_find_the_one_that_has_both(query):
    """Pinyin before a number is no model."""
    chance = random.Random(16)
    marks = [f"{chance.getrandbits(32):08x}" for _ in range(40)]
    [plain] = list(unseen.shop("seen").products.values())[:1]
    titles = [f"{name} {mark}" for mark in marks for name in ("弗兰多吊灯", "菠萝干", "烛台")]
    with unseen.finding([*unseen.called(plain, titles)]) as find:
        found = {mark: find(query.format(mark))[:1] for mark in marks}
    assert found == {mark: [f"弗兰多吊灯 {mark}"] for mark in marks}
