"""Migrations go up and down; the way back is written because somebody will need it at night."""

import os
import subprocess

import psycopg
import pytest
from alembic import command
from sqlalchemy import create_engine

from mall.shell import config, database
from tests.support.processes import MALL


@pytest.fixture
def empty_url(database_url, worker_id):
    """A database without anything in it."""
    name = f"empty_{worker_id}"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name}")
    return database_url.replace(f"mall_{worker_id}", name)


def test_every_migration_goes_up_down_and_up_again(empty_url):
    settings = config.load({"DATABASE_URL": empty_url, "REDIS_URL": "redis://unused"})
    database.migrate(settings)
    alembic = database.alembic_config()
    engine = create_engine(settings.database_url)
    with engine.connect() as connection:
        alembic.attributes["connection"] = connection
        command.downgrade(alembic, "base")
        connection.commit()
    engine.dispose()
    with psycopg.connect(empty_url) as connection:
        left = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall()
    assert [row[0] for row in left] == ["alembic_version"]
    database.migrate(settings)
    database.migrate(settings)


def test_two_processes_that_migrate_at_once_take_turns(empty_url):
    environment = {**os.environ, "DATABASE_URL": empty_url, "REDIS_URL": "redis://unused"}
    started = [
        subprocess.Popen([MALL, "migrate"], env=environment, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=60)[1] for process in started]
    assert [process.returncode for process in started] == [0, 0], said
