"""A project with an image's record: annotations need no pixels."""

from __future__ import annotations

import pytest

from labkit.project import ImageRecord, Project
from labkit.storage import save_record, utc_now


def add_image(project: Project, image_id: str, height: int, width: int, **source) -> ImageRecord:
    record = ImageRecord(
        id=image_id,
        name=f"{image_id}.png",
        sha256="0" * 64,
        axes=("y", "x"),
        shape=(height, width),
        dtype="uint8",
        levels=((height, width),),
        source=source,
        software="test",
        imported=utc_now(),
    )
    save_record(project.layout.image(image_id).record, record)
    return record


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Make a project with the classes cell and debris, in which Ada annotates."""
    monkeypatch.setenv("LABKIT_AUTHOR", "Ada")
    return Project.create(tmp_path, "study", classes=["cell", "debris"])


@pytest.fixture
def image(project):
    """Record an image of 40 rows and 60 columns."""
    return add_image(project, "image1", 40, 60)


@pytest.fixture
def make_image(project):
    """Give a function that records further images of the project."""
    return lambda image_id, height, width, **source: add_image(project, image_id, height, width, **source)
