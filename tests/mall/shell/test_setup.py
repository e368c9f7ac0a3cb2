"""What a fresh installation needs comes with one command, and the serving role needs no more."""

import re

import psycopg
import pytest
from sqlalchemy import create_engine

from mall.kernel.db import driver_url
from mall.kernel.paper.document import Paper
from mall.kernel.paper.making import draw, marked
from mall.kernel.paper.workbook import workbook
from mall.shell import database
from mall.shell.app import create_app
from mall.shell.config import load
from tests.support.database import execute_sql
from tests.support.people import Person, new_member, order_body
from tests.support.shop import new_sku

ROLE = "mall_serves"
ADDRESS = {"recipient": "陈小湛", "phone": "13800000001", "region_code": "440802"}


def test_setup_brings_all_that_only_the_demo_brought_and_again_changes_nothing(world, command):
    execute_sql(world, "DELETE FROM region")
    member = new_member(world, address=False)
    home = {**ADDRESS, "detail": "跃进路 1 号"}
    assert member.post("/v1/store/addresses", home).status_code == 422
    first = command("setup", "--operator", "zhang.wei", "--operator", "li.na")
    assert first.returncode == 0, first.stderr
    assert "✓ regions: 3228, 3228 added, 0 changed" in first.stdout
    assert member.post("/v1/store/addresses", home).status_code == 201
    code = re.search(r"#(\S+)", first.stdout)[1]
    chosen = {"code": code, "password": "a-password-of-ones-own"}
    accepted = Person(world.app).post("/v1/ops/password/invitation", chosen)
    assert accepted.get_json() == {"username": "zhang.wei"}
    execute_sql(world, "UPDATE region SET name = '旧名' WHERE code = '440802'")
    again = command("setup", "--operator", "zhang.wei")
    assert "✓ regions: 3228, 0 added, 1 changed" in again.stdout
    assert "zhang.wei: there" in again.stdout
    assert "✓ regions: 3228, 0 added, 0 changed" in command("setup").stdout


def test_a_step_that_cannot_be_done_is_named_and_ends_the_command(world, command, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied", "/var/lib/mall")

    monkeypatch.setattr("mall.shell.commands.setup._folders", refuse)
    done = command("setup")
    assert done.returncode == 1
    assert "✗ folders: [Errno 13] Permission denied" in done.stderr


@pytest.fixture
def serving_url(world, environment):
    """The database's address as a role that got its rights from the migration."""
    url = driver_url(world.app.extensions["mall_settings"].database_url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"DROP ROLE IF EXISTS {ROLE}")
        connection.execute(f"CREATE ROLE {ROLE} LOGIN")
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        database.give_rights(connection, ROLE)
    engine.dispose()
    yield url.replace("postgresql://postgres@", f"postgresql://{ROLE}@")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"DROP OWNED BY {ROLE}")
        connection.execute(f"DROP ROLE {ROLE}")


def test_the_serving_role_sells_and_may_change_no_table(world, environment, serving_url):
    member, sku = new_member(world, beans_fen=1000), new_sku(world, 1000)[1]
    app = create_app(load(environment | {"DATABASE_URL": serving_url}))
    buyer = Person(app, member.token, member.id)
    assert buyer.post("/v1/store/orders", order_body([sku], "beans", 1000)).status_code == 201
    with app.app_context():
        app.extensions["mall_pool"].close()
        app.extensions["sqlalchemy"].engine.dispose()
    with psycopg.connect(serving_url, autocommit=True) as connection:
        for forbidden in (
            "CREATE TABLE more (id int)",
            "ALTER TABLE shop_order ADD COLUMN more int",
            "DROP TABLE shop_order",
            "TRUNCATE shop_order CASCADE",
            "UPDATE alembic_version SET version_num = '0000'",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(forbidden)


def test_a_paper_of_a_staging_mall_says_so_on_each_page(world, monkeypatch):
    paper = Paper("验收单", [], [], footer="工会")
    assert marked(paper).title.startswith("验收单（")
    # A sheet's name is the beginning of the title, and takes not every character.
    assert workbook(marked(paper))[:2] == b"PK"
    drawn = []
    monkeypatch.setattr(
        "mall.kernel.paper.making.make", lambda _, content, __: drawn.append(content)
    )
    settings = world.app.extensions["mall_settings"]
    for env in ("development", "staging"):
        monkeypatch.setattr(
            type(settings), "is_staging", property(lambda _, env=env: env == "staging")
        )
        with world.app.app_context():
            draw(paper, "pdf")
    plain, staging = (content.decode() for content in drawn)
    assert (plain.count("STAGING"), staging.count("STAGING")) == (0, 2)
