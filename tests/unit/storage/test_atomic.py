"""Writes are whole or not there."""

import asyncio
import errno
import os
import threading
from pathlib import Path

import pytest
import zarr
from zarr.core.buffer import Buffer
from zarr.storage import LocalStore

from labkit.errors import AlreadyExists, InvalidInput, NotWritable, StorageFull
from labkit.storage import INCOMING_PREFIX, check_name, escape_name, explain_os_errors, new_folder, unescape_name, write_bytes


def leftovers(folder: Path) -> list[Path]:
    return list(folder.rglob(f"{INCOMING_PREFIX}*"))


def test_a_write_replaces_the_old_bytes(tmp_path: Path) -> None:
    """The new bytes are there, and no temporary neighbour."""
    write_bytes(tmp_path / "a", b"old")
    write_bytes(tmp_path / "a", b"new")
    assert ((tmp_path / "a").read_bytes(), leftovers(tmp_path)) == (b"new", [])


def test_a_failed_write_keeps_the_old_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full when the bytes are flushed leaves the old file."""
    write_bytes(tmp_path / "a", b"old")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageFull):
        write_bytes(tmp_path / "a", b"new")
    assert ((tmp_path / "a").read_bytes(), leftovers(tmp_path)) == (b"old", [])


def test_a_folder_that_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    """An error while a folder is filled removes it."""
    with pytest.raises(RuntimeError), new_folder(tmp_path / "set") as folder:  # noqa: PT012
        (folder / "half").write_text("x")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_a_write_that_outlives_the_one_that_failed_brings_nothing_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Zarr writes several files at once; when the disk is full for one of them, the others are still under way."""
    written = threading.Event()

    async def full(self: LocalStore, key: str, value: Buffer) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    async def late(self: LocalStore, key: str, value: Buffer) -> None:
        await asyncio.sleep(0.2)
        (self.root / key).parent.mkdir(parents=True, exist_ok=True)
        (self.root / key).write_bytes(value.to_bytes())
        written.set()

    def build() -> None:
        with new_folder(tmp_path / "set") as folder:
            group = zarr.open_group(folder, mode="w", zarr_format=3)
            monkeypatch.setattr(LocalStore, "set", full)
            monkeypatch.setattr(LocalStore, "set_if_not_exists", late)
            group.create_group("train")

    with pytest.raises(StorageFull):
        build()
    assert written.wait(30)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_there_is_never_replaced(tmp_path: Path) -> None:
    """Not even one that appeared while ours was filled."""
    with pytest.raises(AlreadyExists), new_folder(tmp_path / "set"):
        (tmp_path / "set").mkdir()
    assert ([p.name for p in tmp_path.iterdir()]) == ["set"]


@pytest.mark.parametrize(("number", "kind"), [(errno.ENOSPC, StorageFull), (errno.EACCES, NotWritable), (errno.ENAMETOOLONG, InvalidInput)])
def test_errors_of_the_system_get_words_and_a_hint(number: int, kind: type[Exception]) -> None:
    """A full disk, a missing right and an impossible name are explained."""
    with pytest.raises(kind) as caught, explain_os_errors("/somewhere"):
        raise OSError(number, "no")
    assert caught.value.hint  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["", "  ", "a/b", "..", ".hidden", "a\nb", "x" * 300, "ü" * 150, "a\\b", " a"])
def test_names_that_no_folder_can_have_are_refused(name: str) -> None:
    """Whatever a person types, no path is escaped and nothing odd is made."""
    with pytest.raises(InvalidInput):
        check_name(name)


@pytest.mark.parametrize("name", ["zoë b", "A.B", "a/b", "..", "Zellkern-ß 細胞", "a%2Fb"])
def test_any_text_becomes_a_file_name_and_comes_back(name: str) -> None:
    """Authors may be called anything."""
    escaped = escape_name(name)
    assert unescape_name(escaped) == name
    assert "/" not in escaped
    assert escaped not in (".", "..")
