"""In which folder an assignment is written is found again: it remembers, or is called so."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import Mock

import pytest

from labkit.client import authoring
from labkit.client.authoring import author_folder_of, find_author_folders, forget_author_folder, is_looked_at, note_author_folder
from labkit.client.course_wire import AssignmentItem
from labkit.client.courses import CourseClient
from labkit.client.releasing import release_folder
from labkit.courses.folder import load_assignment
from labkit.courses.student import make_release
from labkit.errors import Cancelled
from labkit.events import Event
from labkit.testing.assignments import write_assignment

ITEM = AssignmentItem(id="a1", course="bio", name="Übung 1", state="draft")


def _found(home: Path, item: AssignmentItem = ITEM) -> Path | None:
    return author_folder_of(item, tuple(find_author_folders(home)))


def test_folders_with_a_sheet_are_found(tmp_path: Path) -> None:
    """The nearest first; not in hidden folders, not in what is left out, and none within an assignment."""
    for parent in ("teaching/2031/bio", ".cache", "projects", "", "teaching"):
        write_assignment(tmp_path / parent, "ps1")
    (tmp_path / "ps1" / "data" / "assignment.yaml").write_text("title: an example")
    found = [one.root.relative_to(tmp_path).as_posix() for one in find_author_folders(tmp_path, without=[tmp_path / "projects"])]
    assert found == ["ps1", "teaching/ps1", "teaching/2031/bio/ps1"]


def test_a_folder_full_of_data_is_not_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may hold a million pictures, and the panel asks again and again; what lies elsewhere is found."""
    write_assignment(tmp_path, "ps1")
    (tmp_path / "tiles").mkdir()
    for number in range(9):
        (tmp_path / "tiles" / f"{number}.png").touch()
    read: list[str] = []
    scan = os.scandir

    def noting(entries: Iterator[os.DirEntry[str]]) -> Iterator[os.DirEntry[str]]:
        for entry in entries:
            read.append(entry.name)
            yield entry

    @contextmanager
    def noted(folder: Path) -> Iterator[Iterator[os.DirEntry[str]]]:
        with scan(folder) as entries:
            yield noting(entries)

    monkeypatch.setattr(os, "scandir", noted)
    monkeypatch.setattr(authoring, "_MOST_IN_ONE", 5)
    assert [one.root.name for one in find_author_folders(tmp_path)] == ["ps1"]
    assert len([name for name in read if name.endswith(".png")]) == 5


def test_a_release_that_was_given_up_in_time_is_none(tmp_path: Path) -> None:
    """Also where the hub has all files already, and nothing is sent."""

    def give_up(event: Event) -> None:
        raise Cancelled("Cancelled.")

    client = Mock(spec=CourseClient)
    client.missing_files.return_value = ()
    with pytest.raises(Cancelled):
        release_folder(client, ITEM, write_assignment(tmp_path, "x"), on_event=give_up)
    client.add_release.assert_not_called()


@pytest.mark.parametrize("parent", ["", "a/b/c", "a/b/c/d", ".cache", "hidden", "projects/x", "ps0", "ps0/data"])
def test_what_would_not_be_found_is_known_before(tmp_path: Path, parent: str) -> None:
    """Whoever chose such a folder would be told that none is known."""
    write_assignment(tmp_path, "ps0")
    folder, without = write_assignment(tmp_path / parent, "ps1"), [tmp_path / "projects", tmp_path]
    found = any(one.root == folder for one in find_author_folders(tmp_path, without=without))
    assert found == is_looked_at(folder, tmp_path, without=without) == (parent in ("", "a/b/c"))


def test_a_folder_of_the_name_is_taken_until_one_remembers(tmp_path: Path) -> None:
    """As the command line does; a folder that is another's is not taken for its name."""
    named = write_assignment(tmp_path, "übung 1")
    assert _found(tmp_path) == named
    other = write_assignment(tmp_path, "this year")
    note_author_folder(other, ITEM)
    assert _found(tmp_path) == other
    forget_author_folder(other, ITEM)
    note_author_folder(named, ITEM.model_copy(update={"id": "a2"}))
    assert _found(tmp_path) is None


def test_a_folder_remembers_each_course(tmp_path: Path) -> None:
    """The same folder may be released in several."""
    folder, twin = write_assignment(tmp_path, "x"), ITEM.model_copy(update={"id": "a2", "course": "physics"})
    for item in (ITEM, twin):
        note_author_folder(folder, item)
    assert [_found(tmp_path, item) for item in (ITEM, twin)] == [folder, folder]


def test_a_copied_folder_does_not_take_its_place(tmp_path: Path) -> None:
    """Of both, which remember the same, that counts which is called as the assignment."""
    folder = write_assignment(tmp_path, "Übung 1")
    note_author_folder(folder, ITEM)
    shutil.copytree(folder, tmp_path / "A next one")
    assert _found(tmp_path) == folder


def test_what_is_remembered_is_not_released(tmp_path: Path) -> None:
    """Neither to students nor to the hub."""
    folder = write_assignment(tmp_path, "x")
    before = make_release(load_assignment(folder), tmp_path / "before")
    note_author_folder(folder, ITEM)
    assert make_release(load_assignment(folder), tmp_path / "after") == before


@pytest.mark.parametrize("text", ["", "{", '{"format": "labkit-authored/9"}'])
def test_a_record_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    """The name still leads there."""
    folder = write_assignment(tmp_path, "Übung 1")
    note_author_folder(folder, ITEM)
    (folder / ".labkit" / "authored.json").write_text(text)
    assert _found(tmp_path) == folder
