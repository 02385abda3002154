"""What is said of an assignment beside its notebooks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, JsonValue, model_validator

from labkit.courses.records.items import RubricButton
from labkit.courses.records.kinds import ItemId, Points
from labkit.storage import Record

__all__ = ["AnnotationTask", "AssignmentSheet", "Check", "Limits"]


class Limits(Record):
    """What one submission may use when it is run."""

    cell_s: Annotated[float, Field(gt=0, le=24 * 3600)] = 60.0
    submission_s: Annotated[float, Field(gt=0, le=7 * 24 * 3600)] = 1800.0
    start_s: Annotated[float, Field(gt=0, le=3600)] = 60.0
    memory_mb: Annotated[int, Field(ge=128, le=4_000_000)] = 2048
    pids: Annotated[int, Field(ge=16, le=65536)] = 256
    cpu: Annotated[float, Field(gt=0, le=1024)] = 1.0
    cell_output_bytes: Annotated[int, Field(ge=1000)] = 100_000
    output_bytes: Annotated[int, Field(ge=10_000)] = 5_000_000
    files_mb: Annotated[int, Field(ge=1, le=100_000)] = 256
    upload_mb: Annotated[float, Field(gt=0, le=100_000)] = 20.0
    check_s: Annotated[float, Field(gt=0, le=24 * 3600)] = 60.0
    check_memory_mb: Annotated[int, Field(ge=256, le=4_000_000)] = 2048


class Check(Record):
    """One check on what a submission exports, carried out where no student code is: a row of the sheet.

    Attributes
    ----------
    kind : {"assertion", "metric"}
        A function of a hidden Python file, or a metric on hidden pictures.
    function : str
        ``tests.py:test_mean`` (assertion): the file lies in ``hidden/``, the function gets the exported values as keyword arguments.
    exports : tuple of str
        Names that the check needs, of `AssignmentSheet.exports`.
    metric : {"iou", "dice", "ap", "count_error"}
    pictures, labels : str
        Folders in ``hidden/`` with pictures and label images of the same names (metric).
    classes : bool
        Whether the numbers in label images are classes (``iou`` and ``dice`` are then the mean over the classes that are there), not
        objects (anything against background).
    thresholds : tuple of (value, points)
        A metric that reaches the value (for ``count_error``: is at most the value) earns the points; the best that is reached counts.
    """

    id: ItemId
    title: str = ""
    kind: Literal["assertion", "metric"]
    points: Points
    exports: tuple[str, ...] = ()
    function: str = ""
    metric: Literal["iou", "dice", "ap", "count_error", ""] = ""
    pictures: str = ""
    labels: str = ""
    iou_threshold: Annotated[float, Field(gt=0, lt=1)] = 0.5
    classes: bool = False
    thresholds: tuple[tuple[float, Points], ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> Check:
        if self.kind == "assertion" and not self.function:
            raise ValueError(f"the check {self.id!r} needs a function, such as tests.py:test_mean")
        if self.kind == "metric" and not (self.metric and self.labels and self.exports and self.thresholds):
            raise ValueError(f"the check {self.id!r} needs metric, labels, exports and thresholds")
        return self


class AnnotationTask(Record):
    """A picture that students annotate: their document is handed in as ``annotations/<id>.geojson`` and compared with a hidden one.

    Attributes
    ----------
    image : str
        Name of an image in the project of the student, or a picture file of the release, such as ``data/nuclei.png``.
    classes : tuple of str
        The classes that count, by name; none means that every object counts, whatever its class.
    gold : str
        A file in ``hidden/``: GeoJSON, a label image, or whatever else annotations are imported from. Empty in what students get.
    measure : {"iou", "dice", "ap", "count_error"}
        Over pixels (mean of the classes), over objects matched one to one, or the share by which the number of objects is wrong.
    thresholds : tuple of (value, points)
        As in `Check`; without any, the points are in proportion to the value.
    iou_threshold : float
        From which IoU on two objects are the same.
    tolerance_px : float
        How far apart two points may be that are the same.
    shape : (int, int) or None
        Height and width of the image in pixels; None where the gold is a label image, or nothing leaves the image.
    comments : bool
        Whether students are shown, with their feedback, where objects were missed, are too many, or badly outlined.
    """

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,60}$")]
    title: Annotated[str, Field(max_length=300)] = ""
    image: Annotated[str, Field(min_length=1, max_length=1000)]
    classes: Annotated[tuple[Annotated[str, Field(min_length=1, max_length=200)], ...], Field(max_length=100)] = ()
    points: Points
    gold: str = ""
    measure: Literal["iou", "dice", "ap", "count_error"] = "iou"
    thresholds: tuple[tuple[float, Points], ...] = ()
    iou_threshold: Annotated[float, Field(gt=0, lt=1)] = 0.5
    tolerance_px: Annotated[float, Field(gt=0, le=100_000)] = 10.0
    shape: tuple[Annotated[int, Field(ge=1, le=1_000_000)], Annotated[int, Field(ge=1, le=1_000_000)]] | None = None
    comments: bool = True

    @property
    def path(self) -> str:
        """Where a submission holds the document."""
        return f"annotations/{self.id}.geojson"

    @property
    def thumbnail(self) -> str:
        """Where a release holds a small PNG of the picture, if browsers do not show that."""
        return f"annotations/{self.id}.thumbnail.png"

    @property
    def public(self) -> AnnotationTask:
        """The task as students get it."""
        return self.model_copy(update={"gold": "", "shape": None})


class AssignmentSheet(Record):
    """``assignment.yaml``: what is said of an assignment beside its notebooks. Everything has a default.

    Attributes
    ----------
    environment : str
        Slug of the environment (image) in which submissions run; empty for the hub's own.
    parameters : dict
        Given to each graded notebook by papermill, beside ``seed``, ``data``, ``time_s`` and ``device``, where it has a cell tagged
        ``parameters``.
    data : str
        Folder of the release with public data, relative to the notebook; it is there under the same path when the notebook is graded.
    exports : dict of name to source
        What leaves a submission as data: a Python name of a notebook (``ps1:mask``) or a file that it writes (``file:model``).
    checks : tuple of Check
        Carried out on exports only, by what lies in ``hidden/``.
    required : tuple of str
        Further files that a submission must have.
    annotations : tuple of AnnotationTask
        Pictures that students annotate.
    show_hidden_messages : bool
        Whether students read, with their feedback, class and message of the error of a hidden test.
    """

    title: Annotated[str, Field(max_length=300)] = ""
    environment: str = ""
    seed: int = 0
    device: Literal["cpu", "cuda"] = "cpu"
    data: str = "data"
    parameters: dict[str, JsonValue] = {}
    limits: Limits = Limits()
    exports: dict[Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,60}$")], str] = {}
    checks: tuple[Check, ...] = ()
    rubric: tuple[RubricButton, ...] = ()
    required: tuple[str, ...] = ()
    annotations: tuple[AnnotationTask, ...] = ()
    show_hidden_messages: bool = False

    @property
    def scored(self) -> tuple[Check | AnnotationTask, ...]:
        """All that is scored where no student code is, in the order in which it is reported."""
        return (*self.checks, *self.annotations)

    @model_validator(mode="after")
    def _consistent(self) -> AssignmentSheet:
        ids = [one.id for one in self.scored]
        if len(set(ids)) != len(ids):
            raise ValueError("two checks, or a check and an annotation task, have the same id")
        if len({task.id.casefold() for task in self.annotations}) != len(self.annotations):
            raise ValueError("the ids of two annotation tasks differ in upper and lower case only")
        for check in self.checks:
            if missing := set(check.exports) - set(self.exports):
                raise ValueError(f"the check {check.id!r} needs the export {min(missing)!r}, which is not among exports")
        return self
