"""Methods, metrics, caches, names of files and what browsers may do with pages."""

import secrets

import pytest

from tests.attacks.attacking import Attacker

METRICS = [("Authorization", "Bearer token-of-the-metrics")]


def test_invented_methods_are_refused_and_leave_no_series(limited):
    stranger = Attacker(limited)
    for _ in range(20):
        method = f"X{secrets.token_hex(4).upper()}"
        for path in ("/v1/store/products", "/v1/ops/suppliers", "/nowhere"):
            assert stranger.ask(method, path).status in (401, 404, 405, 501)
    text = Attacker(limited).ask("GET", "/metrics", headers=METRICS).content.decode()
    assert 'status="405"' in text or 'status="404"' in text
    assert 'method="X' not in text and 'method="OTHER"' in text


def test_invented_addresses_leave_no_series(limited):
    stranger, odd = Attacker(limited), secrets.token_hex(8)
    for number in range(20):
        assert stranger.ask("GET", f"/v1/store/{odd}{number}").status in (401, 404)
    text = stranger.ask("GET", "/metrics", headers=METRICS).content.decode()
    assert odd not in text and 'route="(none)"' in text


def test_metrics_are_for_who_has_the_token_alone(tenants, limited, port):
    for token in ("", "wrong", tenants[0].operator.token):
        assert Attacker(limited, token).ask("GET", "/metrics").status in (401, 403), token
    assert Attacker(limited).ask("GET", "/metrics", headers=METRICS).status == 200
    # Without a token this machine reads them, and nobody whom a proxy speaks for.
    proxied = [("X-Forwarded-For", "203.0.113.9")]
    assert Attacker(port).ask("GET", "/metrics", headers=proxied).status == 403
    assert Attacker(port).ask("GET", "/metrics").status == 200


def test_no_private_reply_is_kept_on_the_way(tenants, port, document):
    """Every operation that needs a token: answered or refused, `no-store`."""
    mine = tenants[0]
    people = {who: Attacker(port, found[0].token) for who, found in mine.people.items()}
    wrong = []
    for each in document:
        if each.method != "GET" or each.is_public or not each.audience:
            continue
        ids = {name: mine.id_of(each.path, name) for name in each.ids}
        answer = people[each.audience].ask("GET", each.at(ids))
        kept = answer.headers["Cache-Control"] or ""
        if "no-store" not in kept:
            wrong.append((each.name, answer.status, kept))
        if answer.headers["X-Content-Type-Options"] != "nosniff":
            wrong.append((each.name, "may be sniffed"))
        name = answer.headers["Content-Disposition"] or ""
        if "filename" in name and not ("filename*=UTF-8''" in name and name.isascii()):
            wrong.append((each.name, name))
    assert not wrong, "\n".join(map(str, wrong))


@pytest.mark.parametrize("path", ["/docs", "/", "/nowhere", "/docs/assets/index.html"])
def test_pages_run_nothing_of_others_and_stand_in_no_frame(port, path):
    answer = Attacker(port).ask("GET", path)
    if answer.status == 404:
        assert answer.is_problem
        return
    if answer.headers.get_content_type() == "text/html":
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_no_foreign_page_is_told_that_it_may_ask(port, tenants):
    """There are no cookies and no CORS: a foreign page gets nothing in anybody's name."""
    headers = [("Origin", "https://evil.example"), ("Access-Control-Request-Method", "POST")]
    for method in ("GET", "OPTIONS"):
        answer = Attacker(port).ask(method, "/v1/store/products", headers=headers)
        assert answer.headers["Access-Control-Allow-Origin"] is None
        assert answer.headers["Set-Cookie"] is None


def test_a_name_of_a_file_cannot_write_a_header(tenants, port):
    """A roster whose name has line ends and quotes, in its report's Content-Disposition."""
    officer = Attacker(port, tenants[0].union.handler.token)
    made = officer.ask("POST", "/v1/union/rosters", {"name": '名册";\r\nX-Evil: 1'})
    if made.status == 422:
        return
    for path in ("report.xlsx", "notes"):
        answer = officer.ask("GET", f"/v1/union/rosters/{made.body['id']}/{path}")
        assert answer.headers["X-Evil"] is None
        assert "\n" not in (answer.headers["Content-Disposition"] or "")
