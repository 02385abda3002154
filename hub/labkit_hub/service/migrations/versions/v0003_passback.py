"""Points that go back to a learning platform; comments that staff pin to annotated pictures."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from labkit_hub.service.tables import UtcTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "lti_launches",
        sa.Column("username", sa.String(length=255), nullable=False),
        sa.Column("context", sa.String(length=255), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("client_id", sa.String(length=255), nullable=False),
        sa.Column("lineitems", sa.String(length=2000), nullable=False),
        sa.Column("teaches", sa.Boolean(), nullable=False),
        sa.Column("seen", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("username", "context", name="pk_lti_launches"),
    )
    op.create_table(
        "lti_links",
        sa.Column("course_id", sa.String(length=64), nullable=False),
        sa.Column("context", sa.String(length=255), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("client_id", sa.String(length=255), nullable=False),
        sa.Column("lineitems", sa.String(length=2000), nullable=False),
        sa.Column("linked", UtcTime(), nullable=False),
        sa.Column("linked_by", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(["course_id"], ["courses.id"], name="fk_lti_links_course_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("course_id", name="pk_lti_links"),
        sa.UniqueConstraint("context", name="uq_lti_links_context"),
    )
    op.create_table(
        "lti_line_items",
        sa.Column("assignment_id", sa.String(length=12), nullable=False),
        sa.Column("context", sa.String(length=255), nullable=False),
        sa.Column("url", sa.String(length=2000), nullable=False),
        sa.Column("label", sa.String(length=300), nullable=False),
        sa.Column("max_points", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignments.id"], name="fk_lti_line_items_assignment_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("assignment_id", name="pk_lti_line_items"),
    )
    op.create_table(
        "lti_sends",
        sa.Column("assignment_id", sa.String(length=12), nullable=False),
        sa.Column("username", sa.String(length=255), nullable=False),
        sa.Column("points", sa.Double(), nullable=False),
        sa.Column("max_points", sa.Double(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("not_before", UtcTime(), nullable=True),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("asked", UtcTime(), nullable=False),
        sa.Column("sent", UtcTime(), nullable=True),
        sa.Column("sent_points", sa.Double(), nullable=True),
        sa.Column("sent_max_points", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignments.id"], name="fk_lti_sends_assignment_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("assignment_id", "username", name="pk_lti_sends"),
    )
    op.add_column("marks", sa.Column("pins", sa.JSON(), nullable=True))
    op.create_index("ix_lti_sends_state_not_before", "lti_sends", ["state", "not_before"], unique=False)
