"""What can be undone and redone."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from labkit.annotations.edits import Edit
from labkit.annotations.journal import Entry

__all__ = ["History", "Step"]

_LONGEST = 1000  # steps that are remembered


@dataclass(frozen=True, slots=True)
class Step:
    """One edit and the way back."""

    edit: Edit
    inverse: Edit


class History:
    """Two stacks of steps. It is rebuilt from the journal, so that it outlives its kernel and a change of image."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._undo: deque[Step] = deque(maxlen=_LONGEST)
        self._redo: deque[Step] = deque(maxlen=_LONGEST)
        last = None
        for entry in entries:
            if last is not None and entry.revision != last + 1:  # the document was saved from outside: older steps do not fit it
                self.clear()
            last = entry.revision
            self.note(entry)

    @property
    def undoable(self) -> Step | None:
        """The step that undo takes back."""
        return self._undo[-1] if self._undo else None

    @property
    def redoable(self) -> Step | None:
        """The step that redo makes again."""
        return self._redo[-1] if self._redo else None

    @property
    def depth(self) -> tuple[int, int]:
        """Number of steps that can be undone, and redone."""
        return len(self._undo), len(self._redo)

    def clear(self) -> None:
        """Forget everything."""
        self._undo.clear()
        self._redo.clear()

    def note(self, entry: Entry) -> None:
        """Follow what was done."""
        match entry.kind:
            case "edit":
                self._undo.append(Step(entry.edit, entry.inverse))
                self._redo.clear()
            case "undo":
                if self._undo:
                    self._redo.append(self._undo.pop())
            case "redo":
                if self._redo:
                    self._undo.append(self._redo.pop())
