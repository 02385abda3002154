"""Alembic runs this file; the connection comes from `labkit_hub.service.migrate`."""

from alembic import context

from labkit_hub.service.tables import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
