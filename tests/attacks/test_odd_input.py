"""Whatever is sent, nothing breaks: every operation of the document answers with words."""

import json
import random
from urllib.parse import quote

from tests.attacks.attacking import UNKNOWN, Attacker
from tests.support.soak import LONG, SEED

DEEP = b"[" * 1_000 + b"]" * 1_000
MANY_DIGITS = b"9" * 5_000
JSON = ("Content-Type", "application/json")
# What stands as the body: name, content, headers.
BODIES = {
    "nested deep": (DEEP, [JSON]),
    "nested in an object": (b'{"a":' * 1_000 + b"1" + b"}" * 1_000, [JSON]),
    "a number of 5,000 digits": (b'{"quantity": %s}' % MANY_DIGITS, [JSON]),
    "an exponent": (b'{"quantity": 1e999999}', [JSON]),
    "not a number": (b'{"quantity": NaN, "amount_fen": -Infinity}', [JSON]),
    "half a text": (b'{"name": "\\ud800"}', [JSON]),
    "bytes that are no text": (b"\xff\xfe\x00\x01", [JSON]),
    "a text with nothing": (b'{"name": "\\u0000"}', [JSON]),
    "a list": (b"[]", [JSON]),
    "null": (b"null", [JSON]),
    "one name twice": (b'{"name": 1, "name": 2}', [JSON]),
    "no body": (b"", [JSON]),
    "the end missing": (b'{"name": "', [JSON]),
    "another kind": (b"a=1", [("Content-Type", "application/x-www-form-urlencoded")]),
    "an odd kind": (b"{}", [("Content-Type", "application/json; charset=\xe9".encode("latin-1"))]),
    "a kind without end": (b"{}", [("Content-Type", "x" * 4_000)]),
    "a form of parts": (b"--x\r\n", [("Content-Type", "multipart/form-data; boundary=x")]),
}
HEADERS = {
    "a version of 5,000 digits": [("If-Match", "9" * 5_000)],
    "a version that is none": [("If-Match", '"-1", W/"é"')],
    "a key without end": [("Idempotency-Key", "k" * 5_000)],
    "a key that is no text": [("Idempotency-Key", b"\xe9\xff")],
    "a language": [("Accept-Language", "zh;q=" + "9" * 400 + ",\xe9")],
    "a range": [("Range", "bytes=9999999999999999999999-1,-5")],
    "a date": [("If-Modified-Since", "Sun, 99 Foo 99999 99:99:99 GMT")],
    "a host": [("X-Forwarded-For", "é, 1, ::::"), ("X-Forwarded-Host", "'\"<>")],
}
VALUES = [
    "",
    "é",
    "\x00",
    "9" * 400,
    "-1",
    "1e309",
    "9999-12-31",
    "0001-01-01",
    "%",
    "🍊",
    "'--",
    "[]",
]
TAKES_PART = {
    "another's": UNKNOWN,
    "no id": "nobody",
    "a nothing": "%00",
    "no text": "%ff%fe",
    "long": "a" * 3_000,
    "a number": "9" * 500,
}


def spoil_value(value, random_):
    """Return an example with one of its values replaced by something odd."""
    found = json.loads(json.dumps(value))
    place, holder = None, found
    while isinstance(holder, (dict, list)) and holder:
        parent = holder
        place = random_.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
        holder = parent[place]
    if place is not None:
        odd = [10**40, -(10**18), 1.5, True, "", "\u200b", "x" * 20_000, [], {}, None, "é\x00"]
        parent[place] = random_.choice(odd)
    return found


def attempts(operation, own):
    """Yield what is tried on an operation: its name, path, content and headers."""
    random_ = random.Random(f"{SEED} {operation.name}")
    path = operation.at(own)
    kind, example = operation.media
    for name, headers in HEADERS.items():
        # A request that is otherwise right would do what it says: it is aimed at nothing.
        nowhere = operation.at({}) if operation.method != "GET" else path
        yield name, nowhere, b"{}", [JSON, *headers]
    for name, value in TAKES_PART.items():
        if operation.parameters:
            yield name, operation.at(dict.fromkeys(operation.parameters, value)), b"{}", [JSON]
    for name in operation.query:
        odd = random_.choice(VALUES)
        yield f"{name}={odd[:20]!r}", f"{path}?{name}={quote(odd)}", b"", []
    if kind == "application/json":
        for name, (content, headers) in BODIES.items():
            yield name, path, content, headers
        for number in range(8):
            body = json.dumps(spoil_value(example, random_)).encode()
            yield f"odd value {number}", operation.at({}) if operation.ids else path, body, [JSON]
    elif kind:
        for name in ("nested deep", "bytes that are no text", "no body", "a kind without end"):
            content, headers = BODIES[name]
            yield name, path, content, headers if "kind" in name else [("Content-Type", kind)]


def problem_with(answer):
    """Say what is wrong with an answer; nothing where it is as it should be."""
    if answer.status >= 500:
        return f"{answer.status}"
    if answer.status < 400:
        return ""
    if not answer.is_problem:
        return f"{answer.status} is no problem document: {answer.headers.get_content_type()}"
    body = answer.body
    missing = [name for name in ("code", "detail_zh", "detail_en") if not body.get(name)]
    return f"{answer.status} without {missing}" if missing else ""


def test_no_odd_request_breaks_any_operation(tenants, port, document):
    """In the short form three attempts on each operation, other ones on the next."""
    mine = tenants[0]
    people = {who: Attacker(port, found[0].token) for who, found in mine.people.items()}
    people[""] = Attacker(port)
    wrong, tried = [], 0
    for number, operation in enumerate(document):
        # Signing out would end the session that all others need.
        if operation.method == "DELETE" and operation.path.endswith("/session"):
            continue
        own = {name: mine.id_of(operation.path, name) for name in operation.ids}
        found = list(attempts(operation, own))
        for what, path, content, headers in found if LONG else found[(number + SEED) % 7 :: 9][:3]:
            answer = people[operation.audience].ask(
                operation.method, path, headers=headers, data=content
            )
            # Those who push are told in their own words whether their message was taken.
            if operation.path.startswith("/v1/webhooks/") and answer.status < 500:
                continue
            if operation.path == "/readyz" and answer.status == 503:
                continue
            problem = problem_with(answer)
            if problem:
                wrong.append(f"{operation.name}: {what}: {problem}")
            tried += 1
    assert not wrong, "\n".join(wrong)
    assert tried > 2 * len(document)
    for person in people.values():
        person.close()


def test_whoever_asks_oddly_gets_an_answer_in_words(port):
    """Heads that are wrong before any operation is known."""
    for path in (
        "/v1/%00",
        "/" + "a" * 5_000,
        "/v1/store/products/%2e%2e/%2e%2e",
        "/é",
        "//",
        "/v1//",
    ):
        answer = Attacker(port).ask("GET", quote(path, safe="/%"))
        assert answer.status < 500 and not problem_with(answer), (path, answer.status)
    for token in ("x" * 5_000, "é", "Bearer", "\t"):
        answer = Attacker(port).ask(
            "GET", "/v1/store/me", headers=[("Authorization", f"Bearer {token}")]
        )
        assert answer.status in (400, 401), token
