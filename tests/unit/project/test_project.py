"""Projects: made whole, found again, never overwritten."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.errors import AlreadyExists, CorruptStore, InvalidInput, NotWritable
from labkit.project import Project, list_projects


def test_a_new_project_opens_with_its_classes(tmp_path: Path) -> None:
    """Class ids count from 1 in the order given."""
    Project.create(tmp_path, "cells", classes=["axon", "myelin"])
    assert [(c.id, c.name) for c in Project.open(tmp_path / "cells").classes] == [(1, "axon"), (2, "myelin")]


def test_a_project_that_exists_is_left_alone(tmp_path: Path) -> None:
    """Making it again is refused, and the first one stays."""
    first = Project.create(tmp_path, "cells")
    with pytest.raises(AlreadyExists):
        Project.create(tmp_path, "cells")
    assert Project.open(first.path).id == first.id


@pytest.mark.parametrize("name", ["", "a/b", "..", "x" * 300, "/abs"])
def test_a_bad_name_makes_nothing(tmp_path: Path, name: str) -> None:
    """Nothing half-made is left."""
    with pytest.raises(InvalidInput):
        Project.create(tmp_path, name)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def forbidden_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder that this process may not write: root gives up its rights for the time of the test."""
    tmp_path.chmod(0o500)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    yield tmp_path
    if root:
        os.seteuid(0)


def test_a_folder_without_the_right_to_write_is_said(forbidden_folder: Path) -> None:
    """The error says what to do."""
    with pytest.raises(NotWritable, match="cannot be written"):
        Project.create(forbidden_folder, "cells")


def test_the_nearest_parent_is_found(project: Project) -> None:
    """From anywhere inside the folder."""
    inside = project.path / "images"
    inside.mkdir()
    assert Project.find(inside).id == project.id


def test_ids_of_classes_are_never_used_again(project: Project) -> None:
    """Adding known names adds nothing; a new one gets the next id."""
    grown = project.add_classes(["nucleus", "debris"]).add_classes(["nucleus"])
    assert [(c.id, c.name) for c in grown.classes] == [(1, "nucleus"), (2, "debris")]


def test_a_broken_manifest_is_named(project: Project) -> None:
    """The error has the file's path."""
    project.layout.record.write_text("{")
    with pytest.raises(CorruptStore, match=r"project\.json"):
        Project.open(project.path)


def test_a_list_leaves_out_what_is_no_project(project: Project) -> None:
    """Other folders and broken projects do not hide the good ones."""
    (project.path.parent / "other").mkdir()
    broken = Project.create(project.path.parent, "broken")
    broken.layout.record.write_text("[]")
    assert [p.title for p in list_projects(project.path.parent)] == ["cells"]
