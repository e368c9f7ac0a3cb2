"""The guard of every address: who gets through with what, as a table, without a database."""

from types import SimpleNamespace
from uuid import UUID

import pytest
from flask import Flask, g

from mall.access import guard
from mall.access import service as access_service
from mall.access.guard import (
    Declared,
    DutyUndeclared,
    audience_of,
    check_declared,
    needs_duty,
    needs_no_duty,
    open_to_all,
    public,
)
from mall.access.rules import (
    DutyMissing,
    Principal,
    SecondFactorRequired,
    Unauthenticated,
    WrongAudience,
)
from tests.support.offers import refused

LONGEST = "t" * 200


@pytest.mark.parametrize(
    ("path", "audience"),
    [
        ("/v1/store/orders", "store"),
        ("/v1/store", "store"),
        ("/v1/ops/a/b/c", "ops"),
        ("/v1/union/x", "union"),
        ("/v1/supplier/x", "supplier"),
        ("/v1/pickup/x", "pickup"),
        ("/v1/webhooks/x", None),
        ("/v1", None),
        ("/v1/", None),
        ("/", None),
        ("", None),
        ("/v2/store/x", None),
        ("/store/v1/x", None),
        ("/x/v1/store", None),
    ],
)
def test_a_path_belongs_to_the_audience_that_it_names_after_the_version(path, audience):
    assert audience_of(path) == audience


def answer():
    return "yes"


def itself():
    return "yes"


itself._guards_itself = True


def client_of(monkeypatch):
    """An application with an address of each kind, and a token for each audience."""

    def principal(session, token, now, wanted):
        assert token, "nothing is looked up without a token"
        audience = "store" if token.startswith(LONGEST) else token
        return Principal(audience, UUID(int=1), None, UUID(int=2)) if audience in KNOWN else None

    monkeypatch.setattr(guard.queries, "principal", principal)
    monkeypatch.setattr(guard, "current_pool", lambda: None)
    app = Flask(__name__)
    app.testing = True
    guard.install(app)
    app.add_url_rule("/v1/store/own", "own", answer)
    app.add_url_rule("/v1/ops/own", "ops", answer)
    app.add_url_rule("/v1/store/open", "open", public(lambda: "yes"))
    app.add_url_rule("/v1/open", "nobodys", public(lambda: "yes"))
    app.add_url_rule("/v1/closed", "closed", answer)
    app.add_url_rule("/v1/itself", "itself", itself)
    return app.test_client()


KNOWN = ("store", "ops", "union")


@pytest.mark.parametrize(
    ("path", "header"),
    [
        ("/v1/store/own", "Bearer store"),
        ("/v1/store/own", "bearer  store "),
        ("/v1/store/own", f"Bearer {LONGEST}"),
        ("/v1/ops/own", "Bearer ops"),
        ("/v1/store/open", None),
        ("/v1/store/open", "Bearer store"),
        ("/v1/open", None),
        ("/v1/open", "Bearer ops"),
        ("/v1/itself", None),
        ("/v1/itself", "Basic abc"),
    ],
)
def test_who_may_use_an_address_gets_through(monkeypatch, path, header):
    headers = {} if header is None else {"Authorization": header}
    assert client_of(monkeypatch).get(path, headers=headers).text == "yes"
    monkeypatch.undo()


@pytest.mark.parametrize(
    ("path", "header", "kind"),
    [
        ("/v1/store/own", None, Unauthenticated),
        ("/v1/store/own", "Bearer", Unauthenticated),
        ("/v1/store/own", "Bearer unknown", Unauthenticated),
        ("/v1/store/own", "Basic store", Unauthenticated),
        ("/v1/store/own", f"Bearer {LONGEST}t", Unauthenticated),
        ("/v1/store/own", "Bearer ops", WrongAudience),
        ("/v1/ops/own", "Bearer store", WrongAudience),
        # A token that comes along is checked, also where none is needed.
        ("/v1/store/open", "Bearer unknown", Unauthenticated),
        ("/v1/store/open", "Bearer ops", WrongAudience),
        ("/v1/open", "Bearer unknown", Unauthenticated),
        ("/v1/closed", None, Unauthenticated),
        ("/v1/closed", "Bearer store", WrongAudience),
    ],
)
def test_everybody_else_is_refused(monkeypatch, path, header, kind):
    headers = {} if header is None else {"Authorization": header}
    client = client_of(monkeypatch)
    assert refused(kind, lambda: client.get(path, headers=headers))[0] == "Authorization"
    monkeypatch.undo()


def test_an_address_that_does_not_exist_is_not_found_rather_than_guarded(monkeypatch):
    assert client_of(monkeypatch).get("/v1/store/none").status_code == 404
    monkeypatch.undo()


def mounted(path, view, method):
    app = Flask(__name__)
    app.add_url_rule(path, "view", view, methods=[method])
    return app


@pytest.mark.parametrize(
    ("path", "method", "mark"),
    [
        ("/v1/ops/x", "GET", None),
        ("/v1/store/x", "POST", None),
        ("/v1/webhooks/x", "POST", None),
        ("/v1/ops/x", "POST", public),
        ("/v1/ops/x", "POST", needs_duty("service")),
        ("/v1/union/x", "PUT", needs_duty("approves")),
        ("/v1/pickup/x", "DELETE", needs_duty("manages")),
        # Auditing is a duty of both.
        ("/v1/ops/x", "PATCH", needs_duty("audits")),
        ("/v1/union/x", "POST", needs_duty("audits")),
        ("/v1/supplier/x", "POST", open_to_all("supplier")),
        ("/v1/ops/x", "POST", needs_no_duty("one's own password")),
    ],
)
def test_an_operation_that_says_who_may_use_it_can_be_served(path, method, mark):
    view = lambda: "yes"  # noqa: E731
    check_declared(mounted(path, mark(view) if mark else view, method))


@pytest.mark.parametrize(
    ("path", "mark"),
    [
        ("/v1/ops/x", None),
        ("/v1/union/x", None),
        ("/v1/supplier/x", None),
        ("/v1/pickup/x", None),
        ("/v1/ops/x", needs_duty("approves")),
        ("/v1/union/x", needs_duty("service")),
        ("/v1/supplier/x", needs_duty("service")),
        ("/v1/supplier/x", open_to_all("pickup")),
        ("/v1/ops/x", needs_no_duty("")),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_an_operation_of_staff_that_does_not_is_a_fault_at_the_start(path, mark, method):
    view = lambda: "yes"  # noqa: E731
    told = "Declared" if mark else "nothing declared"
    with pytest.raises(DutyUndeclared, match=f"{method} {path}: {told}"):
        check_declared(mounted(path, mark(view) if mark else view, method))


def acting(view, duties=(), scope_id=None, has_factor=False, totp_required=False):
    """Call a view as an operator with these duties."""
    app = Flask(__name__)
    with app.app_context(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            guard, "current_settings", lambda: SimpleNamespace(totp_required=totp_required)
        )
        g.principal = Principal("ops", A, scope_id, A, duties, "", has_factor)
        return view()


A = UUID(int=1)


@pytest.mark.parametrize(
    ("duty", "has_factor", "totp_required"),
    [
        ("service", False, False),
        ("service", False, True),
        ("accounts", False, False),
        ("accounts", True, False),
        ("accounts", True, True),
    ],
)
def test_whoever_has_the_duty_may_act(duty, has_factor, totp_required):
    view = needs_duty(duty)(answer)
    assert acting(view, ("audits", duty), None, has_factor, totp_required) == "yes"


def test_without_the_duty_or_where_it_needs_one_without_the_second_factor_nobody_acts():
    assert refused(DutyMissing, acting, needs_duty("service")(answer), ("audits",))[1]["duty"] == (
        "service"
    )
    view = needs_duty("finance_enters")(answer)
    refusal = refused(SecondFactorRequired, acting, view, ("finance_enters",), None, False, True)
    assert refusal[0] == "Authorization"


def test_who_asks_is_known_only_where_somebody_asks():
    assert acting(guard.current_member_id) == A
    assert acting(guard.current_scope_id, scope_id=A) == A
    refused(WrongAudience, acting, guard.current_scope_id)
    with Flask(__name__).app_context():
        refused(Unauthenticated, guard.current)


def test_the_document_says_whom_an_operation_refuses():
    assert Declared(duty="service").refusal == "An account without the duty `service`"
    assert Declared(audience="supplier").refusal == "Another audience"


def test_sessions_that_ended_are_kept_for_thirty_days():
    assert access_service.KEEP_ENDED.days == 30
