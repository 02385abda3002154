"""Images of a few shapes, annotated by hand: small enough to be counted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from labkit.annotations import AnnotationObject, open_document, save_document
from labkit.project import ImageRecord, Project
from labkit.testing.pictures import write_tiff
from labkit.tiling import import_image

Drawer = Callable[..., ImageRecord]


@pytest.fixture
def drawn(project: Project, tmp_path: Path) -> Drawer:
    """Import a noise picture and draw objects on it: drawn(name, *objects, size=(128, 160), finished=False, author="tester")."""

    def draw(
        name: str,
        *objects: AnnotationObject,
        size: tuple[int, int] = (128, 160),
        finished: bool = False,
        author: str = "tester",
        seed: int | None = None,
        pixel_size_um: tuple[float, float] | None = None,
    ) -> ImageRecord:
        known = {image.name: image for image in project.images()}
        if f"{name}.tif" in known:
            record = known[f"{name}.tif"]
        else:
            rng = np.random.default_rng(sum(map(ord, name)) if seed is None else seed)
            picture = rng.integers(0, 255, size, dtype=np.uint8)
            path = write_tiff(tmp_path / f"{name}.tif", picture, tile_px=64)
            record = import_image(project, path, **({} if pixel_size_um is None else {"pixel_size_um": pixel_size_um}))
        document = open_document(project, record.id, author).with_objects(objects)
        save_document(project, document.with_task() if finished else document)
        return record

    return draw
