"""Messages about runs and models: what is trained, how far it is, and what came of it."""

from __future__ import annotations

from labkit_lab.wire import WireModel

__all__ = ["RUNS_REPLIES", "RUNS_REQUESTS"]

RUNS_REQUESTS: tuple[type[WireModel], ...] = ()
RUNS_REPLIES: tuple[type[WireModel], ...] = ()
