"""The course comes into a home: new files arrive, and what the student changed stays the student's.

For each file the home remembers the hash of what was handed out last. A file that still has this hash may be replaced by the
course's new version; a changed one is kept, and the new version lands beside it, once, as ``name.new.ending``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from labkit.errors import CorruptStore, NotFound
from labkit.storage import Record, file_sha256, load_record, save_record, write_bytes

__all__ = ["HandedOut", "Handout", "hand_out"]

_SKIPPED = frozenset({"__pycache__", "node_modules"})


class HandedOut(Record):
    """What a home got: the sha256 of the last version of each file, by its path in the course."""

    format: int = 1
    files: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Handout:
    """What one call of `hand_out` did, by path in the course.

    Attributes
    ----------
    arrived : tuple of str
        Files that were not there.
    updated : tuple of str
        Files that the student had not changed, replaced by the new version.
    beside : tuple of str
        Files that the student had changed; the new version lies beside as ``.new``.
    """

    arrived: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()


def hand_out(course: Path, target: Path, ledger: Path) -> Handout:
    """Bring `target` (in a home) up to date with `course`; a course folder that is not there brings nothing.

    Parameters
    ----------
    course : Path
        The course's files. Hidden files, links and caches are left out.
    target : Path
        The student's copy; made if missing. A link or a file of this name is left alone.
    ledger : Path
        Where the hashes are kept, a `HandedOut`.

    Raises
    ------
    NotWritable, StorageFull
        The home cannot be written; what has arrived by then is whole and remembered.
    """
    if not course.is_dir() or target.is_symlink() or (target.exists() and not target.is_dir()):
        return Handout()
    before = _load(ledger)
    known = dict(before)
    done: dict[str, list[str]] = {"arrived": [], "updated": [], "beside": []}
    try:
        for name in _iter_files(course):
            what = _bring(course / name, target, name, known)
            if what:
                done[what].append(name)
    finally:
        if known != before:
            save_record(ledger, HandedOut(files=known))
    return Handout(*(tuple(done[what]) for what in ("arrived", "updated", "beside")))


def _iter_files(course: Path) -> Iterator[str]:
    for folder, folders, files in os.walk(course):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED and not name.startswith("."))
        for file in sorted(files):
            path = Path(folder, file)
            if not file.startswith(".") and path.is_file() and not path.is_symlink():
                yield path.relative_to(course).as_posix()


def _bring(source: Path, target: Path, name: str, known: dict[str, str]) -> str | None:
    """Bring one file, note its hash in `known`, and say what was done."""
    new, old = file_sha256(source), known.get(name)
    path = target / name
    if _is_blocked(path, target):
        return None
    what: str | None
    if not os.path.lexists(path):
        what = "arrived"
    elif path.is_file() and not path.is_symlink() and (mine := file_sha256(path)) in (new, old):
        what = "updated" if mine != new else None
    else:
        what = "beside" if old != new else None
    if what == "beside":
        path = _free_neighbour(path)
    if what:
        write_bytes(path, source.read_bytes())
    known[name] = new
    return what


def _is_blocked(path: Path, target: Path) -> bool:
    """Say whether something that is no real folder stands between `target` and `path`, so that writing would land elsewhere."""
    parents = [parent for parent in path.parents if parent != target and target in parent.parents]
    return any(parent.is_symlink() or (parent.exists() and not parent.is_dir()) for parent in parents)


def _free_neighbour(path: Path) -> Path:
    number = 1
    while True:
        neighbour = path.with_name(f"{path.stem}.new{'' if number == 1 else f'-{number}'}{path.suffix}")
        if not os.path.lexists(neighbour):
            return neighbour
        number += 1


def _load(ledger: Path) -> dict[str, str]:
    try:
        return dict(load_record(ledger, HandedOut).files)
    except (NotFound, CorruptStore):
        return {}  # Forgotten: changed files then get the course's version beside them, and nothing is overwritten.
