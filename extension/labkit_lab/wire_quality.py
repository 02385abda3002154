"""Messages of checks: what is wrong in annotations, how far people agree, and what becomes of it together."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from labkit.annotations.validation import FaultKind
from labkit_lab.wire import WireModel

__all__ = [
    "QUALITY_REQUESTS",
    "AgreementAsk",
    "AgreementClass",
    "AgreementImage",
    "AgreementReport",
    "ConsensusAsk",
    "ConsensusItem",
    "ConsensusReport",
    "FaultItem",
    "GoldAsk",
    "ProblemItem",
    "ValidationAsk",
    "ValidationReport",
]


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


QUALITY_REQUESTS: tuple[type[WireModel], ...] = (ValidationAsk, AgreementAsk, GoldAsk, ConsensusAsk)
