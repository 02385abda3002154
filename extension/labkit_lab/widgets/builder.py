"""The builder of training sets as a widget for a notebook."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
from ipywidgets import VBox
from numpy.typing import NDArray
from PIL import Image as Pillow

from labkit.annotations import authors, resolve_author
from labkit.datasets import SetSpec, TrainingSet
from labkit.errors import Cancelled, LabKitError
from labkit.events import CancelToken, Event, EventSink, Progress
from labkit.project import Project
from labkit.tiling import open_image
from labkit_lab.widgets.builder_drawing import TileView, draw_drag, draw_picture, draw_tiles
from labkit_lab.widgets.builder_fields import set_wish
from labkit_lab.widgets.builder_model import SetBuilder
from labkit_lab.widgets.builder_view import BuilderView, consequences_html
from labkit_lab.widgets.latest import Latest

__all__ = ["TrainingSetBuilder"]

_SIDE_PX = 520  # of the picture
_JUMP_PX = 3  # a pointer is pressed where it was last moved to, or the page has moved under it

_Place = tuple[float, float]  # x, y on the canvas


class TrainingSetBuilder(VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Chooses tiles of annotated images, says what would come of it, and builds a training set.

    Parameters
    ----------
    project : Project
        An open project with annotations.
    spec : SetSpec, optional
        What is wished to begin with, like the `spec` of a set's record.

    Attributes
    ----------
    model : SetBuilder
        The wish and its plan, for code.

    Examples
    --------
    >>> from labkit import Project
    >>> from labkit_lab.widgets import TrainingSetBuilder
    >>> builder = TrainingSetBuilder(Project.open("projects/cells"))  # doctest: +SKIP
    >>> builder  # doctest: +SKIP
    >>> builder.training_set.key  # once it was built  # doctest: +SKIP
    """

    def __init__(self, project: Project, spec: SetSpec | None = None, **kwargs: Any) -> None:
        self.model = SetBuilder(project, spec)
        self._view = _view_of(project)
        self._showing = False
        self._drag: tuple[int, int] | None = None
        self._over: _Place | None = None
        self._pressed: _Place = (0, 0)
        self._pictures: dict[str, NDArray[np.uint8]] = {}
        self._work = Latest()
        super().__init__([self._view.root], **kwargs)
        self._show_wish()
        self._connect()
        self.plan()

    @property
    def training_set(self) -> TrainingSet | None:
        """The set that was built last; None before."""
        return self.model.training_set

    def plan(self) -> None:
        """Begin to work out what would come of the wish; what was being worked out is given up."""
        self._begin("Working it out", lambda note, cancel: self.model.work_out(on_event=note, cancel=cancel), self._show_plan)

    def build(self) -> None:
        """Begin to build the set."""
        self._begin("Building", lambda note, cancel: self.model.build(on_event=note, cancel=cancel), self._show_built)

    def wait(self) -> None:
        """Wait until nothing is being worked out or built."""
        self._work.wait()

    def close(self) -> None:
        """Give up what is being done, and take the widget off the page."""
        self._work.stop()
        super().close()

    def _connect(self) -> None:
        view = self._view
        for name, widget in view.fields.items():
            widget.observe(lambda change, name=name: self._set(name, change["new"]), "value")
        view.shown.observe(lambda change: self._show_image(), "value")
        view.build.on_click(lambda button: self.build())
        view.cancel.on_click(lambda button: self._work.stop())
        view.take_all.on_click(lambda button: self._choose_all(taken=True))
        view.take_none.on_click(lambda button: self._choose_all(taken=False))
        view.take.on_click(lambda button: self._choose_typed(taken=True))
        view.leave.on_click(lambda button: self._choose_typed(taken=False))
        view.canvas.on_mouse_down(self._press)
        view.canvas.on_mouse_move(self._move)
        view.canvas.on_mouse_up(self._lift)
        view.canvas.on_mouse_out(self._leave)
        view.canvas.on_client_ready(self._show_image)

    # What a person sets

    def _set(self, name: str, value: Any) -> None:
        if self._showing:
            return
        self._try(lambda: set_wish(self.model, self._view, name, value))

    # Tiles by hand

    def _press(self, x: float, y: float) -> None:
        if view := self._tiles():
            self._pressed = (x, y)
            x, y = self._aimed_at(x, y)
            self._drag = view.cell(y, x)
            draw_drag(self._view.canvas, view, self._drag, self._drag)

    def _aimed_at(self, x: float, y: float) -> _Place:
        """Return where a pointer was when it was pressed: a canvas that is partly out of sight scrolls away under the first click."""
        return (x, y) if self._over is None or _is_near((x, y), self._over) else self._over

    def _move(self, x: float, y: float) -> None:
        self._over = (x, y)
        view = self._tiles()
        if view is None:
            return
        row, column = view.cell(y, x)
        self._say(view, row, column)
        if self._drag is not None:
            draw_drag(self._view.canvas, view, self._drag, (row, column))

    def _say(self, view: TileView, row: int, column: int) -> None:
        number = row * view.image.columns + column
        part = view.image.part[number] or "gap"
        chosen = "chosen" if view.chosen[row, column] else "not chosen"
        self._view.place.value = f"Row {row + 1}, column {column + 1}: {view.image.coverage[number]} % annotated, {part}, {chosen}"

    def _lift(self, x: float, y: float) -> None:
        view, first = self._tiles(), self._drag
        if view is None or first is None:
            return
        self._drag = None
        last = first if _is_near((x, y), self._pressed) else view.cell(y, x)
        draw_drag(self._view.canvas, view, None, last)
        self._try(lambda: self.model.choose(view.image.id, (first[0], last[0]), (first[1], last[1])))
        if now := self._tiles():
            self._say(now, *last)

    def _leave(self, x: float, y: float) -> None:
        self._over = None
        self._lift(x, y)

    def _choose_typed(self, *, taken: bool) -> None:
        view = self._view
        rows = (view.first_row.value - 1, view.last_row.value - 1)
        columns = (view.first_column.value - 1, view.last_column.value - 1)
        if image_id := view.shown.value:
            self._try(lambda: self.model.choose(image_id, rows, columns, taken=taken))

    def _choose_all(self, *, taken: bool) -> None:
        if image_id := self._view.shown.value:
            self._try(lambda: self.model.choose_all(image_id, taken=taken))

    # What is shown

    def _try(self, change: Callable[[], None]) -> None:
        try:
            change()
        except LabKitError as error:
            self._show_wish()
            self._view.reason.value = f"{error.message} {error.hint}"
            return
        self._show_wish()
        self._draw_tiles()
        if not self.model.is_current:
            self.plan()

    def _show_wish(self) -> None:
        self._showing = True
        try:
            self._view.show_wish(self.model.spec, resolve_author())
        finally:
            self._showing = False
        self._show_reason()

    def _show_reason(self) -> None:
        reason = self.model.reason_against()
        self._view.reason.value, self._view.build.disabled = reason, bool(reason)
        self._view.build.description = f"Build {self.model.spec.name}"

    def _show_plan(self) -> None:
        view, plan = self._view, self.model.plan
        if plan is None:
            return
        view.outcome.value = consequences_html(plan)
        kept = view.shown.value
        ids = [image.id for image in plan.images]
        if [key for _, key in view.shown.options] != ids:
            view.shown.options = [(image.name, image.id) for image in plan.images]
            view.shown.value = kept if kept in ids else next(iter(ids), None)
        self._show_reason()
        self._show_image()

    def _show_image(self) -> None:
        view = self._tiles()
        if view is None:
            return
        canvas = self._view.canvas
        height, width = (max(round(side * view.scale), 1) for side in (view.image.height_px, view.image.width_px))
        if (canvas.height, canvas.width) != (height, width):
            canvas.height, canvas.width = height, width
        for widget, most in (
            *((widget, view.image.rows) for widget in (self._view.first_row, self._view.last_row)),
            *((widget, view.image.columns) for widget in (self._view.first_column, self._view.last_column)),
        ):
            widget.max = most
        draw_picture(canvas, self._picture(view.image.id, (width, height)))
        draw_tiles(canvas, view)

    def _draw_tiles(self) -> None:
        if view := self._tiles():
            draw_tiles(self._view.canvas, view)

    def _tiles(self) -> TileView | None:
        """Return the image that is shown, with its tiles; None before there is a plan, and while its tiles are of another size."""
        plan, image_id = self.model.plan, self._view.shown.value
        image = next((one for one in self.model.images if one.id == image_id), None)
        if plan is None or image is None or plan.spec.tiles.tile_px != self.model.spec.tiles.tile_px:
            return None
        boxes = tuple(item for item in plan.boxes if item.image == image.id)
        scale = _SIDE_PX / max(image.height_px, image.width_px)
        return TileView(image, self.model.chosen(image.id), plan.spec.tiles.tile_px, boxes, scale)

    def _picture(self, image_id: str, size: tuple[int, int]) -> NDArray[np.uint8]:
        if image_id not in self._pictures:
            png = open_image(self.model.project, image_id).thumbnail_png(_SIDE_PX)
            with Pillow.open(io.BytesIO(png)) as small:
                self._pictures[image_id] = np.asarray(small.convert("RGB").resize(size))
        return self._pictures[image_id]

    def _show_built(self) -> None:
        built = self.model.training_set
        if built is not None:
            self._view.reason.value = f"{built.key} is built, version {built.record.version}."

    # Work that takes its time

    def _begin(self, words: str, work: Callable[[EventSink, CancelToken], Any], then: Callable[[], None]) -> None:
        self._view.build.disabled = True
        self._view.show_progress(words, 0, 0)

        def note(event: Event) -> None:
            if isinstance(event, Progress):
                self._view.show_progress(words, event.done, event.total)

        def run(cancel: CancelToken) -> None:
            failure = ""
            try:
                work(note, cancel)
            except Cancelled:
                failure = "Cancelled."
            except LabKitError as error:
                failure = f"{error.message} {error.hint}"
            if self._work.is_latest(cancel):
                self._view.show_progress("", 0, 0)
                self._show_reason()
                if failure:
                    self._view.reason.value = failure
                else:
                    then()

        self._work.begin(run)


def _is_near(one: _Place, other: _Place) -> bool:
    return max(abs(one[0] - other[0]), abs(one[1] - other[1])) <= _JUMP_PX


def _view_of(project: Project) -> BuilderView:
    images = [image for image in project.images() if image.role == "image"]
    names = {name for image in images for name in authors(project, image.id)} | {resolve_author()}
    keys = {key for groups in project.groups().values() for key in groups}
    return BuilderView(sorted(names), [(image.name, image.id) for image in images], project.classes, sorted(keys))
