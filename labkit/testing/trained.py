"""A project in which a small model was trained, for tests that start where a training has ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.project import Project
from labkit.testing.learning import annotated_image, tiny_model, tiny_training_set
from labkit.training import Model

__all__ = ["trained_project"]


def trained_project(folder: Path, *, steps: int) -> tuple[Project, Model]:
    """Make the project ``cells`` with a picture that ``tester`` annotated, the training set ``nuclei`` and the model ``tiny/1``."""
    project = Project.create(folder, "cells", classes=["nucleus"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LABKIT_AUTHOR", "tester")
        annotated_image(project, folder)
        return project, tiny_model(project, tiny_training_set(project), folder / "training", steps=steps)
