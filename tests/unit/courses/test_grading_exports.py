"""Exports: whatever a student's code puts in their place, the worker copies bounded bytes of regular files, or says why not."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from labkit.courses.grading import exports
from labkit.courses.grading.exports import exporter_code, names_of, take_files, take_values
from labkit.courses.records import AssignmentSheet
from labkit.errors import StorageFull

LIMIT = 10_000


@pytest.fixture
def slot(tmp_path: Path) -> Path:
    """A slot after a submission has run."""
    for name in ("out", "work", "into"):
        (tmp_path / name).mkdir()
    return tmp_path


def _link(path: Path) -> None:
    path.symlink_to("/etc/passwd")


def _sparse(path: Path) -> None:
    with open(path, "wb") as file:
        file.truncate(10**12)


def _device(path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root makes devices")
    os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))


HOSTILE = [
    (_link, "a link"),
    (lambda path: os.mkfifo(path), "no regular file"),
    (lambda path: path.mkdir(), "no regular file"),
    (_sparse, "more than may be exported"),
    (_device, "no regular file"),
]


@pytest.mark.parametrize(("make", "why"), HOSTILE)
def test_value_that_is_no_plain_file_is_refused_in_words(slot: Path, make: object, why: str) -> None:
    """Links are not followed, pipes not waited for, devices and folders not read, and a terabyte of nothing not copied."""
    make(slot / "out" / "mask.npy")  # type: ignore[operator]
    (note,) = take_values(slot, {"mask": "mask"}, slot / "into", LIMIT)
    assert why in note.text
    assert list((slot / "into").iterdir()) == []


def test_export_for_which_there_is_no_room_is_none_that_was_not_made(slot: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would earn nothing, for want of room on the grader's side."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    (slot / "out" / "mask.npy").write_bytes(b"mask")
    monkeypatch.setattr(exports, "open", full, raising=False)
    with pytest.raises(StorageFull):
        take_values(slot, {"mask": "mask"}, slot / "into", LIMIT)


def test_export_that_was_begun_and_not_finished_is_told(slot: Path) -> None:
    """What the kernel says of it goes before the part that is there."""
    (slot / "out" / "mask.npy").write_bytes(b"half")
    (slot / "out" / "mask.why").write_text("OSError: [Errno 27] File too large")
    (note,) = take_values(slot, {"mask": "mask"}, slot / "into", LIMIT)
    assert ("File too large" in note.text, list((slot / "into").iterdir())) == (True, [])


def test_export_that_is_a_link_is_called_one(slot: Path) -> None:
    """The kernel could not write through it, and says so with an address of ours."""
    (slot / "out" / "mask.npy").symlink_to("/proc/self/mem")
    (slot / "out" / "mask.why").write_text("OSError: [Errno 5] Input/output error: '/tmp/slot/out/mask.npy'")
    (note,) = take_values(slot, {"mask": "mask"}, slot / "into", LIMIT)
    assert "a link, which is not followed" in note.text
    assert "/tmp" not in note.text


def test_folder_on_the_way_that_is_a_link_is_not_followed(slot: Path) -> None:
    """The folder ``out`` itself belongs to the student's code."""
    (slot / "out").rmdir()
    (slot / "secret").mkdir()
    (slot / "secret" / "mask.json").write_text("1")
    (slot / "out").symlink_to(slot / "secret")
    (note,) = take_values(slot, {"mask": "mask"}, slot / "into", LIMIT)
    assert "a link" in note.text


def test_all_exports_together_are_bounded(slot: Path) -> None:
    """The second file does not fit beside the first."""
    for name in ("a", "b"):
        (slot / "out" / f"{name}.json").write_bytes(b"1" * 6000)
    (note,) = take_values(slot, {"a": "a", "b": "b"}, slot / "into", LIMIT)
    assert note.where == "b"
    assert [file.name for file in (slot / "into").iterdir()] == ["a.json"]


def test_folder_is_copied_without_links_and_pipes(slot: Path) -> None:
    """A folder of masks with one link among them is refused as a whole: half an export would be scored as one."""
    (slot / "work" / "masks").mkdir()
    (slot / "work" / "masks" / "a.npy").write_bytes(b"1")
    sheet = AssignmentSheet(exports={"masks": "file:masks"})
    assert take_files(slot, sheet, slot / "into", LIMIT) == []
    assert (slot / "into" / "masks" / "a.npy").read_bytes() == b"1"
    (slot / "work" / "masks" / "b.npy").symlink_to("/etc/passwd")
    (slot / "again").mkdir()
    (note,) = take_files(slot, sheet, slot / "again", LIMIT)
    assert "a link" in note.text


def test_folder_of_many_files_is_refused(slot: Path) -> None:
    """Ten thousand files are no model and no masks."""
    (slot / "work" / "many").mkdir()
    for k in range(300):
        (slot / "work" / "many" / str(k)).touch()
    (note,) = take_files(slot, AssignmentSheet(exports={"many": "file:many"}), slot / "into", LIMIT)
    assert "more than" in note.text


@pytest.mark.parametrize("path", ["../secret", "..", "", "a/../../b"])
def test_path_that_leaves_the_working_folder_is_refused(slot: Path, path: str) -> None:
    """Whatever the sheet says, only the working folder is looked into."""
    (note,) = take_files(slot, AssignmentSheet(exports={"x": f"file:{path}"}), slot / "into", LIMIT)
    assert "no path within" in note.text


def test_names_are_those_of_the_notebook() -> None:
    """A variable of another notebook, and a file, are not this notebook's to export."""
    sheet = AssignmentSheet(exports={"a": "ps1:x", "b": "ps2:y", "c": "file:z", "d": "ps1:"})
    assert names_of(sheet, "ps1") == {"a": "x", "d": "d"}


def test_exporter_is_python() -> None:
    """Quotes in a path do no harm."""
    compile(exporter_code("/a'b\"c", {"x": "y"}), "<exporter>", "exec")
