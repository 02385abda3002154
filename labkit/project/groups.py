"""What images belong to: the slide, the animal, the course that several of them come from."""

from __future__ import annotations

from typing import Literal

from labkit.errors import InvalidInput, NotFound
from labkit.storage import ProjectLayout, Record, hold_lock, load_record, save_record

__all__ = ["GroupsRecord", "load_groups", "save_group"]

_LONGEST = 200


class GroupsRecord(Record):
    """``groups.json``: values by key by the image's id."""

    format: Literal[1] = 1
    images: dict[str, dict[str, str]] = {}


def load_groups(layout: ProjectLayout) -> dict[str, dict[str, str]]:
    """Return the groups of all images that have any.

    Raises
    ------
    CorruptStore
        The file is not as it was written.
    """
    try:
        return load_record(layout.groups, GroupsRecord).images
    except NotFound:
        return {}


def save_group(layout: ProjectLayout, image_id: str, key: str, value: str | None) -> dict[str, str]:
    """Set or (with None) remove one group of an image, and return all of them.

    Raises
    ------
    InvalidInput
        Key or value are empty or too long.
    """
    key = _checked(key, "kind of group")
    value = None if value is None else _checked(value, "group")
    with hold_lock(layout.lock, what="the project"):
        images = load_groups(layout)
        own = {name: known for name, known in images.get(image_id, {}).items() if name != key}
        if value is not None:
            own[key] = value
        after = {image: values for image, values in images.items() if image != image_id} | ({image_id: own} if own else {})
        if after != images:
            save_record(layout.groups, GroupsRecord(images=after))
    return own


def _checked(text: str, what: str) -> str:
    text = text.strip()
    if not 1 <= len(text) <= _LONGEST or not text.isprintable():
        raise InvalidInput(f"The name of the {what} has {len(text)} characters.", hint=f"Give 1 to {_LONGEST} on one line, like 'slide'.")
    return text
