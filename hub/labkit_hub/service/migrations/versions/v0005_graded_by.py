"""By which release a batch grades each of its submissions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.add_column("batch_tasks", sa.Column("release", sa.Integer(), nullable=True))
