"""What the annotator does with a message: kept apart from ipywidgets, so that it is tested with plain calls.

A desk joins one document (an `Editor`) with all browsers that look at it. Messages are plain JSON with buffers;
docs/extension.md lists them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from weakref import WeakSet

from labkit.annotations import Acknowledgement, Document, Edit, Editor, add_time, commands, resolve_author
from labkit.annotations.assistants import ASSISTANTS, outline_object
from labkit.annotations.scene import Outcome, PointerEvent, Scene
from labkit.annotations.tools import drawn, tool_named
from labkit.errors import Conflict, InvalidInput, LabKitError, NotFound
from labkit.geometry import Box, Point, shape_area
from labkit.project import Project
from labkit.storage import utc_now
from labkit.tiling import open_image
from labkit_lab.widgets import reading
from labkit_lab.widgets.asked import edit_of
from labkit_lab.widgets.display import display_list, patch
from labkit_lab.widgets.proposer import Proposer, model_keys

__all__ = ["Desk", "Message"]

_COUNT_EVERY_S = 30.0
_HOPELESS = (InvalidInput, NotFound)  # the message itself is wrong; after anything else the same one may succeed later
_FAULT = LabKitError("Something went wrong inside LabKit.", hint="Your work is kept; reload the page to try again.")
_OF_ITS_OWN = "Somebody has removed the object that you drew on: what you drew is an object of its own."


@dataclass(frozen=True, slots=True)
class Message:
    """What goes to the browsers."""

    content: Mapping[str, Any]
    buffers: tuple[bytes, ...] = ()


Send = Callable[[Message], None]
_OPEN: WeakSet[Desk] = WeakSet()  # of this process: two tabs, or a tab and a notebook, may show one document
_OPENING = threading.Lock()


class Desk:
    """One document of one image, and what browsers do to it.

    Parameters
    ----------
    project : Project
        Where the image is.
    image_id : str
        Which.
    author : str, optional
        Whose document; see `labkit.annotations.resolve_author`.
    send : callable
        Takes the messages for the browsers; called on the thread that does the work, one at a time.
    """

    def __init__(self, project: Project, image_id: str, author: str | None = None, *, send: Send) -> None:
        self._send = send
        self._lock = threading.RLock()
        self._record = project.image(image_id)
        self._project = project
        self._shown: Document | None = None
        self._moments: list[datetime] = []  # when somebody did something, and it is not counted yet
        self._unsaved: dict[str, int] = {}  # of a client: the first number that was refused and will come again
        self.editor = Editor(project, self._record.id, author, on_change=self._show)
        self.proposer = Proposer(self.editor, self._tell, self._tell_others)
        with _OPENING:
            _OPEN.add(self)

    @property
    def frame(self) -> Box:
        """The picture."""
        return Box.of_shape(self._record.height_px, self._record.width_px)

    def take(self, content: Mapping[str, Any], buffers: Sequence[bytes | memoryview] = ()) -> None:
        """Do what a browser asks for, and answer.

        Whatever goes wrong is answered as ``refused``, with words for a person; our own faults are raised as well, to be logged.
        """
        with self._lock:
            self._moments.append(utc_now())
            try:
                self._dispatch(content, buffers)
            except LabKitError as error:
                self._refuse(content, error)
            except Exception:
                # the browser keeps what it could not send: a fault of ours must not cost a stroke
                self._refuse(content, _FAULT, retry=True)
                raise
            if (self._moments[-1] - self._moments[0]).total_seconds() > _COUNT_EVERY_S:
                self._count_time()
        self._tell_others()

    def _tell_others(self) -> None:
        """Show what was done here on the other desks; with no lock held: they take their own."""
        revision = self.editor.document.revision
        for other in self._others():
            if other.editor.document.revision != revision:
                other.editor.refresh()

    def _others(self) -> list[Desk]:
        """Return the other desks of this process that show the same document."""
        with _OPENING:
            return [desk for desk in _OPEN if desk is not self and desk.place == self.place]

    @property
    def place(self) -> tuple[str, str, str]:
        """Which document it is: project's folder, image, author."""
        return str(self._project.path), self._record.id, self.editor.author

    def close(self) -> None:
        """Write a snapshot, count the time, and let the files go."""
        with _OPENING:
            _OPEN.discard(self)
        self.proposer.stop()
        with self._lock:
            self._count_time()
        self.editor.close()

    def _count_time(self) -> None:
        """Add the time that somebody worked to the review; pauses do not count."""
        if not self._moments:
            return
        try:
            add_time(self._project, self._record.id, self.editor.author, self._moments, by=resolve_author())
        except LabKitError:
            return  # it is tried again with the next message
        self._moments = self._moments[-1:]

    def _dispatch(self, content: Mapping[str, Any], buffers: Sequence[bytes | memoryview]) -> None:
        match content.get("type"):
            case "hello":
                self._hello()
            case "gesture" | "command":
                self._do(content, buffers)
            case "forget":
                self._unsaved.pop(reading.text(content, "client"), None)
            case "copy":
                text = commands.copied(self.editor.document, reading.texts(content, "ids"))
                self._tell({"type": "copied", "client": reading.text(content, "client"), "text": text})
            case "describe":
                self._describe(content)
            case "options":
                self._tell_options()
            case "propose":
                self.proposer.start(reading.text(content, "model"))
            case "stop_proposing":
                self.proposer.stop()
            case kind:
                raise InvalidInput(f"The annotator does not know the message {kind!r}.", hint="Reload the page.")

    def _do(self, content: Mapping[str, Any], buffers: Sequence[bytes | memoryview]) -> None:
        """Carry out a gesture or a command, in its turn and only once."""
        client, number = reading.text(content, "client"), reading.whole(content, "number")
        first = self._unsaved.get(client, number)
        if number > first:  # the journal knows one number for each client: a later one would make the earlier one count as done
            raise Conflict("An earlier change is not saved yet.", hint="Try again: it is sent first.")
        document = self.editor.refresh()
        if self.editor.knows(client, number):
            self._acknowledge(content, Acknowledgement(document.revision, False), None)
        elif content.get("type") == "command":
            self._command(document, content)
        else:
            self._gesture(document, content, reading.events(content, buffers))
        self._unsaved.pop(client, None)

    def _describe(self, content: Mapping[str, Any]) -> None:
        """Tell what is known of one object, beside its outline."""
        item = self.editor.document.object_named(reading.text(content, "id"))
        area_px = None if isinstance(item.shape, Point) else shape_area(item.shape)
        size_um = self._record.pixel_size_um
        self._tell(
            {
                "type": "described",
                "client": reading.text(content, "client"),
                "id": item.id,
                "created": item.created.isoformat(timespec="seconds"),
                "area_px": area_px,
                "area_um2": None if area_px is None or size_um is None else area_px * size_um[0] * size_um[1],
                "attributes": dict(item.attributes),
            }
        )

    def _tell_options(self) -> None:
        """Tell what can be chosen: assistants, models, and what a model is doing."""
        self._tell({"type": "options", "assistants": list(ASSISTANTS), "models": model_keys(self._project)})
        self._tell({"type": "proposing", **self.proposer.state})

    def _tell(self, content: Mapping[str, Any], buffers: tuple[bytes, ...] = ()) -> None:
        with self._lock:  # messages are built up by whoever sends them, one at a time
            self._send(Message(content, buffers))

    def _hello(self) -> None:
        document = self.editor.refresh()
        self._shown = document
        facts, buffers = display_list(document.objects, self.frame)
        self._tell({"type": "scene", **self._state(document), **facts}, buffers)
        self._tell_options()

    def _state(self, document: Document) -> dict[str, Any]:
        return {
            "revision": document.revision,
            "completed_tasks": list(document.completed_tasks),
            "can_undo": self.editor.can_undo,
            "can_redo": self.editor.can_redo,
        }

    def _gesture(self, document: Document, content: Mapping[str, Any], events: Sequence[PointerEvent]) -> None:
        scene = self._scene(document, content)
        outcome, selection = Outcome(), None
        if content.get("tool") == "assist":
            outcome = self._assist(scene, content, events)
            selection = outcome.selection
        else:
            tool, here = tool_named(reading.text(content, "tool")), scene
            for event in events:
                outcome = tool.feed(event, here)
                if outcome.selection is not None:
                    selection = outcome.selection
                    here = replace(here, selection=selection)
                if outcome.edit:
                    break
        is_gone = bool(scene.selection) and not scene.chosen
        if is_gone and not outcome.edit and reading.is_dragged(events):
            raise _removed()
        if scene.mode == "subtract" and not scene.chosen and not outcome.edit and selection is None:
            raise InvalidInput("Nothing is chosen that this could be taken away from.", hint="Choose an object, then subtract.")
        builds_on = scene.mode != "new" or content.get("tool") == "brush"
        self._carry_out(content, document, outcome.edit, selection, note=_OF_ITS_OWN if is_gone and builds_on else None)

    def _assist(self, scene: Scene, content: Mapping[str, Any], events: Sequence[PointerEvent]) -> Outcome:
        """Outline what was clicked, or what a box was dragged around."""
        found = outline_object(
            open_image(self._project, self._record.id),
            reading.place(events),
            zoom=reading.number(content, "zoom", 1.0),
            assistant=str(content.get("assistant") or "watershed"),
            z=scene.z,
        )
        if found is None:
            raise InvalidInput("The assistant finds no object here.", hint="Drag a box around it, or zoom in.")
        return drawn(scene, found.shape, source=found.source)

    def _scene(self, document: Document, content: Mapping[str, Any]) -> Scene:
        class_id, z, plane = content.get("class_id"), content.get("z"), content.get("plane")
        mode, kind = content.get("mode", "new"), content.get("kind", "object")
        if mode not in ("new", "add", "subtract") or kind not in ("object", "area"):
            raise InvalidInput("A gesture has an unknown mode or kind.", hint="Reload the page.")
        return Scene(
            document=document,
            frame=self.frame,
            selection=reading.texts(content, "selection"),
            class_id=class_id if isinstance(class_id, int) else None,
            author=self.editor.author,
            z=z if isinstance(z, int) else None,
            plane=plane if isinstance(plane, int) else None,
            radius_px=reading.number(content, "radius_px", 10.0),
            mode=mode,
            kind=kind,
        )

    def _command(self, document: Document, content: Mapping[str, Any]) -> None:
        name, client, number = reading.text(content, "name"), reading.text(content, "client"), reading.whole(content, "number")
        if name in ("undo", "redo"):
            step = self.editor.undo if name == "undo" else self.editor.redo
            self._acknowledge(content, step(client=client, number=number), None)
            return
        edit = edit_of(document, name, content, self.editor.author, [item.id for item in Project.open(self._project.path).classes])
        ids = reading.texts(content, "ids")
        if ids and not edit and name != "delete" and not {item.id for item in document.objects}.intersection(ids):
            raise _removed()
        fresh = tuple(change.id for change in edit.changes if change.item is not None)
        self._carry_out(content, document, edit, fresh if name in ("paste", "merge", "separate") else None)

    def _carry_out(
        self, content: Mapping[str, Any], seen: Document, edit: Edit, selection: tuple[str, ...] | None, note: str | None = None
    ) -> None:
        """Carry out an edit that was made of the document as `seen`, unless somebody has changed its objects since."""
        client, number = reading.text(content, "client"), reading.whole(content, "number")
        self._acknowledge(content, self.editor.apply_to(seen.revision, edit, client=client, number=number), selection, note)

    def _acknowledge(
        self, content: Mapping[str, Any], done: Acknowledgement, selection: tuple[str, ...] | None, note: str | None = None
    ) -> None:
        self._tell(
            {
                "type": "ack",
                "client": reading.text(content, "client"),
                "number": reading.whole(content, "number"),
                "revision": done.revision,
                "changed": done.changed,
                "selection": None if selection is None else list(selection),
                "note": note,
            }
        )

    def _refuse(self, content: Mapping[str, Any], error: LabKitError, *, retry: bool | None = None) -> None:
        client, number = content.get("client"), content.get("number")
        retry = not isinstance(error, _HOPELESS) if retry is None else retry
        if retry and isinstance(client, str) and isinstance(number, int):
            self._unsaved[client] = min(number, self._unsaved.get(client, number))
        told = {"client": client, "number": number, "message": error.message, "hint": error.hint, "retry": retry}
        self._tell({"type": "refused", **told, "conflict": isinstance(error, Conflict | NotFound)})

    def _show(self, document: Document) -> None:
        """Tell the browsers what changed since they were told last."""
        with self._lock:
            before = self._shown
            if before is None or document.revision <= before.revision:  # nobody has asked yet, or a later one was faster
                return
            self._shown = document
            facts, buffers = patch(before, document, self.frame)
            self._tell({"type": "patch", **self._state(document), **facts}, buffers)


def _removed() -> NotFound:
    return NotFound("Somebody has removed this object meanwhile; nothing was changed.", hint="Undo brings it back.")
