"""What the Course panel shows of all courses, asked of the real service."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.client.course_wire import AssignmentChange, NewAssignment
from labkit.client.fetching import fetch_assignment
from labkit.client.handing_in import hand_in
from labkit.testing.course_service import CourseService, course_service
from labkit.testing.coursework import ASSIGNMENT, hand_out, write_author_folder
from labkit_lab.courselist import course_work
from labkit_lab.server.annotated import DrawnShelf
from labkit_lab.server.courses import _note_activity
from labkit_lab.wire_courses import ActivityNote, CourseEntry

OBJECTS = json.dumps(
    {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [[[1, 1], [9, 1], [9, 9], [1, 1]]]}}
        ],
    }
)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CourseService]:
    """A course with a draft, and with an assignment that ada has handed in."""
    place = tmp_path_factory.mktemp("service")
    with course_service(place / "service") as running:
        item = hand_out(running.client("prof"), write_author_folder(place / "author"), ASSIGNMENT)
        running.client("prof").create_assignment("image-ai", NewAssignment(name="next week"))
        ada = running.client("ada")
        hand_in(ada, fetch_assignment(ada, ada.assignment(item.id), base=place / "courses").folder)
        yield running


def _seen_by(name: str, service: CourseService, home: Path, monkeypatch: pytest.MonkeyPatch) -> CourseEntry:
    monkeypatch.setenv("HOME", str(home))
    for key, value in service.environment(name).items():
        monkeypatch.setenv(key, value)
    [course] = course_work(home).courses
    return course


def test_staff_see_how_far_it_is_and_where_its_page_is(service: CourseService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a draft, too; on the hub's own origin, where servers have origins of their own."""
    monkeypatch.delenv("JUPYTERHUB_PUBLIC_HUB_URL", raising=False)
    course = _seen_by("tom", service, tmp_path, monkeypatch)
    out, draft = sorted(course.assignments, key=lambda entry: entry.draft)
    assert (out.submissions, out.waiting, out.draft, draft.draft) == (1, 1, False, True)
    assert course.page == "/services/labkit/courses/image-ai"
    assert [entry.page for entry in (out, draft)] == [f"{course.page}/assignments/{entry.id}" for entry in (out, draft)]
    monkeypatch.setenv("JUPYTERHUB_PUBLIC_HUB_URL", "https://hub.uni.example/hub/")
    page = _seen_by("prof", service, tmp_path, monkeypatch).assignments[0].page
    assert page.startswith("https://hub.uni.example/services/labkit/courses/image-ai/assignments/")


def test_students_see_neither_drafts_nor_pages_of_staff(service: CourseService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They have all in the panel."""
    course = _seen_by("ada", service, tmp_path, monkeypatch)
    [entry] = course.assignments
    assert (course.page, entry.page, entry.state, entry.name) == ("", "", "submitted", ASSIGNMENT)


def test_staff_are_told_how_much_is_annotated(service: CourseService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a cell that is run, and without one only if there is news; the panel knows which assignments are to be looked at."""
    prof, ada = service.client("prof"), service.client("ada")
    author = write_author_folder(tmp_path / "author")
    (author / "hidden").mkdir()
    (author / "hidden" / "gold.geojson").write_text(OBJECTS)
    (author / "assignment.yaml").write_text(
        "annotations:\n  - {id: cells, image: cells.png, points: 4, gold: gold.geojson, shape: [60, 100]}\n"
    )
    item = hand_out(prof, author, "Drawing")
    folder = fetch_assignment(ada, ada.assignment(item.id), base=tmp_path / "courses").folder
    course = _seen_by("ada", service, tmp_path, monkeypatch)
    assert {entry.name: entry.annotates for entry in course.assignments} == {ASSIGNMENT: False, "Drawing": True}
    shelf, looked = DrawnShelf(), ActivityNote(ran=False)
    assert _note_activity(item.id, looked, shelf).told
    (folder.root / "annotations" / "cells.geojson").write_text(OBJECTS)
    assert [_note_activity(item.id, looked, shelf).told for _ in range(2)] == [True, False]
    assert _note_activity(item.id, ActivityNote(cell="ps1/q", error="E"), shelf).told
    rows = {row.person: row for row in service.client("tom").class_view("image-ai").students}
    cell = next(cell for cell in rows["ada"].cells if cell.assignment == item.id)
    assert (cell.pictures, cell.objects, cell.pictures_asked, cell.stuck_cell) == (1, 1, 1, "ps1/q")
    prof.change_assignment(item.id, AssignmentChange(state="draft"))
