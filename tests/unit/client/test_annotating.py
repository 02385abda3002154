"""Annotations that an assignment asks for come out of the projects in which they were drawn, when it is handed in."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from labkit.annotations import new_object, open_document, save_document
from labkit.annotations.editor import Editor
from labkit.annotations.edits import put
from labkit.client.annotating import asked_scopes, choose_project, collect_work, look_at_annotations
from labkit.client.handing_in import collect
from labkit.client.workfolder import WorkFolder, WorkRecord
from labkit.courses.annotation_files import TASKS_FILE, write_tasks
from labkit.courses.records import AnnotationTask, FileEntry, Manifest
from labkit.errors import AlreadyExists, Conflict
from labkit.geometry import Rectangle
from labkit.project import ImageRecord, Project
from labkit.storage import save_record, utc_now
from labkit.testing.recorded import recorded_project

DOCUMENT = "annotations/nuclei.geojson"
PICTURE = "0" * 64
"""The hash of the picture that was handed out."""


@pytest.fixture(autouse=True)
def projects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Ada's folder of projects."""
    folder = tmp_path / "projects"
    folder.mkdir()
    monkeypatch.setenv("LABKIT_PROJECTS", str(folder))
    monkeypatch.setenv("LABKIT_AUTHOR", "ada")
    return folder


@pytest.fixture
def work(tmp_path: Path) -> WorkFolder:
    """The folder of an assignment that asks for one picture."""
    folder = WorkFolder(tmp_path / "courses" / "c" / "Cells")
    (folder.root / "annotations").mkdir(parents=True)
    task = AnnotationTask(id="nuclei", title="Nuclei", image="data/nuclei.png", classes=("cell",), points=1)
    (folder.root / TASKS_FILE).write_bytes(write_tasks([task]))
    manifest = Manifest(files=(FileEntry(path="data/nuclei.png", sha256=PICTURE, size=1),))
    facts = {"assignment": "aaaaaaaaaaaa", "course": "c", "name": "Cells", "release": 1, "fetched": utc_now(), "manifest": manifest}
    save_record(folder.layout.record, WorkRecord(**facts))
    return folder


def draw(project: Project, *boxes: tuple[float, float, float, float], author: str = "ada") -> None:
    document = open_document(project, "image1", author)
    save_document(project, document.with_objects([new_object(Rectangle(*box), class_id=1, author=author) for box in boxes]))


def said(work: WorkFolder) -> list[tuple[str, str]]:
    return [(problem.severity, f"{problem.text} {problem.hint}") for problem in collect_work(work)[0].problems if problem.where == DOCUMENT]


def test_what_is_drawn_now_is_handed_in(projects: Path, work: WorkFolder) -> None:
    """Each time anew, counted, and by the picture whatever it is called by now; the same drawing is the same file."""
    project = recorded_project(projects, "mine", name="renamed")
    draw(project, (5, 5, 20, 20))
    first, exported = collect_work(work)
    assert (first.objects, exported.written, said(work)) == ({DOCUMENT: 1}, (DOCUMENT,), [])
    draw(project, (30, 30, 40, 40))
    second, _ = collect_work(work)
    assert second.objects == {DOCUMENT: 2}
    assert second.manifest.sha256 != first.manifest.sha256
    assert collect_work(work)[0].manifest.sha256 == second.manifest.sha256 == collect(work).manifest.sha256
    assert json.loads((work.root / DOCUMENT).read_bytes())["labkit"]["shape"] == [60, 100]


def test_what_stands_in_the_journal_alone_counts(projects: Path, work: WorkFolder) -> None:
    """The annotator has acknowledged it: nobody has to wait for the snapshot."""
    project = recorded_project(projects, "mine")
    editor = Editor(project, "image1", "ada")
    editor.apply(put(new_object(Rectangle(1, 1, 9, 9), class_id=1, author="ada")))
    assert not project.layout.annotation("image1", "ada").snapshot.exists()
    assert collect_work(work)[0].objects == {DOCUMENT: 1}
    editor.close()


def test_only_what_is_asked_for_is_waited_for(projects: Path, work: WorkFolder) -> None:
    """The own document of the right picture, also before it is there; none where nothing is annotated."""
    recorded_project(projects, "other", name="else.png", sha256="b" * 64)
    mine = recorded_project(projects, "mine")
    assert asked_scopes(work) == (f"{mine.id}/image1/ada",)
    draw(mine, (1, 1, 9, 9), author="bob")
    assert asked_scopes(work) == (f"{mine.id}/image1/ada", f"{mine.id}/image1/bob")
    (work.root / TASKS_FILE).unlink()
    assert asked_scopes(work) == ()


def test_what_is_missing_is_said_with_what_to_do(projects: Path, work: WorkFolder) -> None:
    """Not imported, then not annotated; a document that lies in the folder already is sent as it is."""
    [(severity, words)] = said(work)
    assert severity == "warning"
    assert words.startswith("Nuclei: none of your projects has the picture data/nuclei.png. Import data/nuclei.png of this folder")
    recorded_project(projects, "mine")
    [(_, words)] = said(work)
    assert words.startswith("Nuclei: you have not annotated nuclei.png in your project mine yet. Open it in the annotator")
    (work.root / DOCUMENT).write_text('{"type": "FeatureCollection", "features": []}')
    texts = [words for _, words in said(work)]
    assert any("is sent as it lies in the folder" in words for words in texts)
    assert look_at_annotations(work)[0] == {DOCUMENT: 0}


def test_of_two_projects_the_last_changed_counts_until_one_is_chosen(projects: Path, work: WorkFolder) -> None:
    """It is said, and what was said once holds."""
    first, second = recorded_project(projects, "first"), recorded_project(projects, "second")
    draw(first, (1, 1, 9, 9))
    draw(second, (1, 1, 9, 9), (20, 20, 30, 30))
    assert collect_work(work)[0].objects == {DOCUMENT: 2}
    [(_, words)] = said(work)
    assert "That of second is taken, the last changed." in words
    choose_project(work, ["nuclei"], first)
    assert (collect_work(work)[0].objects, said(work)) == ({DOCUMENT: 1}, [])


def test_whose_annotations_were_chosen_is_remembered(projects: Path, work: WorkFolder) -> None:
    """Before one's own, which are there as well, and with a word; what is chosen anew without a name is one's own."""
    project = recorded_project(projects, "of us two")
    draw(project, (1, 1, 9, 9), author="bob")
    draw(project, (1, 1, 9, 9), (20, 20, 30, 30))
    choose_project(work, ["nuclei"], project, "bob")
    assert collect_work(work)[0].objects == {DOCUMENT: 1}
    [(severity, words)] = said(work)
    assert severity == "warning"
    assert words.startswith("Nuclei: what bob drew on nuclei.png in of us two is taken, as you said.")
    choose_project(work, ["nuclei"], project)
    assert (collect_work(work)[0].objects, said(work)) == ({DOCUMENT: 2}, [])


def test_what_cannot_be_read_is_named_and_the_rest_is_handed_in(projects: Path, work: WorkFolder) -> None:
    """One broken record of another picture, and one project of which nothing can be read; no project is none that cannot be read."""
    (projects / "notes").mkdir()
    project = recorded_project(projects, "mine")
    draw(project, (5, 5, 20, 20))
    broken = project.layout.image("image2").record
    broken.parent.mkdir()
    broken.write_text("{")
    lost = recorded_project(projects, "lost")
    lost.layout.record.write_text("{")
    collected, _ = collect_work(work)
    assert collected.objects == {DOCUMENT: 1}
    told = {problem.where: problem.text for problem in collected.problems}
    assert told["project mine"].startswith("1 of its images cannot be read, so that nothing on them is handed in: ")
    assert str(broken) in told["project mine"]
    assert told["project lost"].startswith("it cannot be read, so that nothing in it is handed in: ")
    assert sorted(told) == ["project lost", "project mine"]
    shutil.rmtree(project.layout.image("image1").root)
    [(_, words)] = said(work)
    assert words.startswith("Nuclei: none of your projects has the picture data/nuclei.png, as far as they can be read.")


def test_a_picture_of_the_same_name_counts_only_without_the_right_one(projects: Path, work: WorkFolder) -> None:
    """Names are what people change; not even what was drawn on it since counts."""
    other = recorded_project(projects, "other", sha256="b" * 64)
    draw(other, (1, 1, 9, 9))
    assert collect_work(work)[0].objects == {DOCUMENT: 1}
    right = recorded_project(projects, "right", name="field 7")
    draw(right, (1, 1, 9, 9), (20, 20, 30, 30))
    draw(other, (1, 1, 9, 9), (20, 20, 30, 30), (40, 40, 50, 50))
    assert (collect_work(work)[0].objects, said(work)) == ({DOCUMENT: 2}, [])


def test_what_others_drew_is_not_taken_for_ones_own(projects: Path, work: WorkFolder) -> None:
    """A project of somebody else's lies beside the own one, to be looked at; where only theirs is there, that is said."""
    theirs = recorded_project(projects, "of bob")
    draw(theirs, (1, 1, 9, 9), author="bob")
    assert [words.split(" Open it")[0] for _, words in said(work)] == [
        "Nuclei: you have not annotated nuclei.png; what bob drew in your project of bob is taken."
    ]
    draw(recorded_project(projects, "mine"), (1, 1, 9, 9), (20, 20, 30, 30))
    draw(theirs, (1, 1, 9, 9), (20, 20, 30, 30), (40, 40, 50, 50), author="bob")
    assert (collect_work(work)[0].objects, said(work)) == ({DOCUMENT: 2}, [])


def test_an_older_document_is_refused(projects: Path, work: WorkFolder) -> None:
    """While the annotator holds what is not saved, or the file cannot be put in place of the old one."""
    project = recorded_project(projects, "mine")
    draw(project, (5, 5, 20, 20))
    with pytest.raises(Conflict, match=r"strokes on nuclei\.png that are not saved yet"):
        collect_work(work, unsaved=[f"{project.id}/image1/ada"])
    assert collect_work(work, unsaved=["other/image1/ada"])[0].objects == {DOCUMENT: 1}
    (work.root / DOCUMENT).unlink()
    (work.root / DOCUMENT).mkdir()
    with pytest.raises(AlreadyExists, match=r"annotations/nuclei\.geojson cannot be written"):
        collect_work(work)


def test_a_project_that_may_not_be_read_is_left_out(projects: Path, work: WorkFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else's rights on it keep nobody from handing in."""
    draw(recorded_project(projects, "mine"), (5, 5, 20, 20))
    theirs, images = recorded_project(projects, "a shared one"), Project.images

    def read(project: Project) -> tuple[ImageRecord, ...]:
        if project.path == theirs.path:
            raise PermissionError(13, "Permission denied", str(project.layout.images))
        return images(project)

    monkeypatch.setattr(Project, "images", read)
    assert collect_work(work)[0].objects == {DOCUMENT: 1}


def test_strokes_that_are_nowhere_yet_are_not_left_behind(projects: Path, work: WorkFolder) -> None:
    """The first of a picture, of which there is no document; and those in a project that is not the last changed for want of them."""
    first = recorded_project(projects, "first")
    unsaved = [f"{first.id}/image1/ada"]
    with pytest.raises(Conflict, match=r"strokes on nuclei\.png that are not saved yet"):
        collect_work(work, unsaved=unsaved)
    draw(first, (5, 5, 20, 20))
    draw(recorded_project(projects, "second"), (5, 5, 20, 20))
    with pytest.raises(Conflict):
        collect_work(work, unsaved=unsaved)
