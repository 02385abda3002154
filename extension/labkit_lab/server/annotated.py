"""How much a person has annotated of what an assignment asks for: in their projects, or in the documents beside its notebooks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from labkit.annotations.store import load_document
from labkit.client.annotating import Drawings, DrawnDocument
from labkit.client.workfolder import WorkFolder
from labkit.courses.annotation_files import TASKS_FILE, check_document, read_tasks
from labkit.courses.records import AnnotationTask
from labkit.errors import LabKitError

__all__ = ["DRAWN_SETTING", "Annotated", "DrawnShelf"]

DRAWN_SETTING = "labkit_drawn"

_Version = tuple[tuple[int, int], ...]
_MOST_KEPT = 200


@dataclass(frozen=True, slots=True)
class Annotated:
    """In how many of the pictures there is something, and how many objects there are in all of them."""

    pictures: int
    objects: int


class DrawnShelf:
    """Counts, reading again only what has changed, and knows what the hub was told last."""

    def __init__(self) -> None:
        self._told: dict[str, Annotated] = {}
        self._known: dict[tuple[Path, ...], tuple[_Version, int]] = {}

    def count(self, folder: WorkFolder, projects: Path) -> Annotated | None:
        """Return how much is annotated of what the assignment in a folder asks for; None if it asks for nothing.

        It is looked for where handing in looks for it. A picture may lie in several projects, and its document beside the notebooks, too:
        what was changed last counts. What cannot be read counts as nothing.
        """
        try:
            path = folder.on_disk(TASKS_FILE)
            if not path.is_file():
                return None
            tasks, drawings = read_tasks(path.read_bytes()), Drawings(folder, projects)
        except (LabKitError, OSError):
            return None
        counts = [self._of_task(task, folder, drawings) for task in tasks]
        return Annotated(sum(count > 0 for count in counts), sum(counts))

    def is_news(self, assignment: str, found: Annotated | None) -> bool:
        """Whether the hub was told something else of an assignment, or nothing."""
        return found is not None and self._told.get(assignment) != found

    def note_told(self, assignment: str, found: Annotated | None) -> None:
        """Keep that the hub knows this."""
        if found is not None:
            self._told[assignment] = found

    def _of_task(self, task: AnnotationTask, folder: WorkFolder, drawings: Drawings) -> int:
        newest, count = 0, 0
        for changed, found in (*self._beside(task, folder), *self._in_projects(task, drawings)):
            if changed >= newest:
                newest, count = changed, found
        return count

    def _beside(self, task: AnnotationTask, folder: WorkFolder) -> Iterator[tuple[int, int]]:
        path = folder.on_disk(task.path)
        try:
            if version := _version(path):
                yield version[0][0], self._remember((path,), version, lambda: check_document(path.read_bytes(), task.path).objects)
        except (LabKitError, OSError):
            return

    def _in_projects(self, task: AnnotationTask, drawings: Drawings) -> Iterator[tuple[int, int]]:
        try:
            documents = drawings.of(task)[1]
        except (LabKitError, OSError):
            return
        for document in documents:
            try:
                layout = document.project.layout.annotation(document.image.id, document.author)
                if version := _version(layout.snapshot, layout.journal):
                    key = (layout.snapshot, layout.journal)
                    found = self._remember(key, version, lambda: _accepted(document))  # noqa: B023 - called at once
                    yield max(changed for changed, _ in version), found
            except (LabKitError, OSError):
                continue

    def _remember(self, key: tuple[Path, ...], version: _Version, count: Callable[[], int]) -> int:
        known = self._known.get(key)
        if known is None or known[0] != version:
            known = version, count()
            self._known[key] = known
            for oldest in list(self._known)[:-_MOST_KEPT]:
                self._known.pop(oldest, None)
        return known[1]


def _accepted(drawn: DrawnDocument) -> int:
    """Return how many objects would be handed in; an annotated area is none."""
    document = load_document(drawn.project, drawn.image.id, drawn.author).document
    return sum(item.status == "accepted" and item.kind != "area" for item in document.objects)


def _version(*paths: Path) -> _Version:
    """Return when these files were written and how large they are; what is not there is left out."""
    found = (path.stat() for path in paths if path.is_file())
    return tuple((one.st_mtime_ns, one.st_size) for one in found)
