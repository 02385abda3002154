"""Assignments: as a person works on them, and as their author keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["AuthorLayout", "CourseWorkLayout"]


@dataclass(frozen=True, slots=True)
class CourseWorkLayout:
    """``~/courses/<course>/<assignment>/``: what a person works on, as it was fetched and as they changed it."""

    root: Path

    @property
    def own(self) -> Path:
        """Folder of what LabKit notes here; it is never sent."""
        return self.root / ".labkit"

    @property
    def record(self) -> Path:
        """Of which assignment and release this is, and what was fetched."""
        return self.own / "assignment.json"

    def incoming(self, assignment: str) -> Path:
        """Return where files of an assignment wait until all are there; it stays behind where a fetch was cut short."""
        return self.own / "incoming" / assignment

    @property
    def pending(self) -> Path:
        """A submission that was sent and not answered yet."""
        return self.own / "pending.json"

    @property
    def lock(self) -> Path:
        """Held while files are fetched or sent."""
        return self.own / ".lock"

    @property
    def receipts(self) -> Path:
        """Folder of the receipts."""
        return self.own / "receipts"

    def receipt(self, attempt: int, submission: str) -> Path:
        """Return the place of one receipt."""
        return self.receipts / f"{attempt:03}-{submission}.json"

    @property
    def chosen_projects(self) -> Path:
        """Out of which project the annotations of each picture are taken, where somebody said so."""
        return self.own / "projects.json"

    @property
    def feedback(self) -> Path:
        """Folder of what came back; it is not sent with the next submission."""
        return self.root / "feedback"


@dataclass(frozen=True, slots=True)
class AuthorLayout:
    """The folder of an assignment as its author keeps it, wherever that is, and the preview that is written beside it."""

    root: Path

    @property
    def record(self) -> Path:
        """As which assignments it is released; it is hidden, so that it is never released itself."""
        return self.root / ".labkit" / "authored.json"

    @property
    def preview(self) -> Path:
        """Folder of what students get."""
        return self.root.with_name(f"{self.root.name} (as students get it)")

    @property
    def preview_mark(self) -> Path:
        """Is there where this folder is itself a preview that was written by us, and may be written again."""
        return self.root / ".labkit" / "preview.json"
