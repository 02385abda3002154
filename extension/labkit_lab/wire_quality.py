"""Messages about the quality of annotations: review, progress, checks, and files that go out and come in."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, FiniteFloat

from labkit.annotations import ExportFormat, ReviewState
from labkit.annotations.validation import FaultKind
from labkit_lab.wire import WireModel
from labkit_lab.wire_authoring import ReleasedReport, TestedReport
from labkit_lab.wire_courses import TrialReport
from labkit_lab.wire_runs import ModelExportReport
from labkit_lab.wire_sets import ComparisonReport, PlanReport, PreviewReport, SetItem

__all__ = [
    "QUALITY_REPLIES",
    "QUALITY_REQUESTS",
    "AgreementAsk",
    "AgreementClass",
    "AgreementImage",
    "AgreementReport",
    "AuthorQuery",
    "ClaimItem",
    "CommentItem",
    "ConsensusAsk",
    "ConsensusItem",
    "ConsensusReport",
    "ExportAsk",
    "ExportReport",
    "FaultItem",
    "GoldAsk",
    "ImportAsk",
    "ImportReport",
    "ImportedFile",
    "IncomingFile",
    "IncomingItem",
    "JobItem",
    "JobStage",
    "LookAsk",
    "LookReport",
    "LookedFile",
    "NewComment",
    "NewIncoming",
    "NewState",
    "NextImage",
    "ProblemItem",
    "ProgressItem",
    "ProgressList",
    "ProgressSums",
    "ReviewItem",
    "TimeItem",
    "ValidationAsk",
    "ValidationReport",
]

JobStage = Literal["running", "done", "failed", "cancelled"]


# Review


class AuthorQuery(WireModel):
    """Whose document is meant, in an address; yours if it is left out."""

    author: str | None = None


class NewState(WireModel):
    """The state that an author's document is to come into."""

    author: str
    state: ReviewState


class NewComment(WireModel):
    """Words on an author's document: on a place (full-resolution pixels), on an object, or on all of it."""

    author: str
    text: str
    y: FiniteFloat | None = None
    x: FiniteFloat | None = None
    object_id: str | None = None


class ClaimItem(WireModel):
    """Who annotates an image, and until when nobody else should."""

    author: str
    until: datetime


class CommentItem(WireModel):
    """A comment on a document; ``resolved_by`` is set when it is done with."""

    id: str
    text: str
    author: str
    time: datetime
    y: float | None
    x: float | None
    object_id: str | None
    resolved_by: str | None


class TimeItem(WireModel):
    """How long a person worked on a document."""

    author: str
    seconds: float


class ReviewItem(WireModel):
    """The review of one author's document.

    ``me`` is who asks, ``next`` are the states that can follow; ``claim`` says who holds the image.
    """

    image_id: str
    image: str
    author: str
    me: str
    state: ReviewState
    next: tuple[ReviewState, ...]
    comments: tuple[CommentItem, ...]
    time_spent: tuple[TimeItem, ...]
    claim: ClaimItem | None


class NextImage(WireModel):
    """The image that was claimed for you; null when none is free."""

    image_id: str | None
    image: str | None
    claim: ClaimItem | None


# Progress


class ProgressItem(WireModel):
    """How far one author has come in one image; ``author`` is null where nobody has begun, ``problem`` says what cannot be read."""

    image_id: str
    image: str
    author: str | None
    state: ReviewState
    finished: bool
    objects: dict[str, int]
    unclassified: int
    areas: int
    seconds: float
    changed: datetime | None
    claimed_until: datetime | None
    open_comments: int
    problem: str | None


class ProgressSums(WireModel):
    """Sums over the documents of people; a consensus is left out."""

    images: int
    annotated_images: int
    documents: int
    finished: int
    states: dict[str, int]
    objects: dict[str, int]
    unclassified: int
    areas: int
    seconds: float
    claimed: int
    open_comments: int
    problems: int


class ProgressList(WireModel):
    """The progress of a project; ``me`` is who asks."""

    title: str
    me: str
    classes: tuple[str, ...]
    rows: tuple[ProgressItem, ...]
    totals: ProgressSums


# Checks


class ValidationAsk(WireModel):
    """Look for what is wrong in documents; none named means all."""

    images: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()


class AgreementAsk(WireModel):
    """Compare two authors in every image that both have a document of."""

    first: str
    second: str


class GoldAsk(WireModel):
    """Compare an author's document with a file; ``path`` lies in the home, ``class_name`` is for objects that come without one."""

    image: str
    author: str
    path: str
    class_name: str | None = None


class ConsensusAsk(WireModel):
    """Make the consensus of these authors (none named means all) in these images (none named means all)."""

    images: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    share: Annotated[float, Field(ge=0, lt=1)] = 0.5


class ProblemItem(WireModel):
    """What could not be done, and with what; the rest was done."""

    what: str
    message: str


class FaultItem(WireModel):
    """What looks wrong in one object; ``y`` and ``x`` are its middle, null where it is not known."""

    image_id: str
    image: str
    author: str
    object_id: str
    fault: FaultKind
    words: str
    level: Literal["warning", "note"]
    y: float | None
    x: float | None


class ValidationReport(WireModel):
    """What looks wrong in a number of documents."""

    documents: int
    faults: tuple[FaultItem, ...]
    problems: tuple[ProblemItem, ...]


class AgreementClass(WireModel):
    """Agreement on one class over all images; null is undefined."""

    name: str
    iou: float | None
    dice: float | None
    kappa: float | None
    first_px: int
    second_px: int


class AgreementImage(WireModel):
    """Agreement in one image."""

    image_id: str
    image: str
    known_px: int
    kappa: float | None
    matched: int
    missed: int
    extra: int


class AgreementReport(WireModel):
    """Agreement of two authors, or of an author and a file, over the pixels that both know."""

    first: str
    second: str
    known_px: int
    kappa: float | None
    matched: int
    matched_same_class: int
    missed: int
    extra: int
    unjudged: int
    mean_iou: float | None
    classes: tuple[AgreementClass, ...]
    images: tuple[AgreementImage, ...]
    problems: tuple[ProblemItem, ...]


class ConsensusItem(WireModel):
    """The consensus of one image: objects with a majority, groups without, objects drawn by hand that were kept."""

    image_id: str
    image: str
    authors: tuple[str, ...]
    objects: int
    dropped: int
    kept: int


class ConsensusReport(WireModel):
    """The consensus of several images; ``author`` has the documents."""

    author: str
    images: tuple[ConsensusItem, ...]
    problems: tuple[ProblemItem, ...]


# Files


class ExportAsk(WireModel):
    """Write an author's annotations of these images (none named means all) to files of a format."""

    format: ExportFormat
    author: str
    images: tuple[str, ...] = ()


class ExportReport(WireModel):
    """A file to fetch; ``losses`` are the first of ``losses_total`` remarks on what the format cannot hold."""

    name: str
    bytes: int
    files: int
    losses: tuple[str, ...]
    losses_total: int
    problems: tuple[ProblemItem, ...]


class IncomingFile(WireModel):
    """A file that the browser wants to send."""

    name: str
    bytes: Annotated[int, Field(ge=0)]


class NewIncoming(WireModel):
    """Files of annotations that belong together."""

    files: Annotated[tuple[IncomingFile, ...], Field(min_length=1, max_length=1000)]


class IncomingItem(WireModel):
    """Files on their way: how many bytes of each are here, in the order in which they were named."""

    id: str
    received: tuple[int, ...]


class LookAsk(WireModel):
    """Find out what files are; ``image`` is for all of them, else each goes to the image of its name."""

    incoming: str
    image: str | None = None


class LookedFile(WireModel):
    """What a file is: how many objects it has where that is known, and what must be said of it before it comes in."""

    name: str
    image: str
    format: str
    objects: int | None
    needs_class: bool
    may_shift: bool


class LookReport(WireModel):
    """What files are."""

    files: tuple[LookedFile, ...]
    problems: tuple[ProblemItem, ...]


class ImportAsk(WireModel):
    """Take files in, into an author's documents; the other fields are as in `labkit.annotations.import_annotations`."""

    incoming: str
    author: str
    image: str | None = None
    class_name: str | None = None
    finished: bool | None = None
    shift_auto: bool = False


class ImportedFile(WireModel):
    """What came in with one file."""

    name: str
    image_id: str
    image: str
    author: str
    format: str
    added: int
    updated: int
    skipped: int
    finished: bool
    warnings: tuple[str, ...]
    warnings_total: int


class ImportReport(WireModel):
    """What came in, and which files did not."""

    files: tuple[ImportedFile, ...]
    problems: tuple[ProblemItem, ...]


class JobItem(WireModel):
    """Work that takes its time: ``done`` of ``total`` steps; at its end one report, or ``message`` and ``hint``.

    ``unit`` says what the steps are (``cells``, ``checks``), and is empty where it does not matter.
    """

    id: str
    state: JobStage
    done: float
    total: float
    unit: str
    message: str
    hint: str
    validation: ValidationReport | None
    agreement: AgreementReport | None
    consensus: ConsensusReport | None
    exported: ExportReport | None
    looked: LookReport | None
    imported: ImportReport | None
    planned: PlanReport | None
    built: SetItem | None
    compared: ComparisonReport | None
    previewed: PreviewReport | None
    model_file: ModelExportReport | None
    tried: TrialReport | None
    tested: TestedReport | None
    released: ReleasedReport | None


QUALITY_REQUESTS: tuple[type[WireModel], ...] = (
    AuthorQuery,
    NewState,
    NewComment,
    ValidationAsk,
    AgreementAsk,
    GoldAsk,
    ConsensusAsk,
    ExportAsk,
    NewIncoming,
    LookAsk,
    ImportAsk,
)
QUALITY_REPLIES: tuple[type[WireModel], ...] = (ReviewItem, NextImage, ProgressList, IncomingItem, JobItem)
