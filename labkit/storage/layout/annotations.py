"""Annotations of a picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["AnnotationLayout"]


@dataclass(frozen=True, slots=True)
class AnnotationLayout:
    """``annotations/<image-id>/<author>/``: one author's document."""

    root: Path

    @property
    def snapshot(self) -> Path:
        """The whole document as GeoJSON."""
        return self.root / "snapshot.geojson"

    @property
    def journal(self) -> Path:
        """Operations since the snapshot, one JSON object a line."""
        return self.root / "journal.jsonl"

    @property
    def exists(self) -> bool:
        """Whether there is a document: saved as a whole, or a journal of its first edits."""
        return self.snapshot.is_file() or self.journal.is_file()

    @property
    def review(self) -> Path:
        """State of the document's review, comments on it, and the time that went into it."""
        return self.root / "review.json"

    @property
    def lock(self) -> Path:
        """Held while the document or its review is written."""
        return self.root / ".lock"
