"""What an admin has set for everybody: why the line stands still, and an announcement."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy.orm import Session

from labkit.client.wire import Announcement
from labkit.errors import InvalidInput
from labkit_hub.service.audit import note
from labkit_hub.service.context import PauseView
from labkit_hub.service.tables import SettingRow

__all__ = ["announce", "announcement", "clear_announcement", "clear_pause", "pause", "set_pause"]

_PAUSE, _ANNOUNCEMENT = "pause", "announcement"
_LONGEST = 1000


def pause(session: Session) -> PauseView | None:
    """Return why the line stands still; None if it does not."""
    row = session.get(SettingRow, _PAUSE)
    return PauseView(str(row.value["text"]), row.changed, row.changed_by) if row else None


def set_pause(session: Session, reason: str, by: str) -> PauseView:
    """Let the line stand still, for a reason that everybody in it reads."""
    row = _write(session, _PAUSE, reason.strip() or "An admin has paused the line.", by)
    note(session, by, "line.pause", "line", reason=row.value["text"])
    return PauseView(row.value["text"], row.changed, by)


def clear_pause(session: Session, by: str) -> None:
    """Let the line go on; nothing happens if it does."""
    if _remove(session, _PAUSE):
        note(session, by, "line.resume", "line")


def announcement(session: Session) -> Announcement | None:
    """Return what is announced; None if nothing is."""
    row = session.get(SettingRow, _ANNOUNCEMENT)
    return Announcement(text=str(row.value["text"]), since=row.changed) if row else None


def announce(session: Session, text: str, by: str) -> Announcement:
    """Announce something.

    Raises
    ------
    InvalidInput
        The text is empty or too long.
    """
    if not text.strip():
        raise InvalidInput("An announcement needs a text.", hint="Write one, or remove the announcement.")
    row = _write(session, _ANNOUNCEMENT, text.strip(), by)
    note(session, by, "announcement.set", "everybody", text=row.value["text"])
    return Announcement(text=row.value["text"], since=row.changed)


def clear_announcement(session: Session, by: str) -> None:
    """Announce nothing any more."""
    if _remove(session, _ANNOUNCEMENT):
        note(session, by, "announcement.clear", "everybody")


def _write(session: Session, name: str, text: str, by: str) -> SettingRow:
    if len(text) > _LONGEST:
        raise InvalidInput(f"This text has {len(text)} characters; {_LONGEST} are the most.", hint="Shorten it.")
    row = SettingRow(name=name, value={"text": text}, changed=datetime.now(UTC), changed_by=by)
    return session.merge(row)


def _remove(session: Session, name: str) -> bool:
    row = session.get(SettingRow, name)
    if row is not None:
        session.delete(row)
    return row is not None
