"""Pictures that lie in the installed scikit-image: no download, no truth."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from io import BytesIO

import numpy as np
from PIL import Image

from labkit.errors import NotFound
from labkit.samples.records import Sample

__all__ = ["bundled", "bundled_names"]


@dataclass(frozen=True, slots=True)
class _Picture:
    file: str
    licence: str
    note: str


_PICTURES = {
    "ihc": _Picture(
        "ihc.png", "No known copyright restrictions", "Colonic glands, immunohistochemical staining with haematoxylin counterstain."
    ),
    "retina": _Picture("retina.jpg", "CC0-1.0", "Human retina, a fundus photograph."),
    "coins": _Picture("coins.png", "No known copyright restrictions", "Greek coins from Pompeii, 24 of them."),
    "cell": _Picture("cell.png", "CC0-1.0", "A cell floating in saline, phase image by quantitative phase microscopy."),
    "microaneurysms": _Picture("microaneurysms.png", "CC0-1.0", "Detail of a retina with microaneurysms (green channel)."),
    "hubble": _Picture("hubble_deep_field.jpg", "Public domain (NASA)", "The Hubble eXtreme Deep Field: thousands of small objects."),
}


def bundled_names() -> tuple[str, ...]:
    """Return the names that `bundled` knows and whose file is there."""
    folder = files("skimage") / "data"
    return tuple(name for name, picture in _PICTURES.items() if (folder / picture.file).is_file())


def bundled(name: str) -> Sample:
    """Return one of scikit-image's own pictures, without labels.

    Raises
    ------
    NotFound
        There is no picture of this name.
    """
    if name not in bundled_names():
        raise NotFound(f"There is no bundled picture {name!r}.", hint=f"Known ones: {', '.join(bundled_names())}.", name=name)
    picture = _PICTURES[name]
    data = (files("skimage") / "data" / picture.file).read_bytes()
    with Image.open(BytesIO(data)) as opened:
        pixels = np.asarray(opened)
    return Sample(
        name=name,
        image=pixels,
        labels=None,
        pixel_size_um=None,
        licence=f"{picture.licence} (scikit-image)",
        origin="bundled",
        note=picture.note,
    )
