"""Operators look after what a search knows."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from apiflask import APIBlueprint

from mall.access.guard import needs_duty
from mall.access.rules import MERCHANDISING
from mall.kernel import clock
from mall.kernel.uow import reading, unit_of_work
from search_index.words import queries, rules, schemas, service
from search_index.words.models import SearchRule
from search_index.words.rules import FILLER, FORGOTTEN, KEPT, SYNONYMS, RuleForm

bp = APIBlueprint("search_ops", __name__, url_prefix="/v1/ops/search", tag="Operations")
_CORRECTIONS = (KEPT, FORGOTTEN)


def _shown(rule: SearchRule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "words": rule.words,
        "word": rule.words[0],
        "meant": rule.meant,
        "is_kept": rule.kind == KEPT,
        "changed_at": rule.changed_at,
    }


def _page(items: Sequence[dict[str, Any]], limit: int) -> dict[str, Any]:
    more = items[limit - 1]["id"] if len(items) > limit else None
    return {"items": items[:limit], "next_after": more}


def _list(kinds: Sequence[str], asked: dict[str, Any]) -> dict[str, Any]:
    with reading() as session:
        found = queries.list_rules(session, kinds, asked["after"], asked["limit"])
        return _page([_shown(rule) for rule in found], asked["limit"])


def _add(form: RuleForm) -> dict[str, Any]:
    with unit_of_work() as uow:
        return _shown(service.add_rule(uow, form))


def _change(rule_id: UUID, form: RuleForm) -> dict[str, Any]:
    with unit_of_work() as uow:
        return _shown(service.change_rule(uow, rule_id, form))


def _remove(kinds: tuple[str, ...], rule_id: UUID) -> tuple[str, int]:
    with unit_of_work() as uow:
        service.remove_rule(uow, kinds, rule_id)
    return "", 204


@bp.get("/synonyms")
@bp.input(schemas.RulePage, location="query")
@bp.output(schemas.SynonymsList)
@bp.doc(summary="List words that mean the same, newest first")
def list_synonyms(query_data: dict[str, Any]) -> dict[str, Any]:
    return _list([SYNONYMS], query_data)


@bp.post("/synonyms")
@needs_duty(MERCHANDISING)
@bp.input(schemas.SynonymsBody)
@bp.output(schemas.SynonymsItem, 201)
@bp.doc(summary="Let words find each other's products; live within seconds")
def add_synonyms(json_data: dict[str, Any]) -> dict[str, Any]:
    return _add(RuleForm(SYNONYMS, tuple(json_data["words"])))


@bp.put("/synonyms/<uuid:rule_id>")
@needs_duty(MERCHANDISING)
@bp.input(schemas.SynonymsBody)
@bp.output(schemas.SynonymsItem)
@bp.doc(summary="Replace a group of words that mean the same")
def change_synonyms(rule_id: UUID, json_data: dict[str, Any]) -> dict[str, Any]:
    return _change(rule_id, RuleForm(SYNONYMS, tuple(json_data["words"])))


@bp.delete("/synonyms/<uuid:rule_id>")
@needs_duty(MERCHANDISING)
@bp.output({}, 204)
@bp.doc(summary="Remove a group of words that mean the same")
def remove_synonyms(rule_id: UUID) -> tuple[str, int]:
    return _remove((SYNONYMS,), rule_id)


@bp.get("/fillers")
@bp.input(schemas.RulePage, location="query")
@bp.output(schemas.FillerList)
@bp.doc(summary="List words that are left out of queries, newest first")
def list_fillers(query_data: dict[str, Any]) -> dict[str, Any]:
    return _list([FILLER], query_data)


@bp.post("/fillers")
@needs_duty(MERCHANDISING)
@bp.input(schemas.FillerBody)
@bp.output(schemas.FillerItem, 201)
@bp.doc(summary="Leave a word out of queries; live within seconds")
def add_filler(json_data: dict[str, Any]) -> dict[str, Any]:
    return _add(RuleForm(FILLER, (json_data["word"],)))


@bp.delete("/fillers/<uuid:rule_id>")
@needs_duty(MERCHANDISING)
@bp.output({}, 204)
@bp.doc(summary="Let a word count again")
def remove_filler(rule_id: UUID) -> tuple[str, int]:
    return _remove((FILLER,), rule_id)


@bp.get("/corrections")
@bp.input(schemas.RulePage, location="query")
@bp.output(schemas.CorrectionList)
@bp.doc(summary="List corrections to keep and to forget, newest first")
def list_corrections(query_data: dict[str, Any]) -> dict[str, Any]:
    return _list(_CORRECTIONS, query_data)


@bp.post("/corrections")
@needs_duty(MERCHANDISING)
@bp.input(schemas.CorrectionBody)
@bp.output(schemas.CorrectionItem, 201)
@bp.doc(summary="Keep a correction, or never suggest it; live within seconds")
def add_correction(json_data: dict[str, Any]) -> dict[str, Any]:
    return _add(schemas.correction_of(json_data))


@bp.delete("/corrections/<uuid:rule_id>")
@needs_duty(MERCHANDISING)
@bp.output({}, 204)
@bp.doc(summary="Leave a correction to the search again")
def remove_correction(rule_id: UUID) -> tuple[str, int]:
    return _remove(_CORRECTIONS, rule_id)


@bp.get("/placements")
@bp.input(schemas.PlacementQuery, location="query")
@bp.output(schemas.PlacementList)
@bp.doc(summary="List pinned and buried products, of all queries or of one")
def list_placements(query_data: dict[str, Any]) -> dict[str, Any]:
    limit = query_data["limit"]
    with reading() as session:
        found = queries.list_placements(session, query_data["query"], query_data["after"], limit)
        return _page(found, limit)


@bp.post("/placements")
@needs_duty(MERCHANDISING)
@bp.input(schemas.PlacementBody)
@bp.output(schemas.PlacementItem, 201)
@bp.doc(summary="Pin a product to the top of a query, or bury it at the end; live within seconds")
def place_product(json_data: dict[str, Any]) -> dict[str, Any]:
    form = schemas.placement_of(json_data)
    with unit_of_work() as uow:
        return service.place_product(uow, form)


@bp.delete("/placements/<uuid:placement_id>")
@needs_duty(MERCHANDISING)
@bp.output({}, 204)
@bp.doc(summary="Let a product stand where the search puts it")
def remove_placement(placement_id: UUID) -> tuple[str, int]:
    with unit_of_work() as uow:
        service.remove_placement(uow, placement_id)
    return "", 204


@bp.get("/words")
@bp.input(schemas.SearchedQuery, location="query")
@bp.output(schemas.SearchedList)
@bp.doc(
    summary="What was searched for, or found nothing",
    description="Counted by day and words, kept 90 days, up to 5,000 words a day; no member.",
)
def list_searched(query_data: dict[str, Any]) -> dict[str, Any]:
    last = query_data["last_day"] or clock.beijing_day(clock.now())
    first = query_data["first_day"] or last - timedelta(days=rules.HOT_DAYS - 1)
    only, limit = query_data["only_without_hits"], query_data["limit"]
    with reading() as session:
        found = queries.searched(session, (first, last), only, limit)
        items = [dict(row._mapping) for row in found]
    return {"first_day": first, "last_day": last, "items": items}
