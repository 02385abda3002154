"""What changed between two training sets, or between a set and what its wish would give now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from labkit.compute import THREADS, ComputeSpec
from labkit.datasets.parts import PARTS, Part, PartBox, SplitSpec
from labkit.datasets.plan_records import SetPlan
from labkit.datasets.planning import plan_training_set
from labkit.datasets.records import PartSummary, SetSpec, TrainingSetRecord
from labkit.datasets.training_set import TrainingSet
from labkit.events import CancelToken, EventSink, ignore_events
from labkit.project import ClassRecord, Project
from labkit.storage import Record

__all__ = ["ClassPixels", "ImageChange", "SetComparison", "SettingChange", "changes_since", "compare_sets"]

_SHOWN = 5


class ImageChange(Record):
    """An image that differs: its name, and what it was and is (an author and revision, or the parts that it is in)."""

    sha256: str
    name: str
    before: str
    after: str


class ClassPixels(Record):
    """How many pixels of a class (0 is background, 255 unknown) a part has, before and after."""

    part: Part
    class_id: int
    name: str
    before: int
    after: int


class SettingChange(Record):
    """A setting that differs, as words."""

    name: str
    before: str
    after: str


class SetComparison(Record):
    """What is different between one set and another; ``lines`` say it for people, and are never empty.

    ``same`` means that both have the same content; ``pixels`` lists all classes and parts, also those that are equal.
    """

    one: str
    other: str
    same: bool
    added: tuple[ImageChange, ...]
    removed: tuple[ImageChange, ...]
    annotated_anew: tuple[ImageChange, ...]
    moved: tuple[ImageChange, ...]
    pixels: tuple[ClassPixels, ...]
    settings: tuple[SettingChange, ...]
    problems: tuple[str, ...]
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _SideImage:
    name: str
    author: str
    revision: int
    annotations: str
    boxes: tuple[tuple[str, tuple[int, int, int, int]], ...]

    @property
    def places(self) -> str:
        parts = [part for part in PARTS if any(name == part for name, _ in self.boxes)]
        return " and ".join(parts) or "no part"

    @property
    def state(self) -> str:
        return f"{self.author}, revision {self.revision}"


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the two that are compared; images by the hash of their file, and a number where a file is there twice."""

    title: str
    content: str
    images: Mapping[str, _SideImage]
    parts: Mapping[Part, PartSummary]
    classes: tuple[ClassRecord, ...]
    spec: SetSpec


def compare_sets(one: TrainingSet, other: TrainingSet) -> SetComparison:
    """Return what is different in `other`, compared with `one`; images are told by their content, not by their name."""
    return _compare(_side_of_set(one.record), _side_of_set(other.record), one.record.hash == other.record.hash)


def changes_since(
    project: Project,
    data: TrainingSet,
    *,
    compute: ComputeSpec = THREADS,
    on_event: EventSink = ignore_events,
    cancel: CancelToken | None = None,
) -> SetComparison:
    """Return what would be different if the set were built again now, by the same wish; nothing is written.

    Parameters
    ----------
    project : Project
        Where the images and annotations are.
    data : TrainingSet
        The set; of one that does not know its wish, the images and boxes that it was built from are taken.
    compute, on_event, cancel
        As for `plan_training_set`.
    """
    plan = plan_training_set(project, spec_of(data.record), compute=compute, on_event=on_event, cancel=cancel)
    after = _side_of_plan(plan)
    found = _compare(_side_of_set(data.record), after, same=None)
    refused = tuple(problem.message for problem in plan.errors)
    if not refused:
        return found
    lines = (*(f"It could not be built now: {message}" for message in refused), *(() if found.same else found.lines))
    return found.model_copy(update={"same": False, "problems": refused, "lines": lines})


def spec_of(record: TrainingSetRecord) -> SetSpec:
    """Return the wish of a set; of an old one, a wish that names its images and boxes."""
    if record.spec is not None:
        return record.spec
    return SetSpec(
        name=record.name,
        images=tuple(image.id for image in record.images),
        author=record.images[0].author,
        chip_px=record.chip_px,
        split=SplitSpec(kind="boxes", boxes=record.split),
    )


def _side_of_set(record: TrainingSetRecord) -> _Side:
    images = [(i.sha256, i.id, (i.name, i.author, i.revision, i.annotations)) for i in record.images]
    return _Side(record.key, record.hash, _images(images, record.split), record.parts, record.classes, spec_of(record))


def _side_of_plan(plan: SetPlan) -> _Side:
    images = [(i.sha256, i.id, (i.name, i.author, i.revision, i.annotations)) for i in plan.images]
    return _Side(f"{plan.spec.name} now", "", _images(images, plan.boxes), plan.parts, plan.classes, plan.spec)


def _images(images: list[tuple[str, str, tuple[str, str, int, str]]], boxes: tuple[PartBox, ...]) -> dict[str, _SideImage]:
    found: dict[str, _SideImage] = {}
    for sha256, image_id, facts in images:
        number = sum(key.partition("#")[0] == sha256 for key in found)
        own = tuple(sorted((item.part, item.box) for item in boxes if item.image == image_id))
        found[f"{sha256}#{number}"] = _SideImage(*facts, own)
    return found


def _compare(before: _Side, after: _Side, same: bool | None) -> SetComparison:
    added = tuple(_change(key, "", image.state, image) for key, image in after.images.items() if key not in before.images)
    removed = tuple(_change(key, image.state, "", image) for key, image in before.images.items() if key not in after.images)
    both = [(key, before.images[key], after.images[key]) for key in before.images if key in after.images]
    anew = tuple(_change(key, a.state, b.state, b) for key, a, b in both if a.annotations != b.annotations)
    moved = tuple(_change(key, *_places(a, b), b) for key, a, b in both if a.boxes != b.boxes)
    pixels = tuple(_pixels(before, after))
    settings = tuple(_settings(before, after))
    if same is None:
        counts_differ = any(row.before != row.after for row in pixels)
        same = not (added or removed or anew or moved or settings or counts_differ)
    found = SetComparison(
        one=before.title,
        other=after.title,
        same=same,
        added=added,
        removed=removed,
        annotated_anew=anew,
        moved=moved,
        pixels=pixels,
        settings=settings,
        problems=(),
        lines=(),
    )
    return found.model_copy(update={"lines": tuple(_lines(found))})


def _places(before: _SideImage, after: _SideImage) -> tuple[str, str]:
    other = ", in other boxes" if before.places == after.places else ""
    return before.places, after.places + other


def _change(key: str, before: str, after: str, image: _SideImage) -> ImageChange:
    return ImageChange(sha256=key.partition("#")[0], name=image.name, before=before, after=after)


def _pixels(before: _Side, after: _Side) -> Iterator[ClassPixels]:
    names = {item.id: item.name for item in (*before.classes, *after.classes)} | {0: "background", 255: "unknown"}
    for part in PARTS:
        counts = [_counts(side.parts.get(part)) for side in (before, after)]
        for number in sorted({*counts[0], *counts[1]}):
            first, second = (count.get(number, 0) for count in counts)
            yield ClassPixels(part=part, class_id=number, name=names.get(number, f"class {number}"), before=first, after=second)


def _counts(summary: PartSummary | None) -> dict[int, int]:
    if summary is None:
        return {}
    return summary.pixels | ({255: summary.ignored_pixels} if summary.ignored_pixels else {})


def _settings(before: _Side, after: _Side) -> Iterator[SettingChange]:
    rows = [dict(_flat(side)) for side in (before, after)]
    for name in dict.fromkeys((*rows[0], *rows[1])):
        first, second = (row.get(name, "") for row in rows)
        if first != second:
            yield SettingChange(name=name, before=first, after=second)


def _flat(side: _Side) -> Iterator[tuple[str, str]]:
    yield "chip_px", str(side.spec.chip_px)
    yield "author", str(side.spec.author)
    yield "classes", ", ".join(f"{item.id} {item.name}" for item in side.classes)
    for group, record in (("split", side.spec.split), ("tiles", side.spec.tiles)):
        for name, value in record.model_dump(mode="json").items():
            listed = isinstance(value, list) and name in ("boxes", "tiles")
            yield f"{group}.{name}", f"{len(value)} of them" if listed else str(value)


def _lines(found: SetComparison) -> Iterator[str]:
    if found.same:
        yield f"{found.one} and {found.other} have the same content."
        return
    for title, changes in (("New image", found.added), ("No longer there", found.removed)):
        yield from _listed(f"{title}: {{name}}", changes)
    yield from _listed("Annotated anew: {name} ({before} -> {after})", found.annotated_anew)
    yield from _listed("In another part: {name} ({before} -> {after})", found.moved)
    for row in found.settings:
        yield f"Setting {row.name}: {row.before or 'nothing'} -> {row.after or 'nothing'}"
    for count in found.pixels:
        if count.before != count.after and count.class_id != 255:
            yield f"Pixels of {count.name} in {count.part}: {count.before:,} -> {count.after:,}"


def _listed(form: str, changes: tuple[ImageChange, ...]) -> Iterator[str]:
    for change in changes[:_SHOWN]:
        yield form.format(name=change.name, before=change.before, after=change.after)
    if len(changes) > _SHOWN:
        yield f"... and {len(changes) - _SHOWN} more."
