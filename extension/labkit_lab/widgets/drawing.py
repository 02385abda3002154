"""What all that draws with ipycanvas shares."""

from __future__ import annotations

import threading

__all__ = ["DRAWING"]

DRAWING = threading.Lock()  # ipycanvas has one queue for all canvases of a process, and threads would mix in it
