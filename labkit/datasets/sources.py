"""What a set is made of: images, whose annotations of them, and what they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from labkit.annotations import (
    CONSENSUS,
    Document,
    ReviewState,
    authors,
    load_review,
    open_document,
    resolve_author,
)
from labkit.datasets.findings import Findings
from labkit.datasets.parts import AUTHOR_GROUP
from labkit.datasets.records import SetSpec
from labkit.errors import InvalidInput
from labkit.project import ImageRecord, Project
from labkit.tiling import open_flat_image

__all__ = ["ANYBODY", "Source", "find_sources"]

ANYBODY = "*"


@dataclass(frozen=True, slots=True)
class Source:
    """An image that goes into a set, with the annotations that count, their review, and the group that it is split by ("" for none)."""

    record: ImageRecord
    document: Document
    state: ReviewState
    group: str


def find_sources(project: Project, spec: SetSpec, findings: Findings) -> list[Source]:
    """Return the images of a set in the order of their import; what stands in the way goes to `findings`."""
    groups = project.groups()
    found = []
    for record in _records(project, spec.images, findings):
        source = None
        with findings.noting("several-authors"):
            source = _source(project, record, spec, groups.get(record.id, {}), findings)
        if source is not None:
            found.append(source)
    if not found and not findings.refused:
        _refuse_nothing(spec, findings)
    _check_kinds([source.record for source in found], findings)
    for source in found:
        with findings.noting("stack" if source.record.stack else "unreadable"):
            open_flat_image(project, source.record.id)
    return found


def _records(project: Project, keys: Sequence[str], findings: Findings) -> tuple[ImageRecord, ...]:
    everything = project.images()
    if not keys:
        return tuple(record for record in everything if record.role == "image")
    chosen: set[str] = set()
    for key in keys:
        with findings.noting("unknown-image"):
            chosen.add(project.image(key).id)
    return tuple(record for record in everything if record.id in chosen)  # in the order of import: the order of a wish makes no other set


def _source(project: Project, record: ImageRecord, spec: SetSpec, groups: dict[str, str], findings: Findings) -> Source | None:
    named = bool(spec.images)
    author = _whose(project, record, spec.author)
    document = None if author is None else open_document(project, record.id, author)
    if author is None or document is None or not (document.objects or document.finished):
        if named:
            who = author or "Nobody"
            findings.warn(
                "not-annotated",
                f"{record.name}: {who} has annotated nothing there; it is left out.",
                "Annotate it, or name whose annotations are to be taken.",
            )
        return None
    group = author if spec.split.group == AUTHOR_GROUP else groups.get(spec.split.group, "")
    return Source(record, document, load_review(project, record.id, author).state, group)


def _whose(project: Project, record: ImageRecord, author: str | None) -> str | None:
    """Return whose annotations of an image count."""
    if author != ANYBODY:
        return resolve_author(author)
    known = [name for name in authors(project, record.id) if _has_drawn(project, record.id, name)]
    accepted = [name for name in known if load_review(project, record.id, name).state == "accepted"]
    if CONSENSUS in known:
        return CONSENSUS
    if len(known) > 1 and len(accepted) != 1:
        raise InvalidInput(
            f"{record.name} was annotated by {', '.join(known)}, and it is open who is right.",
            hint="Make a consensus, accept one of them in review, or name whose annotations are to be taken.",
        )
    return next(iter(accepted or known), None)


def _has_drawn(project: Project, image_id: str, author: str) -> bool:
    document = open_document(project, image_id, author)
    return bool(document.objects) or document.finished


def _refuse_nothing(spec: SetSpec, findings: Findings) -> None:
    who = "Nobody" if spec.author == ANYBODY else resolve_author(spec.author)
    findings.refuse(
        "nothing-annotated",
        InvalidInput(
            f"{who} has annotated none of the project's images.",
            hint="Annotate an image or import annotations first, or name whose are to be taken.",
            author=who,
        ),
    )


def _check_kinds(records: Sequence[ImageRecord], findings: Findings) -> None:
    for record in records[1:]:
        first = records[0]
        if (record.channels, record.dtype) != (first.channels, first.dtype):
            message = (
                f"{record.name!r} has {record.channels} channel(s) of {record.dtype}, {first.name!r} {first.channels} of {first.dtype}."
            )
            findings.refuse("different-kinds", InvalidInput(message, hint="Build a set from images of one kind."))
            return
