"""Everything plugged in is guarded, served, described, migrated and documented."""

import json
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import click
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

import catalog.messages
import fulfillment.messages
import mall.members.messages
import orders.messages
from mall.access.guard import audience_of
from mall.kernel import queue as rq_queues
from mall.kernel.db import Base, db
from mall.kernel.outbox import registry
from mall.shell import cli, config, database, wiring
from mall.shell.checks import readiness

ROOT = Path(__file__).parents[2]
# What anybody may ask, on purpose.
PUBLIC = {
    "/",
    "/docs",
    "/docs/assets/<path:name>",
    "/docs/oauth2-redirect",
    "/openapi.json",
    "/healthz",
    "/livez",
    "/readyz",
    "/metrics",
    "/media/<path:name>",
    "/v1/store/categories",
    "/v1/store/products",
    "/v1/store/products/<uuid:product_id>",
    "/v1/store/stores",
    "/v1/webhooks/kuaidi100/<uuid:shipment_id>",
    "/v1/store/stores/<uuid:store_id>/slots",
    "/v1/store/pavilion/origins",
    "/v1/store/pavilion/suppliers/<uuid:supplier_id>",
    "/v1/store/public-notice",
    "/v1/store/public-notice/<uuid:programme_id>",
    "/v1/store/regions",
    "/v1/store/sections",
    "/v1/store/sections/<uuid:section_id>",
    "/v1/store/sections/<uuid:section_id>/products",
    "/v1/store/search/suggestions",
    "/v1/store/search/hot-words",
    "/v1/supplier/applications",
    "/v1/webhooks/wechat/pay",
    "/v1/webhooks/wechat/refund",
    "/v1/webhooks/wechat/<string:merchant>/pay",
    "/v1/webhooks/wechat/<string:merchant>/refund",
    *(f"/v1/{audience}/session" for audience in ("store", "union", "supplier", "pickup", "ops")),
    *(
        f"/v1/{audience}/password/{what}"
        for audience in ("union", "supplier", "pickup", "ops")
        for what in ("forgotten", "invitation")
    ),
}


def rules_of(app):
    return [rule for rule in app.url_map.iter_rules() if rule.endpoint != "static"]


def test_every_address_is_guarded_or_public_on_purpose(app):
    public = {
        rule.rule
        for rule in rules_of(app)
        if getattr(app.view_functions[rule.endpoint], "_is_public", False)
    }
    assert public == PUBLIC
    for rule in rules_of(app):
        if rule.rule not in PUBLIC:
            assert audience_of(rule.rule), f"{rule.rule} belongs to no audience"


def test_a_guest_gets_nothing_that_is_not_public(app):
    client = app.test_client()
    for rule in rules_of(app):
        view = app.view_functions[rule.endpoint]
        if getattr(view, "_is_public", False):
            continue
        path = re.sub(r"<int:[^>]+>", "2026", rule.rule)
        path = re.sub(r"<[^>]+>", "019a3c5e-0000-7000-8000-000000000001", path)
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            assert client.open(path, method=method).status_code == 401, f"{method} {path}"


def test_every_queue_is_served_and_every_job_goes_to_one():
    used = {queue for _, _, queue in wiring.SWEEPS}
    used |= {
        reaction.queue
        for table in wiring.REACTIONS
        for found in table.values()
        for reaction in found
    }
    assert used <= set(rq_queues.QUEUES)


def test_every_message_is_answered(app):
    declared = {
        each
        for module in (
            catalog.messages,
            orders.messages,
            mall.members.messages,
            fulfillment.messages,
        )
        for each in vars(module).values()
        if getattr(each, "__module__", "") == module.__name__
    }
    assert {topic for table in wiring.REACTIONS for topic in table} == declared
    assert registry.topics == {each.__name__ for each in declared}


def test_the_models_are_what_the_migrations_make(app):
    with app.app_context(), db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, Base.metadata)
    assert differences == []


def test_there_is_one_newest_migration_and_health_knows_it():
    script = ScriptDirectory.from_config(database.alembic_config())
    assert [script.get_current_head()] == script.get_heads() == [readiness.newest_migration()]


# OpenAPI


@pytest.fixture(scope="module")
def spec(app):
    return json.loads(app.test_client().get("/openapi.json").data)


def operations(spec):
    for path, methods in spec["paths"].items():
        for method, operation in methods.items():
            if method in ("get", "post", "put", "delete", "patch"):
                yield f"{method.upper()} {path}", operation


def test_every_address_is_in_the_document(app, spec):
    described = {line for line, _ in operations(spec)}
    hidden = {"/", "/docs", "/docs/assets/<path:name>", "/docs/oauth2-redirect", "/openapi.json"}
    hidden |= {"/metrics", "/media/<path:name>"}
    expected = {
        f"{method} " + re.sub(r"<(?:[a-z]+:)?([a-z_]+)>", r"{\1}", rule.rule)
        for rule in rules_of(app)
        if rule.rule not in hidden
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert described == expected


def test_the_document_is_openapi_3_1_and_every_operation_has_a_summary(spec):
    assert spec["openapi"].startswith("3.1")
    assert [line for line, operation in operations(spec) if not operation.get("summary")] == []


def test_every_operation_has_a_name_of_its_own_that_the_journal_uses(app, spec):
    names = [
        operation["operationId"]
        for methods in spec["paths"].values()
        for operation in methods.values()
        if isinstance(operation, dict) and "responses" in operation
    ]
    assert len(names) == len(set(names)) > 300
    strange = {name for name in names if name not in app.view_functions}
    assert {name.rpartition("_of_")[0] for name in strange} <= set(app.view_functions)


def test_every_body_and_reply_has_an_example(spec):
    missing = []
    for line, operation in operations(spec):
        bodies = [("request", operation.get("requestBody", {}))]
        bodies += list(operation["responses"].items())
        for where, body in bodies:
            for kind, media in body.get("content", {}).items():
                if "example" not in media and "examples" not in media:
                    missing.append(f"{line} {where} {kind}")
    assert missing == []


def test_every_refusal_is_a_described_problem(spec):
    for line, operation in operations(spec):
        for status, reply in operation["responses"].items():
            if status.startswith(("4", "5")):
                assert list(reply["content"]) == ["application/problem+json"], f"{line} {status}"


def test_posts_that_take_a_key_say_so(spec):
    keyed = {
        line
        for line, operation in operations(spec)
        if any(each["name"] == "Idempotency-Key" for each in operation.get("parameters", []))
    }
    assert keyed == {
        "POST /v1/union/programmes/{programme_id}/receipts",
        "POST /v1/ops/settlement/adjustments",
        "POST /v1/ops/programmes/{programme_id}/payouts",
        "POST /v1/ops/programmes/{programme_id}/payouts/{funding_id}/confirm",
        "POST /v1/ops/proposals/{proposal_id}/confirm",
        "POST /v1/ops/programmes/{programme_id}/transfers/{funding_id}/confirm",
        "POST /v1/ops/refunds/{refund_id}/settle",
        "POST /v1/store/entitlements/{entitlement_id}/change",
        "POST /v1/store/entitlements/{entitlement_id}/redeem",
        "POST /v1/store/vouchers/redeem",
        "POST /v1/store/orders",
        "POST /v1/ops/beans/grants",
        "POST /v1/ops/beans/scopes",
        "POST /v1/supplier/skus/{sku_id}/stock/adjustments",
        "POST /v1/supplier/fulfillment-orders/{fulfillment_order_id}/shipments",
        "POST /v1/store/orders/{order_id}/after-sales",
        "POST /v1/supplier/after-sales/{case_id}/approve",
        "POST /v1/supplier/after-sales/{case_id}/accept-goods",
        "POST /v1/ops/after-sales/{case_id}/arbitrate",
        "POST /v1/pickup/vouchers/redeem",
    }


def test_the_document_is_valid_and_every_example_fits_its_schema(spec):
    validate(spec)
    misfits = []
    for line, operation in operations(spec):
        bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
        shown = [media for body in bodies for media in body.get("content", {}).values()]
        for media in [*shown, *operation.get("parameters", [])]:
            schema = {**media.get("schema", {}), "components": spec["components"]}
            errors_found = Draft202012Validator(schema).iter_errors(media.get("example"))
            misfits += [f"{line}: {error.message}" for error in errors_found]
    assert misfits == []


def test_the_docs_page_reads_this_version_of_openapi():
    assert int(version("flask-swagger-ui").partition(".")[0]) >= 5


def test_the_docs_page_works_without_the_internet(app):
    page = app.test_client().get("/docs").data.decode()
    assert re.findall(r'(?:src|href)="(?:https?:)?//', page) == []
    assert app.test_client().get("/docs/assets/swagger-ui-bundle.js").status_code == 200


# Command line, documentation


def commands(group, path=("mall",)):
    for name, command in group.commands.items():
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


@pytest.mark.parametrize(("path", "command"), list(commands(cli.main)), ids=lambda x: str(x)[:40])
def test_every_command_and_option_has_help(path, command):
    assert command.help, path
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{' '.join(path)} {parameter.name}"


def test_every_variable_is_in_the_table():
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `([A-Z0-9_]+)` \|", text, re.MULTILINE))
    read = {name for name, _, _ in config.VARIABLES} | {
        option.envvar
        for _, command in commands(cli.main)
        for option in command.params
        if isinstance(option, click.Option) and option.envvar
    }
    assert documented == read | {"PROMETHEUS_MULTIPROC_DIR"}


def test_make_help_lists_every_target():
    listed = subprocess.run(
        ["make", "help"], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True
    ).stdout
    for target in ("run", "test", "check", "story", "bench", "audit", "help"):
        assert re.search(rf"^{target}\s", listed, re.MULTILINE), target


def test_the_lock_files_carry_no_addresses():
    for path in ROOT.glob("requirements*.txt"):
        text = path.read_text(encoding="utf-8")
        assert "://" not in text
        assert "--index-url" not in text.replace("--no-emit-index-url", "")


def test_the_packages_are_importable_without_the_tests():
    code = "import mall.shell.wiring, sys; sys.exit('tests' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
