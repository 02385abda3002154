"""The tables of the passback room; a change here comes with a migration."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from labkit_hub.service.tables import Base, UtcTime

__all__ = ["LaunchRow", "LineItemRow", "LinkRow", "SendRow"]

_NAME = String(255)


class LaunchRow(Base):
    """Where somebody last came from: of a launch only what is needed to send a score."""

    __tablename__ = "lti_launches"

    username: Mapped[str] = mapped_column(_NAME, primary_key=True)
    context: Mapped[str] = mapped_column(_NAME, primary_key=True)  # the platform's course
    title: Mapped[str] = mapped_column(String(300), default="")
    subject: Mapped[str] = mapped_column(_NAME)  # what the platform calls the person
    client_id: Mapped[str] = mapped_column(_NAME)
    lineitems: Mapped[str] = mapped_column(String(2000))
    teaches: Mapped[bool]  # whether the person is of the staff there
    seen: Mapped[datetime]


class LinkRow(Base):
    """Which course of the platform a course here belongs to; a professor of it says so."""

    __tablename__ = "lti_links"

    course_id: Mapped[str] = mapped_column(ForeignKey("courses.id", ondelete="CASCADE"), primary_key=True)
    context: Mapped[str] = mapped_column(_NAME)
    title: Mapped[str] = mapped_column(String(300), default="")
    client_id: Mapped[str] = mapped_column(_NAME)
    lineitems: Mapped[str] = mapped_column(String(2000))
    linked: Mapped[datetime]
    linked_by: Mapped[str] = mapped_column(_NAME)

    __table_args__ = (UniqueConstraint("context"),)


class LineItemRow(Base):
    """The column of the platform's gradebook that an assignment has."""

    __tablename__ = "lti_line_items"

    assignment_id: Mapped[str] = mapped_column(ForeignKey("assignments.id", ondelete="CASCADE"), primary_key=True)
    context: Mapped[str] = mapped_column(_NAME)
    url: Mapped[str] = mapped_column(String(2000))
    label: Mapped[str] = mapped_column(String(300))
    max_points: Mapped[float]


class SendRow(Base):
    """A score that a platform has, or is to get.

    ``points`` is what it is to have, ``sent_points`` what it has. ``state`` is waiting, sent or failed; ``message`` says why in words.
    """

    __tablename__ = "lti_sends"

    assignment_id: Mapped[str] = mapped_column(ForeignKey("assignments.id", ondelete="CASCADE"), primary_key=True)
    username: Mapped[str] = mapped_column(_NAME, primary_key=True)
    points: Mapped[float]
    max_points: Mapped[float]
    state: Mapped[str] = mapped_column(String(16))
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    not_before: Mapped[datetime | None] = mapped_column(UtcTime)
    message: Mapped[str] = mapped_column(Text, default="")
    asked: Mapped[datetime]
    sent: Mapped[datetime | None]
    sent_points: Mapped[float | None]
    sent_max_points: Mapped[float | None]

    __table_args__ = (Index("ix_lti_sends_state_not_before", "state", "not_before"),)
