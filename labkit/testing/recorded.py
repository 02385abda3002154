"""A project that knows of a picture without having it: enough where only its annotations count."""

from __future__ import annotations

from pathlib import Path

from labkit.project import ImageRecord, Project
from labkit.storage import save_record, utc_now

__all__ = ["recorded_project"]


def recorded_project(folder: Path, title: str, *, name: str = "nuclei.png", sha256: str = "0" * 64) -> Project:
    """Make a project with the class "cell" and the record of one image, ``image1`` of 60 x 100 pixels.

    Parameters
    ----------
    folder : Path
        The project is made in it.
    name, sha256 : str
        Of the picture's file.
    """
    project = Project.create(folder, title, classes=["cell"])
    record = ImageRecord(
        id="image1",
        name=name,
        sha256=sha256,
        axes=("y", "x"),
        shape=(60, 100),
        dtype="uint8",
        levels=((60, 100),),
        software="test",
        imported=utc_now(),
    )
    save_record(project.layout.image("image1").record, record)
    return project
