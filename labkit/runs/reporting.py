"""What a run's own server tells the hub: that it goes on, how far it is, how it ended. Never in the run's way."""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

__all__ = ["Reporter"]

_EVERY_S = 10.0
_TIMEOUT_S = 5.0
_LONGEST_PAUSE_S = 5.0
_LAST_PATIENCE_S = 300.0  # a hub that is upgraded, or a service that starts on a busy machine, is away for minutes
_CONFLICT = 409
_FINAL = frozenset({400, 404, 405, 409, 410, 413, 415, 422})  # any other refusal may pass: a hub without its database answers 403
_MOST_REASON, _MOST_PROGRESS = 4000, 300


class Reporter:
    """Sends reports of one run to the hub's service.

    Parameters
    ----------
    address : str
        Where reports go: ``.../api/runs/<id>/report``.
    token : str
        Of the run's server.
    progress : callable
        Says how far the run is, in a few words.
    on_answer : callable
        Gets the run as the hub sees it, a `labkit.client.wire.HubRunItem` as plain JSON, each time that the hub has answered.
    """

    def __init__(
        self,
        address: str,
        token: str,
        *,
        progress: Callable[[], str] = lambda: "",
        on_answer: Callable[[dict[str, Any]], object] = lambda item: None,
        on_disowned: Callable[[], object] = lambda: None,
        every_s: float = _EVERY_S,
    ) -> None:
        self._address, self._token = address, token
        self._progress, self._on_answer, self._on_disowned, self._every_s = progress, on_answer, on_disowned, every_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name="labkit-reports", daemon=True)
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # the service is near; a proxy leads away from it

    def start(self) -> None:
        """Report from now on that the run goes on, on a thread."""
        self._thread.start()

    def end(self, state: str, reason: str, *, patience_s: float = _LAST_PATIENCE_S) -> bool:
        """Report the end, again and again until the hub has it or the time is up; return whether it has."""
        self._over.set()
        until = time.monotonic() + patience_s
        pause_s = 0.2
        while True:
            taken = self._send(state, reason)
            if taken is not None:
                return taken
            if time.monotonic() + pause_s > until:
                return False
            time.sleep(pause_s * random.uniform(0.5, 1.0))  # many runs may wait for the same service
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _go_on(self) -> None:
        while not self._over.is_set():
            taken = self._send("running", "")
            self._over.wait(self._every_s if taken is not None else min(1.0, self._every_s) * random.uniform(0.5, 1.0))

    def report(self, state: str, reason: str) -> dict[str, str]:
        """Return what is sent: a `labkit.client.wire.RunReport` as plain JSON."""
        return {"state": state, "reason": reason[:_MOST_REASON], "progress": self._how_far()}

    def _send(self, state: str, reason: str) -> bool | None:
        """Return whether the hub took the report; None where it may be worth another try."""
        if not self._address.startswith(("http://", "https://")):
            return False  # nobody said where the service is
        request = urllib.request.Request(
            self._address,
            data=json.dumps(self.report(state, reason)).encode(),
            headers={"Authorization": f"token {self._token}", "Content-Type": "application/json"},
            method="POST",
        )
        try:
            with self._opener.open(request, timeout=_TIMEOUT_S) as answer:
                item = json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                if error.code == _CONFLICT and state == "running":
                    self._on_disowned()
                return False if error.code in _FINAL else None
        except (OSError, ValueError, http.client.HTTPException):
            return None
        if isinstance(item, dict):
            with contextlib.suppress(OSError):
                self._on_answer(item)
        return True

    def _how_far(self) -> str:
        try:
            return self._progress()[:_MOST_PROGRESS]
        except Exception:
            return ""  # what is told of a run must not end it
