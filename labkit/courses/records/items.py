"""What earns points, and sentences that are given with points."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from labkit.courses.records.kinds import How, ItemId, Points
from labkit.storage import Record

__all__ = ["Item", "RubricButton"]


class Item(Record):
    """Something that earns points.

    Attributes
    ----------
    id : str
        The cell's ``grade_id``, or the check's id.
    notebook : str
        The notebook without ``.ipynb``; empty for a check of the sheet.
    title : str
        What people read; by default the id.
    """

    id: ItemId
    notebook: str = ""
    how: How
    max_points: Points
    title: str = ""

    @property
    def key(self) -> str:
        """``notebook/id``, unique within an assignment; for a check ``/id``."""
        return f"{self.notebook}/{self.id}"


class RubricButton(Record):
    """A sentence that staff give with one click: `points` are added to what the item has (they may be negative)."""

    item: str
    text: Annotated[str, Field(min_length=1, max_length=1000)]
    points: Annotated[float, Field(ge=-1_000_000, le=1_000_000, allow_inf_nan=False)] = 0.0
