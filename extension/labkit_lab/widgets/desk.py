"""What the annotator does with a message: kept apart from ipywidgets, so that it is tested with plain calls.

A desk joins one document (an `Editor`) with all browsers that look at it. Messages are plain JSON with buffers;
docs/extension.md lists them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, get_args
from weakref import WeakSet

import numpy as np
from numpy.typing import NDArray

from labkit.annotations import AnnotationObject, Document, Edit, Editor, add_time, commands, resolve_author
from labkit.annotations.edits import put
from labkit.annotations.scene import EventKind, Outcome, PointerEvent, Scene
from labkit.annotations.tools import tool_named
from labkit.errors import Conflict, InvalidInput, LabKitError, Locked, NotWritable, StorageFull
from labkit.geometry import Box, Point, Rectangle, outline_of
from labkit.project import Project
from labkit.storage import utc_now
from labkit.tiling import open_image

__all__ = ["Desk", "Message", "display_list"]

_EVENTS: tuple[EventKind, ...] = get_args(EventKind)
_MODIFIERS = ("shift", "ctrl", "alt")
_MOST_EVENTS = 200_000
_COUNT_EVERY_S = 30.0
_PASTED_BESIDE_PX = 10.0
_TRY_AGAIN = (StorageFull, NotWritable, Locked, Conflict)  # the same message may succeed later


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
        self.editor = Editor(project, self._record.id, author, on_change=self._show)
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
                self._refuse(content, error.message, error.hint, retry=isinstance(error, _TRY_AGAIN))
            except Exception:
                # the browser keeps what it could not send: a fault of ours must not cost a stroke
                self._refuse(content, "Something went wrong inside LabKit.", "Your work is kept; reload the page to try again.", retry=True)
                raise
            if (self._moments[-1] - self._moments[0]).total_seconds() > _COUNT_EVERY_S:
                self._count_time()
            revision = self.editor.document.revision
        for other in self._others():  # with no lock held: they take their own
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
            case "gesture":
                self._gesture(content, buffers)
            case "command":
                self._command(content)
            case "copy":
                text = commands.copied(self.editor.document, _texts(content, "ids"))
                self._send(Message({"type": "copied", "client": _text(content, "client"), "text": text}))
            case kind:
                raise InvalidInput(f"The annotator does not know the message {kind!r}.", hint="Reload the page.")

    def _hello(self) -> None:
        document = self.editor.refresh()
        self._shown = document
        facts, buffers = display_list(document.objects, self.frame)
        self._send(Message({"type": "scene", **self._state(document), **facts}, buffers))

    def _state(self, document: Document) -> dict[str, Any]:
        return {
            "revision": document.revision,
            "completed_tasks": list(document.completed_tasks),
            "can_undo": self.editor.can_undo,
            "can_redo": self.editor.can_redo,
        }

    def _gesture(self, content: Mapping[str, Any], buffers: Sequence[bytes | memoryview]) -> None:
        document = self.editor.refresh()
        if content.get("tool") == "assist":
            self._assist(document, content, _events(content, buffers))
            return
        tool, scene = tool_named(_text(content, "tool")), self._scene(document, content)
        outcome, selection = Outcome(), None
        for event in _events(content, buffers):
            outcome = tool.feed(event, scene)
            if outcome.selection is not None:
                selection = outcome.selection
                scene = replace(scene, selection=selection)
            if outcome.edit:
                break
        self._carry_out(content, document, outcome.edit, selection)

    def _assist(self, document: Document, content: Mapping[str, Any], events: Sequence[PointerEvent]) -> None:
        """Outline what was clicked, or what a box was dragged around."""
        from labkit.annotations.assistants import outline_object  # here, because it loads scikit-image

        scene = self._scene(document, content)
        found = outline_object(
            open_image(self._project, self._record.id),
            _place(events),
            zoom=_number(content, "zoom", 1.0),
            assistant=str(content.get("assistant", "watershed")),
            class_id=scene.class_id,
            author=scene.author,
            z=scene.z,
        )
        self._carry_out(content, document, Edit() if found is None else put(found), () if found is None else (found.id,))

    def _scene(self, document: Document, content: Mapping[str, Any]) -> Scene:
        class_id, z, plane = content.get("class_id"), content.get("z"), content.get("plane")
        mode, kind = content.get("mode", "new"), content.get("kind", "object")
        if mode not in ("new", "add", "subtract") or kind not in ("object", "area"):
            raise InvalidInput("A gesture has an unknown mode or kind.", hint="Reload the page.")
        return Scene(
            document=document,
            frame=self.frame,
            selection=_texts(content, "selection"),
            class_id=class_id if isinstance(class_id, int) else None,
            author=self.editor.author,
            z=z if isinstance(z, int) else None,
            plane=plane if isinstance(plane, int) else None,
            radius_px=_number(content, "radius_px", 10.0),
            mode=mode,
            kind=kind,
        )

    def _command(self, content: Mapping[str, Any]) -> None:
        name, client, number = _text(content, "name"), _text(content, "client"), _whole(content, "number")
        if name in ("undo", "redo"):
            step = self.editor.undo if name == "undo" else self.editor.redo
            self._acknowledge(content, step(client=client, number=number), None)
            return
        document = self.editor.refresh()
        edit = _edit_of(document, name, content, self.editor.author, [item.id for item in Project.open(self._project.path).classes])
        fresh = tuple(change.id for change in edit.changes if change.item is not None)
        self._carry_out(content, document, edit, fresh if name in ("paste", "merge", "separate") else None)

    def _carry_out(self, content: Mapping[str, Any], seen: Document, edit: Edit, selection: tuple[str, ...] | None) -> None:
        """Carry out an edit that was made of the document as `seen`, unless somebody has changed its objects since."""
        done = self.editor.apply_to(seen.revision, edit, client=_text(content, "client"), number=_whole(content, "number"))
        self._acknowledge(content, done, selection)

    def _acknowledge(self, content: Mapping[str, Any], done: Any, selection: tuple[str, ...] | None) -> None:
        self._send(
            Message(
                {
                    "type": "ack",
                    "client": _text(content, "client"),
                    "number": _whole(content, "number"),
                    "revision": done.revision,
                    "changed": done.changed,
                    "selection": None if selection is None else list(selection),
                }
            )
        )

    def _refuse(self, content: Mapping[str, Any], message: str, hint: str, *, retry: bool) -> None:
        told = {"client": content.get("client"), "number": content.get("number"), "message": message, "hint": hint, "retry": retry}
        self._send(Message({"type": "refused", **told}))

    def _show(self, document: Document) -> None:
        """Tell the browsers what changed since they were told last."""
        with self._lock:
            before = self._shown
            if before is None or document.revision <= before.revision:  # nobody has asked yet, or a later one was faster
                return
            self._shown = document
            old = {item.id: item for item in before.objects}
            kept = {item.id for item in document.objects}
            places = [k for k, item in enumerate(document.objects) if item.id not in old or old[item.id] is not item]
            removed = [item.id for item in before.objects if item.id not in kept]
            order_before = [item.id for item in before.objects if item.id in kept]
            order_after = [item.id for item in document.objects if item.id in old]
            if order_before != order_after:
                places = list(range(len(document.objects)))
            facts, buffers = display_list([document.objects[k] for k in places], self.frame)
            for fact, place in zip(facts["objects"], places, strict=True):
                fact["place"] = place
            patch = {"type": "patch", "from_revision": before.revision, "removed": removed}
            self._send(Message({**patch, **self._state(document), **facts}, buffers))


def display_list(objects: Sequence[AnnotationObject], frame: Box) -> tuple[dict[str, Any], tuple[bytes, ...]]:
    """Return what a browser needs to draw objects.

    Parameters
    ----------
    objects : sequence of AnnotationObject
        In the order of drawing.
    frame : Box
        The picture; places are sent as float32 relative to its centre, which leaves 1/1024 of a pixel at 16,384.

    Returns
    -------
    facts : dict
        ``origin`` (y, x) and ``objects``, a list of facts for each.
    buffers : three of bytes
        Where each ring starts among the vertices (uint32, one more than rings), the object of each ring (uint32), and the vertices
        (float32 pairs of y, x). Rings combine even-odd; a point is a ring of one vertex.
    """
    origin = np.array((frame.height_px / 2, frame.width_px / 2))
    rings: list[NDArray[np.float64]] = []
    owners: list[int] = []
    facts = []
    for k, item in enumerate(objects):
        own = (np.array([(item.shape.y, item.shape.x)]),) if isinstance(item.shape, Point) else outline_of(item.shape).rings
        rings += own
        owners += [k] * len(own)
        facts.append(
            {
                "id": item.id,
                "kind": item.kind,
                "class_id": item.class_id,
                "status": item.status,
                "source": item.source,
                "author": item.author,
                "z": item.z,
            }
        )
    starts = np.cumsum([0, *(len(ring) for ring in rings)]).astype("<u4")
    vertices = np.concatenate(rings) - origin if rings else np.empty((0, 2))
    buffers = (starts.tobytes(), np.array(owners, dtype="<u4").tobytes(), vertices.astype("<f4").tobytes())
    return {"origin": origin.tolist(), "objects": facts}, buffers


def _edit_of(document: Document, name: str, content: Mapping[str, Any], author: str, class_ids: Sequence[int]) -> Edit:
    """Return the edit that a command asks for."""
    ids, found = _texts(content, "ids"), content.get("args")
    args = found if isinstance(found, Mapping) else {}
    simple: dict[str, Callable[[Document, tuple[str, ...]], Edit]] = {
        "delete": commands.delete,
        "merge": commands.merge,
        "bring_to_front": commands.bring_to_front,
        "send_to_back": commands.send_to_back,
        "accept": commands.accept,
        "reject": commands.reject,
    }
    if name in simple:
        return simple[name](document, ids)
    match name:
        case "separate":
            return commands.separate(document, ids, author=author)
        case "move":
            return commands.move(document, ids, _number(args, "dy", 0.0), _number(args, "dx", 0.0))
        case "set_class":
            return commands.set_class(document, ids, args.get("class_id"), class_ids=class_ids)
        case "set_task":
            return commands.set_task(document, _text(args, "task"), completed=args.get("completed") is not False)
        case "paste":
            beside = {"dy": _PASTED_BESIDE_PX, "dx": _PASTED_BESIDE_PX}
            return commands.pasted(_text(args, "text"), author=author, class_ids=class_ids, **beside)
        case _:
            raise InvalidInput(f"The annotator does not know the command {name!r}.", hint="Reload the page.")


def _events(content: Mapping[str, Any], buffers: Sequence[bytes | memoryview]) -> list[PointerEvent]:
    """Return the events of a gesture: rows of (code, y, x, modifiers) as float64; a key takes the next of the names."""
    try:
        rows = np.frombuffer(buffers[0], dtype="<f8").reshape(-1, 4)
    except (IndexError, ValueError) as error:
        raise InvalidInput("A gesture came without its events.", hint="Reload the page.") from error
    if len(rows) > _MOST_EVENTS:
        raise InvalidInput(f"A gesture of {len(rows)} events is too long.", hint="Lift the pen now and then.")
    names = iter(_texts(content, "keys"))
    reach = _number(content, "reach_px", 4.0)
    events = []
    for code, y, x, held in rows.tolist():
        if code not in range(len(_EVENTS)):
            raise InvalidInput("A gesture holds an unknown event.", hint="Reload the page.")
        kind = _EVENTS[int(code)]
        keys = frozenset(name for bit, name in enumerate(_MODIFIERS) if int(held) >> bit & 1)
        events.append(PointerEvent(kind, y, x, keys, next(names, "") if kind == "key" else "", reach))
    return events


def _place(events: Sequence[PointerEvent]) -> tuple[float, float] | Rectangle:
    """Return the place of a click, or the box of a drag."""
    if not events:
        raise InvalidInput("A gesture came without its events.", hint="Reload the page.")
    first, last = events[0], events[-1]
    if abs(first.y - last.y) <= first.reach_px and abs(first.x - last.x) <= first.reach_px:
        return first.y, first.x
    return Rectangle(min(first.y, last.y), min(first.x, last.x), max(first.y, last.y), max(first.x, last.x))


def _texts(content: Mapping[str, Any], name: str) -> tuple[str, ...]:
    found = content.get(name, ())
    if not isinstance(found, (list, tuple)) or not all(isinstance(one, str) for one in found):
        raise InvalidInput(f"{name} of a message is not a list of texts.", hint="Reload the page.")
    return tuple(found)


def _text(content: Mapping[str, Any], name: str) -> str:
    found = content.get(name)
    if not isinstance(found, str) or not found:
        raise InvalidInput(f"A message lacks {name}.", hint="Reload the page.")
    return found


def _whole(content: Mapping[str, Any], name: str) -> int:
    found = content.get(name)
    if type(found) is not int or found < 1:
        raise InvalidInput(f"A message lacks {name}.", hint="Reload the page.")
    return found


def _number(content: Mapping[str, Any], name: str, default: float) -> float:
    found = content.get(name, default)
    if not isinstance(found, (int, float)) or isinstance(found, bool) or not abs(found) < 1e9:
        raise InvalidInput(f"{name} of a message is no number.", hint="Reload the page.")
    return float(found)
