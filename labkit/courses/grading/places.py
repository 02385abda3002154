"""The folders that a worker shares with a kernel. What a kernel can write into is read and emptied without following its links."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import stat
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from labkit.courses.grading.shapes import ContainerShape, Shape, SlotVolume
from labkit.errors import WorkerLost

__all__ = ["INNER", "Slot", "empty", "make_slots", "new_scratch", "remove_abandoned", "unused"]

INNER = "/slot"
"""Where a container has its slot."""
_EMPTY_S = 120.0
_FREE_S = 60.0
_ABANDONED_S = 3600.0
_SCRATCH = "lkg-"
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
    lock : int
        Descriptor that keeps other batches out, while it is open.
    """

    root: Path
    inner: str
    source: str = ""
    owner: int | None = None
    lock: int = -1

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


def new_scratch(shape: Shape) -> tuple[Path, int]:
    """Make a folder for slots and whatever else a batch needs for a while, and return it with a lock that is the batch's while it lives.

    Others may pass through it, and not look into it.
    """
    parent = shape.folder.path if isinstance(shape, ContainerShape) and not shape.slots else None
    base = Path(tempfile.mkdtemp(prefix=_SCRATCH, dir=parent))
    if len(os.fsencode(base)) > _LONGEST:
        base.rmdir()
        base = Path(tempfile.mkdtemp(prefix=_SCRATCH, dir="/tmp"))
    base.chmod(0o711)
    lock = _lock(base)
    assert lock is not None  # nobody else has known of it yet
    return base, lock


def remove_abandoned(parent: Path) -> None:
    """Remove the folders of batches that were killed an hour ago or more: students' work is in them."""
    for folder in parent.glob(_SCRATCH + 8 * "?"):  # as tempfile names them: where others begin a name likewise, it is theirs
        with contextlib.suppress(OSError):
            facts = folder.lstat()
            if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.geteuid() or facts.st_mtime > time.time() - _ABANDONED_S:
                continue
            if (lock := _lock(folder)) is not None:
                try:
                    empty(folder)
                    folder.rmdir()
                finally:
                    os.close(lock)


def make_slots(shape: Shape, workers: int, scratch: Path, *, with_scorer: bool = False) -> list[Slot]:
    """Return a slot for each worker and, last, the scorer's: of the volumes that the shape names, or fresh folders in `scratch`.

    Raises
    ------
    WorkerLost
        Too few of the volumes are free; one that another batch has is not.
    """
    owner = 1000 if isinstance(shape, ContainerShape) and os.geteuid() == 0 else None
    if isinstance(shape, ContainerShape) and shape.slots:
        return _free_volumes(shape.slots, workers + with_scorer, 1 + with_scorer, owner)
    slots = []
    for k in range(workers + with_scorer):
        root = scratch / f"{k}{secrets.token_hex(3)}"
        root.mkdir(mode=0o700)
        if owner is not None:
            os.chown(root, owner, owner)
        contained = isinstance(shape, ContainerShape)
        if contained:
            slots.append(Slot(root, INNER, str(root), owner, _lock(root) or -1))
        else:
            slots.append(Slot(root, str(root)))
    return slots


@contextlib.contextmanager
def unused(shape: ContainerShape, sources: Collection[str]) -> Iterator[frozenset[str]]:
    """Give those of these slots whose batch does not live any more, and keep others out of them meanwhile.

    A batch locks its slots while it or one of its workers lives, so that a killed one has let go of them.
    """
    known = {slot.volume: slot.path for slot in shape.slots}
    locks: dict[str, int] = {}
    try:
        for source in sources:
            folder = known.get(source) or (Path(source) if _is_ours(Path(source)) else None)
            with contextlib.suppress(OSError):
                if folder is not None and (lock := _lock(folder.resolve())) is not None:
                    locks[source] = lock
        yield frozenset(locks)
    finally:
        for lock in locks.values():
            os.close(lock)


def _is_ours(folder: Path) -> bool:
    """Whether this is a slot that a batch of this account made as a folder of this machine."""
    try:
        return folder.is_absolute() and folder.parent.name.startswith(_SCRATCH) and folder.parent.lstat().st_uid == os.geteuid()
    except OSError:
        return False


def _free_volumes(volumes: Sequence[SlotVolume], most: int, least: int, owner: int | None) -> list[Slot]:
    """Take volumes, each for ourselves alone while we live: a batch that has just ended may still be leaving."""
    began, slots = time.monotonic(), dict[str, Slot]()
    while len(slots) < min(most, len(volumes)):
        for volume in volumes:
            if len(slots) < most and volume.volume not in slots and (lock := _lock(volume.path.resolve())) is not None:
                slots[volume.volume] = Slot(volume.path.resolve(), INNER, volume.volume, owner, lock)
        waited_s = time.monotonic() - began
        if len(slots) >= least and waited_s > 1.0:
            break
        if len(slots) < least and (waited_s > _FREE_S or len(volumes) < least):
            raise WorkerLost(
                f"{least} free slots are needed, and {len(slots)} of {len(volumes)} are free.",
                hint="Name more volumes, or let fewer batches go on at the same time.",
            )
        time.sleep(0.0 if len(slots) >= min(most, len(volumes)) else 0.2)
    return list(slots.values())


def _lock(folder: Path) -> int | None:
    """Lock a folder until we end; None where another program has it."""
    descriptor = _enter(folder)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
