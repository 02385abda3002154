"""What goes wrong with objects."""

from __future__ import annotations

from labkit.errors import CorruptStore

__all__ = ["ObjectMissing"]


class ObjectMissing(CorruptStore):
    """An object that must be there is not."""
