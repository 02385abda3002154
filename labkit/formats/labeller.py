"""Label files of Django Labeller 0.3, legacy forms included.

Source: the format of the program that LabKit's annotations come from. Coordinates are objects ``{"x", "y"}`` in full-resolution pixels,
origin at the corner of the first pixel; rings are not closed and combine even-odd, as ours do. What of a label has no place in a feature
(its source, its notes, unknown keys, the parts of a group) is kept in the property ``labeller``, what the file says of the whole in
``metadata`` of the collection, so that a file goes out as it came in.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from labkit.errors import InvalidInput
from labkit.formats.exchange import Picture, Tell, dump_json, other_image
from labkit.formats.geojson import Collection, Feature
from labkit.formats.labeller_labels import GEOMETRY_KEYS, Label, geometry_of, normal_label, shape_of_label, shifted_label
from labkit.geometry import Box, Mask, Region, Shape, bounds, mask_of

__all__ = ["is_labeller", "is_lasting_id", "merge_metadata", "read_labeller", "with_our_ids", "write_labeller"]

_LASTING = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}__\d{1,18}", re.ASCII)
_OURS = "__0"  # ends the id of an object that was drawn here; the other program counts from 1
_NAMES = uuid.UUID("0c1f9a52-7f0e-5c0b-8e55-1a6d0f5f7c21")  # ids of labels that had none are derived below this one
_NAMED = {"label_type", "label_class", "object_id"}
_HINT = "Correct the file or export it again."


def is_labeller(root: Any) -> bool:
    """Return whether JSON is a file of Django Labeller: an object with labels, or a list of them."""
    if isinstance(root, dict):
        return isinstance(root.get("labels"), list) and root.get("type") not in ("FeatureCollection", "Feature")
    return isinstance(root, list) and any(isinstance(item, dict) and "label_type" in item for item in root)


def is_lasting_id(text: str | None) -> bool:
    """Return whether an id of a label names the same object in every file: a UUID and a number."""
    return text is not None and _LASTING.fullmatch(text) is not None


def read_labeller(root: Any, picture: Picture, *, name: str = "The file", shift_auto: bool = False) -> Collection:
    """Read the labels of a file.

    Parameters
    ----------
    root : dict or list
        The parsed JSON; either form.
    picture : Picture
        What the labels lie on: overlapping parts of a group are joined in its pixels.
    name : str
        What errors call the file.
    shift_auto : bool
        Move what an automatic tool drew (``source`` begins with ``auto:``) by half a pixel to the right and down, where it belongs; its
        source then begins with ``shifted:auto:``, so that it is never moved twice.

    Returns
    -------
    Collection
        Its ``labkit`` has ``completed_tasks`` and ``metadata``. Labels that cover nothing are named in ``left_out``.

    Raises
    ------
    InvalidInput
        A label is not what the format says, or an id stands twice; the message names the label, counted from 1.
    """
    head = root if isinstance(root, dict) else {"labels": root}
    reading = _Reading(picture.box, shift_auto)
    for number, record in enumerate(head["labels"], 1):
        try:
            reading.add(record, number)
        except InvalidInput as error:
            raise InvalidInput(f"{name}: label {number}: {error.message.rstrip('.')}.", hint=_HINT, label=number) from error
    metadata = {key: value for key, value in head.items() if key not in ("labels", "completed_tasks", "complete")}
    composites = reading.known_composites()
    kept = ({"labeller": metadata} if metadata else {}) | ({"labeller_composites": composites} if composites else {})
    facts = {"completed_tasks": _tasks(head, name), "metadata": kept} | other_image(picture, head.get("image_filename"))
    return Collection(tuple(reading.features), facts, tuple(reading.left_out))


def write_labeller(collection: Collection, picture: Picture, tell: Tell, *, target: str = "the file") -> bytes:
    """Return the features as a file of Django Labeller; the same bytes for the same content.

    Parameters
    ----------
    collection : Collection
        The objects; ``labkit`` has ``completed_tasks`` and ``metadata`` as `read_labeller` gives them.
    picture : Picture
        What they lie on.
    tell : function
        Gets a line per object that cannot be in the file.
    target : str
        Name of the file, for the remarks.
    """
    metadata = collection.labkit.get("metadata") or {}
    own, composites = metadata.get("labeller"), metadata.get("labeller_composites")
    head: dict[str, Any] = {"image_filename": picture.name} | (own if isinstance(own, dict) else {})
    head |= {"completed_tasks": list(collection.labkit.get("completed_tasks") or ())}
    writing = _Writing(picture.box)
    for feature in collection.features:
        if feature.labkit.get("kind") == "area":
            tell(f"object {feature.id} is an annotated area: it is not in {target}")
        else:
            writing.add(feature)
    writing.add_composites(composites if isinstance(composites, list) else [])
    return dump_json(head, "labels", writing.labels)


def with_our_ids(metadata: Mapping[str, Any], ids: Mapping[str, str]) -> dict[str, Any]:
    """Return the metadata of a file with its references to labels turned into those of our objects; `ids` is ours by theirs."""
    composites = [
        label | {"components": [f"{ids[part]}{_OURS}" if part in ids else part for part in label["components"]]}
        for label in metadata.get("labeller_composites", ())
    ]
    return dict(metadata) | ({"labeller_composites": composites} if composites else {})


def merge_metadata(here: Mapping[str, Any], brought: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metadata of a document into which a file was imported: what is here stays, what it lacks is added."""
    merged = {**brought, **here}
    if all(isinstance(side.get("labeller"), dict) for side in (here, brought)):
        merged["labeller"] = {**brought["labeller"], **here["labeller"]}
    ours, theirs = (side.get("labeller_composites") for side in (here, brought))
    if isinstance(ours, list) and isinstance(theirs, list):
        known = [(label.get("label_class"), label.get("components")) for label in ours]
        merged["labeller_composites"] = [*ours, *(x for x in theirs if (x.get("label_class"), x.get("components")) not in known)]
    return merged


# Reading


def _tasks(head: Mapping[str, Any], name: str) -> list[str]:
    tasks, complete = head.get("completed_tasks"), head.get("complete")
    if tasks is None and isinstance(complete, bool | None):
        return ["finished"] if complete else []
    if isinstance(tasks, list) and all(isinstance(task, str) for task in tasks):
        return tasks
    raise InvalidInput(f"{name}: the completed tasks are not a list of names.", hint=_HINT)


@dataclass(slots=True)
class _Reading:
    """A file being read: first every label, then the composites, which may name labels that come later."""

    within: Box
    shift_auto: bool
    features: list[Feature] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    composites: list[tuple[int, Label]] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)

    def add(self, record: Any, number: int) -> None:
        """Read one label."""
        label = normal_label(record, self.ids)
        if self.shift_auto:
            label = shifted_label(label, None)
        if label["label_type"] == "composite":
            self.composites.append((number, label))
            return
        shape = shape_of_label(label, self.within)
        if shape is None:
            self.left_out.append(f"label {number}: it encloses nothing")
        else:
            self.features.append(_feature(label, shape, self.within))

    def known_composites(self) -> list[Label]:
        """Return the composites with those of their components that are in the file."""
        found = []
        for number, label in self.composites:
            known = [part for part in label["components"] if part in self.ids]
            if len(known) < len(label["components"]):
                self.left_out.append(f"label {number}: components that are not in the file")
            found.append(label | {"components": known})
        return found


def _feature(label: Label, shape: Shape, within: Box) -> Feature:
    notes = dict(label.get("anno_data") or {})
    ours = notes.pop("labkit", None)
    ours = ours if isinstance(ours, dict) else {}
    kept = {key: value for key, value in label.items() if key not in _NAMED | GEOMETRY_KEYS and key != "anno_data"}
    if notes or (ours == {} and label.get("anno_data") is not None):
        kept["anno_data"] = notes
    attributes = ours.get("attributes")
    identity = label["object_id"]
    return Feature(
        shape=_painted(shape, within) if ours.get("shape") == "mask" else shape,
        id=identity.removesuffix(_OURS) if is_lasting_id(identity) and identity.endswith(_OURS) else identity,
        class_name=label["label_class"] or None,
        labkit={"z": ours["z"]} if type(ours.get("z")) is int else {},
        properties=(dict(attributes) if isinstance(attributes, dict) else {}) | ({"labeller": kept} if kept else {}),
    )


def _painted(shape: Shape, within: Box) -> Shape:
    """Return the mask that we wrote as a polygon, as long as its vertices are still on the grid of pixels."""
    if not isinstance(shape, Region) or not all((ring == np.rint(ring)).all() for ring in shape.rings):
        return shape
    y0, x0, y1, x1 = (int(v) for v in bounds(shape))
    if (y1 - y0) * (x1 - x0) > 4 * within.area_px:  # nothing that was painted here; its pixels might not fit the memory
        return shape
    return mask_of(shape, Box(y0, x0, y1, x1)) or shape


# Writing


@dataclass(slots=True)
class _Writing:
    """A file being written: its labels, the ids in it, and which of them stand for ids of a foreign file."""

    within: Box
    labels: list[Label] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    written_as: dict[str, str] = field(default_factory=dict)

    def add(self, feature: Feature) -> None:
        """Write one object."""
        foreign = feature.properties.get("source_id")
        identity = self.take_id(str(foreign), f"{feature.id}{_OURS}")
        self.written_as |= {f"{feature.id}{_OURS}": identity} | ({} if foreign is None else {str(foreign): identity})
        kept = feature.properties.get("labeller")
        kept = dict(kept) if isinstance(kept, dict) else {}
        notes = kept.pop("anno_data", None)
        geometry = self._geometry(feature.shape, kept.pop("component_models", None), identity)
        ours = _our_facts(feature, painted=isinstance(feature.shape, Mask) and geometry["label_type"] == "polygon")
        self.labels.append(
            {
                **geometry,
                "label_class": feature.class_name,
                "object_id": identity,
                **_source(feature, kept),
                "anno_data": (notes if isinstance(notes, dict) else {}) | ({"labkit": ours} if ours else {}),
                **{key: value for key, value in kept.items() if key not in GEOMETRY_KEYS | _NAMED},
            }
        )

    def take_id(self, wanted: str, otherwise: str) -> str:
        """Return an id of the new form that no other label has."""
        chosen = wanted if is_lasting_id(wanted) and wanted not in self.used else otherwise
        while chosen in self.used:
            chosen = f"{uuid.uuid5(_NAMES, chosen)}{_OURS}"
        self.used.add(chosen)
        return chosen

    def add_composites(self, composites: Iterable[Any]) -> None:
        """Write the composites whose components are still there."""
        for number, label in enumerate(composites):
            known = [self.written_as[part] for part in label.get("components", []) if part in self.written_as]
            if known:
                identity = self.take_id(str(label.get("object_id")), f"{uuid.uuid5(_NAMES, f'composite {number} of {known}')}{_OURS}")
                self.labels.append({**label, "object_id": identity, "components": known})

    def _geometry(self, shape: Shape, parts: Any, identity: str) -> Label:
        """Return what a label says of its shape: the group that it came from, as long as nobody has changed it here."""
        if isinstance(parts, list):
            group = {"label_type": "group", "component_models": parts}
            if _same_shape(group, shape, self.within):
                return {"label_type": "group", "component_models": [self._part(part, f"{identity}/{k}") for k, part in enumerate(parts)]}
        return geometry_of(shape)

    def _part(self, part: Label, place: str) -> Label:
        written = dict(part)
        written["object_id"] = self.take_id(str(part.get("object_id")), f"{uuid.uuid5(_NAMES, place)}{_OURS}")
        if "component_models" in part:
            written["component_models"] = [self._part(child, f"{place}/{k}") for k, child in enumerate(part["component_models"])]
        return written


def _same_shape(group: Label, shape: Shape, within: Box) -> bool:
    try:
        return shape_of_label(group, within) == shape
    except (KeyError, TypeError, ValueError, AttributeError):  # somebody wrote the attribute by hand
        return False


def _source(feature: Feature, kept: Mapping[str, Any]) -> dict[str, Any]:
    """Return where an object comes from: as the file said that it came in, which may be nothing, else as we know it."""
    known = kept.get("source", feature.labkit.get("source", "manual"))
    return {} if known == "import:labeller" else {"source": known}


def _our_facts(feature: Feature, *, painted: bool) -> dict[str, Any]:
    kept = {"source_id", "labeller"} if isinstance(feature.properties.get("labeller"), dict) else {"source_id"}
    attributes = {key: value for key, value in feature.properties.items() if key not in kept}
    plane = feature.labkit.get("z")
    return (
        ({"attributes": attributes} if attributes else {})
        | ({} if plane is None else {"z": plane})
        | ({"shape": "mask"} if painted else {})
    )
