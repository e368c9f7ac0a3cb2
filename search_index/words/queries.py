"""Read operators' rules, and what was searched for."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, cast, func, select
from sqlalchemy.orm import Session

from catalog.products.queries import searching
from mall.kernel.errors import NotFound
from search_index.language.analysis import analyzer
from search_index.words import rules
from search_index.words.models import SearchPlacement, SearchRule, SearchTally
from search_index.words.rules import Edits


def revision(session: Session) -> str:
    """Return what changes whenever a rule or a placement does."""
    counted = [
        session.execute(select(func.count(), func.max(table.changed_at))).one()
        for table in (SearchRule, SearchPlacement)
    ]
    return "|".join(f"{count} {at}" for count, at in counted)


def edits(session: Session, known: str) -> Edits | None:
    """Return operators' rules if they are newer than a known revision."""
    newest = revision(session)
    if newest == known:
        return None
    found = session.scalars(select(SearchRule).order_by(SearchRule.id)).all()
    of_kind = {kind: [each for each in found if each.kind == kind] for kind in _KINDS}
    synonyms: dict[str, tuple[str, ...]] = {}
    for rule in of_kind[rules.SYNONYMS]:
        for word in rule.words:
            others = tuple(other for other in rule.words if other != word)
            synonyms[word] = synonyms.get(word, ()) + others
    pinned, buried = _placed(session)
    return Edits(
        revision=newest,
        synonyms=synonyms,
        fillers=frozenset(rule.words[0] for rule in of_kind[rules.FILLER]),
        kept={joined(rule.words[0]): rule.meant or "" for rule in of_kind[rules.KEPT]},
        forgotten=frozenset(
            (joined(rule.words[0]), joined(rule.meant or "")) for rule in of_kind[rules.FORGOTTEN]
        ),
        pinned=pinned,
        buried=buried,
    )


_KINDS = (rules.SYNONYMS, rules.FILLER, rules.KEPT, rules.FORGOTTEN)


def joined(text: str) -> str:
    """Return a text as queries are compared: without spaces and signs."""
    return "".join(analyzer().runs(text))


def _placed(session: Session) -> tuple[dict[str, tuple[UUID, ...]], dict[str, frozenset[UUID]]]:
    pinned: dict[str, tuple[UUID, ...]] = {}
    buried: dict[str, frozenset[UUID]] = {}
    order = (SearchPlacement.position, SearchPlacement.id)
    for each in session.scalars(select(SearchPlacement).order_by(*order)):
        if each.place == rules.PINNED:
            pinned[each.key] = (*pinned.get(each.key, ()), each.product_id)
        else:
            buried[each.key] = buried.get(each.key, frozenset()) | {each.product_id}
    return pinned, buried


def get_rule(session: Session, kinds: Sequence[str], rule_id: UUID) -> SearchRule:
    """Return a rule of some kinds for a change; raise NotFound."""
    rule = session.get(SearchRule, rule_id, with_for_update=True)
    if rule is None or rule.kind not in kinds:
        raise NotFound("search_rule")
    return rule


def get_placement(session: Session, placement_id: UUID) -> SearchPlacement:
    """Return a placement for a change; raise NotFound."""
    found = session.get(SearchPlacement, placement_id, with_for_update=True)
    if found is None:
        raise NotFound("search_placement")
    return found


def list_rules(
    session: Session, kinds: Sequence[str], after: UUID | None, limit: int
) -> Sequence[SearchRule]:
    """Return rules of some kinds, newest first, one more than the limit if there are more."""
    query = select(SearchRule).where(SearchRule.kind.in_(kinds)).order_by(SearchRule.id.desc())
    if after is not None:
        query = query.where(SearchRule.id < after)
    return session.scalars(query.limit(limit + 1)).all()


def list_placements(
    session: Session, query: str | None, after: UUID | None, limit: int
) -> list[dict[str, Any]]:
    """Return placements with their products' names, newest first, one more if there are more."""
    found = select(SearchPlacement)
    if query:
        found = found.where(SearchPlacement.key == joined(query))
    if after is not None:
        found = found.where(SearchPlacement.id < after)
    chosen = session.scalars(found.order_by(SearchPlacement.id.desc()).limit(limit + 1)).all()
    titles = searching.titles(session, {each.product_id for each in chosen})
    return [placement(each, titles.get(each.product_id, "")) for each in chosen]


def placement(found: SearchPlacement, title: str) -> dict[str, Any]:
    """Return a placement with its product's name."""
    names = ("id", "query", "product_id", "place", "position", "changed_at")
    return {**{name: getattr(found, name) for name in names}, "title": title}


def searched(
    session: Session, days: tuple[date, date], only_without_hits: bool, limit: int
) -> Sequence[Any]:
    """Return what was searched for most within days, or what most often found nothing."""
    searches = cast(func.sum(SearchTally.searches), BigInteger)
    without = cast(func.sum(SearchTally.without_hits), BigInteger)
    query = (
        select(SearchTally.words, searches.label("searches"), without.label("without_hits"))
        .where(SearchTally.day.between(*days))
        .group_by(SearchTally.words)
    )
    if only_without_hits:
        query = query.having(without > 0)
    most = without if only_without_hits else searches
    return session.execute(query.order_by(most.desc(), SearchTally.words).limit(limit)).all()


def hot_words(session: Session, today: date) -> list[str]:
    """Return what members searched for most of late and found: no word that few asked for."""
    searches, without = func.sum(SearchTally.searches), func.sum(SearchTally.without_hits)
    query = (
        select(SearchTally.words)
        .where(SearchTally.day > today - timedelta(days=rules.HOT_DAYS), SearchTally.day <= today)
        .group_by(SearchTally.words)
        .having((searches - without >= rules.HOT_LEAST) & (without * 2 < searches))
        .order_by(searches.desc(), SearchTally.words)
        .limit(rules.MAX_HOT)
    )
    return list(session.scalars(query))
