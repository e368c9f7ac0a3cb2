"""Whatever changes something for staff says who may, and holds to it."""

import re

import pytest
from apiflask import APIBlueprint

from mall.access import guard
from mall.access import rules as access_rules
from mall.kernel.uow import unit_of_work
from mall.members.service import unions
from mall.shell import config, wiring
from mall.shell.app import create_app
from tests.support.people import new_staff
from tests.support.shop import new_store, new_supplier

AUDIENCES = [each for each in access_rules.AUDIENCES if each != access_rules.STORE]
NOTHING = {"DATABASE_URL": "postgresql://x/y", "REDIS_URL": "redis://127.0.0.1:1"}
ID = "019a3c5e-0000-7000-8000-000000000001"


def planted(audience, method, *decorators):
    bp = APIBlueprint("planted", __name__)

    def view():
        return ""

    for each in decorators:
        view = each(view)
    bp.add_url_rule(f"/v1/{audience}/planted", view_func=view, methods=[method])
    return bp


def start(monkeypatch, bp):
    monkeypatch.setattr(wiring, "BLUEPRINTS", [*wiring.BLUEPRINTS, bp])
    return create_app(config.load(NOTHING))


@pytest.mark.parametrize("audience", AUDIENCES)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_an_operation_that_declares_no_duty_keeps_the_service_from_starting(
    monkeypatch, audience, method
):
    with pytest.raises(guard.DutyUndeclared, match=f"{method} /v1/{audience}/planted"):
        start(monkeypatch, planted(audience, method))


@pytest.mark.parametrize(
    ("audience", "decorator"),
    [
        ("union", guard.needs_duty(access_rules.REVIEWS)),
        ("supplier", guard.needs_duty(access_rules.HANDLES)),
        ("ops", guard.open_to_all(access_rules.SUPPLIER)),
        ("pickup", guard.needs_no_duty("")),
    ],
)
def test_a_duty_that_nobody_there_can_have_keeps_it_from_starting_too(
    monkeypatch, audience, decorator
):
    with pytest.raises(guard.DutyUndeclared, match="planted"):
        start(monkeypatch, planted(audience, "POST", decorator))


@pytest.mark.parametrize(
    ("method", "decorators"), [("GET", []), ("POST", [guard.needs_duty(access_rules.AUDITS)])]
)
def test_what_only_reads_or_is_declared_starts(monkeypatch, method, decorators):
    start(monkeypatch, planted("ops", method, *decorators))


def changing(app):
    for rule in app.url_map.iter_rules():
        declared = getattr(app.view_functions[rule.endpoint], "_declared", None)
        if declared is not None and declared.duty:
            path = re.sub(r"<int:[^>]+>", "2026", rule.rule)
            path = re.sub(r"<[^>]+>", ID, path)
            for method in sorted(rule.methods - guard.READING):
                yield method, path, declared.duty


def test_every_operation_refuses_whoever_has_every_duty_but_its_own(app, world):
    """Before it looks at anything else; so it refuses whoever has none."""
    with app.app_context(), unit_of_work() as uow:
        union_id = unions.open_union(uow, "U-duties", "工会").id
    scopes = {
        "ops": ("operator", None),
        "union": ("union_officer", union_id),
        "pickup": ("store_clerk", new_store(world, new_supplier(world))),
    }
    people, refused = {}, 0
    for method, path, duty in changing(app):
        role, scope_id = scopes[guard.audience_of(path)]
        if (role, duty) not in people:
            others = [each for each in access_rules.DUTIES_OF_ROLE[role] if each != duty]
            people[role, duty] = new_staff(world, role, scope_id, others)
        reply = people[role, duty].call(method, path, {})
        assert (reply.status_code, reply.get_json()["code"]) == (403, "duty_missing"), path
        refused += 1
    assert refused > 60


def test_every_operation_of_operators_but_their_own_account_and_notices_has_a_duty(app):
    free = {
        rule.rule
        for rule in app.url_map.iter_rules()
        if guard.audience_of(rule.rule) == access_rules.OPS
        and (rule.methods - guard.READING)
        and not getattr(app.view_functions[rule.endpoint], "_is_public", False)
        and app.view_functions[rule.endpoint]._declared.duty is None
    }
    assert free <= OWN


OWN = {
    "/v1/ops/session",
    "/v1/ops/images",
    "/v1/ops/notices/read",
    "/v1/ops/password",
    "/v1/ops/totp",
    "/v1/ops/totp/confirm",
}


@pytest.mark.parametrize("path", ["selections", "packs", "assistance/2026"])
def test_an_auditor_of_a_union_changes_nothing(union, path):
    method = "PUT" if path.startswith("assistance") else "POST"
    reply = union.auditor.call(method, f"/v1/union/{path}", {})
    assert (reply.status_code, reply.get_json()["code"]) == (403, "duty_missing")
