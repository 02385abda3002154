"""A run: one spec, one supervised family of programs, one folder; knows no kind of work."""

from labkit.runs.inside import CurrentRun, current_run, write_result
from labkit.runs.local import LocalRunner, Run
from labkit.runs.records import END_STATES, RunRecord, RunSpec
from labkit.runs.stream import EventWriter, RunEvent, follow_events, iter_events

__all__ = [
    "END_STATES",
    "CurrentRun",
    "EventWriter",
    "LocalRunner",
    "Run",
    "RunEvent",
    "RunRecord",
    "RunSpec",
    "current_run",
    "follow_events",
    "iter_events",
    "write_result",
]
