"""What is said of assignments and grades, wherever it is said: files, the wire, the database.

An *item* is anything that earns points: a test cell, a cell graded by hand, a check of the sheet. What student code prints, raises or
reports is a claim; an item says by `how` it is scored, and only ``assertion`` and ``metric`` are out of that code's reach.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, JsonValue, field_validator, model_validator

from labkit.courses.notebook import plain_text
from labkit.storage import Record

__all__ = [
    "SHA256_PATTERN",
    "AnnotationTask",
    "AssignmentSheet",
    "CellScore",
    "Check",
    "CheckResult",
    "FileEntry",
    "GradeResult",
    "How",
    "Item",
    "Limits",
    "Manifest",
    "Note",
    "NotebookOutcome",
    "PinnedComment",
    "Preview",
    "Problem",
    "RubricButton",
    "Sha256",
]

SHA256_PATTERN = r"^[0-9a-f]{64}$"
Sha256 = Annotated[str, Field(pattern=SHA256_PATTERN)]
ItemId = Annotated[str, Field(min_length=1, max_length=200)]
Points = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]


def _plain(value: object) -> object:
    return plain_text(value) if isinstance(value, str) else value


Told = Annotated[str, Field(max_length=2000), BeforeValidator(_plain)]
"""What code of somebody's may have worded: half a surrogate pair, which no file and no line of the wire can hold, becomes a sign."""

How = Literal["cell", "hand", "assertion", "metric"]
"""How an item is scored: by a test cell in the student's own kernel (not tamper-proof), by a person, or by a check on exported data."""


class FileEntry(Record):
    """One file of a release or submission.

    ``path`` is relative, with ``/``, in NFC, without ``..`` and without hidden parts.
    """

    path: Annotated[str, Field(min_length=1, max_length=1000)]
    sha256: Sha256
    size: Annotated[int, Field(ge=0)]

    @field_validator("path")
    @classmethod
    def _inside(cls, path: str) -> str:
        parts = path.split("/")
        if any(not part or part.startswith(".") or part != part.strip() for part in parts):
            raise ValueError("must be a relative path with '/', without '..', empty or hidden parts")
        if "\\" in path or any(unicodedata.category(c) in ("Cc", "Cs") for c in path):
            raise ValueError("holds a character that a file name cannot have")
        if any(len(part.encode()) > 255 for part in parts):
            raise ValueError("has a part that is longer than a file name may be")
        return unicodedata.normalize("NFC", path)


class Manifest(Record):
    """The files of a release or submission, in the order of their paths; `sha256` names the whole."""

    files: tuple[FileEntry, ...] = ()

    @field_validator("files")
    @classmethod
    def _ordered(cls, files: tuple[FileEntry, ...]) -> tuple[FileEntry, ...]:
        paths = [file.path for file in files]
        folded = {unicodedata.normalize("NFC", path).casefold() for path in paths}
        if len(folded) != len(paths):
            raise ValueError("two files have the same path, or differ in upper and lower case only")
        folders = {str(parent) for path in paths for parent in PurePosixPath(path).parents}
        if taken := folders & set(paths):
            raise ValueError(f"{min(taken)} is both a file and a folder")
        return tuple(sorted(files, key=lambda file: file.path))

    @property
    def sha256(self) -> str:
        """The hash of all paths and contents; neither times nor places are in it."""
        return hashlib.sha256("".join(f"{file.sha256} {file.path}\n" for file in self.files).encode()).hexdigest()

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(file.size for file in self.files)

    @property
    def notebooks(self) -> tuple[str, ...]:
        """Names, without ``.ipynb``, of the notebooks at the top."""
        return tuple(file.path.removesuffix(".ipynb") for file in self.files if "/" not in file.path and file.path.endswith(".ipynb"))

    def entry(self, path: str) -> FileEntry | None:
        """Return the file of this path; None where there is none."""
        path = unicodedata.normalize("NFC", path)
        return next((file for file in self.files if file.path == path), None)


class Item(Record):
    """Something that earns points.

    Attributes
    ----------
    id : str
        The cell's ``grade_id``, or the check's id.
    notebook : str
        The notebook without ``.ipynb``; empty for a check of the sheet.
    title : str
        What people read; by default the id.
    """

    id: ItemId
    notebook: str = ""
    how: How
    max_points: Points
    title: str = ""

    @property
    def key(self) -> str:
        """``notebook/id``, unique within an assignment; for a check ``/id``."""
        return f"{self.notebook}/{self.id}"


class RubricButton(Record):
    """A sentence that staff give with one click: `points` are added to what the item has (they may be negative)."""

    item: str
    text: Annotated[str, Field(min_length=1, max_length=1000)]
    points: Annotated[float, Field(ge=-1_000_000, le=1_000_000, allow_inf_nan=False)] = 0.0


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


class Problem(Record):
    """Something that is wrong with an assignment or a submission, in words.

    Attributes
    ----------
    severity : {"error", "warning"}
        An error keeps it from being released or handed in.
    where : str
        File and cell, such as ``ps1.ipynb, cell 4 (q1_test)``.
    """

    severity: Literal["error", "warning"] = "error"
    where: str = ""
    text: str
    hint: str = ""


class Note(Record):
    """Something that staff should know of a submission: a cell was put back, a kernel died, output was cut."""

    kind: Annotated[str, Field(pattern=r"^[a-z][a-z-]{0,39}$")]
    where: Annotated[str, BeforeValidator(_plain)] = ""
    text: Told


class CellScore(Record):
    """What an item earned.

    ``points`` is None where nobody has scored it yet. ``trusted`` is False for what rests on the word of the student's own kernel.
    ``student_note`` is what students read in place of ``note``; None means the same.
    """

    item: Item
    points: Points | None
    trusted: bool = False
    note: Told = ""
    student_note: Told | None = None

    @property
    def for_student(self) -> CellScore:
        """The score as its student may read it."""
        return self if self.student_note is None else self.model_copy(update={"note": self.student_note, "student_note": None})


class NotebookOutcome(Record):
    """How the execution of one notebook went.

    Attributes
    ----------
    state : {"done", "partial", "failed", "missing"}
        All cells were executed; some were not or had errors of the kernel itself; it could not be executed; the submission lacks it.
    executed, html : str or None
        SHA-256 of the executed notebook and of the page made of it, among the files of the result.
    student_executed, student_html : str or None
        Those that the student may read: without hidden tests. None means the same.
    """

    notebook: str
    state: Literal["done", "partial", "failed", "missing"]
    seconds: Annotated[float, Field(ge=0)] = 0.0
    cells: Annotated[int, Field(ge=0)] = 0
    kernels: Annotated[int, Field(ge=0)] = 0
    executed: Sha256 | None = None
    html: Sha256 | None = None
    student_executed: Sha256 | None = None
    student_html: Sha256 | None = None

    @property
    def files(self) -> tuple[tuple[str, Sha256], ...]:
        """All files of it with their paths in the result; a student's have the same names, in ``student/``."""
        named = (
            (f"{self.notebook}.ipynb", self.executed),
            (f"{self.notebook}.html", self.html),
            (f"student/{self.notebook}.ipynb", self.student_executed),
            (f"student/{self.notebook}.html", self.student_html),
        )
        return tuple((path, sha256) for path, sha256 in named if sha256 is not None)

    @property
    def for_student(self) -> NotebookOutcome:
        """The outcome as its student may read it: with the student's files alone."""
        own = {"executed": self.student_executed or self.executed, "html": self.student_html or self.html}
        return self.model_copy(update=own | {"student_executed": None, "student_html": None})


class Preview(Record):
    """A small picture of what a task asks to annotate, for browsers that do not show it; it is made at the release.

    Attributes
    ----------
    task : str
        The task's id.
    of : str
        The SHA-256 of the picture file.
    sha256, size : str, int
        Of the preview, a PNG or JPEG: a file of the release that is none of the students'.
    height_px, width_px : int
        Of the picture at full resolution, upright: what coordinates of annotations are in.
    """

    task: Annotated[str, Field(min_length=1, max_length=100)]
    of: Sha256
    sha256: Sha256
    size: Annotated[int, Field(ge=1)]
    height_px: Annotated[int, Field(ge=1, le=2**31)]
    width_px: Annotated[int, Field(ge=1, le=2**31)]

    @property
    def entry(self) -> FileEntry:
        """The preview as a file."""
        return FileEntry(path=f"preview of {self.task}", sha256=self.sha256, size=self.size)


class PinnedComment(Record):
    """Words at a place of an annotated picture, (y, x) in its full-resolution pixels; without a place they are about all of it."""

    text: Annotated[str, Field(min_length=1, max_length=4000), BeforeValidator(_plain)]
    y: Annotated[float, Field(allow_inf_nan=False)] | None = None
    x: Annotated[float, Field(allow_inf_nan=False)] | None = None
    by: Annotated[str, Field(max_length=255)] = ""


class CheckResult(Record):
    """What one check of the sheet, or one annotation task, found: the points, the value of a metric, what to tell, and where.

    ``student_note`` is what students read in place of ``note``; None means the same.
    """

    check: str
    points: Points
    value: float | None = None
    note: Told = ""
    student_note: Told | None = None
    comments: Annotated[tuple[PinnedComment, ...], Field(max_length=200)] = ()


class GradeResult(Record):
    """What a grading run says of one submission."""

    submission: Annotated[str, Field(max_length=64)]
    state: Literal["graded", "failed"]
    scores: tuple[CellScore, ...] = ()
    notebooks: tuple[NotebookOutcome, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    notes: tuple[Note, ...] = ()
    seconds: Annotated[float, Field(ge=0)] = 0.0
    isolation: Literal["container", "process"]

    @property
    def points(self) -> float:
        """The points of all items that are scored."""
        return total(self.scores)


def total(scores: Iterable[CellScore]) -> float:
    """Return the sum of the points that are there."""
    return sum(score.points for score in scores if score.points is not None)
