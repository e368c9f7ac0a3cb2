"""What operators add to the search, and what is counted."""

import pytest

from mall.kernel.uow import unit_of_work
from mall.web.replies import shop_window
from search_index.words import service as word_service
from search_index.words.rules import countable
from tests.support.database import execute_sql, select_rows
from tests.support.people import new_member, new_staff
from tests.support.processes import wait_until
from tests.support.shop import new_sku

OPS = "/v1/ops/search"


@pytest.fixture
def run(shop):
    """A small shop, an operator, and a process that looks for what operators changed."""
    shop.operator = new_staff(shop.world, "operator")
    shop.ids = {}
    for title in ("田艾米糕礼盒", "良姜红茶", "良姜片", "良姜酥"):
        shop.ids[title], _ = new_sku(shop.world, 1000, 5, title=title)
    shop.build()
    shop.searcher.tally.take()

    def post(path, body, status=201):
        reply = shop.operator.post(f"{OPS}/{path}", body)
        assert reply.status_code == status, reply.get_json()
        shop.searcher.renew_edits()
        shop_window.clear()
        return reply.get_json()

    def remove(path):
        assert shop.operator.delete(f"{OPS}/{path}").status_code == 204
        shop.searcher.renew_edits()
        shop_window.clear()

    shop.post, shop.remove = post, remove
    yield shop
    shop.searcher.edits = type(shop.searcher.edits)()


def test_synonyms_find_each_others_products_until_they_are_removed(run):
    assert run.find("乙乙乙") == []
    made = run.post("synonyms", {"words": ["乙乙乙", "米糕"]})
    assert run.find("乙乙乙") == ["田艾米糕礼盒"]
    changed = run.operator.put(f"{OPS}/synonyms/{made['id']}", {"words": ["丙丙丙", "米糕"]})
    assert changed.status_code == 200
    run.searcher.renew_edits()
    shop_window.clear()
    assert (run.find("乙乙乙"), run.find("丙丙丙")) == ([], ["田艾米糕礼盒"])
    assert run.operator.get(f"{OPS}/synonyms").get_json()["items"][0]["words"] == ["丙丙丙", "米糕"]
    run.remove(f"synonyms/{made['id']}")
    assert run.find("丙丙丙") == []


def test_a_filler_is_left_out_of_queries(run):
    before = run.find("劳烦您嘞米糕")
    made = run.post("fillers", {"word": "劳烦您嘞"})
    assert run.find("劳烦您嘞米糕") == ["田艾米糕礼盒"]
    assert run.operator.get(f"{OPS}/fillers").get_json()["items"][0]["word"] == "劳烦您嘞"
    run.remove(f"fillers/{made['id']}")
    assert run.find("劳烦您嘞米糕") == before


def test_a_correction_is_kept_or_forgotten(run):
    reply = run.ask(q="liangjiangg").get_json()
    assert (reply["did_you_mean"], reply["is_corrected"]) == ("良姜", True)
    run.post("corrections", {"word": "liangjiangg", "is_kept": False})
    assert run.ask(q="liangjiangg").get_json()["did_you_mean"] is None
    made = run.post("corrections", {"word": "丁丁糕", "meant": "米糕"})
    reply = run.ask(q="丁丁糕").get_json()
    assert [item["title"] for item in reply["items"]] == ["田艾米糕礼盒"]
    assert (reply["did_you_mean"], reply["is_corrected"]) == ("米糕", True)
    kinds = [each["is_kept"] for each in run.operator.get(f"{OPS}/corrections").get_json()["items"]]
    assert kinds == [True, False]
    run.remove(f"corrections/{made['id']}")
    assert run.ask(q="丁丁糕").get_json()["items"] == []


def test_products_are_pinned_first_and_buried_last_for_a_query(run):
    assert set(run.find("良姜")) == {"良姜红茶", "良姜片", "良姜酥"}
    first = {"query": "良 姜", "product_id": str(run.ids["田艾米糕礼盒"]), "place": "pinned"}
    made = run.post("placements", first)
    assert made["title"] == "田艾米糕礼盒"
    run.post("placements", {**first, "product_id": str(run.ids["良姜酥"]), "position": 1})
    last = {**first, "product_id": str(run.ids["良姜片"]), "place": "buried"}
    run.post("placements", last)
    assert run.find("良姜") == ["田艾米糕礼盒", "良姜酥", "良姜红茶", "良姜片"]
    # Whoever sorts otherwise, asks otherwise or filters it out does not see it so.
    assert run.find("良姜红茶")[0] == "良姜红茶"
    assert run.find("良姜", max_price_fen=10) == []
    run.remove(f"placements/{made['id']}")
    assert run.find("良姜")[0] == "良姜酥"


def test_what_operators_change_is_live_within_seconds_in_a_running_process(run):
    run.searcher.start()
    try:
        run.operator.post(f"{OPS}/synonyms", {"words": ["戊戊戊", "米糕"]})

        def is_live():
            shop_window.clear()
            return run.find("戊戊戊") == ["田艾米糕礼盒"]

        wait_until(is_live)
    finally:
        run.searcher.stop()


def test_a_pinned_product_answers_a_query_that_nothing_holds(run):
    body = {"query": "liangjiangg", "product_id": str(run.ids["田艾米糕礼盒"]), "place": "pinned"}
    run.post("placements", body)
    reply = run.ask(q="liangjiangg").get_json()
    assert [item["title"] for item in reply["items"]] == ["田艾米糕礼盒"]
    assert reply["is_corrected"] is False


@pytest.mark.parametrize(
    ("path", "body", "status", "field"),
    [
        ("synonyms", {"words": ["甲"]}, 422, "words"),
        ("synonyms", {"words": ["甲", "！"]}, 422, "words"),
        ("synonyms", {"words": ["ABC", "a b c"]}, 422, "words"),
        ("synonyms", {"words": ["甲" * 31, "乙"]}, 422, "words"),
        ("synonyms", {"words": [f"词{n}" for n in range(21)]}, 422, "words"),
        ("fillers", {"word": "？"}, 422, "word"),
        ("corrections", {"word": "甲"}, 422, "meant"),
        ("corrections", {"word": "甲", "meant": "甲 "}, 422, "meant"),
        ("placements", {"query": "！", "product_id": None, "place": "pinned"}, 422, "product_id"),
    ],
)
def test_a_rule_that_says_nothing_is_refused_and_names_its_field(run, path, body, status, field):
    reply = run.operator.post(f"{OPS}/{path}", body)
    assert reply.status_code == status
    assert reply.get_json()["field"].split(".")[0] == field
    assert run.operator.get(f"{OPS}/{path}").get_json()["items"] == []


def test_a_rule_is_there_once_and_written_down_in_the_journal(run):
    run.post("fillers", {"word": "求安利"})
    taken = run.post("fillers", {"word": "求 安利"}, status=409)
    assert taken["code"] == "search_rule_taken"
    body = {"query": "茶", "product_id": str(run.ids["良姜红茶"]), "place": "buried"}
    run.post("placements", body)
    assert run.post("placements", {**body, "place": "pinned"}, 409)["code"] == "product_placed"
    lines = run.operator.get("/v1/ops/journal").get_json()["items"]
    assert {"add_filler", "place_product"} <= {line["operation"].split(".")[-1] for line in lines}


def test_whoever_does_not_merchandise_changes_nothing(run):
    auditor = new_staff(run.world, "operator", duties=["audits"])
    assert auditor.get(f"{OPS}/synonyms").status_code == 200
    assert auditor.post(f"{OPS}/synonyms", {"words": ["甲", "乙"]}).status_code == 403


# What is counted


def test_searches_are_counted_by_words_once_and_by_what_they_found(run):
    for query in ("良姜", " 良姜 ", "zzzzzzz", "13800138000", "我的邮箱 a@b.cn"):
        shop_window.clear()
        run.ask(q=query)
    page = run.ask(q="良姜", limit=1).get_json()
    run.ask(q="良姜", limit=1, cursor=page["next_cursor"])
    run.searcher.count()
    found = run.operator.get(f"{OPS}/words").get_json()["items"]
    assert {each["words"]: (each["searches"], each["without_hits"]) for each in found} == {
        "良姜": (3, 0),
        "zzzzzzz": (1, 1),
    }
    empty = run.operator.get(f"{OPS}/words?only_without_hits=true").get_json()["items"]
    assert [each["words"] for each in empty] == ["zzzzzzz"]
    columns = {
        row[0]
        for row in select_rows(
            run.world,
            "SELECT column_name FROM information_schema.columns WHERE table_name = 'search_tally'",
        )
    }
    assert columns == {"day", "words", "searches", "without_hits"}


def test_members_see_hot_words_that_enough_asked_for_and_found(run):
    counted = {"良姜": (9, 0), "米糕": (3, 0), "少有人问": (2, 0), "找不到": (50, 50)}
    with run.app.app_context(), unit_of_work() as uow:
        word_service.count_searches(uow, counted)
    run.searcher.renew_hot_words()
    reply = new_member(run.world).get("/v1/store/search/hot-words")
    assert reply.get_json()["items"] == ["良姜", "米糕"]


def test_a_day_has_room_for_so_many_words_and_old_days_go(run, monkeypatch):
    monkeypatch.setattr("search_index.words.rules.MAX_COUNTED_WORDS", 3)
    with run.app.app_context():
        for words in ({"甲": (1, 0), "乙": (2, 0)}, {"丙": (5, 0), "丁": (1, 0), "甲": (1, 1)}):
            with unit_of_work() as uow:
                word_service.count_searches(uow, words)
        rows = select_rows(run.world, "SELECT words, searches, without_hits FROM search_tally")
        assert {tuple(row) for row in rows} == {("甲", 2, 1), ("乙", 2, 0), ("丙", 5, 0)}
        execute_sql(run.world, "UPDATE search_tally SET day = day - 91 WHERE words = '甲'")
        with unit_of_work() as uow:
            assert word_service.forget_searches(uow) == 1


@pytest.mark.parametrize(
    ("words", "counted"),
    [("良姜  片", "良姜 片"), ("", None), ("a" * 31, None), ("440 825 1990", None), ("a@b", None)],
)
def test_what_may_name_a_person_is_not_counted(words, counted):
    assert countable(words) == counted
