"""The tables of the first version."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from labkit_hub.service.tables import UtcTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("time", UtcTime(), nullable=False),
        sa.Column("actor", sa.String(length=255), nullable=False),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("course_id", sa.String(length=64), nullable=True),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )
    op.create_index("ix_audit_action", "audit", ["action"], unique=False)
    op.create_index("ix_audit_course_id", "audit", ["course_id"], unique=False)
    op.create_index("ix_audit_time", "audit", ["time"], unique=False)

    op.create_table(
        "courses",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("created", UtcTime(), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=False),
        sa.Column("archived", UtcTime(), nullable=True),
        sa.Column("max_running", sa.Integer(), nullable=True),
        sa.Column("hours_per_person", sa.Double(), nullable=True),
        sa.Column("hours_total", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_courses"),
    )
    op.create_table(
        "devices",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("node", sa.String(length=255), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("memory_mb", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("seen", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_devices"),
        sa.UniqueConstraint("key", name="uq_devices_key"),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("owner", sa.String(length=255), nullable=False),
        sa.Column("course_id", sa.String(length=64), nullable=True),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("path", sa.String(length=1000), nullable=False),
        sa.Column("profile", sa.String(length=64), nullable=False),
        sa.Column("time_limit_s", sa.Double(), nullable=True),
        sa.Column("resumes", sa.String(length=12), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("rank", sa.Double(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("progress", sa.String(length=300), nullable=False),
        sa.Column("reported", sa.String(length=16), nullable=True),
        sa.Column("server_name", sa.String(length=40), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("not_before", UtcTime(), nullable=True),
        sa.Column("asked_to_stop", UtcTime(), nullable=True),
        sa.Column("asked_to_stop_by", sa.String(length=255), nullable=True),
        sa.Column("submitted", UtcTime(), nullable=False),
        sa.Column("started", UtcTime(), nullable=True),
        sa.Column("ended", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
    )
    op.create_index("ix_runs_course_id", "runs", ["course_id"], unique=False)
    op.create_index("ix_runs_owner", "runs", ["owner"], unique=False)
    op.create_index("ix_runs_state", "runs", ["state"], unique=False)
    op.create_index("ix_runs_state_submitted", "runs", ["state", "submitted"], unique=False)

    op.create_table(
        "settings",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("changed", UtcTime(), nullable=False),
        sa.Column("changed_by", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_settings"),
    )
    op.create_table(
        "tickets",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("username", sa.String(length=255), nullable=False),
        sa.Column("server_name", sa.String(length=40), nullable=False),
        sa.Column("profile", sa.String(length=64), nullable=False),
        sa.Column("run_id", sa.String(length=12), nullable=True),
        sa.Column("made", UtcTime(), nullable=False),
        sa.Column("expires", UtcTime(), nullable=False),
        sa.Column("used", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("sha256", name="pk_tickets"),
    )
    op.create_index("ix_tickets_run_id", "tickets", ["run_id"], unique=False)

    op.create_table(
        "usage",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("device_key", sa.String(length=80), nullable=False),
        sa.Column("username", sa.String(length=255), nullable=False),
        sa.Column("course_id", sa.String(length=64), nullable=True),
        sa.Column("run_id", sa.String(length=12), nullable=True),
        sa.Column("server_name", sa.String(length=40), nullable=False),
        sa.Column("taken", UtcTime(), nullable=False),
        sa.Column("freed", UtcTime(), nullable=False),
        sa.Column("why", sa.String(length=300), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_usage"),
    )
    op.create_index("ix_usage_course_id", "usage", ["course_id"], unique=False)
    op.create_index("ix_usage_freed", "usage", ["freed"], unique=False)
    op.create_index("ix_usage_username", "usage", ["username"], unique=False)

    op.create_table(
        "leases",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("device_id", sa.Integer(), nullable=False),
        sa.Column("username", sa.String(length=255), nullable=False),
        sa.Column("server_name", sa.String(length=40), nullable=False),
        sa.Column("run_id", sa.String(length=12), nullable=True),
        sa.Column("course_id", sa.String(length=64), nullable=True),
        sa.Column("taken", UtcTime(), nullable=False),
        sa.Column("until", UtcTime(), nullable=True),
        sa.Column("confirmed", UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(["device_id"], ["devices.id"], name="fk_leases_device_id", ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name="pk_leases"),
        sa.UniqueConstraint("device_id", name="uq_leases_device_id"),
    )
    op.create_index("ix_leases_server", "leases", ["username", "server_name"], unique=False)

    op.create_table(
        "members",
        sa.Column("course_id", sa.String(length=64), nullable=False),
        sa.Column("username", sa.String(length=255), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("full_name", sa.String(length=300), nullable=False),
        sa.Column("added", UtcTime(), nullable=False),
        sa.Column("added_by", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(["course_id"], ["courses.id"], name="fk_members_course_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("course_id", "username", name="pk_members"),
    )
    op.create_index("ix_members_username", "members", ["username"], unique=False)


def downgrade() -> None:
    """Go back."""
    op.drop_table("members")

    op.drop_table("leases")

    op.drop_table("usage")

    op.drop_table("tickets")
    op.drop_table("settings")

    op.drop_table("runs")
    op.drop_table("devices")
    op.drop_table("courses")

    op.drop_table("audit")
