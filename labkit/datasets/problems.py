"""What is wrong with a set that could be built all the same, by name and with what to do about it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

import numpy as np

from labkit.datasets.blocks import gap_between
from labkit.datasets.draft import Draft
from labkit.datasets.findings import Findings
from labkit.datasets.parts import PARTS, Part
from labkit.datasets.records import PartSummary
from labkit.datasets.sources import Source
from labkit.geometry import Point
from labkit.project import Project

__all__ = ["find_problems"]

_TINY_PX = 4  # of the box of an object
_RARE = 100  # times as many pixels of the most frequent class
_FEW_CHIPS = 8
_ALIKE = 0.05  # pixel sizes that differ by less are one


def find_problems(project: Project, draft: Draft, parts: Mapping[Part, PartSummary]) -> None:
    """Look at a draft, and (where it could be built) at what its parts would hold; what is wrong goes to its findings."""
    findings = draft.findings
    if not draft.sources:
        return
    _look_at_images(draft, findings)
    _look_at_annotations(draft, findings)
    if draft.boxes:
        _look_at_split(project, draft, findings)
    if parts:
        _look_at_parts(draft, parts, findings)


def _named(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


# Images


def _look_at_images(draft: Draft, findings: Findings) -> None:
    records = [source.record for source in draft.sources]
    sizes = [record.pixel_size_um for record in records]
    known = [size[0] for size in sizes if size is not None]
    if known and max(known) > min(known) * (1 + _ALIKE):
        findings.warn(
            "pixel-sizes-differ",
            f"Pixels are {min(known):.4g} to {max(known):.4g} micrometres wide: objects of one kind have different sizes in pixels.",
            "Build a set from images of one magnification, or augment by scale.",
        )
    if known and len(known) < len(records):
        unknown = [record.name for record in records if record.pixel_size_um is None]
        findings.warn(
            "pixel-size-unknown",
            f"The pixel size of {_named(unknown)} is not known, that of others is.",
            "Check that they are of one magnification, or import again with their pixel size.",
        )
    small = [record.name for record in records if min(record.levels[0]) < draft.spec.chip_px]
    if small:
        findings.warn(
            "chip-larger-than-image",
            f"Chips of {draft.spec.chip_px} px are larger than {_named(small)}: the rest of them is filled up and ignored.",
            "Use smaller chips.",
        )


# Annotations


def _look_at_annotations(draft: Draft, findings: Findings) -> None:
    unreviewed = [source.record.name for source in draft.sources if source.state != "accepted"]
    if unreviewed:
        findings.warn(
            "not-reviewed",
            f"The annotations of {_named(unreviewed)} were not accepted in review.",
            "Let somebody look at them, or take only accepted ones (rule 'reviewed').",
        )
    _look_at_objects(draft.sources, findings)
    used = {item.class_id for source in draft.sources for item in source.document.objects if item.status == "accepted"}
    for item in draft.classes:
        if item.id not in used:
            findings.warn(
                "class-without-objects", f"Nobody has annotated any {item.name}.", "Annotate some, or the model will never answer it."
            )
    known = {item.id for item in draft.classes}
    strange = sorted(number for number in used if number is not None and number not in known)
    if strange:
        findings.warn(
            "class-unknown",
            f"Objects have the class ids {_named([str(n) for n in strange])}, which the project does not have: they are ignored.",
            "Give them a class of the project.",
        )


def _look_at_objects(sources: tuple[Source, ...], findings: Findings) -> None:
    unclassified = proposals = tiny = points = 0
    for source in sources:
        items = source.document.objects
        proposals += sum(item.status == "proposed" for item in items)
        plain = [k for k, item in enumerate(items) if item.status == "accepted" and item.kind != "area"]
        unclassified += sum(items[k].class_id is None for k in plain)
        points += sum(isinstance(items[k].shape, Point) for k in plain)
        boxes = source.document.boxes[plain]
        area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        tiny += int(np.count_nonzero(area <= _TINY_PX)) - sum(isinstance(items[k].shape, Point) for k in plain)
    if unclassified:
        findings.warn("no-class", f"{unclassified} object(s) have no class: they are ignored.", "Give them a class.")
    if proposals:
        findings.warn("proposals", f"{proposals} proposal(s) of a model count nowhere yet.", "Accept or reject them in the annotator.")
    if tiny:
        findings.warn(
            "tiny-objects",
            f"{tiny} object(s) cover {_TINY_PX} pixels or fewer: they are lost when chips are scaled, or cover no pixel at all.",
            "See 'labkit annotations validate', and remove or redraw them.",
        )
    if points:
        findings.warn("points", f"{points} point(s) are one pixel each in a mask.", "Draw outlines where a model is to find areas.")


# The split


def _look_at_split(project: Project, draft: Draft, findings: Findings) -> None:
    if len(set(draft.pictures.values())) == 1:
        findings.warn(
            "one-image",
            "All parts are of one picture: what is measured on its neighbours says little about another picture.",
            "Add images and split by images.",
        )
    twice = len(draft.sources) - len(set(draft.pictures.values()))
    if twice:
        findings.warn("same-picture", f"{twice} image(s) show a picture that is there already; they stay in its part.", "Leave them out.")
    for name, gap in _close_parts(draft):
        findings.warn(
            "parts-touch",
            f"Parts of {name} are only {gap} px apart: neighbouring pixels leak from one into the other.",
            "Leave a gap of 32 px or more.",
        )
    if draft.spec.split.group:
        alone = [source.record.name for source in draft.sources if not source.group]
        if alone:
            findings.warn(
                "no-group",
                f"It is not known to which {draft.spec.split.group} {_named(alone)} belong: each is a group of its own.",
                "Say so with 'labkit project group'.",
            )
    for key, value in _torn_groups(project, draft):
        findings.warn(
            "group-in-several-parts",
            f"Images of the {key} {value!r} are in several parts: what is alike in them leaks.",
            f"Split by groups, one for each {key}.",
        )


def _close_parts(draft: Draft) -> Iterator[tuple[str, int]]:
    """Yield the pictures with parts that are closer than 8 pixels."""
    for source in draft.sources:
        boxes = [(item.part, item.as_box) for item in draft.boxes if item.image == source.record.id]
        pairs = itertools.combinations(boxes, 2) if len(boxes) <= 200 else ()  # many boxes come from a grid with a gap
        gaps = [gap_between(one, other) for (first, one), (second, other) in pairs if first != second]
        if len(boxes) > 200:
            gaps = [draft.spec.split.gap_px]
        if gaps and min(gaps) < 8:
            yield source.record.name, min(gaps)


def _torn_groups(project: Project, draft: Draft) -> Iterator[tuple[str, str]]:
    """Yield groups whose images, as whole pictures, are in several parts."""
    groups = project.groups()
    parts: dict[str, set[Part]] = {}
    for item in draft.boxes:
        parts.setdefault(item.image, set()).add(item.part)
    found: dict[tuple[str, str], set[Part]] = {}
    for source in draft.sources:
        own = parts.get(source.record.id, set())
        if len(own) == 1:
            for pair in groups.get(source.record.id, {}).items():
                found.setdefault(pair, set()).update(own)
    yield from (pair for pair, where in found.items() if len(where) > 1)


# What the parts hold


def _look_at_parts(draft: Draft, parts: Mapping[Part, PartSummary], findings: Findings) -> None:
    wanted = {part for part, _ in draft.spec.split.wanted} if draft.spec.split.kind != "boxes" else {"train", "val", "test"}
    names = {item.id: item.name for item in draft.classes}
    somewhere = {number for summary in parts.values() for number in summary.pixels}
    for part in PARTS:
        if part not in wanted:
            continue
        summary = parts[part]
        if not summary.chips:
            if part != "train":
                words = f"Nothing of the {part} part is annotated: {_USE[part]}."
                findings.warn(f"empty-{part}", words, "Annotate there, or change the seed.")
            continue
        for number in sorted(somewhere - summary.pixels.keys()):
            if number in names or number == 0:
                findings.warn(
                    f"class-not-in-{part}",
                    f"The {part} part has no pixel of {names.get(number, 'background')}: {_LACK[part]}.",
                    "Annotate some there, or change the seed or the split.",
                )
    train = parts["train"]
    if 0 < train.chips < _FEW_CHIPS:
        findings.warn("few-chips", f"There are only {train.chips} chips to learn from.", "Annotate more, or use smaller chips.")
    _look_at_balance(train, names, findings)


_USE = {"val": "no checkpoint can be chosen by it", "test": "the model cannot be measured"}
_LACK = {"train": "it cannot be learned", "val": "no checkpoint is chosen by it", "test": "it cannot be measured"}


def _look_at_balance(train: PartSummary, names: Mapping[int, str], findings: Findings) -> None:
    counts = {number: count for number, count in train.pixels.items() if number == 0 or number in names}
    most = max(counts.values(), default=0)
    for number, count in sorted(counts.items()):
        if count * _RARE < most:
            findings.warn(
                "imbalance",
                f"{names.get(number, 'background')} has one pixel for every {most // count} of the most frequent class.",
                "Use balanced class weights, choose tiles by this class, or annotate more of it.",
            )
