"""Objects of the hub's configuration of which there is one for all spawners."""

from __future__ import annotations

from typing import Any, TypeVar

__all__ = ["Shared"]

Own = TypeVar("Own", bound="Shared")


class Shared:
    """Stays itself when it is copied.

    traitlets copies the value of every configured trait for each spawner, and with a bound method the object that it belongs to:
    each server would have a waiting line of its own.
    """

    def __deepcopy__(self: Own, memo: dict[int, Any]) -> Own:
        return self
