"""Slots: a folder for one submission after the other."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.courses.grading import ContainerShape, SlotFolder
from labkit.courses.grading.places import Slot, new_scratch, remove_abandoned


@pytest.fixture
def slot(tmp_path: Path) -> Slot:
    """An empty one."""
    made = Slot(tmp_path / "slot", str(tmp_path / "slot"))
    made.root.mkdir()
    made.prepare()
    return made


def test_folders_of_any_depth_are_removed(slot: Slot) -> None:
    """Deeper than a path is long, and than Python calls itself."""
    folder = os.open(slot.work, os.O_RDONLY)
    for _ in range(2500):
        os.mkdir("d", dir_fd=folder)
        below = os.open("d", os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = below
    os.close(folder)
    slot.clear()
    assert not list(slot.root.iterdir())


def test_what_a_link_points_at_stays(slot: Slot, tmp_path: Path) -> None:
    """Links to files and folders are removed themselves."""
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").write_text("kept")
    (slot.work / "folder").symlink_to(tmp_path / "other")
    (slot.root / "out").rmdir()
    (slot.root / "out").symlink_to(tmp_path / "other")
    os.mkfifo(slot.work / "pipe")
    slot.clear()
    assert not list(slot.root.iterdir())
    assert (tmp_path / "other" / "file").read_text() == "kept"


def test_folders_without_rights_are_removed() -> None:
    """One within the other, and the slot itself: what a student left must not be the next one's fault. Tried without root's powers."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        said = b"failed"
        try:
            if os.geteuid() == 0:
                os.setgid(65534)
                os.setuid(65534)
            root = Path(tempfile.mkdtemp())
            own = Slot(root, str(root))
            own.prepare()
            deepest = own.work / "a" / "b" / "c" / "d"
            deepest.mkdir(parents=True)
            (deepest / "file").write_text("left")
            for folder in (deepest, *list(deepest.parents)[:5]):
                folder.chmod(0)
            own.clear()
            said = b"empty" if not list(root.iterdir()) else said
            root.rmdir()
        finally:
            os.write(writing, said)
            os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 100) == b"empty"


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose path leaves room for that of a socket."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        yield Path(name)


def test_folder_of_a_batch_that_was_killed_is_removed(short: Path) -> None:
    """An hour later, with the work that lies in it; that of one that lives, or that somebody else made, be the name alike, stays."""
    shape = ContainerShape(image="x", folder=SlotFolder(path=short))
    (living, lock_of_living), (young, lock_of_young), (killed, lock) = (new_scratch(shape) for _ in range(3))
    (killed / "work.ipynb").write_text("theirs")
    others = short / "other", short / "lkg-test-abcdefgh"
    for other in others:
        other.mkdir()
    for closed in (lock, lock_of_young):
        os.close(closed)
    for folder in (living, killed, *others):
        os.utime(folder, (7, 7))
    remove_abandoned(short)
    os.close(lock_of_living)
    assert set(short.iterdir()) == {living, young, *others}
