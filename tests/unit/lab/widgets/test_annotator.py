"""The annotator as a widget, without a browser."""

from pathlib import Path

import numpy as np
import pytest

from labkit.errors import NotFound
from labkit.project import Project
from labkit.testing.pictures import write_png
from labkit.tiling import import_image
from labkit_lab.widgets import close_annotator, open_annotator


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with one picture, in the folder of projects."""
    monkeypatch.setenv("LABKIT_PROJECTS", str(tmp_path / "projects"))
    project = Project.create(tmp_path / "projects", "cells", classes=["cell"])
    import_image(project, write_png(tmp_path / "a.png", np.zeros((30, 40), np.uint8)))
    return project


def test_a_closed_tab_leaves_no_widget(project: Project) -> None:
    """Neither its own nor those that it is made of; closing it once more does nothing."""
    annotator = open_annotator(project.id, project.images()[0].id)
    model_id, made = annotator.model_id, (annotator, annotator.canvas, *annotator.canvas._canvases)
    assert all(widget.comm is not None for widget in made)
    close_annotator(model_id)
    assert all(widget.comm is None for widget in made)
    close_annotator(model_id)


def test_an_image_that_is_not_there(project: Project) -> None:
    """Of a project that is, and of one that is not."""
    with pytest.raises(NotFound):
        open_annotator(project.id, "nothing")
    with pytest.raises(NotFound):
        open_annotator("nothing", project.images()[0].id)
