"""Bring the service's tables to the version that this program knows."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.script.revision import ResolutionError
from sqlalchemy import text

import labkit_hub.service.courses.tables  # so that the metadata have them
import labkit_hub.service.passback.tables  # noqa: F401
from labkit.errors import CorruptStore
from labkit_hub.service.database import Database

__all__ = ["alembic_config", "migrate"]

_LOCK = 5_721_604_318_201  # any number; two services that start at once migrate one after the other


def alembic_config() -> Config:
    """Return Alembic's configuration: the migrations of this package."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config


def migrate(database: Database) -> None:
    """Run all steps that are missing; nothing happens if none is.

    Raises
    ------
    CorruptStore
        The database was made by a newer version.
    sqlalchemy.exc.SQLAlchemyError
        It does not answer.
    """
    config = alembic_config()
    with database.engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})
        at = MigrationContext.configure(connection).get_current_revision()
        if at is not None:
            try:
                ScriptDirectory.from_config(config).get_revision(at)
            except (ResolutionError, Exception) as error:
                raise CorruptStore(
                    f"The service's database is of a newer version ({at}) than this program.",
                    hint="Start the newer LabKit, or restore a backup from before it.",
                ) from error
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
