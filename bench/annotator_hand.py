"""A hand on mouse and wheel that keeps its own pace: it does not wait until the page has dealt with a move, as no hand does."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

from websocket import WebSocket, create_connection

__all__ = ["Button", "Hand", "Pixels", "free_hand", "paced"]

Button = Literal["left", "middle"]
Pixels = tuple[float, float]  # y and x on the page
_BITS = {"left": 1, "right": 2, "middle": 4}
_WITHIN_S = 60


class Hand:
    """Moves over one page by the browser's debugging protocol."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._number = 0

    def drag(self, path: Sequence[Pixels], *, each_s: float, button: Button = "left") -> None:
        """Press at the first place, move along the others at an even pace, let go at the last."""
        self._mouse("mouseMoved", path[0])
        self._mouse("mousePressed", path[0], button)
        for k in paced(len(path) - 1, each_s):
            self._mouse("mouseMoved", path[k + 1], button)
        self._mouse("mouseReleased", path[-1], button)
        self._is_done()

    def wheel(self, place: Pixels, delta: float, *, steps: int, each_s: float) -> None:
        """Turn the wheel at an even pace."""
        for _ in paced(steps, each_s):
            self._send("mouseWheel", place, deltaX=0, deltaY=delta)
        self._is_done()

    def _mouse(self, kind: str, place: Pixels, button: Button | None = None) -> None:
        held = _BITS[button] if button and kind != "mouseReleased" else 0
        clicks = 0 if kind == "mouseMoved" else 1
        self._send(kind, place, button=button or "none", buttons=held, clickCount=clicks)

    def _send(self, kind: str, place: Pixels, **more: float | str) -> None:
        self._number += 1
        params = {"type": kind, "y": place[0], "x": place[1], **more}
        self._socket.send(json.dumps({"id": self._number, "method": "Input.dispatchMouseEvent", "params": params}))

    def _is_done(self) -> None:
        """Wait until the page has dealt with everything."""
        answered: set[int] = set()
        while self._number not in answered:
            answer = json.loads(self._socket.recv())
            if "error" in answer:
                raise RuntimeError(f"the browser refused a move: {answer['error']}")
            answered.add(answer.get("id", 0))


@contextmanager
def free_hand(debugging_port: int, target_id: str) -> Iterator[Hand]:
    """Give a hand over a page, named as the browser names it: the address of a page may change under the hand."""
    url = f"ws://127.0.0.1:{debugging_port}/devtools/page/{target_id}"
    socket = create_connection(url, timeout=_WITHIN_S, suppress_origin=True)
    try:
        yield Hand(socket)
    finally:
        socket.close()


def paced(count: int, each_s: float) -> Iterator[int]:
    """Count, once in so many seconds; what came late is caught up with."""
    due = time.monotonic()
    for k in range(count):
        time.sleep(max(due - time.monotonic(), 0))
        yield k
        due += each_s
