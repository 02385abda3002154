"""The one error of this room."""

from __future__ import annotations

from labkit.errors import LabKitError

__all__ = ["Refused"]


class Refused(LabKitError, PermissionError):
    """A call that a caller may not make; the sentence is the answer, with status 403."""
