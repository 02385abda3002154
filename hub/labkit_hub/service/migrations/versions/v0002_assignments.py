"""Assignments, submissions and grades; the time zone of a course."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from labkit_hub.service.tables import UtcTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "uploads",
        sa.Column("username", sa.String(length=255), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sent", UtcTime(), nullable=False),
        sa.Column("used", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("username", "sha256", name="pk_uploads"),
    )
    op.create_index("ix_uploads_sha256", "uploads", ["sha256"], unique=False)
    op.create_index("ix_uploads_used_sent", "uploads", ["used", "sent"], unique=False)

    op.create_table(
        "assignments",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("course_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=150), nullable=False),
        sa.Column("folded", sa.String(length=600), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("due", UtcTime(), nullable=True),
        sa.Column("due_local", sa.String(length=32), nullable=False),
        sa.Column("closes", UtcTime(), nullable=True),
        sa.Column("closes_local", sa.String(length=32), nullable=False),
        sa.Column("grace_min", sa.Integer(), nullable=False),
        sa.Column("late", sa.JSON(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=True),
        sa.Column("counts", sa.String(length=8), nullable=False),
        sa.Column("group_size", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("max_points", sa.Double(), nullable=False),
        sa.Column("created", UtcTime(), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(["course_id"], ["courses.id"], name="fk_assignments_course_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_assignments"),
        sa.UniqueConstraint("course_id", "folded", name="uq_assignments_course_id"),
    )
    op.create_table(
        "activity",
        sa.Column("assignment_id", sa.String(length=12), nullable=False),
        sa.Column("username", sa.String(length=255), nullable=False),
        sa.Column("started", UtcTime(), nullable=True),
        sa.Column("seen", UtcTime(), nullable=False),
        sa.Column("cell", sa.String(length=200), nullable=False),
        sa.Column("error", sa.String(length=300), nullable=False),
        sa.Column("since", UtcTime(), nullable=True),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("passed", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignments.id"], name="fk_activity_assignment_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("assignment_id", "username", name="pk_activity"),
    )
    op.create_table(
        "batches",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("assignment_id", sa.String(length=12), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.String(length=12), nullable=False),
        sa.Column("asked", UtcTime(), nullable=False),
        sa.Column("asked_by", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignments.id"], name="fk_batches_assignment_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_batches"),
        sa.UniqueConstraint("assignment_id", "number", name="uq_batches_assignment_id"),
        sa.UniqueConstraint("run_id", name="uq_batches_run_id"),
    )
    op.create_table(
        "extensions",
        sa.Column("assignment_id", sa.String(length=12), nullable=False),
        sa.Column("username", sa.String(length=255), nullable=False),
        sa.Column("due", UtcTime(), nullable=True),
        sa.Column("due_local", sa.String(length=32), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("given", UtcTime(), nullable=False),
        sa.Column("given_by", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignments.id"], name="fk_extensions_assignment_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("assignment_id", "username", name="pk_extensions"),
    )
    op.create_table(
        "fetches",
        sa.Column("assignment_id", sa.String(length=12), nullable=False),
        sa.Column("username", sa.String(length=255), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("first", UtcTime(), nullable=False),
        sa.Column("last", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignments.id"], name="fk_fetches_assignment_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("assignment_id", "username", name="pk_fetches"),
    )
    op.create_table(
        "group_members",
        sa.Column("assignment_id", sa.String(length=12), nullable=False),
        sa.Column("username", sa.String(length=255), nullable=False),
        sa.Column("group_name", sa.String(length=150), nullable=False),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignments.id"], name="fk_group_members_assignment_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("assignment_id", "username", name="pk_group_members"),
    )
    op.create_table(
        "releases",
        sa.Column("assignment_id", sa.String(length=12), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("asked", sa.JSON(), nullable=False),
        sa.Column("released", UtcTime(), nullable=False),
        sa.Column("released_by", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignments.id"], name="fk_releases_assignment_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("assignment_id", "version", name="pk_releases"),
        sa.UniqueConstraint("assignment_id", "key", name="uq_releases_assignment_id"),
    )
    op.create_table(
        "submissions",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("assignment_id", sa.String(length=12), nullable=False),
        sa.Column("person", sa.String(length=255), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("group_name", sa.String(length=150), nullable=False),
        sa.Column("members", sa.JSON(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("release", sa.Integer(), nullable=False),
        sa.Column("submitted", UtcTime(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("receipt", sa.JSON(), nullable=False),
        sa.Column("feedback", UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignments.id"], name="fk_submissions_assignment_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_submissions"),
        sa.UniqueConstraint("assignment_id", "person", "key", name="uq_submissions_assignment_id"),
    )
    op.create_index("ix_submissions_person", "submissions", ["person"], unique=False)

    op.create_table(
        "batch_tasks",
        sa.Column("batch_id", sa.String(length=12), nullable=False),
        sa.Column("submission_id", sa.String(length=12), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name="fk_batch_tasks_batch_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["submission_id"], ["submissions.id"], name="fk_batch_tasks_submission_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("batch_id", "submission_id", name="pk_batch_tasks"),
    )
    op.create_index("ix_batch_tasks_submission_id", "batch_tasks", ["submission_id"], unique=False)

    op.create_table(
        "grades",
        sa.Column("submission_id", sa.String(length=12), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("points", sa.Double(), nullable=False),
        sa.Column("max_points", sa.Double(), nullable=False),
        sa.Column("needs_hand", sa.Integer(), nullable=False),
        sa.Column("changed", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(["submission_id"], ["submissions.id"], name="fk_grades_submission_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("submission_id", name="pk_grades"),
    )
    op.create_table(
        "marks",
        sa.Column("submission_id", sa.String(length=12), nullable=False),
        sa.Column("item", sa.String(length=600), nullable=False),
        sa.Column("points", sa.Double(), nullable=True),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("by", sa.String(length=255), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(["submission_id"], ["submissions.id"], name="fk_marks_submission_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("submission_id", "item", name="pk_marks"),
    )
    op.create_table(
        "results",
        sa.Column("submission_id", sa.String(length=12), nullable=False),
        sa.Column("batch_id", sa.String(length=12), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("received", UtcTime(), nullable=False),
        sa.Column("result", sa.JSON(), nullable=False),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name="fk_results_batch_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["submission_id"], ["submissions.id"], name="fk_results_submission_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("submission_id", "batch_id", name="pk_results"),
    )
    op.create_table(
        "score_changes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("submission_id", sa.String(length=12), nullable=False),
        sa.Column("item", sa.String(length=600), nullable=False),
        sa.Column("points", sa.Double(), nullable=True),
        sa.Column("by", sa.String(length=255), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["submission_id"], ["submissions.id"], name="fk_score_changes_submission_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_score_changes"),
    )
    op.create_index("ix_score_changes_submission_id", "score_changes", ["submission_id"], unique=False)

    op.add_column("courses", sa.Column("time_zone", sa.String(length=64), server_default="UTC", nullable=False))


def downgrade() -> None:
    """Go back."""
    with op.batch_alter_table("courses") as batch:
        batch.drop_column("time_zone")
    op.drop_table("score_changes")
    op.drop_table("results")
    op.drop_table("marks")
    op.drop_table("grades")
    op.drop_table("batch_tasks")
    op.drop_table("submissions")
    op.drop_table("releases")
    op.drop_table("group_members")
    op.drop_table("fetches")
    op.drop_table("extensions")
    op.drop_table("batches")
    op.drop_table("activity")
    op.drop_table("assignments")
    op.drop_table("uploads")
