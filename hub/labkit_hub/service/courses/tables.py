"""The tables of the courses room; a change here comes with a migration.

Manifests, items and results are kept as the JSON of their records: they are written once and read whole. Columns of that size are
loaded when they are asked for.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from labkit_hub.service.tables import Base, UtcTime

__all__ = [
    "ActivityRow",
    "AssignmentRow",
    "BatchRow",
    "BatchTaskRow",
    "ExtensionRow",
    "FetchRow",
    "GradeRow",
    "GroupMemberRow",
    "MarkRow",
    "ReleaseRow",
    "ResultRow",
    "ScoreChangeRow",
    "SubmissionRow",
    "UploadRow",
]

_NAME = String(255)
_ID = String(12)
_HASH = String(64)
_BIG = BigInteger().with_variant(Integer, "sqlite")


class AssignmentRow(Base):
    """An assignment. ``due`` and ``closes`` are moments; the local times they were given as are kept, in case the course moves."""

    __tablename__ = "assignments"

    id: Mapped[str] = mapped_column(_ID, primary_key=True)
    course_id: Mapped[str] = mapped_column(ForeignKey("courses.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(150))
    folded: Mapped[str] = mapped_column(String(600))  # in which no two of a course are the same
    title: Mapped[str] = mapped_column(String(300), default="")
    state: Mapped[str] = mapped_column(String(16), default="draft")  # draft, released, closed
    due: Mapped[datetime | None]
    due_local: Mapped[str] = mapped_column(String(32), default="")
    closes: Mapped[datetime | None]
    closes_local: Mapped[str] = mapped_column(String(32), default="")
    grace_min: Mapped[int] = mapped_column(Integer, default=0)
    late: Mapped[dict[str, Any]]  # a LateRule
    attempts: Mapped[int | None]
    counts: Mapped[str] = mapped_column(String(8), default="last")
    group_size: Mapped[int] = mapped_column(Integer, default=1)
    version: Mapped[int] = mapped_column(Integer, default=0)  # of the last release
    max_points: Mapped[float] = mapped_column(default=0.0)  # of the last release
    created: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(_NAME)

    __table_args__ = (UniqueConstraint("course_id", "folded"),)


class ReleaseRow(Base):
    """A version of an assignment that was handed out; never changed. ``asked`` is the NewRelease as it came."""

    __tablename__ = "releases"

    assignment_id: Mapped[str] = mapped_column(ForeignKey("assignments.id", ondelete="CASCADE"), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    key: Mapped[str] = mapped_column(_HASH)
    asked: Mapped[dict[str, Any]] = mapped_column(JSON)
    released: Mapped[datetime]
    released_by: Mapped[str] = mapped_column(_NAME)

    __table_args__ = (UniqueConstraint("assignment_id", "key"),)


class SubmissionRow(Base):
    """What was handed in; only its feedback is ever released. ``receipt`` is the Receipt, and its files the manifest."""

    __tablename__ = "submissions"

    id: Mapped[str] = mapped_column(_ID, primary_key=True)
    assignment_id: Mapped[str] = mapped_column(ForeignKey("assignments.id", ondelete="CASCADE"))
    person: Mapped[str] = mapped_column(_NAME, index=True)
    key: Mapped[str] = mapped_column(_HASH)
    group_name: Mapped[str] = mapped_column(String(150), default="")
    members: Mapped[list[str]] = mapped_column(JSON)
    attempt: Mapped[int] = mapped_column(Integer)
    release: Mapped[int] = mapped_column(Integer)
    submitted: Mapped[datetime]
    sha256: Mapped[str] = mapped_column(_HASH)
    size: Mapped[int] = mapped_column(BigInteger)
    receipt: Mapped[dict[str, Any]] = mapped_column(JSON, deferred=True)
    feedback: Mapped[datetime | None]

    __table_args__ = (UniqueConstraint("assignment_id", "person", "key"),)


class ExtensionRow(Base):
    """Another due time, or other attempts, for one person."""

    __tablename__ = "extensions"

    assignment_id: Mapped[str] = mapped_column(ForeignKey("assignments.id", ondelete="CASCADE"), primary_key=True)
    username: Mapped[str] = mapped_column(_NAME, primary_key=True)
    due: Mapped[datetime | None]
    due_local: Mapped[str] = mapped_column(String(32), default="")
    attempts: Mapped[int | None]
    reason: Mapped[str] = mapped_column(String(300), default="")
    given: Mapped[datetime]
    given_by: Mapped[str] = mapped_column(_NAME)


class GroupMemberRow(Base):
    """Who hands in with whom: nobody is in two groups of an assignment."""

    __tablename__ = "group_members"

    assignment_id: Mapped[str] = mapped_column(ForeignKey("assignments.id", ondelete="CASCADE"), primary_key=True)
    username: Mapped[str] = mapped_column(_NAME, primary_key=True)
    group_name: Mapped[str] = mapped_column(String(150))


class FetchRow(Base):
    """Who fetched which release last."""

    __tablename__ = "fetches"

    assignment_id: Mapped[str] = mapped_column(ForeignKey("assignments.id", ondelete="CASCADE"), primary_key=True)
    username: Mapped[str] = mapped_column(_NAME, primary_key=True)
    version: Mapped[int] = mapped_column(Integer)
    first: Mapped[datetime]
    last: Mapped[datetime]


class ActivityRow(Base):
    """Where somebody is with an assignment: the last word of the Lab extension, or of what was handed in."""

    __tablename__ = "activity"

    assignment_id: Mapped[str] = mapped_column(ForeignKey("assignments.id", ondelete="CASCADE"), primary_key=True)
    username: Mapped[str] = mapped_column(_NAME, primary_key=True)
    started: Mapped[datetime | None]
    seen: Mapped[datetime]
    cell: Mapped[str] = mapped_column(String(200), default="")
    error: Mapped[str] = mapped_column(String(300), default="")
    since: Mapped[datetime | None]  # since when this cell has been failing
    times: Mapped[int] = mapped_column(Integer, default=0)
    passed: Mapped[int | None]
    pictures: Mapped[int | None]  # of those that are to be annotated, how many have an object
    objects: Mapped[int | None]  # annotated in all of them; None before anything is known


class BatchRow(Base):
    """A grading batch: one run in the hub's line. ``number`` orders the batches of an assignment."""

    __tablename__ = "batches"

    id: Mapped[str] = mapped_column(_ID, primary_key=True)
    assignment_id: Mapped[str] = mapped_column(ForeignKey("assignments.id", ondelete="CASCADE"))
    number: Mapped[int] = mapped_column(Integer)
    run_id: Mapped[str] = mapped_column(_ID, unique=True)
    asked: Mapped[datetime]
    asked_by: Mapped[str] = mapped_column(_NAME)

    __table_args__ = (UniqueConstraint("assignment_id", "number"),)


class BatchTaskRow(Base):
    """A submission of a batch; ``state`` is waiting, graded or failed. It belongs to `release` when it has a result of it."""

    __tablename__ = "batch_tasks"

    batch_id: Mapped[str] = mapped_column(ForeignKey("batches.id", ondelete="CASCADE"), primary_key=True)
    submission_id: Mapped[str] = mapped_column(ForeignKey("submissions.id", ondelete="CASCADE"), primary_key=True, index=True)
    state: Mapped[str] = mapped_column(String(16), default="waiting")
    release: Mapped[int | None]  # that it is graded by; None: its own, of batches from before this was written down


class ResultRow(Base):
    """What one batch said of one submission; that of the newest batch holds, but no failure takes the place of points."""

    __tablename__ = "results"

    submission_id: Mapped[str] = mapped_column(ForeignKey("submissions.id", ondelete="CASCADE"), primary_key=True)
    batch_id: Mapped[str] = mapped_column(ForeignKey("batches.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer)  # the batch's
    state: Mapped[str] = mapped_column(String(16))  # graded, failed
    received: Mapped[datetime]
    result: Mapped[dict[str, Any]] = mapped_column(JSON)  # a GradeResult
    files: Mapped[list[dict[str, Any]]] = mapped_column(JSON)  # FileEntry


class MarkRow(Base):
    """What a person says of an item (the empty one is the whole): points that take the place of the run's, and a comment."""

    __tablename__ = "marks"

    submission_id: Mapped[str] = mapped_column(ForeignKey("submissions.id", ondelete="CASCADE"), primary_key=True)
    item: Mapped[str] = mapped_column(String(600), primary_key=True)
    points: Mapped[float | None]
    comment: Mapped[str] = mapped_column(Text, default="")
    pins: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON(none_as_null=True))  # PinnedComment
    by: Mapped[str] = mapped_column(_NAME)
    at: Mapped[datetime]


class GradeRow(Base):
    """The sum of a submission, brought up to date with each result and mark; the late rule is not in it."""

    __tablename__ = "grades"

    submission_id: Mapped[str] = mapped_column(ForeignKey("submissions.id", ondelete="CASCADE"), primary_key=True)
    state: Mapped[str] = mapped_column(String(16))  # submitted, graded, failed
    points: Mapped[float]
    max_points: Mapped[float]
    needs_hand: Mapped[int] = mapped_column(Integer)
    changed: Mapped[datetime]


class ScoreChangeRow(Base):
    """One change of a score; with an empty item that of the whole, late rule applied."""

    __tablename__ = "score_changes"

    id: Mapped[int] = mapped_column(_BIG, primary_key=True)
    submission_id: Mapped[str] = mapped_column(ForeignKey("submissions.id", ondelete="CASCADE"), index=True)
    item: Mapped[str] = mapped_column(String(600))
    points: Mapped[float | None]
    by: Mapped[str] = mapped_column(_NAME)
    at: Mapped[datetime]
    comment: Mapped[str] = mapped_column(Text, default="")


class UploadRow(Base):
    """Who sent which file. A file whose every row is gone is removed; ``used`` are those that are part of something for good."""

    __tablename__ = "uploads"

    username: Mapped[str] = mapped_column(_NAME, primary_key=True)
    sha256: Mapped[str] = mapped_column(_HASH, primary_key=True, index=True)
    size: Mapped[int] = mapped_column(BigInteger)
    sent: Mapped[datetime]
    used: Mapped[datetime | None] = mapped_column(UtcTime)

    __table_args__ = (Index("ix_uploads_used_sent", "used", "sent"),)
