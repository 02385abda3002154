"""`labkit project create|list|show`, and which project the other commands mean."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from labkit.project import Project
from labkit.testing.commands import Done, files_in

LabKit = Callable[..., Done]

BAD_NAMES = ["", "  ", "a/b", "/abs", "..", "../up", ".", ".hidden", "a\\b", "n" * 300, "ü" * 101, "tab\there", "end.", "co:lon"]


def test_create_makes_the_folder_here(labkit: LabKit, tmp_path: Path) -> None:
    """The new project is the folder NAME in the current directory, with its classes in order."""
    done = labkit("project", "create", "cells", "--class", "axon", "--class", "myelin", "--title", "My cells", "--json")
    assert done.exit_code == 0
    assert done.json["path"] == str(tmp_path / "cells")
    project = Project.open(tmp_path / "cells")
    assert (project.title, [c.name for c in project.classes]) == ("My cells", ["axon", "myelin"])
    assert sorted(files_in(tmp_path)) == ["cells/project.json"]


def test_create_tells_a_person_where(labkit: LabKit, tmp_path: Path) -> None:
    """Without --json the answer is a sentence."""
    done = labkit("project", "create", "cells")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == f"Made the project cells in {tmp_path / 'cells'}\n"


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_bad_name_makes_nothing(labkit: LabKit, tmp_path: Path, name: str) -> None:
    """A name that cannot be a folder's is refused with a hint, and no folder is made anywhere."""
    here = tmp_path / "here"
    here.mkdir()
    done = labkit("project", "create", name, "--json", here=here)
    assert done.exit_code == 2
    assert done.error["type"] == "InvalidInput"
    assert done.error["hint"]
    assert [p.name for p in tmp_path.rglob("*")] == ["here"]


@pytest.mark.parametrize("kind", ["project", "folder", "file"])
def test_a_name_that_is_taken_leaves_what_is_there(labkit: LabKit, tmp_path: Path, kind: str) -> None:
    """What is there already, whatever it is, is not touched."""
    if kind == "project":
        labkit("project", "create", "cells", "--class", "old")
    elif kind == "folder":
        (tmp_path / "cells").mkdir()
    else:
        (tmp_path / "cells").write_text("mine")
    before = files_in(tmp_path)
    done = labkit("project", "create", "cells", "--json")
    assert (done.exit_code, done.error["type"]) == (2, "AlreadyExists")
    assert done.error["hint"]
    assert files_in(tmp_path) == before
    assert [p.name for p in tmp_path.iterdir()] == ["cells"]


@pytest.mark.parametrize("classes", [("a", "a"), ("",), ("c" * 201,), tuple(str(k) for k in range(255))])
def test_bad_classes_make_nothing(labkit: LabKit, tmp_path: Path, classes: tuple[str, ...]) -> None:
    """Classes that repeat, are empty, too long or too many are refused before anything is made."""
    options = [text for name in classes for text in ("--class", name)]
    done = labkit("project", "create", "cells", *options, "--json")
    assert (done.exit_code, done.error["type"]) == (2, "InvalidInput")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["project create cells", "project show", "project list"])
def test_standing_in_a_folder_that_is_gone_is_the_users_error(tmp_path: Path, command: str) -> None:
    """Where somebody removed the folder that one is in, there is a sentence and no crash."""
    script = f"mkdir here && cd here && rmdir ../here && exec {sys.executable} -m labkit {command} --json"
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False, cwd=tmp_path)
    answer = Done(done.returncode, done.stdout, done.stderr)
    assert (answer.exit_code, answer.error["type"]) == (2, "NotFound")
    assert "cd" in answer.error["hint"]


def test_list_shows_a_folder_of_projects(labkit: LabKit, tmp_path: Path) -> None:
    """Only projects are listed; what is broken or something else is left out."""
    for name in ("one", "two"):
        labkit("project", "create", name)
    (tmp_path / "no project").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "project.json").write_text("{")
    done = labkit("project", "list", tmp_path, "--json")
    assert done.exit_code == 0
    assert done.json["folder"] == str(tmp_path)
    assert sorted(p["title"] for p in done.json["projects"]) == ["one", "two"]


def test_list_looks_in_the_persons_folder(labkit: LabKit) -> None:
    """Without a folder it is $LABKIT_PROJECTS."""
    home = Path(os.environ["LABKIT_PROJECTS"])
    Project.create(home, "mine")
    done = labkit("project", "list", "--json")
    assert (done.json["folder"], [p["title"] for p in done.json["projects"]]) == (str(home), ["mine"])


def test_list_of_nothing_says_so(labkit: LabKit, tmp_path: Path) -> None:
    """An empty folder, or none, is not an error."""
    done = labkit("project", "list", tmp_path / "nothing")
    assert (done.exit_code, done.stdout) == (0, f"No projects in {tmp_path / 'nothing'}.\n")


def test_show_means_the_nearest_parent(labkit: LabKit, project: Project) -> None:
    """Anywhere inside a project, commands mean that project."""
    inside = project.path / "images" / "deeper"
    inside.mkdir(parents=True)
    done = labkit("project", "show", "--json", here=inside)
    assert done.exit_code == 0
    assert (done.json["path"], done.json["classes"], done.json["image_records"]) == (str(project.path), ["nucleus"], [])


def test_show_means_the_project_that_is_named(labkit: LabKit, project: Project, tmp_path: Path) -> None:
    """--project wins over where one stands."""
    labkit("project", "create", "other")
    done = labkit("project", "show", "--project", project.path, here=tmp_path / "other")
    assert done.exit_code == 0
    assert done.stdout.startswith(f"cells ({project.path})\nclasses: nucleus\n")


@pytest.mark.parametrize("options", [(), ("--project", "nowhere"), ("--project", ".")])
def test_without_a_project_the_hint_says_what_to_do(labkit: LabKit, options: tuple[str, ...]) -> None:
    """Outside of a project, or with a wrong --project, the user learns how to name one."""
    done = labkit("project", "show", *options, "--json")
    assert (done.exit_code, done.error["type"]) == (2, "NotFound")
    assert "project" in done.error["hint"]


def test_a_broken_manifest_is_named(labkit_in: LabKit, project: Project) -> None:
    """A project.json that is not as we wrote it is exit 1 and names the file."""
    (project.path / "project.json").write_text("{")
    done = labkit_in("project", "show", "--json")
    assert (done.exit_code, done.error["type"]) == (1, "CorruptStore")
    assert "project.json" in done.error["message"]
