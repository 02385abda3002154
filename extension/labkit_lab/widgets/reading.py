"""Reads what browsers send; whatever is not as it should be is refused in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

import numpy as np

from labkit.annotations.scene import EventKind, PointerEvent
from labkit.errors import InvalidInput
from labkit.geometry import Rectangle

__all__ = ["events", "is_dragged", "number", "place", "text", "texts", "whole"]

_EVENTS: tuple[EventKind, ...] = get_args(EventKind)
_MODIFIERS = ("shift", "ctrl", "alt")
_MOST_EVENTS = 200_000


def events(content: Mapping[str, Any], buffers: Sequence[bytes | memoryview]) -> list[PointerEvent]:
    """Return the events of a gesture: rows of (code, y, x, modifiers) as float64; a key takes the next of the names."""
    try:
        rows = np.frombuffer(buffers[0], dtype="<f8").reshape(-1, 4)
    except (IndexError, ValueError) as error:
        raise InvalidInput("A gesture came without its events.", hint="Reload the page.") from error
    if len(rows) > _MOST_EVENTS:
        raise InvalidInput(f"A gesture of {len(rows)} events is too long.", hint="Lift the pen now and then.")
    names = iter(texts(content, "keys"))
    reach = number(content, "reach_px", 4.0)
    found = []
    for code, y, x, held in rows.tolist():
        if code not in range(len(_EVENTS)):
            raise InvalidInput("A gesture holds an unknown event.", hint="Reload the page.")
        kind = _EVENTS[int(code)]
        keys = frozenset(name for bit, name in enumerate(_MODIFIERS) if int(held) >> bit & 1)
        found.append(PointerEvent(kind, y, x, keys, next(names, "") if kind == "key" else "", reach))
    return found


def is_dragged(events: Sequence[PointerEvent]) -> bool:
    """Return whether a gesture ended elsewhere than it began."""
    if not events:
        return False
    first, last = events[0], events[-1]
    return max(abs(first.y - last.y), abs(first.x - last.x)) > first.reach_px


def place(events: Sequence[PointerEvent]) -> tuple[float, float] | Rectangle:
    """Return the place of a click, or the box of a drag."""
    if not events:
        raise InvalidInput("A gesture came without its events.", hint="Reload the page.")
    first, last = events[0], events[-1]
    if not is_dragged(events):
        return first.y, first.x
    return Rectangle(min(first.y, last.y), min(first.x, last.x), max(first.y, last.y), max(first.x, last.x))


def texts(content: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Return a list of texts; empty where there is none."""
    found = content.get(name, ())
    if not isinstance(found, (list, tuple)) or not all(isinstance(one, str) for one in found):
        raise InvalidInput(f"{name} of a message is not a list of texts.", hint="Reload the page.")
    return tuple(found)


def text(content: Mapping[str, Any], name: str) -> str:
    """Return a text, which must be there and not be empty."""
    found = content.get(name)
    if not isinstance(found, str) or not found:
        raise InvalidInput(f"A message lacks {name}.", hint="Reload the page.")
    return found


def whole(content: Mapping[str, Any], name: str) -> int:
    """Return a whole number from 1 on, which must be there."""
    found = content.get(name)
    if type(found) is not int or found < 1:
        raise InvalidInput(f"A message lacks {name}.", hint="Reload the page.")
    return found


def number(content: Mapping[str, Any], name: str, default: float) -> float:
    """Return a number, or the default where there is none."""
    found = content.get(name, default)
    if not isinstance(found, (int, float)) or isinstance(found, bool) or not abs(found) < 1e9:
        raise InvalidInput(f"{name} of a message is no number.", hint="Reload the page.")
    return float(found)
