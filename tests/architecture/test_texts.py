"""Each refusal, reason and finding has its words, and all words are somebody's (docs/adr/0036)."""

import ast
import importlib
import logging
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from devtools import errors
from mall.access import rules as access_rules
from mall.kernel.errors import DomainError, Invalid
from mall.kernel.states import Transitions
from mall.kernel.text import wording
from mall.kernel.text.wording import FOLDER, Wording, catalogue, placeholders
from mall.web import constraints, problems
from tests.architecture.test_budgets import FILES, role

ROOT = Path(__file__).parents[2]
SOURCES = [path for path in FILES if path.relative_to(ROOT).parts[0] not in ("devtools", "mocks")]
HAN = re.compile(r"[\u3400-\u9fff]")
# What the problem document says of itself: no detail may be called so.
OWN_MEMBERS = {"type", "title", "status", "code", "detail", "detail_zh", "detail_en", "field"}
# Raised with a reason; where in its arguments that stands.
REASONED = {"Invalid": 1, "SheetRefused": 0, "SheetTooDemanding": 0, "FetchRefused": 0}
FINDING = {"finding": 0, "WrongNumber": 0, "WrongCell": 0}
# Made by their own constructor out of something else.
OWN_CONSTRUCTOR = {"NotFound", "DutyMissing", "ProgrammeRefused"}


@dataclass(frozen=True)
class Site:
    """Where code means a text: its key, and the details it gives; None where it passes others on."""

    where: str
    key: str
    given: frozenset[str] | None


@dataclass
class Read:
    """What all code says: errors by class, sites, and strings of modules with keys in variables."""

    codes: dict[str, str] = field(default_factory=dict)
    bases: dict[str, str] = field(default_factory=dict)
    calls: list[tuple[str, str, ast.Call]] = field(default_factory=list)
    strings: dict[str, set[str]] = field(default_factory=dict)

    def is_error(self, name):
        while name in self.bases and name != "DomainError":
            name = self.bases[name]
        return name == "DomainError"

    def code_of(self, name):
        while name not in self.codes and name in self.bases:
            name = self.bases[name]
        return self.codes[name]


def called(node):
    return getattr(node.func, "id", None) or getattr(node.func, "attr", "")


def strings(node):
    return {
        each.value
        for each in ast.walk(node)
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    }


def constructed(node):
    """Return how a class calls the constructor of its base."""
    return [
        call
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "super().__init__"
    ]


def documented(tree):
    """Return the nodes of docstrings, which nobody is told."""
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, kinds) and node.body and isinstance(node.body[0], ast.Expr)
    }


def read(sources):
    """Read modules, given as pairs of name and syntax tree."""
    found = Read()
    for where, tree in sources:
        found.strings[where] = strings(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                bases = [ast.unparse(each).rpartition(".")[2] for each in node.bases]
                found.bases[node.name] = bases[0] if bases else ""
                for each in node.body:
                    if re.match(r"code(: ClassVar\[str\])? = '", ast.unparse(each)):
                        found.codes[node.name] = each.value.value
                if node.name in OWN_CONSTRUCTOR:
                    found.calls += [(where, node.name, call) for call in constructed(node)]
            elif isinstance(node, ast.Call) and called(node) not in OWN_CONSTRUCTOR:
                found.calls.append((where, called(node), node))
    return found


def given(call):
    names = [each.arg for each in call.keywords]
    return None if None in names else frozenset(names) - {"field"}


def keys_in(found, where, argument):
    """Return the keys an argument may be: as it is written, or else any text of its module."""
    written = strings(argument)
    return written or found.strings[where]


def sites(found):
    """Return every place where code means a refusal, a reason or a finding."""
    for where, name, call in found.calls:
        for table, section in ((REASONED, "reasons"), (FINDING, "findings")):
            if name in table and len(call.args) > table[name]:
                # A second text names other words than the code's.
                argument = call.args[-1] if name == "finding" else call.args[table[name]]
                keys = keys_in(found, where, argument)
                is_written = bool(strings(argument))
                for key in keys:
                    if is_written or f"{section}.{key}" in catalogue():
                        yield Site(where, f"{section}.{key}", given(call) if is_written else None)
        if found.is_error(name) and name not in REASONED:
            yield Site(where, f"refusals.{found.code_of(name)}", given(call))


SOURCE_TREES = [
    (str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))) for path in SOURCES
]
CODE = read(SOURCE_TREES)
SITES = [
    each
    for each in sites(CODE)
    if each.where not in ("mall/kernel/errors.py", "mall/kernel/text/wording.py")
    or each.key == "refusals.not_found"
]
MADE_BY_WEB = {"refusals.unstorable_value", wording.UNKNOWN}
WORDS = {key: each for key, each in catalogue().items() if not key.startswith("names.")}


def lacking(found_sites):
    """Return what code means that has no words, or whose words name what is not given."""
    for site in found_sites:
        entry = catalogue().get(site.key)
        if entry is None:
            yield f"{site.where}: no words for {site.key}"
        elif site.given is not None and not entry.names - {"reason"} <= site.given:
            yield f"{site.where}: {site.key} names {sorted(entry.names - site.given)}"


def test_what_is_raised_or_found_has_words_and_is_given_what_they_name():
    assert list(lacking(SITES)) == []


def test_every_code_has_words_and_an_http_status():
    codes = {CODE.code_of(name) for name in CODE.bases if CODE.is_error(name)}
    codes |= {each.code for each in constraints.TAKEN.values()}
    assert {code for code in codes if f"refusals.{code}" not in catalogue()} == set()
    for key, entry in WORDS.items():
        if key.startswith("refusals."):
            assert entry.status in range(400, 600), key


def test_every_error_has_its_own_code():
    codes = [code for name, code in CODE.codes.items() if CODE.is_error(name)]
    assert [code for code in codes if codes.count(code) > 1] == []
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", code) for code in codes)


def test_both_languages_say_the_same():
    for key, entry in catalogue().items():
        assert entry.zh.strip() and entry.en.strip(), key
        chinese, english = placeholders(entry.zh), placeholders(entry.en)
        assert (chinese - english, english - chinese) == (
            set(entry.only_zh),
            set(entry.only_en),
        ), key
        if not key.startswith("names."):
            is_filled_in = entry.zh.startswith("{")
            assert HAN.search(entry.zh) or is_filled_in, key
            assert re.search("[a-z]", entry.en), key


def test_no_words_are_nobodys():
    said = {site.key for site in SITES} | MADE_BY_WEB
    said |= {f"refusals.{CODE.code_of(name)}" for name in CODE.bases if CODE.is_error(name)}
    said |= {f"refusals.{each.code}" for each in constraints.TAKEN.values()}
    said |= {f"refusals.{each}" for each in CODE.strings["mall/web/constraints.py"]}
    said |= {f"constraints.{each}" for each in constraints.TAKEN}
    assert {key for key in WORDS if key not in said and not key.startswith("http.")} == set()


def test_details_are_not_called_like_members_of_the_document():
    assert {
        site
        for site in SITES
        if site.given
        and site.key.startswith(("refusals.", "reasons."))
        and site.given & OWN_MEMBERS
    } == set()


# Names


def owner(path):
    """Return the catalogue where the words of a module stand."""
    parts = Path(path).with_suffix("").parts
    if parts[0] == "search_index":
        return "search_index/words" if parts[1] == "words" else "search_index/index"
    return "/".join(parts[:2])


def transitions():
    for path, tree in SOURCE_TREES:
        if role(ROOT / path) == "rules" and "Transitions" in ast.unparse(tree):
            module = importlib.import_module(path.removesuffix(".py").replace("/", "."))
            yield from (each for each in vars(module).values() if isinstance(each, Transitions))


def names(kind):
    start = f"names.{kind}."
    return {key.removeprefix(start) for key in catalogue() if key.startswith(start)}


def test_every_state_has_a_name_and_every_name_is_a_state():
    tables = {each.kind: each for each in transitions()}
    assert len(tables) == 21
    for kind, table in tables.items():
        assert names(kind) == set(table.states), kind


def test_every_duty_has_a_name():
    duties = {*access_rules.DUTIES, *access_rules.OPERATOR_DUTIES, access_rules.MANAGES}
    assert names("duty") == duties


def test_every_thing_that_is_not_found_has_a_name_and_is_missed_somewhere():
    calls = [
        call
        for _, tree in SOURCE_TREES
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and called(call) == "NotFound"
    ]
    missed = {text for call in calls for each in call.args for text in strings(each)}
    assert missed == names("thing") - {"object"}


def test_every_kind_of_name_is_asked_for():
    kinds = {key.split(".")[1] for key in catalogue() if key.startswith("names.")}
    asked = {each.kind for each in transitions()} | {"thing"}
    for where, name, call in CODE.calls:
        if name == "name" and len(call.args) == 2 and where != "mall/kernel/text/wording.py":
            kind = strings(call.args[0])
            asked |= kind
            if kind and isinstance(call.args[1], ast.Constant):
                assert strings(call.args[1]) <= names(*kind), where
    assert asked == kinds


# Where words stand


def test_words_stand_with_whoever_says_them():
    users = {}
    for site in SITES:
        users.setdefault(site.key, set()).add(owner(site.where))
    astray = set()
    for path in FOLDER.rglob("*.toml"):
        stands = str(path.relative_to(FOLDER).with_suffix(""))
        told = tomllib.loads(path.read_text(encoding="utf-8"))
        for section in ("reasons", "findings"):
            for key in told.get(section, {}):
                if stands != "mall/kernel" and stands not in users[f"{section}.{key}"]:
                    astray.add((stands, key))
    assert astray == set()


def literals(where, tree):
    told = documented(tree)
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if is_text and id(node) not in told and HAN.search(node.value):
            yield f"{where}:{node.lineno}"


def test_rules_hold_no_chinese():
    assert [
        line
        for where, tree in SOURCE_TREES
        if role(ROOT / where) == "rules"
        for line in literals(where, tree)
    ] == []


def chinese_in_refusals(sources):
    """Return where an error is made with a sentence instead of a key."""
    found = read(sources)
    return [
        f"{where}:{call.lineno}"
        for where, name, call in found.calls
        if found.is_error(name) or name in REASONED or name in FINDING
        if any(HAN.search(text) for text in strings(call))
    ]


def test_nobody_raises_a_sentence():
    assert chinese_in_refusals(SOURCE_TREES) == []


PLANTED = """
class DomainError(Exception): ...
class NeverWritten(DomainError):
    code = "never_written"
class LimitReached(DomainError):
    code = "limit_reached"
def refuse():
    raise NeverWritten()
    raise LimitReached(most=3)
    raise Invalid("name", "no_such_reason")
    raise Invalid("name", "名称有误。")
    found.append(finding("no_such_finding"))
"""


def test_a_planted_breach_is_found():
    sources = [("planted.py", ast.parse(PLANTED))]
    assert set(lacking(sites(read(sources)))) == {
        "planted.py: no words for refusals.never_written",
        "planted.py: refusals.limit_reached names ['limit']",
        "planted.py: no words for reasons.no_such_reason",
        "planted.py: no words for reasons.名称有误。",
        "planted.py: no words for findings.no_such_finding",
    }
    assert chinese_in_refusals(sources) == ["planted.py:11"]


# At run time


class Unwritten(DomainError):
    code = "unwritten"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Unwritten("name", limit=3), 409, "unwritten"),
        (Invalid("name", "unwritten"), 422, "invalid"),
    ],
    ids=["an unknown code", "an unknown reason"],
)
def test_what_has_no_words_is_still_a_refusal_and_is_logged(app, caplog, error, status, code):
    with app.test_request_context(), caplog.at_level(logging.ERROR):
        reply = problems.on_domain_error(error)
    told = reply.get_json()
    assert (reply.status_code, told["code"], told["field"]) == (status, code, "name")
    assert told["detail_zh"] == "请求被拒绝。" and told["detail_en"] == "The request was refused."
    assert "wording_missing" in caplog.text


def test_a_detail_that_is_not_given_is_left_open_and_logged(caplog):
    assert Wording("refusals.limit_reached").zh == "数量已达上限（…）。"
    assert "wording_incomplete" in caplog.text


def test_the_list_of_errors_is_current():
    told = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    assert told == errors.text(), "make errors"
