"""Asks a model for proposals beside the drawing: on a thread of its own, told of while it runs, and stopped when somebody wants it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from labkit.annotations import Editor
from labkit.errors import Cancelled, Conflict, LabKitError
from labkit.events import CancelToken, Event, Progress
from labkit.project import Project
from labkit.storage import ModelLayout

__all__ = ["Proposer", "model_keys"]

_TELL_EVERY_S = 0.2
_TRIES = 5  # somebody who draws may change what is proposed; more often than that is a fault

Tell = Callable[[dict[str, Any]], None]


def model_keys(project: Project) -> list[str]:
    """Return ``name/version`` of the project's models, the newest first; asked while people draw, so nothing of torch is loaded."""
    cards = [ModelLayout(folder).card for folder in project.layout.models.glob("*/*") if not folder.name.startswith(".")]
    known = sorted(
        ((card.stat().st_mtime_ns, f"{card.parent.parent.name}/{card.parent.name}") for card in cards if card.is_file()), reverse=True
    )
    return [key for _, key in known]


class Proposer:
    """Predicts one image with a model and puts what it finds into a document, as proposals.

    Parameters
    ----------
    editor : Editor
        Of the document; what is proposed can be undone like any edit.
    tell : callable
        Takes the state, as a message for the browsers; called on the thread.
    done : callable
        Called on the thread when the proposals are on the disk.
    """

    def __init__(self, editor: Editor, tell: Tell, done: Callable[[], None]) -> None:
        self._editor, self._tell_all, self._done = editor, tell, done
        self._thread: threading.Thread | None = None
        self._cancel = CancelToken()
        self._told_at = 0.0
        self.state: dict[str, Any] = {"state": "idle"}

    @property
    def is_running(self) -> bool:
        """Whether a model is at work."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, model: str) -> None:
        """Begin; returns at once.

        Raises
        ------
        Conflict
            A model is at work already.
        """
        if self.is_running:
            raise Conflict("A model is looking at this picture already.", hint="Wait for it, or stop it.")
        self._cancel = CancelToken()
        self._tell(state="running", model=model, stage="", done=0, total=0)
        self._thread = threading.Thread(target=self._work, args=(model,), name="proposals", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ask the model to stop at its next tile."""
        self._cancel.cancel()

    def _work(self, model: str) -> None:
        try:
            count = self._propose(model)
        except Cancelled:
            self._tell(state="stopped", model=model)
        except LabKitError as error:
            self._tell(state="failed", model=model, message=error.message, hint=error.hint)
        except Exception:
            logging.getLogger(__name__).exception("proposals of %s failed", model)
            self._tell(state="failed", model=model, message="Something went wrong inside LabKit.", hint="The kernel's log says what.")
        else:
            self._done()
            self._tell(state="done", model=model, count=count)

    def _propose(self, model: str) -> int:
        """Return how many proposals were added."""
        from labkit.inference import predict, proposals  # here, because it loads torch

        project, editor = self._editor.project, self._editor
        seen: dict[str, Any] = {"on_event": lambda event: self._note(event, model), "cancel": self._cancel}
        prediction = predict(project, editor.image_id, model, **seen)
        for _ in range(_TRIES):
            document = editor.refresh()
            edit = proposals(prediction, document, author=editor.author, **seen)
            self._cancel.raise_if_cancelled()
            try:
                editor.apply_to(document.revision, edit)
            except Conflict:
                continue  # another desk has just put in the same proposals
            return len(edit.changes)
        raise Conflict("Somebody else changes these proposals all the time.", hint="Try again later.")

    def _note(self, event: Event, model: str) -> None:
        now = time.monotonic()
        if isinstance(event, Progress) and now - self._told_at > _TELL_EVERY_S:
            self._told_at = now
            self._tell(state="running", model=model, stage=event.stage, done=event.done, total=event.total)

    def _tell(self, **state: Any) -> None:
        self.state = state
        self._tell_all({"type": "proposing", **state})
