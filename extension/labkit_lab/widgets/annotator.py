"""The annotator as a widget: for a notebook, and for the tab that the Projects panel opens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ipycanvas import Canvas, MultiCanvas, hold_canvas
from ipywidgets import DOMWidget, widget_serialization
from traitlets import Bool, Dict, Instance, List, Unicode

from labkit.annotations import Document, may_draw, resolve_author
from labkit.config import projects_dir
from labkit.errors import NotFound
from labkit.project import ImageRecord, Project, list_projects
from labkit.tiling import open_image
from labkit.tiling.rendering import default_view
from labkit_lab.widgets.desk import Desk, Message
from labkit_lab.widgets.drawing import DRAWING

__all__ = ["Annotator", "close_annotator", "open_annotator"]

_LAYERS = 5  # picture, objects, mask, selection, and what Python draws
_SKETCH = 4
_MODULE, _VERSION = "labkit-lab", "^0.1.0"
_TILE_PX = 512
_CHANGING = ("gesture", "command", "propose")  # messages that ask for other annotations
_IN_TABS: dict[str, Annotator] = {}  # by the ids of their models


class Annotator(DOMWidget):  # type: ignore[misc]  # ipywidgets has no types
    """Shows an image, and lets people draw in it; whatever is acknowledged is on the disk.

    Parameters
    ----------
    project : Project
        An open project.
    image : ImageRecord or str
        An image of it: its record, id or name.
    author : str, optional
        Whose annotations; by default yours (``$LABKIT_AUTHOR``, ``$JUPYTERHUB_USER`` or the login name).
    read_only : bool
        Refuse what would change the annotations.

    Raises
    ------
    NotFound
        The project has no such image.

    Examples
    --------
    >>> from labkit import Project
    >>> from labkit_lab.widgets import Annotator
    >>> project = Project.open("projects/cells")  # doctest: +SKIP
    >>> Annotator(project, "nuclei.tif")  # doctest: +SKIP
    """

    _model_name = Unicode("AnnotatorModel").tag(sync=True)
    _model_module = Unicode(_MODULE).tag(sync=True)
    _model_module_version = Unicode(_VERSION).tag(sync=True)
    _view_name = Unicode("AnnotatorView").tag(sync=True)
    _view_module = Unicode(_MODULE).tag(sync=True)
    _view_module_version = Unicode(_VERSION).tag(sync=True)

    canvas = Instance(MultiCanvas).tag(sync=True, **widget_serialization)
    project_id = Unicode().tag(sync=True)
    image_id = Unicode().tag(sync=True)
    author = Unicode().tag(sync=True)
    read_only = Bool().tag(sync=True)
    image = Dict().tag(sync=True)
    classes: Any = List().tag(sync=True)
    sketches = Bool(False).tag(sync=True)  # whether Python draws
    _desk: Desk | None = None
    _sketch: Callable[[Canvas], None] | None = None

    def __init__(
        self, project: Project, image: ImageRecord | str, author: str | None = None, *, read_only: bool = False, **kwargs: Any
    ) -> None:
        record = project.image(image) if isinstance(image, str) else image
        desk = self._desk = Desk(project, record.id, author, send=self._forward)
        super().__init__(
            canvas=MultiCanvas(_LAYERS, width=300, height=150),  # the browser gives it its size
            project_id=project.id,
            image_id=record.id,
            author=desk.editor.author,
            read_only=read_only,
            image=_facts(project, record),
            classes=[{"id": c.id, "name": c.name, "colour": c.colour} for c in Project.open(project.path).classes],
            **kwargs,
        )
        self.on_msg(self._take)

    @property
    def document(self) -> Document:
        """The annotations as they are now."""
        return self._open_desk.editor.refresh()

    @property
    def _open_desk(self) -> Desk:
        if self._desk is None:
            raise RuntimeError("the annotator was not opened")
        return self._desk

    def sketch(self, draw: Callable[[Canvas], None] | None) -> None:
        """Draw over the picture with ipycanvas, in pixels of the picture; nothing of it is saved.

        Parameters
        ----------
        draw : callable or None
            Gets the layer, an `ipycanvas.Canvas` whose units are pixels of the picture (x to the right, y down) at any zoom. It is called
            now, and again whenever a page is opened or has moved its view, each time on an empty layer. None takes the sketch away.

        Examples
        --------
        >>> def frame(layer):
        ...     layer.stroke_style, layer.line_width = "yellow", 4
        ...     layer.stroke_rect(100, 100, 512, 512)
        >>> annotator.sketch(frame)  # doctest: +SKIP
        """
        self._sketch = draw
        self.sketches = draw is not None
        self._draw_sketch()

    def _draw_sketch(self) -> None:
        layer, height, width = self.canvas[_SKETCH], self.image["height_px"], self.image["width_px"]
        failure = None
        with DRAWING, hold_canvas():
            layer._canvas_manager._current_canvas = None  # a page that came later does not know it, and would draw nothing (ipycanvas 322)
            layer.clear_rect(-width, -height, 3 * width, 3 * height)
            try:
                if self._sketch is not None:
                    self._sketch(layer)
            except Exception as error:
                failure = error  # raised outside: after an error hold_canvas would hold all drawing for ever
        if failure is not None:
            self._sketch, self.sketches = None, False  # it would fail again with each move of the view
            raise failure

    def close(self) -> None:
        """Write a snapshot, and take the widget off the page."""
        if self._desk is not None:  # None where there was no such image
            self._desk.close()
            for widget in (*self.canvas._canvases, self.canvas):
                widget.close()
        super().close()

    def _take(self, widget: Any, content: dict[str, Any], buffers: Sequence[bytes | memoryview]) -> None:
        kind = content.get("type")
        if self.read_only and kind in _CHANGING:
            self._refuse(content)
        elif kind != "sketch":
            self._open_desk.take(content, buffers)
        if kind in ("hello", "sketch") and self._sketch is not None:
            self._draw_sketch()

    def _refuse(self, content: dict[str, Any]) -> None:
        told = {"client": content.get("client"), "number": content.get("number"), "retry": False}
        message = f"These are {self.author}'s annotations: you can look and comment, not draw."
        self.send({"type": "refused", **told, "message": message, "hint": "Open your own annotations of this picture to draw."})

    def _forward(self, message: Message) -> None:
        self.send(dict(message.content), list(message.buffers))


def open_annotator(project_id: str, image_id: str, author: str | None = None) -> Annotator:
    """Return the annotator of an image, by ids, as the Projects panel opens it.

    You can draw in your own annotations and in the consensus; those of somebody else are there to look at and to comment on.

    Raises
    ------
    NotFound
        There is no such project in the folder of projects, or no such image in it.
    """
    for summary in list_projects(projects_dir()):
        if summary.id == project_id:
            whose = resolve_author(author)
            annotator = Annotator(Project.open(summary.path), image_id, whose, read_only=not may_draw(whose))
            _IN_TABS[annotator.model_id] = annotator
            return annotator
    raise NotFound("This project is not there (any more).", hint="Refresh the list of projects.", project_id=project_id)


def close_annotator(model_id: str) -> None:
    """Close what `open_annotator` made, by the id of its model: its tab was closed, and the kernel goes on for others."""
    annotator = _IN_TABS.pop(model_id, None)
    if annotator is not None:
        annotator.close()


def _facts(project: Project, record: ImageRecord) -> dict[str, Any]:
    image = open_image(project, record.id)
    return {
        "name": record.name,
        "height_px": image.height_px,
        "width_px": image.width_px,
        "levels": [list(size) for size in image.levels],
        "tile_px": _TILE_PX,
        "version": record.sha256[:16],
        "channels": [{"channel": v.channel, "start": v.start, "end": v.end, "colour": v.colour} for v in default_view(image)],
        "channel_names": list(record.channel_names),
        "role": image.role,
        "dtype": str(image.dtype),
        "pixel_size_um": None if image.pixel_size_um is None else list(image.pixel_size_um),
        "stack": dict(image.stack),
    }
