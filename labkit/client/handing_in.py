"""Hands course work in: what is sent, what is left out and why, whether it can be accepted, and the receipt."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from labkit.client.course_wire import NewSubmission, Receipt
from labkit.client.courses import CourseClient
from labkit.client.workfolder import WorkFolder, WorkRecord
from labkit.courses.annotation_files import TASKS_FILE, check_annotations, read_tasks
from labkit.courses.names import FEEDBACK
from labkit.courses.records import FileEntry, Manifest, Problem
from labkit.courses.submitted import check_notebook, check_submission, is_like
from labkit.errors import HubUnreachable, InvalidInput, LabKitError
from labkit.events import EventSink, Progress, ignore_events
from labkit.storage import explain_os_errors, file_sha256, hold_lock

__all__ = ["Collected", "LeftOut", "collect", "hand_in", "with_reasons"]

_MOST_FILES = 2000
_MOST_LOOKED_AT = 20_000
_NAMED = 3  # of the largest files
_CAME_BACK = re.compile(rf"^{FEEDBACK}/attempt \d+/")
_AGAIN = "Whether it arrived is not known. Submit again: what has arrived is not handed in twice."
_CACHES = ("__pycache__", "node_modules")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that is not sent, and why."""

    path: str
    why: str


@dataclass(frozen=True, slots=True)
class Collected:
    """What would be handed in.

    Attributes
    ----------
    release : int
        The version that lay in the folder when it was looked through.
    places : dict of sha256 to Path
        Where the content lies.
    cells : dict of notebook to number of cells
    problems : tuple of Problem
        An error keeps it from being handed in.
    objects : dict of annotation document to number of annotated objects
    """

    release: int
    manifest: Manifest
    places: dict[str, Path]
    left_out: tuple[LeftOut, ...]
    cells: dict[str, int]
    problems: tuple[Problem, ...]
    objects: dict[str, int] = field(default_factory=dict)

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that keep it from being handed in."""
        return tuple(problem for problem in self.problems if problem.severity == "error")


def collect(folder: WorkFolder, *, said: Sequence[Problem] = ()) -> Collected:
    """Look through a folder of an assignment, and check what would be handed in.

    Hidden files, caches, links, what came back and what was laid beside are left out; so are files of the release that nobody changed
    and nobody asks for (data): the hub has them. Annotations are sent as they lie there; `labkit.client.annotating` brings them.

    Parameters
    ----------
    said : sequence of Problem
        What was found before, such as why a document is missing: in place of that it is missing.

    Raises
    ------
    InvalidInput
        It is too much: too many files, or more bytes than the assignment takes (before anything is read).
    """
    record = folder.record()
    left_out: list[LeftOut] = []
    found = list(_walk(folder.root, "", left_out))
    found = [(path, place) for path, place in found if not _is_as_released(path, place, folder, record, left_out)]
    _check_amount(found, record)
    entries, places = [], {}
    for path, place in found:
        entry = _entry(path, place, left_out)
        if entry is not None and record.beside.get(entry.path) == entry.sha256:
            left_out.append(LeftOut(path, "a newer release of a file that you have changed"))
        elif entry is not None:
            entries.append(entry)
            places[entry.sha256] = place
    manifest = _manifest(entries)
    cells, problems = _read_notebooks(manifest, places)
    asked = tuple(name.removesuffix(".ipynb") for name in record.expected if name.endswith(".ipynb"))
    further = tuple(name for name in record.expected if not name.endswith(".ipynb"))
    objects, of_annotations = _look_at_annotations(folder, manifest, places)
    of_annotations = with_reasons(said, of_annotations, manifest)
    problems = [*check_submission(asked, further, manifest, record.upload_mb), *problems, *of_annotations]
    problems += _untouched(manifest, record.manifest)
    return Collected(record.release, manifest, places, tuple(left_out), cells, tuple(problems), objects)


def _untouched(manifest: Manifest, released: Manifest) -> Iterator[Problem]:
    """Find notebooks in which nothing was written: the work may lie in another file, which earns nothing."""
    if released.entry(TASKS_FILE) is not None:
        return  # where people annotate, the work may be all in their annotations
    for name in released.notebooks:
        path = f"{name}.ipynb"
        mine, given = manifest.entry(path), released.entry(path)
        if mine is not None and given is not None and mine.sha256 == given.sha256:
            other = next((file.path for file in manifest.files if file.path != path and is_like(file.path, path)), None)
            hint = f"Is your work in {other}? Only {path} is graded." if other else "Save your work in it if it is not there yet."
            yield Problem(severity="warning", where=path, text="It is as it was handed out: nothing was written in it.", hint=hint)


def with_reasons(said: Sequence[Problem], found: Sequence[Problem], manifest: Manifest) -> list[Problem]:
    """Return all problems; that a document is missing is left out where the reason was said."""
    told = {problem.where for problem in said}
    return [*said, *(one for one in found if one.where not in told or manifest.entry(one.where) is not None)]


def _look_at_annotations(folder: WorkFolder, manifest: Manifest, places: dict[str, Path]) -> tuple[dict[str, int], list[Problem]]:
    """Check the documents of an assignment in which people annotate, and count their objects."""
    path = folder.on_disk(TASKS_FILE)
    if not path.is_file():
        return {}, []
    with explain_os_errors(path):
        return check_annotations(read_tasks(path.read_bytes()), manifest, lambda entry: places[entry.sha256].read_bytes())


def hand_in(
    client: CourseClient, folder: WorkFolder, *, collected: Collected | None = None, on_event: EventSink = ignore_events
) -> Receipt:
    """Hand in what lies in a folder, and keep the receipt in it.

    An answer that got lost makes no second submission: trying again with the same files asks for the same one.

    Raises
    ------
    InvalidInput
        Something keeps it from being accepted; nothing was sent.
    HubUnreachable
        No answer came; it may have arrived.
    """
    with hold_lock(folder.layout.lock, what="this assignment"):
        collected = collect(folder) if collected is None else collected
        if collected.errors:
            first = collected.errors[0]
            raise InvalidInput(f"{first.where}: {first.text}" if first.where else first.text, hint=first.hint, problems=collected.errors)
        key = folder.key_for(collected.release, collected.manifest.sha256)
        _upload(client, collected, on_event)
        asked = NewSubmission(key=key, release=collected.release, manifest=collected.manifest)
        try:
            receipt = client.submit(folder.record().assignment, asked)
        except HubUnreachable as error:
            raise HubUnreachable(error.message, hint=_AGAIN) from error
        folder.keep_receipt(receipt)
    return receipt


def _upload(client: CourseClient, collected: Collected, on_event: EventSink) -> None:
    """Send what the hub lacks."""
    sizes = {file.sha256: file.size for file in collected.manifest.files}
    missing = client.missing_files(tuple(sizes))
    total, done = sum(sizes[sha256] for sha256 in missing), 0
    for sha256 in missing:
        place = collected.places[sha256]
        with explain_os_errors(place):
            if not place.is_file() or file_sha256(place) != sha256:
                raise InvalidInput(f"{place.name} was changed while it was being sent.", hint="Save it, then submit again.")
        client.put_file(sha256, place)
        done += sizes[sha256]
        on_event(Progress(done=done, total=total, unit="bytes", stage="sending"))


def _walk(folder: Path, above: str, left_out: list[LeftOut]) -> Iterator[tuple[str, Path]]:
    """Yield the files below a folder, by names."""
    with explain_os_errors(folder):
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    for count, entry in enumerate(entries):
        path = f"{above}{entry.name}"
        if count >= _MOST_LOOKED_AT:
            raise _too_many()
        if entry.name.startswith("."):
            if entry.name not in (".labkit", ".ipynb_checkpoints"):
                left_out.append(LeftOut(path, "hidden"))
        elif entry.is_symlink():
            left_out.append(LeftOut(path, "a link"))
        elif entry.is_dir(follow_symlinks=False):
            if entry.name in _CACHES:
                left_out.append(LeftOut(path, "a cache"))
            elif above or entry.name != FEEDBACK:
                yield from _walk(Path(entry.path), f"{path}/", left_out)
            else:
                left_out += _not_ours(Path(entry.path))
        elif entry.is_file(follow_symlinks=False):
            yield path, Path(entry.path)
        else:
            left_out.append(LeftOut(path, "no file"))


def _not_ours(folder: Path) -> Iterator[LeftOut]:
    """Tell of files that somebody has put where only what came back is: they are not sent, and should be missed by nobody."""
    for path, _ in _walk(folder, f"{FEEDBACK}/", []):
        if not _CAME_BACK.match(path):
            yield LeftOut(path, f"the folder {FEEDBACK}/ is for what came back; move the file out of it to send it")


def _is_as_released(path: str, place: Path, folder: WorkFolder, record: WorkRecord, left_out: list[LeftOut]) -> bool:
    released = record.manifest.entry(unicodedata.normalize("NFC", path))
    if released is None or released.path in record.expected or ("/" not in path and path.endswith(".ipynb")):
        return False
    with explain_os_errors(place):
        is_same = place.stat().st_size == released.size and file_sha256(place) == released.sha256
    if is_same:
        left_out.append(LeftOut(path, "as it was released"))
    return is_same


def _check_amount(found: list[tuple[str, Path]], record: WorkRecord) -> None:
    if len(found) > _MOST_FILES:
        raise _too_many()
    with explain_os_errors(record.name):
        sizes = sorted(((place.stat().st_size, path) for path, place in found), reverse=True)
    total = sum(size for size, _ in sizes)
    if total > record.upload_mb * 1_000_000:
        largest = ", ".join(f"{path} ({size / 1e6:.1f} MB)" for size, path in sizes[:_NAMED])
        raise InvalidInput(
            f"There are {total / 1e6:.1f} MB in the folder; this assignment takes {record.upload_mb:g} MB. The largest: {largest}.",
            hint="Move what is not asked for out of the folder, or clear the outputs of the notebook.",
        )


def _too_many() -> InvalidInput:
    return InvalidInput(f"There are more than {_MOST_FILES} files in the folder.", hint="Move what is not asked for out of it.")


def _entry(path: str, place: Path, left_out: list[LeftOut]) -> FileEntry | None:
    with explain_os_errors(place):
        size, sha256 = place.stat().st_size, file_sha256(place)
    try:
        return FileEntry(path=unicodedata.normalize("NFC", path), sha256=sha256, size=size)
    except (ValidationError, UnicodeError):
        left_out.append(LeftOut(path, "its name cannot be sent"))
        return None


def _manifest(entries: list[FileEntry]) -> Manifest:
    by_name: dict[str, str] = {}
    for entry in entries:
        name = entry.path.casefold()
        if (other := by_name.get(name)) is not None:
            raise InvalidInput(
                f"{entry.path} and {other} have names that some systems cannot tell apart.", hint="Rename one of them, or take it away."
            )
        by_name[name] = entry.path
    return Manifest(files=tuple(entries))


def _read_notebooks(manifest: Manifest, places: dict[str, Path]) -> tuple[dict[str, int], list[Problem]]:
    """Count the cells of each notebook; what is wrong with one is a problem."""
    cells, problems = {}, []
    for file in manifest.files:
        if not file.path.endswith(".ipynb"):
            continue
        with explain_os_errors(places[file.sha256]):
            data = places[file.sha256].read_bytes()
        try:
            cells[file.path] = check_notebook(data, file.path).cells
        except LabKitError as error:
            problems.append(Problem(where=file.path, text=error.message, hint=error.hint))
    return cells, problems
