"""Whose account is a colleague's: those of one's own supplier, union or the operators, no other."""

import pytest

from mall.access import rules as access_rules
from mall.access import service as access_service
from mall.kernel.errors import NotFound
from mall.kernel.uow import unit_of_work
from tests.support.database import select_rows
from tests.support.people import new_staff
from tests.support.shop import new_supplier


def found(world, own, scope_id, other):
    with world.app.app_context(), unit_of_work() as uow:
        try:
            return access_service.colleague(uow, own.id, scope_id, other.id).id
        except (NotFound, access_rules.NotYourself) as refused:
            return type(refused)


@pytest.fixture
def accounts(world):
    """Two suppliers with two users each, the first of the lower id, and two operators."""
    scopes = sorted(new_supplier(world) for _ in range(2))
    staffed = {
        scope: [new_staff(world, "supplier", scope, ()) for _ in range(2)] for scope in scopes
    }
    return {**staffed, None: [new_staff(world, "operator") for _ in range(2)]}


def test_only_accounts_of_the_same_scope_are_colleagues(world, accounts):
    """Crossed both ways: neither an id before one's own nor one behind it opens a door."""
    for scope_id, (own, colleague) in accounts.items():
        assert found(world, own, scope_id, colleague) == colleague.id
        assert found(world, own, scope_id, own) is access_rules.NotYourself
        for other_id, others in accounts.items():
            if other_id != scope_id:
                assert [found(world, own, scope_id, each) for each in others] == [NotFound] * 2


def test_another_suppliers_user_is_as_unknown_as_none_and_stays(world, accounts):
    first, second = (scope for scope in accounts if scope is not None)
    for own, other in ((first, second), (second, first)):
        person, stranger = accounts[own][0], accounts[other][0]
        path = f"/v1/supplier/users/{stranger.id}"
        assert person.delete(path).status_code == 404
        assert stranger.get("/v1/supplier/users").status_code == 200
        assert person.delete(f"/v1/supplier/users/{accounts[own][1].id}").status_code == 204
    assert select_rows(world, "SELECT count(*) FROM staff_account WHERE NOT is_active") == [(2,)]
