"""How much somebody has annotated of what an assignment asks for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.add_column("activity", sa.Column("pictures", sa.Integer(), nullable=True))
    op.add_column("activity", sa.Column("objects", sa.Integer(), nullable=True))
