"""A run: one spec, one supervised family of programs, one folder; knows no kind of work."""

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
