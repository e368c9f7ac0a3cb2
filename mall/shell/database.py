"""Bring the database to the newest migration."""

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

from mall.kernel.settings import Settings
from mall.shell import wiring
from mall.shell.health import MIGRATIONS

# Two processes that migrate at once take turns.
MIGRATION_LOCK = 7_220_261_124


def alembic_config() -> Config:
    """Return Alembic's configuration, which needs no file."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def migrate(settings: Settings) -> None:
    """Upgrade to the newest migration; doing it again changes nothing."""
    assert wiring.BLUEPRINTS  # every table is known once the packages are wired
    engine = create_engine(settings.database_url)
    config = alembic_config()
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": MIGRATION_LOCK})
        connection.commit()
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        finally:
            connection.rollback()
            connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": MIGRATION_LOCK})
            connection.commit()
    engine.dispose()
