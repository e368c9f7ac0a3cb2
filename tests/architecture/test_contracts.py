"""Each import contract is seen to fail: on a copy of the code with one breach planted for each."""

import configparser
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.test_budgets import ROOT

PACKAGES = ("devtools", "mocks", "mall", "catalog", "orders", "fulfillment", "search_index")
# By contract: the module that a breach is planted in, and what it imports there.
BREACHES = {
    "stack": ("mall.kernel.clock", "catalog.messages"),
    "mall": ("mall.web.bounds", "mall.ledger.rules"),
    "catalog": ("catalog.media.rules", "catalog.packs.rules"),
    "orders": ("orders.order.rules", "orders.refunds.rules"),
    "fulfillment": ("fulfillment.dispatch.rules", "fulfillment.settlement.rules"),
    "search_index": ("search_index.rules", "search_index.service"),
    "answer": ("search_index.answer.lists", "search_index.answer.corrections"),
    "feature": ("catalog.packs.rules", "catalog.packs.service"),
    "rules": ("orders.payments.rules", "sqlalchemy"),
    "service": ("orders.order.service", "flask"),
    "process": ("catalog.uploads.process.applying", "flask"),
    "mall-closed": ("orders.order.service", "mall.members.models"),
    "catalog-closed": ("orders.order.service", "catalog.stock.models"),
    "orders-closed": ("fulfillment.dispatch.service", "orders.order.models"),
    "wiring": ("fulfillment.dispatch.service", "orders.wiring"),
    "search-is-a-leaf": ("fulfillment.dispatch.rules", "search_index.rules"),
    "mocks": ("mocks.wechatpay.state", "mall.kernel.clock"),
    "mocks-unknown": ("devtools.engines", "mocks.wechatpay.state"),
}
# A module of no role at all: the grammar of features is closed.
STRANGER = "catalog/packs/checking.py"


def contracts():
    """Return the names of the contracts by their ids."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    start = "importlinter:contract:"
    return {
        name.removeprefix(start): config[name]["name"]
        for name in config.sections()
        if name.startswith(start)
    }


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """Plant every breach in a copy and return what the linter says of each contract."""
    folder = tmp_path_factory.mktemp("planted")
    ignored = shutil.ignore_patterns("__pycache__", "*.csv", "*.woff", "*.jsonl")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    shutil.copy(ROOT / "setup.cfg", folder)
    for module, imported in BREACHES.values():
        path = folder / module.replace(".", "/")
        path = path.with_suffix(".py") if path.with_suffix(".py").exists() else path / "__init__.py"
        path.write_text(path.read_text(encoding="utf-8") + f"\nimport {imported}\n", "utf-8")
    (folder / STRANGER).write_text('"""Of no role."""\n', "utf-8")
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [program, "--no-cache"],
        cwd=folder,
        # No name is broken over two lines.
        env={**os.environ, "COLUMNS": "400"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    # Its explanations follow the table, each under the name of its contract and a line.
    titles = [re.escape(name) for name in contracts().values()]
    parts = re.split(rf"^({'|'.join(titles)})\n-+\n", done.stdout, flags=re.MULTILINE)
    return {
        name: re.sub(r"\s+", " ", text) for name, text in zip(parts[1::2], parts[2::2], strict=True)
    }


def test_there_is_a_breach_for_each_contract():
    assert set(BREACHES) == set(contracts())


@pytest.mark.parametrize("contract", sorted(BREACHES))
def test_a_contract_fails_on_its_breach(report, contract):
    module, imported = BREACHES[contract]
    told = report[contracts()[contract]]
    assert (
        f"{module} -> {imported}" in told or f"{module} is not allowed to import {imported}" in told
    )


def test_a_module_of_no_role_breaks_the_grammar(report):
    told = report[contracts()["feature"]]
    assert STRANGER.removesuffix(".py").replace("/", ".") in told
