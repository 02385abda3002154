"""The tables of the service's database; a change here comes with a migration in ``migrations/``.

Times are UTC. Names of users are the hub's; nothing of the hub's own database is copied.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

__all__ = [
    "AuditRow",
    "Base",
    "CourseRow",
    "DeviceRow",
    "LeaseRow",
    "MemberRow",
    "RunRow",
    "SettingRow",
    "TicketRow",
    "UsageRow",
    "UtcTime",
]

_NAME = String(255)


class UtcTime(TypeDecorator[datetime]):
    """A moment in UTC, aware of it also where the database (SQLite) is not."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Take aware times only."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give aware times only."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """All tables; constraints have names, so that migrations can speak of them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcTime, dict[str, Any]: JSON}


class CourseRow(Base):
    """A course: its title, and what its runs may use.

    ``max_running`` bounds the devices that its members use at a time, ``hours_per_person`` and ``hours_total`` the device-hours of
    the last seven days (None: no bound). ``time_zone`` is the one in which its due times are meant.
    """

    __tablename__ = "courses"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    title: Mapped[str] = mapped_column(String(300))
    created: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(_NAME)
    archived: Mapped[datetime | None]
    max_running: Mapped[int | None]
    hours_per_person: Mapped[float | None]
    hours_total: Mapped[float | None]
    time_zone: Mapped[str] = mapped_column(String(64), default="UTC", server_default="UTC")


class MemberRow(Base):
    """Somebody in a course: the roster. It is the truth; the hub's groups follow it."""

    __tablename__ = "members"

    course_id: Mapped[str] = mapped_column(ForeignKey("courses.id", ondelete="CASCADE"), primary_key=True)
    username: Mapped[str] = mapped_column(_NAME, primary_key=True, index=True)
    role: Mapped[str] = mapped_column(String(16))  # professor, assistant, student
    full_name: Mapped[str] = mapped_column(String(300), default="")
    added: Mapped[datetime]
    added_by: Mapped[str] = mapped_column(_NAME)


class RunRow(Base):
    """A run in the hub's line, from its submission on; kept after its end.

    ``state`` is a `labkit.client.wire.HubRunState`. ``rank`` orders the owner's own runs. ``server_name`` is ``run-<id>``.
    ``reported`` is what the run's own server said last, ``asked_to_stop`` when and by whom it was cancelled, ``attempts`` how often
    its server was started, ``not_before`` when it may be tried again.
    """

    __tablename__ = "runs"

    id: Mapped[str] = mapped_column(String(12), primary_key=True)
    owner: Mapped[str] = mapped_column(_NAME, index=True)
    course_id: Mapped[str | None] = mapped_column(String(64), index=True)
    title: Mapped[str] = mapped_column(String(300), default="")
    kind: Mapped[str] = mapped_column(String(40))
    path: Mapped[str] = mapped_column(String(1000))
    profile: Mapped[str] = mapped_column(String(64))
    time_limit_s: Mapped[float | None]
    resumes: Mapped[str | None] = mapped_column(String(12))
    priority: Mapped[int] = mapped_column(Integer, default=0)
    rank: Mapped[float]
    state: Mapped[str] = mapped_column(String(16), index=True)
    reason: Mapped[str] = mapped_column(Text, default="")
    progress: Mapped[str] = mapped_column(String(300), default="")
    reported: Mapped[str | None] = mapped_column(String(16))
    server_name: Mapped[str] = mapped_column(String(40))
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    not_before: Mapped[datetime | None]
    asked_to_stop: Mapped[datetime | None]
    asked_to_stop_by: Mapped[str | None] = mapped_column(_NAME)
    submitted: Mapped[datetime]
    started: Mapped[datetime | None]
    ended: Mapped[datetime | None]

    __table_args__ = (Index("ix_runs_state_submitted", "state", "submitted"),)


class DeviceRow(Base):
    """A device: ``kind`` is ``nvidia`` or ``fake``, ``key`` its UUID (or ``fake-0``), ``state`` is ready, draining or stopped."""

    __tablename__ = "devices"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    key: Mapped[str] = mapped_column(String(80), unique=True)
    node: Mapped[str] = mapped_column(String(255), default="")
    title: Mapped[str] = mapped_column(String(120))
    memory_mb: Mapped[int | None]
    state: Mapped[str] = mapped_column(String(16), default="ready")
    seen: Mapped[datetime | None]


class LeaseRow(Base):
    """A device in somebody's hands. One row for each device, which the database itself sees to.

    Taken in the same transaction that says for what; removed only when the hub has said that the server is gone.
    """

    __tablename__ = "leases"

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    device_id: Mapped[int] = mapped_column(ForeignKey("devices.id", ondelete="RESTRICT"))
    username: Mapped[str] = mapped_column(_NAME)
    server_name: Mapped[str] = mapped_column(String(40))  # "" is the person's own server
    run_id: Mapped[str | None] = mapped_column(String(12))
    course_id: Mapped[str | None] = mapped_column(String(64))
    taken: Mapped[datetime]
    until: Mapped[datetime | None]
    confirmed: Mapped[datetime | None]  # when the hub first said that the server is there

    __table_args__ = (UniqueConstraint("device_id"), Index("ix_leases_server", "username", "server_name"))


class UsageRow(Base):
    """A lease that is over: whose time on a device it was."""

    __tablename__ = "usage"

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    device_key: Mapped[str] = mapped_column(String(80))
    username: Mapped[str] = mapped_column(_NAME, index=True)
    course_id: Mapped[str | None] = mapped_column(String(64), index=True)
    run_id: Mapped[str | None] = mapped_column(String(12))
    server_name: Mapped[str] = mapped_column(String(40))
    taken: Mapped[datetime]
    freed: Mapped[datetime] = mapped_column(UtcTime, index=True)
    why: Mapped[str] = mapped_column(String(300), default="")


class TicketRow(Base):
    """A one-time ticket for a server with a device; only its hash is kept."""

    __tablename__ = "tickets"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    username: Mapped[str] = mapped_column(_NAME)
    server_name: Mapped[str] = mapped_column(String(40))
    profile: Mapped[str] = mapped_column(String(64))
    run_id: Mapped[str | None] = mapped_column(String(12), index=True)
    made: Mapped[datetime]
    expires: Mapped[datetime]
    used: Mapped[datetime | None]


class SettingRow(Base):
    """What an admin has set on the page: ``pause`` (a reason), ``announcement``."""

    __tablename__ = "settings"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[dict[str, Any]]
    changed: Mapped[datetime]
    changed_by: Mapped[str] = mapped_column(_NAME)


class AuditRow(Base):
    """Who did what to whom, and when; and errors worth an admin's look."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    time: Mapped[datetime] = mapped_column(UtcTime, index=True)
    actor: Mapped[str] = mapped_column(_NAME)
    action: Mapped[str] = mapped_column(String(60), index=True)
    subject: Mapped[str] = mapped_column(_NAME)
    course_id: Mapped[str | None] = mapped_column(String(64), index=True)
    detail: Mapped[dict[str, Any]]
