"""Models and migrations say the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from labkit.errors import CorruptStore
from labkit.testing.postgres import RunningPostgres, find_postgres
from labkit_hub.service.database import Database
from labkit_hub.service.migrate import migrate
from labkit_hub.service.tables import Base

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def differences(database: Database) -> list[object]:
    with database.engine.begin() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return list(compare_metadata(context, Base.metadata))


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[Database]:
    """An empty PostgreSQL."""
    if find_postgres() is None:
        pytest.skip("PostgreSQL is not installed")
    with RunningPostgres() as server:
        database = Database(server.url)
        yield database
        database.close()


def test_sqlite_has_what_the_models_say(database) -> None:
    """After all steps nothing is missing and nothing is too much."""
    assert differences(database) == []


def test_running_them_again_changes_nothing(database) -> None:
    """Each start of the service does."""
    migrate(database)
    assert differences(database) == []


def test_a_newer_database_is_left_alone(database) -> None:
    """An older program says so, and touches nothing."""
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'later'"))
    with pytest.raises(CorruptStore, match="newer version"):
        migrate(database)


@pytest.mark.slow
def test_postgresql_has_what_the_models_say(postgres) -> None:
    """The same steps, there."""
    migrate(postgres)
    migrate(postgres)
    assert differences(postgres) == []
