"""A run: one spec, one supervised family of programs, one folder; knows no kind of work."""

from typing import TYPE_CHECKING

from labkit.lazy import lazy_names

if TYPE_CHECKING:
    from labkit.runs.curves import Curve, CurvePoint
    from labkit.runs.inside import CurrentRun, current_run, write_result
    from labkit.runs.local import LocalRunner
    from labkit.runs.queue import QueueEntry, RunQueue
    from labkit.runs.records import END_STATES, RunRecord, RunSpec
    from labkit.runs.run import Run
    from labkit.runs.runner import Runner
    from labkit.runs.story import RunStory, run_story
    from labkit.runs.stream import EventWriter, RunEvent, follow_events, iter_events
    from labkit.runs.submitting import checkpoint_of
    from labkit.runs.waking import wake

# Loaded when they are asked for: a run is several programs, and each starts with what it needs.
_HOMES = {
    "CurrentRun": "inside",
    "Curve": "curves",
    "CurvePoint": "curves",
    "END_STATES": "records",
    "EventWriter": "stream",
    "LocalRunner": "local",
    "QueueEntry": "queue",
    "Run": "run",
    "RunEvent": "stream",
    "RunQueue": "queue",
    "RunRecord": "records",
    "RunSpec": "records",
    "RunStory": "story",
    "Runner": "runner",
    "checkpoint_of": "submitting",
    "current_run": "inside",
    "follow_events": "stream",
    "iter_events": "stream",
    "run_story": "story",
    "wake": "waking",
    "write_result": "inside",
}

__all__ = [
    "END_STATES",
    "CurrentRun",
    "Curve",
    "CurvePoint",
    "EventWriter",
    "LocalRunner",
    "QueueEntry",
    "Run",
    "RunEvent",
    "RunQueue",
    "RunRecord",
    "RunSpec",
    "RunStory",
    "Runner",
    "checkpoint_of",
    "current_run",
    "follow_events",
    "iter_events",
    "run_story",
    "wake",
    "write_result",
]

__getattr__, __dir__ = lazy_names(__name__, _HOMES, __all__)
