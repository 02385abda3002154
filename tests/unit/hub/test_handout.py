"""The course in a home: new files arrive, changed files stay."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from labkit.storage import atomic
from labkit_hub.handout import Handout, hand_out


@dataclass
class Desk:
    """A course, a student's copy of it, and the hand-out between them."""

    course: Path
    mine: Path
    ledger: Path

    def hand_out(self) -> Handout:
        """Hand the course out once."""
        return hand_out(self.course, self.mine, self.ledger)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Make a course of two files and hand it out."""
    course = tmp_path / "course"
    (course / "data").mkdir(parents=True)
    (course / "01-first.ipynb").write_text("one")
    (course / "data" / "numbers.csv").write_text("1,2")
    made = Desk(course, tmp_path / "home" / "course", tmp_path / "home" / ".labkit" / "course.json")
    assert made.hand_out() == Handout(arrived=("01-first.ipynb", "data/numbers.csv"))
    return made


def test_everything_arrives_once(desk: Desk) -> None:
    """The files are there with their content, and a second call does nothing."""
    assert (desk.mine / "01-first.ipynb").read_text() == "one"
    assert (desk.mine / "data" / "numbers.csv").read_text() == "1,2"
    assert desk.hand_out() == Handout()


def test_a_new_lesson_arrives(desk: Desk) -> None:
    """A file added to the course is in the home after the next start."""
    (desk.course / "02-second.ipynb").write_text("two")
    assert desk.hand_out() == Handout(arrived=("02-second.ipynb",))


def test_an_unchanged_file_is_updated(desk: Desk) -> None:
    """What the student has not touched follows the course."""
    (desk.course / "01-first.ipynb").write_text("better")
    assert desk.hand_out() == Handout(updated=("01-first.ipynb",))
    assert (desk.mine / "01-first.ipynb").read_text() == "better"


def test_a_changed_file_is_never_touched(desk: Desk) -> None:
    """While the course's file stays the same, nothing comes beside the student's work."""
    (desk.mine / "01-first.ipynb").write_text("mine")
    assert desk.hand_out() == Handout()
    assert (desk.mine / "01-first.ipynb").read_text() == "mine"


def test_a_new_version_of_a_changed_file_lands_beside_once(desk: Desk) -> None:
    """The student's work stays, the new version lies beside as .new, and no further copy comes at the next start."""
    (desk.mine / "01-first.ipynb").write_text("mine")
    (desk.course / "01-first.ipynb").write_text("better")
    assert desk.hand_out() == Handout(beside=("01-first.ipynb",))
    assert (desk.mine / "01-first.ipynb").read_text() == "mine"
    assert (desk.mine / "01-first.new.ipynb").read_text() == "better"
    assert desk.hand_out() == Handout()


def test_a_second_new_version_overwrites_nothing(desk: Desk) -> None:
    """Work that was begun in the .new file is kept too."""
    (desk.mine / "01-first.ipynb").write_text("mine")
    (desk.course / "01-first.ipynb").write_text("better")
    desk.hand_out()
    (desk.mine / "01-first.new.ipynb").write_text("also mine")
    (desk.course / "01-first.ipynb").write_text("best")
    assert desk.hand_out() == Handout(beside=("01-first.ipynb",))
    contents = {path.name: path.read_text() for path in desk.mine.glob("*.ipynb")}
    assert contents == {"01-first.ipynb": "mine", "01-first.new.ipynb": "also mine", "01-first.new-2.ipynb": "best"}


def test_a_deleted_file_comes_back(desk: Desk) -> None:
    """To start over, a student deletes the file."""
    (desk.mine / "01-first.ipynb").unlink()
    assert desk.hand_out() == Handout(arrived=("01-first.ipynb",))


def test_a_file_removed_from_the_course_stays_with_the_student(desk: Desk) -> None:
    """Nothing in a home is ever deleted."""
    (desk.course / "01-first.ipynb").unlink()
    assert desk.hand_out() == Handout()
    assert (desk.mine / "01-first.ipynb").exists()


@pytest.mark.parametrize("content", [None, "{", '{"format": 1, "files": 3}'])
def test_a_lost_or_broken_ledger_overwrites_nothing(desk: Desk, content: str | None) -> None:
    """Without memory, a file that differs counts as the student's."""
    desk.ledger.unlink()
    if content is not None:
        desk.ledger.write_text(content)
    (desk.mine / "01-first.ipynb").write_text("mine")
    assert desk.hand_out() == Handout(beside=("01-first.ipynb",))
    assert (desk.mine / "01-first.ipynb").read_text() == "mine"


def test_hidden_files_caches_and_links_stay_behind(desk: Desk, tmp_path: Path) -> None:
    """Checkpoints, caches and links of the course's folder are not part of the course."""
    (tmp_path / "secret").write_text("secret")
    (desk.course / ".hidden").write_text("")
    (desk.course / ".ipynb_checkpoints").mkdir()
    (desk.course / ".ipynb_checkpoints" / "01-first.ipynb").write_text("")
    (desk.course / "link.txt").symlink_to(tmp_path / "secret")
    assert desk.hand_out() == Handout()


def test_links_in_the_home_lead_nowhere_else(desk: Desk, tmp_path: Path) -> None:
    """A student's link in place of a folder or a file is left as it is, and nothing is written through it."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "numbers.csv").write_text("theirs")
    (desk.mine / "data" / "numbers.csv").unlink()
    (desk.mine / "data").rmdir()
    (desk.mine / "data").symlink_to(outside)
    (desk.mine / "01-first.ipynb").unlink()
    (desk.mine / "01-first.ipynb").symlink_to(outside / "missing")
    (desk.course / "data" / "numbers.csv").write_text("new")
    (desk.course / "01-first.ipynb").write_text("new")
    desk.hand_out()
    assert (outside / "numbers.csv").read_text() == "theirs"
    assert not (outside / "missing").exists()
    assert (desk.mine / "01-first.new.ipynb").read_text() == "new"


@pytest.mark.parametrize("kind", ["file", "link"])
def test_something_else_named_course_is_left_alone(tmp_path: Path, kind: str) -> None:
    """A file or a link of the student's called "course" stays, and the hand-out does nothing."""
    (tmp_path / "course").mkdir()
    (tmp_path / "course" / "a.txt").write_text("a")
    target = tmp_path / "mine"
    target.write_text("") if kind == "file" else target.symlink_to(tmp_path / "elsewhere")
    assert hand_out(tmp_path / "course", target, tmp_path / "ledger.json") == Handout()
    assert not (tmp_path / "elsewhere").exists()


def test_no_course_is_no_error(tmp_path: Path) -> None:
    """A hub without a course hands nothing out."""
    assert hand_out(tmp_path / "none", tmp_path / "mine", tmp_path / "ledger.json") == Handout()


def test_a_full_disk_leaves_whole_files_and_remembers_them(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What arrived before the disk was full is whole and known; the rest comes next time."""
    (desk.course / "02.ipynb").write_text("two")
    (desk.course / "03.ipynb").write_text("three")
    write = atomic.write_bytes

    def full(path: Path, data: bytes) -> None:
        if data == b"three":
            raise OSError(28, "No space left on device")
        write(path, data)

    monkeypatch.setattr("labkit_hub.handout.write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        desk.hand_out()
    monkeypatch.undo()
    assert desk.hand_out() == Handout(arrived=("03.ipynb",))
    assert sorted(path.name for path in desk.mine.glob("*.ipynb")) == ["01-first.ipynb", "02.ipynb", "03.ipynb"]
