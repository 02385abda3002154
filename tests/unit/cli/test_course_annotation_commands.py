"""`labkit course annotations` and `comments`: out of a project into the folder of an assignment, and what was said back into it."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest

from labkit.annotations import add_comment, load_review, new_object, open_document, save_document
from labkit.cli import course_people_commands
from labkit.cli.course_annotation_commands import annotations_command, comments_command, pin_command
from labkit.client.course_wire import GradeItem, HandScore, SubmissionItem
from labkit.client.handing_in import collect
from labkit.client.workfolder import WorkFolder, WorkRecord
from labkit.courses.annotation_files import TASKS_FILE, write_tasks
from labkit.courses.records import AnnotationTask, FileEntry, Manifest, PinnedComment
from labkit.errors import NotFound
from labkit.geometry import Rectangle
from labkit.storage import save_record, utc_now
from labkit.testing.recorded import recorded_project


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Ada's project, in which she has drawn one cell."""
    monkeypatch.setenv("LABKIT_AUTHOR", "ada")
    project = recorded_project(tmp_path, "mine")
    save_document(project, open_document(project, "image1", "ada").with_object(new_object(Rectangle(5, 5, 20, 20), class_id=1)))
    return project


@pytest.fixture
def work(tmp_path):
    """The folder of an assignment with two pictures, of which the project has one."""
    folder = WorkFolder(tmp_path / "Cells")
    tasks = [AnnotationTask(id=name, image=f"data/{name}.png", classes=("cell",), points=1) for name in ("nuclei", "axons")]
    (folder.root / "annotations").mkdir(parents=True)
    (folder.root / TASKS_FILE).write_bytes(write_tasks(tasks))
    facts = {"assignment": "aaaaaaaaaaaa", "course": "c", "name": "Cells", "release": 1, "fetched": utc_now(), "manifest": Manifest()}
    save_record(folder.layout.record, WorkRecord(**facts))
    return folder


def run(command, capsys, *arguments: object) -> dict:
    command.main([*map(str, arguments), "--json"], standalone_mode=False)
    return json.loads(capsys.readouterr().out)


def test_annotations_go_into_the_folder(project, work, capsys) -> None:
    """What the project has is written; what it lacks is said, and handing in says it, too."""
    answer = run(annotations_command, capsys, "--folder", work.root, "--project", project.path)
    (row,) = answer["written"]
    assert Path(row["file"]) == work.root / "annotations" / "nuclei.geojson"
    assert [(one["task"], one["reason"]) for one in answer["missing"]] == [("axons", "The project has no image data/axons.png.")]
    found = collect(work)
    assert found.manifest.entry("annotations/nuclei.geojson") is not None
    assert [(problem.severity, problem.where) for problem in found.problems] == [("warning", "annotations/axons.geojson")]


def test_handing_in_takes_them_from_where_they_were_taken_once(project, work, capsys, monkeypatch) -> None:
    """That project lies elsewhere than projects do; what is drawn since is sent without the command."""
    monkeypatch.setenv("LABKIT_PROJECTS", str(work.root / "none"))
    monkeypatch.chdir(work.root)
    assert dry_run(capsys)["objects"] == {}
    run(annotations_command, capsys, "--project", project.path)
    save_document(project, open_document(project, "image1", "ada").with_object(new_object(Rectangle(30, 30, 40, 40), class_id=1)))
    answer = dry_run(capsys)
    assert answer["objects"] == {"annotations/nuclei.geojson": 2}
    assert [problem["text"] for problem in answer["problems"]] == ["axons: none of your projects has the picture data/axons.png."]


def test_handing_in_takes_those_of_whom_was_said(project, work, capsys, monkeypatch) -> None:
    """Not one's own in their place, without a word."""
    objects = [new_object(Rectangle(30 * k, 1, 30 * k + 9, 9), class_id=1, author="bob") for k in range(2)]
    save_document(project, open_document(project, "image1", "bob").with_objects(objects))
    monkeypatch.chdir(work.root)
    run(annotations_command, capsys, "--project", project.path, "--author", "bob")
    assert dry_run(capsys)["objects"] == {"annotations/nuclei.geojson": 2}


def test_a_picture_is_known_by_what_was_handed_out(project, work, capsys) -> None:
    """Also where it was imported under another name, as when it is handed in."""
    save_record(project.layout.image("image1").record, project.image("image1").model_copy(update={"name": "field 7"}))
    manifest = Manifest(files=(FileEntry(path="data/axons.png", sha256="0" * 64, size=1),))
    save_record(work.layout.record, work.record().model_copy(update={"manifest": manifest}))
    answer = run(annotations_command, capsys, "--folder", work.root, "--project", project.path)
    assert [row["task"] for row in answer["written"]] == ["axons"]


def dry_run(capsys) -> dict:
    """Say what would be handed in from the folder that one is in."""
    with suppress(SystemExit):
        course_people_commands.submit.main(["--dry-run", "--json"], standalone_mode=False)
    return json.loads(capsys.readouterr().out)


def test_a_broken_document_is_not_sent(work) -> None:
    """It is an error before anything is sent."""
    (work.root / "annotations" / "nuclei.geojson").write_bytes(b"{")
    assert [problem.where for problem in collect(work).errors] == ["annotations/nuclei.geojson"]


def test_comments_of_staff_are_sent(project, capsys, monkeypatch) -> None:
    """Only one's own, with their places."""
    sent = []

    class Client:
        def score(self, submission: str, asked: HandScore) -> None:
            sent.append((submission, asked.model_dump(exclude_unset=True)))

    monkeypatch.setattr(course_people_commands, "course_client", Client)
    monkeypatch.setenv("LABKIT_AUTHOR", "prof")
    add_comment(project, "image1", "ada", "Here!", by="prof", place=(1.0, 2.0))
    add_comment(project, "image1", "ada", "Why?", by="ada")
    answer = run(pin_command, capsys, "s", "nuclei", "nuclei.png", "--author", "ada", "--project", project.path)
    assert answer["pins"] == [{"text": "Here!", "y": 1.0, "x": 2.0}]
    assert sent == [("s", {"item": "/nuclei", "pins": ({"text": "Here!", "y": 1.0, "x": 2.0, "by": "prof"},)})]


def test_comments_come_into_the_review(project, work, capsys) -> None:
    """Those of the last feedback, each at its place, once."""
    facts = {"attempt": 1, "release": 1, "submitted": utc_now(), "sha256": "0" * 64, "size": 1, "counts": True, "state": "graded"}
    pins = {"/nuclei": (PinnedComment(text="One is missing.", y=40, x=30), PinnedComment(text="Very good.", by="prof"))}
    grade = GradeItem(submission=SubmissionItem(id="s", assignment="aaaaaaaaaaaa", person="ada", **facts), pins=pins)
    with pytest.raises(NotFound, match="No feedback was fetched"):
        comments_command.main(["--folder", str(work.root), "--project", str(project.path)], standalone_mode=False)
    save_record(work.layout.feedback / "attempt 1" / "grade.json", grade)
    for _ in range(2):
        answer = run(comments_command, capsys, "--folder", work.root, "--project", project.path)
        assert answer == {"pinned": [{"task": "nuclei", "image": "nuclei.png", "comments": 2, "open": 2}]}
    review = load_review(project, "image1", "ada")
    assert [(c.text, c.author, c.y, c.x) for c in review.comments] == [
        ("One is missing.", "grading", 40, 30),
        ("Very good.", "prof", None, None),
    ]
