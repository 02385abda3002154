"""Brings a release into its folder; what a person has changed is never overwritten."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from labkit.client.course_wire import AssignmentItem, ReleaseItem
from labkit.client.courses import CourseClient
from labkit.client.workfolder import WorkFolder, WorkRecord, work_for
from labkit.courses.records import FileEntry, Manifest
from labkit.errors import AlreadyExists, CorruptStore, InvalidInput, NotFound
from labkit.events import EventSink, Progress, ignore_events
from labkit.storage import explain_os_errors, file_sha256, hold_lock, save_record, utc_now

__all__ = ["Fetched", "fetch_assignment", "sha256_on_disk"]


@dataclass
class Fetched:
    """What a fetch did.

    Attributes
    ----------
    new, renewed : list of str
        Files that were not there, and those that the person had left as they were.
    kept : list of str
        Files that the person has changed, and that are left alone.
    beside : dict of path to path
        For kept files of which there is another version now: where that lies.
    """

    folder: WorkFolder
    release: int
    new: list[str] = field(default_factory=list)
    renewed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    beside: dict[str, str] = field(default_factory=dict)


def fetch_assignment(
    client: CourseClient, assignment: AssignmentItem, *, base: Path | None = None, on_event: EventSink = ignore_events
) -> Fetched:
    """Bring the latest release of an assignment into ``~/courses/<course>/<assignment>/``.

    Files as they were fetched are renewed, missing ones come back; beside changed ones the new ones are laid as ``name (release 2).ipynb``.

    Raises
    ------
    InvalidInput
        Nothing has been released.
    """
    if assignment.release == 0:
        raise InvalidInput(f"{assignment.name} has not been released yet.", hint="Look again later.")
    release = client.release(assignment.id, assignment.release)
    folder = work_for(assignment, base)
    with hold_lock(folder.layout.lock, what="this assignment"):
        known = _known(folder)
        report = Fetched(folder, release.version)
        incoming = _download(client, release, folder, known.manifest if known else Manifest(), on_event)
        laid = dict(known.beside) if known else {}
        for entry in release.manifest.files:
            _place(entry, incoming, known, report, laid)
        save_record(folder.layout.record, _record(assignment, release, laid))
        shutil.rmtree(incoming, ignore_errors=True)
    return report


def _known(folder: WorkFolder) -> WorkRecord | None:
    try:
        return folder.record()
    except (NotFound, CorruptStore):
        return None  # then every file that is there counts as changed


def _record(assignment: AssignmentItem, release: ReleaseItem, laid: dict[str, str]) -> WorkRecord:
    return WorkRecord(
        assignment=assignment.id,
        course=assignment.course,
        name=assignment.name,
        release=release.version,
        fetched=utc_now(),
        manifest=release.manifest,
        beside=laid,
        expected=assignment.expected,
        upload_mb=assignment.upload_mb,
        cell_s=release.limits.cell_s,
    )


def _download(client: CourseClient, release: ReleaseItem, folder: WorkFolder, known: Manifest, on_event: EventSink) -> Path:
    """Get what is not there, or would be replaced; a try that was cut short goes on where it was."""
    incoming = folder.layout.incoming(release.assignment)
    incoming.mkdir(parents=True, exist_ok=True)
    wanted = {entry.sha256: entry for entry in release.manifest.files if _is_needed(entry, folder, known)}
    total, done = sum(entry.size for entry in wanted.values()), 0
    for sha256, entry in wanted.items():
        target = incoming / sha256
        if not (target.is_file() and file_sha256(target) == sha256):
            client.fetch_release_file(release.assignment, release.version, entry, target)
        done += entry.size
        on_event(Progress(done=done, total=total, unit="bytes", stage="fetching"))
    return incoming


def _is_needed(entry: FileEntry, folder: WorkFolder, known: Manifest) -> bool:
    found = sha256_on_disk(folder.on_disk(entry.path))
    before = known.entry(entry.path)
    if found is None or before is None:
        return found != entry.sha256
    return found != entry.sha256 and before.sha256 != entry.sha256


def sha256_on_disk(path: Path) -> str | None:
    """Return the hash of what lies at `path`; None where nothing does, and a word for what is no plain file."""
    if path.is_symlink() or (path.exists() and not path.is_file()):
        return "no plain file"
    with explain_os_errors(path):
        return file_sha256(path) if path.is_file() else None


def _place(entry: FileEntry, incoming: Path, known: WorkRecord | None, report: Fetched, laid: dict[str, str]) -> None:
    place = report.folder.on_disk(entry.path)
    found = sha256_on_disk(place)
    before = known.manifest.entry(entry.path) if known else None
    if found == entry.sha256:
        return
    if found is None:
        _check_parents(place, report.folder.root)
        _move(incoming / entry.sha256, place)
        report.new.append(entry.path)
    elif before is not None and found == before.sha256:
        _move(incoming / entry.sha256, place)
        report.renewed.append(entry.path)
    else:
        report.kept.append(entry.path)
        if before is None or before.sha256 != entry.sha256:
            report.beside[entry.path] = _lay_beside(entry, incoming, report)
            laid[report.beside[entry.path]] = entry.sha256


def _check_parents(place: Path, root: Path) -> None:
    for parent in place.parents:
        if parent.is_relative_to(root) and parent.exists() and not parent.is_dir():
            raise AlreadyExists(f"{parent} is a file; the assignment has a folder of this name.", hint="Rename the file, then fetch again.")


def _lay_beside(entry: FileEntry, incoming: Path, report: Fetched) -> str:
    for name in _names_beside(entry.path, report.release):
        place = report.folder.on_disk(name)
        found = sha256_on_disk(place)
        if found is None:
            _move(incoming / entry.sha256, place)
        elif found != entry.sha256:
            continue  # somebody has begun to work in it
        return name
    raise AlreadyExists(f"No free name was found beside {entry.path}.", hint="Tidy the folder up, then fetch again.")


def _names_beside(path: str, release: int) -> Iterator[str]:
    ending = PurePosixPath(path).suffix
    stem = path.removesuffix(ending)
    yield f"{stem} (release {release}){ending}"
    for number in itertools.count(2):
        yield f"{stem} (release {release}, {number}){ending}"


def _move(source: Path, place: Path) -> None:
    """Put a file to its place; one content may have several places."""
    with explain_os_errors(place):
        place.parent.mkdir(parents=True, exist_ok=True)
        neighbour = source.with_name(source.name + ".copy")
        shutil.copyfile(source, neighbour)
        with neighbour.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(neighbour, place)
