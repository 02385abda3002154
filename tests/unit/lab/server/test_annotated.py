"""How much is annotated of what an assignment asks for, and when the hub is told."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from labkit.annotations import new_object, open_document, save_document
from labkit.client.workfolder import WorkFolder, WorkRecord
from labkit.courses.annotation_files import TASKS_FILE, write_tasks
from labkit.courses.records import AnnotationTask, FileEntry, Manifest
from labkit.geometry import Rectangle
from labkit.project import ImageRecord, Project
from labkit.storage import save_record, utc_now
from labkit_lab.server import annotated
from labkit_lab.server.annotated import Annotated, DrawnShelf

SHAPE = (60, 100)


@pytest.fixture
def projects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Ada's projects: one with a picture, one broken."""
    monkeypatch.setenv("LABKIT_AUTHOR", "ada")
    project = Project.create(tmp_path / "projects", "mine", classes=["cell"])
    facts = {"axes": ("y", "x"), "shape": SHAPE, "dtype": "uint8", "levels": (SHAPE,), "software": "test", "imported": utc_now()}
    record = ImageRecord(id="image1", name="nuclei.png", sha256="0" * 64, **facts)
    save_record(project.layout.image("image1").record, record)
    (tmp_path / "projects" / "broken").mkdir()
    return project.path.parent


@pytest.fixture
def folder(tmp_path: Path) -> WorkFolder:
    """An assignment that asks for two pictures."""
    tasks = [AnnotationTask(id=name, image=f"data/{name}.png", points=5) for name in ("nuclei", "axons")]
    path = tmp_path / "work" / TASKS_FILE
    path.parent.mkdir(parents=True)
    path.write_bytes(write_tasks(tasks))
    return WorkFolder(tmp_path / "work")


def draw(projects: Path, *boxes: tuple[int, int, int, int], **more: str) -> None:
    project = Project.open(projects / "mine")
    document = open_document(project, "image1", "ada")
    objects = [new_object(Rectangle(*box), class_id=1, author="ada", **more) for box in boxes]
    save_document(project, document.with_objects(objects))


def test_objects_are_counted_where_they_are_drawn(projects: Path, folder: WorkFolder) -> None:
    """In the person's project; proposals and areas are none; what was written beside the notebook later holds."""
    shelf = DrawnShelf()
    assert shelf.count(folder, projects) == Annotated(0, 0)
    draw(projects, (5, 5, 20, 20), (5, 40, 20, 60))
    draw(projects, (30, 5, 50, 20), status="proposed")
    draw(projects, (0, 0, 60, 100), kind="area")
    assert shelf.count(folder, projects) == Annotated(1, 2)
    (folder.root / "annotations" / "nuclei.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    assert shelf.count(folder, projects) == Annotated(0, 0)
    draw(projects, (52, 5, 58, 20))
    assert shelf.count(folder, projects) == Annotated(1, 3)


def test_it_is_counted_where_it_would_be_handed_in_from(projects: Path, folder: WorkFolder) -> None:
    """The picture is known by its hash, whatever it is called by now."""
    manifest = Manifest(files=(FileEntry(path="data/axons.png", sha256="0" * 64, size=1),))
    facts = {"assignment": "aaaaaaaaaaaa", "course": "c", "name": "Cells", "release": 1, "fetched": utc_now(), "manifest": manifest}
    save_record(folder.layout.record, WorkRecord(**facts))
    project = Project.open(projects / "mine")
    save_record(project.layout.image("image1").record, project.image("image1").model_copy(update={"name": "field 7"}))
    draw(projects, (5, 5, 20, 20))
    assert DrawnShelf().count(folder, projects) == Annotated(1, 1)


def test_what_has_not_changed_is_not_read_again(projects: Path, folder: WorkFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is looked at every minute, and the hub is told only of news."""
    shelf, load, read = DrawnShelf(), annotated.load_document, []

    def noted(*asked: Any) -> Any:
        read.append(asked)
        return load(*asked)

    monkeypatch.setattr(annotated, "load_document", noted)
    draw(projects, (5, 5, 20, 20))
    first = shelf.count(folder, projects)
    assert (first, shelf.count(folder, projects), len(read)) == (Annotated(1, 1), first, 1)
    assert shelf.is_news("a", first)
    shelf.note_told("a", first)
    draw(projects, (5, 40, 20, 60))
    second = shelf.count(folder, projects)
    assert (shelf.is_news("a", first), shelf.is_news("a", second), shelf.is_news("b", first)) == (False, True, True)


def test_an_assignment_without_pictures_asks_for_nothing(projects: Path, tmp_path: Path) -> None:
    """Nor does one whose list of tasks cannot be read."""
    (tmp_path / "other" / "annotations").mkdir(parents=True)
    shelf, folder = DrawnShelf(), WorkFolder(tmp_path / "other")
    assert shelf.count(folder, projects) is None
    (folder.root / TASKS_FILE).write_text("[")
    assert shelf.count(folder, projects) is None
    assert not shelf.is_news("a", None)


async def test_the_browser_is_told_which_documents_to_wait_for(
    ask: Callable[..., Awaitable[Any]], tmp_path: Path, projects: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That of the picture that is asked for, by the name that the annotator gives it, and no other of the project."""
    monkeypatch.setenv("LABKIT_PROJECTS", str(projects))
    monkeypatch.setenv("LABKIT_COURSES", str(tmp_path / "courses"))
    project = Project.open(projects / "mine")
    other = project.image("image1").model_copy(update={"id": "image2", "name": "else.png", "sha256": "1" * 64})
    save_record(project.layout.image("image2").record, other)
    work = WorkFolder(tmp_path / "courses" / "c" / "Cells")
    (work.root / TASKS_FILE).parent.mkdir(parents=True)
    (work.root / TASKS_FILE).write_bytes(write_tasks([AnnotationTask(id="nuclei", image="nuclei.png", points=5)]))
    facts = {"assignment": "aaaaaaaaaaaa", "course": "c", "name": "Cells", "release": 1, "fetched": utc_now(), "manifest": Manifest()}
    save_record(work.layout.record, WorkRecord(**facts))
    answer = await ask("courses", "assignments", "aaaaaaaaaaaa", "annotations")
    assert json.loads(answer.body) == {"documents": [f"{project.id}/image1/ada"]}
