"""Each constraint of the database has its words; rows never reach an answer or the log."""

import pytest
from sqlalchemy import CheckConstraint, UniqueConstraint, text
from sqlalchemy.exc import DBAPIError

from mall.kernel.db import Base
from mall.kernel.text import wording
from mall.kernel.uow import reading
from mall.web import problems
from mall.web.constraints import IMPOSSIBLE, OWN, TAKEN, refusal_of, wording_of

UNIQUE = {
    str(constraint.name)
    for table in Base.metadata.tables.values()
    for constraint in table.constraints
    if isinstance(constraint, UniqueConstraint)
} | {
    str(index.name)
    for table in Base.metadata.tables.values()
    for index in table.indexes
    if index.unique
}
CHECKS = {
    str(constraint.name)
    for table in Base.metadata.tables.values()
    for constraint in table.constraints
    if isinstance(constraint, CheckConstraint)
}


def test_each_unique_constraint_has_words_or_is_the_services_own(app):
    assert UNIQUE - set(TAKEN) - OWN == set()
    assert (set(TAKEN) | OWN) - UNIQUE == set()
    assert set(TAKEN) & OWN == set()


def test_each_named_check_exists(app):
    assert set(IMPOSSIBLE) - CHECKS == set()


@pytest.mark.parametrize(("constraint", "refusal"), TAKEN.items(), ids=TAKEN)
def test_words_are_for_people(constraint, refusal):
    words = wording_of(refusal, constraint)
    assert wording.status_of(refusal.code) == 409
    assert words.zh.endswith("。") and words.en.endswith(".")
    for inside in ("constraint", "uq_", "ix_", "SQL", "唯一", "…", "{"):
        assert inside not in words.zh + words.en


@pytest.mark.parametrize("name", sorted(CHECKS | {"fk_a_b", "pk_a"}))
def test_no_violation_is_an_answer_of_500(name):
    state = {"ck": "23514", "fk": "23503", "pk": "23505"}[name[:2]]
    assert wording.status_of(refusal_of(state, name).code) in (409, 422)


def test_an_error_of_the_database_shows_no_row(world, app, capsys):
    secret = "13912340000-secret"
    with app.app_context(), app.test_request_context(), reading() as session:
        session.execute(text("CREATE TEMP TABLE kept (word text PRIMARY KEY, n int CHECK (n > 0))"))
        insert = text("INSERT INTO kept VALUES (:word, :n)")
        with pytest.raises(DBAPIError) as caught:
            session.execute(insert, {"word": secret, "n": 0})
        assert secret not in str(caught.value).split("DETAIL")[0]
        answer = problems.on_database_error(caught.value)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "impossible_value")
    assert secret not in answer.get_data(as_text=True) + "".join(capsys.readouterr())
