"""The folders that a worker shares with a kernel. What a kernel can write into is read and emptied without following its links."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from labkit.courses.grading.shapes import ContainerShape, Shape

__all__ = ["INNER", "Slot", "make_slots", "new_scratch"]

INNER = "/slot"
"""Where a container has its slot."""
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
        """Remove what is in it, links themselves and never what they point at."""
        for entry in os.scandir(self.root):
            if entry.is_dir(follow_symlinks=False):
                with contextlib.suppress(OSError):
                    Path(entry.path).chmod(0o700)
                shutil.rmtree(entry.path, onerror=_open_up)
            else:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(entry.path)  # noqa: PTH108


def _open_up(remove: object, path: str, error: object) -> None:
    """Remove what stands in a folder without rights to it."""
    with contextlib.suppress(OSError):
        stuck = Path(path)
        stuck.parent.chmod(0o700)
        if stuck.is_dir() and not stuck.is_symlink():
            stuck.chmod(0o700)
            shutil.rmtree(stuck, ignore_errors=True)
        else:
            stuck.unlink()


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
