"""Importing the real and the demo products, again and again."""

import dataclasses
import importlib
import json
import secrets
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from catalog.uploads.process.importing import import_lines
from devtools import demo
from mall.kernel.files import fetching
from tests.support.database import count_rows, execute_sql, select_rows
from tests.support.harmful import picture
from tests.support.people import new_member, order_body
from tests.support.shop import new_sku, stock_of

REAL = (demo.DATA / "litemall_goods.jsonl").read_text(encoding="utf-8").splitlines()
ZHANJIANG = (demo.DATA / "zhanjiang_goods.jsonl").read_text(encoding="utf-8").splitlines()


def run(world, lines, supplier=None):
    with world.app.app_context():
        return import_lines(lines, supplier or f"导入 {secrets.token_hex(4)}", lambda: None)


def product(**change):
    base = {
        "source_id": secrets.token_hex(4),
        "title": "海鸭蛋",
        "category": ["饮食", "蛋"],
        "list_price_fen": 5000,
        "skus": [{"options": [], "price_fen": 4000, "stock": 9}],
    }
    return json.dumps(base | change, ensure_ascii=False)


def test_all_239_real_products_are_imported_and_again_changes_nothing(world, audited):
    supplier = f"导入 {secrets.token_hex(4)}"
    first = run(world, REAL, supplier)
    assert (first.counts, first.errors) == ({"created": 239}, [])
    again = run(world, REAL, supplier)
    assert (again.counts, again.errors) == ({"unchanged": 239}, [])
    audited()


def test_the_zhanjiang_products_are_many_and_of_many_suppliers():
    assert len(ZHANJIANG) >= 60
    assert len({json.loads(line)["supplier"] for line in ZHANJIANG}) >= 12


def test_a_changed_line_updates_its_product(world):
    supplier = f"导入 {secrets.token_hex(4)}"
    line = product(source_id="x")
    run(world, [line], supplier)
    changed = run(world, [line.replace("海鸭蛋", "烤海鸭蛋")], supplier)
    assert changed.counts == {"updated": 1}
    titles = select_rows(
        world,
        "SELECT p.title FROM product p JOIN supplier s ON s.id = p.supplier_id WHERE s.name = :n",
        n=supplier,
    )
    assert [row.title for row in titles] == ["烤海鸭蛋"]


def test_importing_again_never_brings_sold_units_back(world, audited):
    supplier = f"导入 {secrets.token_hex(4)}"
    line = product()
    run(world, [line], supplier)
    [row] = select_rows(
        world,
        "SELECT k.id FROM sku k JOIN product p ON p.id = k.product_id"
        " JOIN supplier s ON s.id = p.supplier_id WHERE s.name = :n",
        n=supplier,
    )
    member = new_member(world, beans_fen=4000)
    body = order_body([row.id], "beans", 4000)
    assert member.post("/v1/store/orders", body).status_code == 201
    run(world, [line], supplier)
    assert stock_of(world, row.id) == (8, 0)
    audited()


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        '{"title": "x"}',
        product(title=""),
        product(title="x" * 101),
        product(skus=[]),
        product(category=["a", "b", "c", "d"]),
        product(skus=[{"options": [], "price_fen": 1.5, "stock": 1}]),
        product(skus=[{"options": [], "price_fen": True, "stock": 1}]),
        product(skus=[{"options": [], "price_fen": 100, "stock": -1}]),
        product(delivery_modes=["drone"]),
        " " * 1_000_001,
    ],
)
def test_a_wrong_line_is_told_with_its_number_and_leaves_the_others_be(world, line):
    supplier = f"导入 {secrets.token_hex(4)}"
    summary = run(world, [product(), line, product()], supplier)
    assert summary.counts == {"created": 2, "failed": 1}
    assert [error.partition(":")[0] for error in summary.errors] == ["2"]


def test_the_demo_data_names_its_source_and_licence():
    text = (Path(demo.DATA) / "README.md").read_text(encoding="utf-8")
    assert "MIT" in text
    assert "litemall" in text


def test_what_its_supplier_may_not_sell_is_imported_and_withheld(world):
    line = {
        "source_id": "p1",
        "title": "馆内商品",
        "category": ["乡村振兴"],
        "list_price_fen": 100,
        "is_pavilion": True,
        "skus": [{"price_fen": 100, "stock": 5}],
    }
    with world.app.app_context():
        summary = import_lines([json.dumps(line)], "无资质供应商", lambda: None)
    assert summary.counts == {"created": 1}
    [row] = select_rows(world, "SELECT state, withheld_for FROM product")
    assert tuple(row) == ("published", "assistance")


def shown(world):
    return [
        url
        for row in select_rows(world, "SELECT image_urls FROM product")
        for url in row.image_urls
    ]


def test_images_of_other_hosts_are_fetched_and_kept_or_their_line_is_refused(world, monkeypatch):
    """Members' browsers ask nobody but the mall."""
    lines = [
        product(images=["https://a.example/pixel.png"]),
        product(images=["/media/ab/1-1280.webp"]),
        product(images=["//a.example/1.webp"]),
    ]
    off = run(world, lines)
    assert (off.counts["created"], off.counts["failed"]) == (1, 2)
    assert shown(world) == ["/media/ab/1-1280.webp"]
    settings = dataclasses.replace(world.app.extensions["mall_settings"], fetch_images=True)
    monkeypatch.setitem(world.app.extensions, "mall_settings", settings)
    monkeypatch.setattr(fetching, "fetch", lambda url, limit_bytes: picture("PNG", (20, 20)))
    assert run(world, lines[:1]).counts == {"created": 1}
    assert all(url.startswith("/media/") for url in shown(world))


def test_an_upgrade_takes_the_addresses_of_other_hosts_out(world, monkeypatch):
    new_sku(world)
    own, other = "/media/ab/1-1280.webp", "https://a.example/pixel.gif"
    mixed = json.dumps([other, own])
    execute_sql(world, f"UPDATE product SET image_urls = '{mixed}'")
    in_content = f"jsonb_set(content, '{{image_urls}}', '{mixed}')"
    execute_sql(world, f"UPDATE product_revision SET content = {in_content}")
    execute_sql(world, f"UPDATE supplier SET cover_url = '{other}'")
    step = importlib.import_module("mall.shell.migrations.versions.0031_files")
    monkeypatch.setattr(step, "op", SimpleNamespace(execute=partial(execute_sql, world)))
    step._show_own_images_only()
    assert shown(world) == [own]
    contents = select_rows(world, "SELECT content->'image_urls' AS urls FROM product_revision")
    assert [row.urls for row in contents] == [[own]] * len(contents)
    assert count_rows(world, "supplier WHERE cover_url IS NOT NULL") == 0
