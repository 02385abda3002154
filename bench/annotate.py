"""The annotator in a real JupyterLab and a real Chromium: how soon a hand sees what it does, how soon it is safe.

A picture of 20,000 x 20,000 pixels with 10,000 polygons of 30 vertices. Times are taken in the page, from the event's own time stamp
to the end of the frame that shows it (bench/annotator_page.js); a move is complete with the first frame that holds it and lacks nothing.
"""

from __future__ import annotations

import math
import os
import statistics
import tempfile
import urllib.parse
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from bench.annotator_peers import measure_peers
from bench.annotator_seat import Place, Seat, debuggable_browser, taken_seat
from bench.annotator_world import PICTURE, World, make_world
from bench.slow_link import slow_link

__all__ = ["measure"]

_ROUND_TRIP_S = 0.15
_FRAME_S = 1 / 60
_GESTURE_MOVE_S = 0.01  # 1,000 moves in 10 s
_SCREEN_PX = 800  # what a picture is fitted into
_WHEEL, _WHEEL_FACTOR = 60, 1.127  # a step of the wheel, and by how much it zooms
_WHEEL_S = 0.05
_LOOK_S = 0.5  # how long a person looks at an object before the next one

TakeSeat = Callable[[], AbstractContextManager[Seat]]


@dataclass(frozen=True)
class _Effort:
    """How much is measured."""

    size: int
    objects: int
    opens: int
    strokes: int
    pans: int
    jumps: int
    moves: int
    frames: int
    moves_of_peers: int


_FULL = _Effort(size=20_000, objects=10_000, opens=5, strokes=60, pans=6, jumps=60, moves=1000, frames=300, moves_of_peers=60)
_QUICK = _Effort(size=4096, objects=300, opens=1, strokes=3, pans=1, jumps=4, moves=100, frames=30, moves_of_peers=5)


def measure(quick: bool) -> dict[str, float | str | None]:
    """Return times in milliseconds and seconds, messages, and the growth of the browser's memory."""
    effort = _QUICK if quick else _FULL
    with (
        tempfile.TemporaryDirectory(dir=os.environ.get("LABKIT_BENCH_DIR")) as name,
        make_world(Path(name), effort.size, effort.objects) as world,
        debuggable_browser() as (browser, port),
    ):
        take_seat = partial(taken_seat, browser, port)
        return {
            "size_px": effort.size,
            "objects": effort.objects,
            **_opens(world, take_seat, effort),
            **_at_hand(world, take_seat, effort),
            **_far_away(world, take_seat, effort),
            **_growth(world, take_seat, effort),
            **measure_peers(Path(name), browser, effort.moves_of_peers),
        }


def _opens(world: World, take_seat: TakeSeat, effort: _Effort) -> dict[str, float]:
    """From the click on Annotate to picture and objects: with no kernel running, and with one."""
    cold: list[float] = []
    warm: list[float] = []
    for _ in range(effort.opens):
        world.end_kernels()
        for seconds in (cold, warm):
            with take_seat() as seat:
                seconds.append(seat.open(world.lab.url, PICTURE))
    return {"open_cold_s": _median(cold, 2), "open_warm_s": _median(warm, 2)}


def _at_hand(world: World, take_seat: TakeSeat, effort: _Effort) -> dict[str, float]:
    """Server, kernel and browser on one machine."""
    with take_seat() as seat:
        seat.open(world.lab.url, PICTURE)
        moving = _moving(seat, effort)
        before = len(world.document.objects)
        drawing = _drawing(seat, effort)
        with world.computing_kernel():
            busy = _previews(seat, effort)
        seat.is_saved()
        messages = _messages(seat, effort)
        drawn = len(world.document.objects) - before
    if drawn != 2 * effort.strokes + 1:
        raise RuntimeError(f"{2 * effort.strokes + 1} polygons were drawn, {drawn} are on the disk")
    return {
        **moving,
        **drawing,
        "preview_busy_ms": _median(busy),
        "preview_busy_p95_ms": _p95(busy),
        "messages_per_1000_moves": messages,
    }


def _moving(seat: Seat, effort: _Effort) -> dict[str, float]:
    """Zoom in from the whole picture, pan, zoom out, pan, zoom in again; then jump."""
    parts: dict[str, list[float]] = {"follow": [], "frame": []}

    def take() -> dict[str, list[float]]:
        seat.is_complete()
        found = seat.take()
        for name, values in parts.items():
            values += found[name]
        return found

    overview = round(math.log(effort.size / _SCREEN_PX) / math.log(_WHEEL_FACTOR))
    seat.zoom(-_WHEEL, steps=overview, each_s=_WHEEL_S)
    zooming = take()["frame"]
    seat.actual_size()
    seat.take()
    _pan_about(seat, effort)
    panning = take()["frame"]
    seat.zoom(_WHEEL, steps=12, each_s=_WHEEL_S)
    zooming += take()["frame"]
    _pan_about(seat, effort)
    panning += take()["frame"]
    seat.zoom(-_WHEEL, steps=12, each_s=_WHEEL_S)
    zooming += take()["frame"]
    seat.actual_size()
    seat.take()
    seat.jump(effort.jumps, each_s=_LOOK_S)
    jumps = seat.take()["frame"]
    seat.press("Escape")
    return {
        "follow_ms": _median(parts["follow"]),
        "frame_p95_ms": _p95(parts["frame"]),
        "frame_pan_p95_ms": _p95(panning),
        "frame_zoom_p95_ms": _p95(zooming),
        "jump_ms": _median(jumps),
        "jump_p95_ms": _p95(jumps),
    }


def _pan_about(seat: Seat, effort: _Effort) -> None:
    """Pan over new ground to and fro."""
    for k in range(effort.pans):
        dy, dx = ((0.0, 0.6), (0.6, 0.0), (-0.3, -0.6))[k % 3]
        seat.pan(dy, dx, moves=36, each_s=_FRAME_S)


def _drawing(seat: Seat, effort: _Effort) -> dict[str, float]:
    """Draw polygons; each is acknowledged, which is to say in the journal and on the disk, before the next."""
    previews, commits = [], []
    for k in range(effort.strokes):
        seat.drag(_ring(k), each_s=_FRAME_S)
        seat.page.wait_for_function("labkitBench.acks() > 0")
        found = seat.take()
        previews += found["preview"]
        commits += found["ack"]
    return {
        "preview_ms": _median(previews),
        "preview_p95_ms": _p95(previews),
        "commit_ms": _median(commits),
        "commit_p95_ms": _p95(commits),
    }


def _previews(seat: Seat, effort: _Effort) -> list[float]:
    """Draw polygons and wait for no answer."""
    previews = []
    for k in range(effort.strokes):
        seat.drag(_ring(k), each_s=_FRAME_S)
        previews += seat.take()["preview"]
    return previews


def _messages(seat: Seat, effort: _Effort) -> int:
    """Draw one long outline, and return the number of messages over the kernel's websocket until it is saved."""
    before = seat.messages
    seat.drag(_ring(0, effort.moves, 0.4), each_s=_GESTURE_MOVE_S)
    seat.page.wait_for_function("labkitBench.acks() > 0")
    seat.is_saved()
    seat.take()
    return seat.messages - before


def _ring(number: int, moves: int = 30, radius: float = 0.08) -> list[Place]:
    """Return an outline that a hand draws, as parts of the canvas."""
    y, x = 0.5 + 0.3 * np.sin(number), 0.5 + 0.3 * np.cos(number)
    if radius > 0.2:
        y = x = 0.5
    turns = np.linspace(0, 1.95 * np.pi, moves + 1)
    return [(float(y + radius * np.sin(turn)), float(x + radius * np.cos(turn))) for turn in turns]


def _far_away(world: World, take_seat: TakeSeat, effort: _Effort) -> dict[str, float]:
    """150 ms away from the server: ground that was seen, and ground that was not."""
    place = urllib.parse.urlsplit(world.lab.url)
    assert place.port is not None
    with slow_link(place.port, _ROUND_TRIP_S) as port, take_seat() as seat:
        opened = seat.open(place._replace(netloc=f"{place.hostname}:{port}").geturl(), PICTURE)
        seat.actual_size()
        _there_and_back(seat)
        seat.is_complete()
        seat.take()
        for _ in range(effort.pans):
            _there_and_back(seat)
        seat.is_complete()
        seen = seat.take()["frame"]
        seat.jump(effort.jumps, each_s=_LOOK_S)
        unseen = seat.take()["frame"]
    return {
        "open_150_s": round(opened, 2),
        "seen_150_ms": _median(seen),
        "seen_150_p95_ms": _p95(seen),
        "unseen_150_ms": _median(unseen),
        "unseen_150_p95_ms": _p95(unseen),
    }


def _there_and_back(seat: Seat) -> None:
    seat.pan(0.0, 0.6, moves=30, each_s=_FRAME_S)
    seat.pan(0.0, -0.6, moves=30, each_s=_FRAME_S)


def _growth(world: World, take_seat: TakeSeat, effort: _Effort) -> dict[str, float]:
    """Growth of the browser's memory over painted frames of a pan, tiles that are kept included; and over as many more."""
    with take_seat() as seat:
        seat.open(world.lab.url, PICTURE)
        seat.actual_size()
        found = [seat.memory_mb()]
        for _ in range(2):
            until = seat.frames + effort.frames
            while seat.frames < until:
                _there_and_back(seat)
            seat.is_complete()
            found.append(seat.memory_mb())
    return {"growth_mb": round(found[1] - found[0], 1), "growth_again_mb": round(found[2] - found[1], 1)}


def _median(values: Sequence[float], digits: int = 1) -> float:
    return round(statistics.median(values), digits)


def _p95(values: Sequence[float]) -> float:
    return round(float(np.percentile(values, 95)), 1)
