"""Operators change what a search knows; searches are counted."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from catalog.products.queries import searching
from mall.kernel.clock import beijing_day
from mall.kernel.db import check_limit
from mall.kernel.errors import NotFound
from mall.kernel.ids import new_id
from mall.kernel.uow import UnitOfWork
from search_index.language.analysis import analyzer
from search_index.words import queries, rules, statements
from search_index.words.models import SearchPlacement, SearchRule
from search_index.words.rules import PlacementForm, RuleForm


def add_rule(uow: UnitOfWork, form: RuleForm) -> SearchRule:
    """Add a rule; raise Invalid, SearchRuleTaken and LimitReached."""
    values = _values(form)
    count = select(func.count()).select_from(SearchRule).where(SearchRule.kind == form.kind)
    check_limit(uow.session, ("search_rule", form.kind), count, rules.MAX_RULES)
    _check_free(uow, form.kind, values["key"], None)
    rule = SearchRule(id=new_id(), kind=form.kind, changed_at=uow.now, **values)
    uow.session.add(rule)
    uow.session.flush()
    return rule


def change_rule(uow: UnitOfWork, rule_id: UUID, form: RuleForm) -> SearchRule:
    """Replace a rule of the same kind; raises what adding one raises, and NotFound."""
    rule = queries.get_rule(uow.session, [form.kind], rule_id)
    values = _values(form)
    _check_free(uow, form.kind, values["key"], rule_id)
    for name, value in values.items():
        setattr(rule, name, value)
    rule.changed_at = uow.now
    uow.session.flush()
    return rule


def remove_rule(uow: UnitOfWork, kinds: tuple[str, ...], rule_id: UUID) -> None:
    """Remove a rule of some kinds; raise NotFound."""
    uow.session.delete(queries.get_rule(uow.session, kinds, rule_id))


def _check_free(uow: UnitOfWork, kind: str, key: str, rule_id: UUID | None) -> None:
    query = select(SearchRule.id).where(SearchRule.kind == kind, SearchRule.key == key)
    twin = uow.session.scalar(query)
    if twin is not None and twin != rule_id:
        raise rules.SearchRuleTaken("words" if kind == rules.SYNONYMS else "word")


def _values(form: RuleForm) -> dict[str, Any]:
    """Return a rule's columns: its words as queries are written, each once."""
    field = "words" if form.kind == rules.SYNONYMS else "word"
    words = list(dict.fromkeys(" ".join(analyzer().runs(word)) for word in form.words))
    if not all(words):
        raise rules.no_word(field)
    if form.kind == rules.KEPT and form.meant is None:
        raise rules.no_meaning()
    meant = analyzer().normalise(form.meant) if form.meant is not None else None
    if meant is not None and not queries.joined(meant):
        raise rules.no_word("meant")
    key = queries.joined(words[0])
    if form.kind == rules.SYNONYMS:
        # One word within a group is written in one piece, as queries are compared.
        words = list(dict.fromkeys(map(queries.joined, words)))
        if len(words) < 2:
            raise rules.same_word(field)
        key = words[0]
    elif meant is not None and queries.joined(meant) == key:
        raise rules.same_word("meant")
    if form.kind == rules.FILLER:
        words = [key]
    elif form.kind == rules.FORGOTTEN:
        key = f"{key}|{queries.joined(meant or '')}"
    return {"key": key, "words": words, "meant": meant}


def place_product(uow: UnitOfWork, form: PlacementForm) -> dict[str, Any]:
    """Pin or bury a product for a query; raise Invalid, NotFound, ProductPlaced, LimitReached."""
    key = queries.joined(form.query)
    if not key:
        raise rules.no_word("query")
    title = searching.titles(uow.session, [form.product_id]).get(form.product_id)
    if title is None:
        raise NotFound("product", field="product_id")
    everywhere = select(func.count()).select_from(SearchPlacement)
    check_limit(uow.session, ("search_placement", None), everywhere, rules.MAX_RULES)
    here = everywhere.where(SearchPlacement.key == key)
    check_limit(uow.session, ("search_placement", key), here, rules.MAX_PLACED)
    twin = here.where(SearchPlacement.product_id == form.product_id)
    if uow.session.scalar(twin):
        raise rules.ProductPlaced("product_id")
    placement = SearchPlacement(id=new_id(), key=key, changed_at=uow.now, **vars(form))
    uow.session.add(placement)
    uow.session.flush()
    return queries.placement(placement, title)


def remove_placement(uow: UnitOfWork, placement_id: UUID) -> None:
    """Let a product stand where it is worth to; raise NotFound."""
    uow.session.delete(queries.get_placement(uow.session, placement_id))


def count_searches(uow: UnitOfWork, counted: Mapping[str, tuple[int, int]]) -> None:
    """Add searches of today: words, how many, and how many of them found nothing."""
    if not counted:
        return
    uow.session.execute(
        statements.ADD_SEARCHES,
        {
            "day": beijing_day(uow.now),
            "words": list(counted),
            "searches": [searches for searches, _ in counted.values()],
            "without": [without for _, without in counted.values()],
            "most": rules.MAX_COUNTED_WORDS,
        },
    )


def forget_searches(uow: UnitOfWork) -> int:
    """Remove the counts of days that nobody looks at any more; return how many there were."""
    day = beijing_day(uow.now) - timedelta(days=rules.KEPT_DAYS)
    found: Any = uow.session.execute(statements.FORGET_DAYS, {"day": day})
    return int(found.rowcount)
