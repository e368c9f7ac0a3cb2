"""Requests made up from the OpenAPI document: no 500, and no status that it does not name.

A short run in CI. For a long one with fresh examples, so many for each operation:
`HYPOTHESIS_PROFILE=explore MALL_MADE_UP=200 pytest --timeout 1200` and this file.
"""

import os

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import status_code_conformance

from mall.web.files import CSV, IMAGES, PDF, XLSX, ZIP
from tests.support.giving import Union
from tests.support.people import new_member, new_staff
from tests.support.shop import new_sku, new_store, new_supplier

COUNT = int(os.environ.get("MALL_MADE_UP", "4"))
ROLES = {
    "union": "union_officer",
    "supplier": "supplier",
    "pickup": "store_clerk",
    "ops": "operator",
}
SETTINGS = settings(
    max_examples=COUNT,
    database=None,
    deadline=None,
    derandomize=os.environ.get("HYPOTHESIS_PROFILE") != "explore",
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@schemathesis.serializer(CSV, XLSX, ZIP, PDF, *IMAGES)
def as_file(_, value):
    """Send whatever was made up as the content of a file."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


@pytest.fixture
def people(world):
    """Somebody of each audience, with something behind each."""
    supplier_id = new_supplier(world)
    new_sku(world, 1000, 50, supplier_id, title="徐闻良姜片")
    scopes = {
        "operator": None,
        "supplier": supplier_id,
        "store_clerk": new_store(world, supplier_id),
        "union_officer": Union(world).id,
    }
    found = {audience: new_staff(world, role, scopes[role]) for audience, role in ROLES.items()}
    return {**found, "store": new_member(world, beans_fen=10_000)}


def audience_of(path):
    parts = path.split("/")
    return parts[2] if len(parts) > 2 and parts[1] == "v1" else ""


def ask(operation, headers):
    """Make requests up for one operation and check every answer."""

    @SETTINGS
    @given(operation.as_strategy())
    def run(case):
        response = case.call(headers=headers)
        # /readyz may say 503: no worker runs here.
        known = operation.path == "/readyz"
        checks = [status_code_conformance, *([] if known else [not_a_server_error])]
        case.validate_response(response, checks=checks)

    run()


@pytest.mark.parametrize(
    "audience", ["", "store", "supplier", "ops", "union", "pickup", "webhooks"]
)
def test_no_request_breaks_the_service_or_its_document(world, people, audience):
    schema = schemathesis.openapi.from_wsgi("/openapi.json", app=world.app)
    person = people.get(audience)
    headers = {"Authorization": f"Bearer {person.token}"} if person else {}
    tried = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        # Signing out would end the session that all others need.
        is_leaving = operation.method == "delete" and operation.path.endswith("/session")
        if audience_of(operation.path) == audience and not is_leaving:
            ask(operation, headers)
            tried += 1
    assert tried > 0
