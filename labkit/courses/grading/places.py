"""The folders that a worker shares with a kernel. What a kernel can write into is read and emptied without following its links."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from labkit.courses.grading.shapes import ContainerShape, Shape

__all__ = ["INNER", "Slot", "empty", "make_slots", "new_scratch"]

INNER = "/slot"
"""Where a container has its slot."""
_EMPTY_S = 120.0
_LONGEST = 60  # a Unix socket's path has at most 107 bytes


@dataclass(frozen=True, slots=True)
class Slot:
    """A folder for one submission at a time.

    Attributes
    ----------
    root : Path
        Where the worker has it.
    inner : str
        Where the kernel has it.
    source : str
        What is mounted: a folder of the host or the name of a volume; empty where nothing is.
    owner : int or None
        Account that must be able to write in it, where that is another than the worker's.
    """

    root: Path
    inner: str
    source: str = ""
    owner: int | None = None

    @property
    def work(self) -> Path:
        """The working folder of the notebooks."""
        return self.root / "work"

    def prepare(self) -> None:
        """Empty it, and make the folders of a submission."""
        self.clear()
        for name in ("work", "out", "home", "tmp"):
            (self.root / name).mkdir(mode=0o700)
        self.hand_over()

    def hand_over(self) -> None:
        """Let everything in it belong to the kernel's account; before that account has had a program in it."""
        if self.owner is not None:
            for folder, _, files in os.walk(self.root):
                for path in (folder, *(os.path.join(folder, name) for name in files)):  # noqa: PTH118
                    os.chown(path, self.owner, self.owner, follow_symlinks=False)

    def clear(self) -> None:
        """Remove what is in it, links themselves and never what they point at.

        Raises
        ------
        OSError
            Something stays.
        """
        empty(self.root)


def empty(folder: Path) -> None:
    """Remove what is in a folder: of any rights, however deep, and by the descriptor of the folder above, never through a link.

    Raises
    ------
    OSError
        Something stays.
    """
    deadline = time.monotonic() + _EMPTY_S
    top = _enter(folder)
    try:
        while names := _names(top):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{folder} is being filled while it is emptied.")
            for name, is_folder in names:
                if is_folder:
                    _take_apart(top, name)
                else:
                    _unlink(top, name)
    finally:
        os.close(top)


def _take_apart(top: int, name: str) -> None:
    """Remove a folder; those in it come to the top first: neither a stack nor a path bounds how deep they lay."""
    inside = _enter(name, top)
    try:
        for inner, is_folder in _names(inside):
            if is_folder:
                os.close(_enter(inner, inside))  # a folder without rights to it cannot be moved
                os.rename(inner, secrets.token_hex(8), src_dir_fd=inside, dst_dir_fd=top)
            else:
                _unlink(inside, inner)
    finally:
        os.close(inside)
    os.rmdir(name, dir_fd=top)


def _names(folder: int) -> list[tuple[str, bool]]:
    with os.scandir(folder) as entries:
        return [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]


def _unlink(folder: int, name: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)


def _enter(path: Path | str, above: int | None = None) -> int:
    """Open a folder, be it without rights to it, and never through a link."""
    flags = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    if not hasattr(os, "O_PATH"):
        return os.open(path, os.O_RDONLY | flags, dir_fd=above)
    handle = os.open(path, os.O_PATH | flags, dir_fd=above)
    try:
        with contextlib.suppress(PermissionError):
            os.chmod(f"/proc/self/fd/{handle}", stat.S_IMODE(os.fstat(handle).st_mode) | 0o700)  # noqa: PTH101
        return os.open(".", os.O_RDONLY | flags, dir_fd=handle)
    finally:
        os.close(handle)


def new_scratch(shape: Shape) -> Path:
    """Make a folder for slots and whatever else a batch needs for a while; others may pass through it, and not look into it."""
    parent = shape.folder.path if isinstance(shape, ContainerShape) and not shape.slots else None
    base = Path(tempfile.mkdtemp(prefix="lkg-", dir=parent))
    if len(os.fsencode(base)) > _LONGEST:
        base.rmdir()
        base = Path(tempfile.mkdtemp(prefix="lkg-", dir="/tmp"))
    base.chmod(0o711)
    return base


def make_slots(shape: Shape, number: int, scratch: Path) -> list[Slot]:
    """Return slots: the volumes that the shape names, or fresh folders in `scratch`."""
    owner = 1000 if isinstance(shape, ContainerShape) and os.geteuid() == 0 else None
    if isinstance(shape, ContainerShape) and shape.slots:
        return [Slot(volume.path, INNER, volume.volume, owner) for volume in shape.slots]
    slots = []
    for k in range(number):
        root = scratch / f"{k}{secrets.token_hex(3)}"
        root.mkdir(mode=0o700)
        if owner is not None:
            os.chown(root, owner, owner)
        contained = isinstance(shape, ContainerShape)
        slots.append(Slot(root, INNER if contained else str(root), str(root) if contained else "", owner))
    return slots
