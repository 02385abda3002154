"""The builder of training sets without widgets: a wish, what would come of it, and the tiles that somebody chose by hand."""

from __future__ import annotations

import threading
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from labkit.datasets import PlannedImage, SetPlan, SetSpec, TileRef, TrainingSet, build_from_spec, plan_training_set
from labkit.errors import InvalidInput, NotFound
from labkit.events import CancelToken, EventSink, ignore_events
from labkit.project import Project

__all__ = ["SetBuilder"]

Chosen = NDArray[np.bool_]


class SetBuilder:
    """A wish that is changed step by step, and the plan of it.

    Parameters
    ----------
    project : Project
        An open project.
    spec : SetSpec, optional
        What is wished to begin with.

    Attributes
    ----------
    plan : SetPlan or None
        The last plan; `is_current` says whether it is that of the wish.
    training_set : TrainingSet or None
        What was built last.
    """

    def __init__(self, project: Project, spec: SetSpec | None = None) -> None:
        self.project = project
        self.plan: SetPlan | None = None
        self.training_set: TrainingSet | None = None
        self._spec = spec or SetSpec(name="training")
        self._asked: SetSpec | None = None  # what the plan was asked for; the plan's own says in full what that means
        self._lock = threading.RLock()  # handlers of widgets may run on another thread than the cell

    @property
    def spec(self) -> SetSpec:
        """What is wished now."""
        return self._spec

    @property
    def is_current(self) -> bool:
        """Whether the plan is that of the wish; a name changes nothing of it."""
        return self._asked is not None and self._asked.model_copy(update={"name": self._spec.name}) == self._spec

    @property
    def images(self) -> tuple[PlannedImage, ...]:
        """The images of the last plan."""
        return () if self.plan is None else self.plan.images

    def wish(self, **fields: Any) -> None:
        """Wish something else: fields of `SetSpec`.

        Raises
        ------
        InvalidInput
            A value cannot be; the wish stays as it was.
        """
        with self._lock:
            self._spec = _changed(self._spec, fields)

    def wish_split(self, **fields: Any) -> None:
        """Split otherwise: fields of `SplitSpec`; raises as `wish`."""
        with self._lock:
            self._spec = _changed(self._spec, {"split": {**self._spec.split.model_dump(), **fields}})

    def wish_tiles(self, **fields: Any) -> None:
        """Take other tiles: fields of `TileRule`; raises as `wish`.

        A choice by hand begins with what is taken now, and is carried over to tiles of another size: a tile is chosen if the old one
        in its middle was.
        """
        with self._lock:
            after = {**self._spec.tiles.model_dump(), **fields}
            if after["kind"] != "hand":
                after["tiles"] = ()
            elif "tiles" not in fields:
                after["tiles"] = tuple(ref for image in self.images for ref in self._carried(image, int(after["tile_px"])))
            self._spec = _changed(self._spec, {"tiles": after})

    def chosen(self, image_id: str) -> Chosen:
        """Return which tiles of an image are taken: bool (rows, columns) of the last plan's grid.

        Raises
        ------
        NotFound
            The plan has no such image.
        """
        image = self._planned(image_id)
        if self._spec.tiles.kind != "hand":
            return np.array(image.chosen, bool).reshape(image.rows, image.columns)
        taken = np.zeros((image.rows, image.columns), bool)
        for tile in self._spec.tiles.tiles:
            if tile.image == image_id and tile.row < image.rows and tile.column < image.columns:
                taken[tile.row, tile.column] = True
        return taken

    def choose(self, image_id: str, rows: tuple[int, int], columns: tuple[int, int], *, taken: bool | None = None) -> None:
        """Take the tiles of a box by hand, or leave them out.

        Parameters
        ----------
        image_id : str
            An image of the plan.
        rows, columns : (first, last)
            Both are included; in any order, and cut to the grid.
        taken : bool, optional
            By default the opposite of what the first tile is.

        Raises
        ------
        NotFound
            The plan has no such image.
        """
        with self._lock:
            mask = self.chosen(image_id)
            y, other_y = np.clip(rows, 0, len(mask) - 1).tolist()
            x, other_x = np.clip(columns, 0, mask.shape[1] - 1).tolist()
            value = not mask[y, x] if taken is None else taken
            mask[min(y, other_y) : max(y, other_y) + 1, min(x, other_x) : max(x, other_x) + 1] = value
            self._take(image_id, mask)

    def choose_all(self, image_id: str, *, taken: bool) -> None:
        """Take all tiles of an image, or none."""
        with self._lock:
            self._take(image_id, np.full(self.chosen(image_id).shape, taken))

    def work_out(self, *, on_event: EventSink = ignore_events, cancel: CancelToken | None = None) -> SetPlan:
        """Find out what would come of the wish; nothing is written. What is wished meanwhile makes the plan an old one.

        Raises
        ------
        InvalidInput
            There can be no plan of it.
        """
        asked = self._spec
        plan = plan_training_set(self.project, asked, on_event=on_event, cancel=cancel or CancelToken())
        with self._lock:
            self.plan, self._asked = plan, asked
        return plan

    def reason_against(self) -> str:
        """Return why the set cannot be built now; empty if it can."""
        if not self._spec.name.strip():
            return "Give it a name first."
        if self.plan is None or not self.is_current:
            return "It must be worked out first."
        return next((f"{problem.message} {problem.hint}" for problem in self.plan.problems if problem.level == "error"), "")

    def build(self, *, on_event: EventSink = ignore_events, cancel: CancelToken | None = None) -> TrainingSet:
        """Build the set as `labkit.datasets.build_from_spec` does, and keep it as `training_set`."""
        self.training_set = build_from_spec(self.project, self._spec, on_event=on_event, cancel=cancel or CancelToken())
        return self.training_set

    def _take(self, image_id: str, mask: Chosen) -> None:
        others = [ref for image in self.images if image.id != image_id for ref in _refs(image.id, self.chosen(image.id))]
        self.wish_tiles(kind="hand", tiles=(*others, *_refs(image_id, mask)))

    def _carried(self, image: PlannedImage, tile_px: int) -> tuple[TileRef, ...]:
        assert self.plan is not None  # it has the image
        mask, old_px = self.chosen(image.id), self.plan.spec.tiles.tile_px
        at_rows, at_columns = (_middles(end, tile_px) // old_px for end in (image.height_px, image.width_px))
        return _refs(image.id, mask[np.ix_(at_rows, at_columns)])

    def _planned(self, image_id: str) -> PlannedImage:
        for image in self.images:
            if image.id == image_id:
                return image
        raise NotFound("The plan has no such image.", hint="Work it out again.", image_id=image_id)


def _changed(spec: SetSpec, fields: dict[str, Any]) -> SetSpec:
    try:
        return SetSpec.model_validate({**spec.model_dump(), **fields})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = " ".join(str(part) for part in first["loc"]) or "the wish"
        raise InvalidInput(f"{where}: {first['msg']}.", hint="Choose another value.") from error


def _refs(image_id: str, mask: Chosen) -> tuple[TileRef, ...]:
    return tuple(TileRef(image=image_id, row=row, column=column) for row, column in np.argwhere(mask).tolist())


def _middles(end: int, tile_px: int) -> NDArray[np.int64]:
    starts = np.arange(ceil(end / tile_px)) * tile_px
    return (starts + np.minimum(starts + tile_px, end)) // 2
