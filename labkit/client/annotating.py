"""Brings the annotations that an assignment asks for into its folder, out of the projects in which they were drawn, and collects all."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from labkit.annotations.store import document_author, resolve_author
from labkit.client.handing_in import Collected, collect, with_reasons
from labkit.client.workfolder import WorkFolder
from labkit.config import projects_dir
from labkit.courses.annotation_documents import is_named, submitted_document
from labkit.courses.annotation_files import TASKS_FILE, check_annotations, read_tasks
from labkit.courses.records import AnnotationTask, FileEntry, Manifest, Problem
from labkit.errors import AlreadyExists, Conflict, CorruptStore, LabKitError, NotFound, NotWritable, StorageFull
from labkit.project import ImageRecord, Project
from labkit.storage import Record, explain_os_errors, file_sha256, load_record, save_record, write_bytes

__all__ = [
    "ChosenProjects",
    "Drawings",
    "DrawnDocument",
    "Exported",
    "asked_scopes",
    "choose_project",
    "collect_work",
    "export_annotations",
    "look_at_annotations",
    "tasks_in",
]

_Picture = tuple[Project, ImageRecord]


class ChosenProjects(Record):
    """``.labkit/projects.json``: the folder of the project from which the annotations of each task are taken, by the task's id.

    Attributes
    ----------
    authors : dict of task to author
        Whose annotations are taken there, where that was said.
    """

    projects: dict[str, str] = {}
    authors: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Exported:
    """What became of the tasks of an assignment.

    Attributes
    ----------
    written : tuple of str
        Paths, in the folder, of the documents that are now as the annotator has saved them.
    problems : tuple of Problem
        What is missing, and what to do about it; nothing of it is an error.
    """

    written: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class DrawnDocument:
    """One author's document of one image."""

    project: Project
    image: ImageRecord
    author: str

    @property
    def scope(self) -> str:
        """What the annotator in a browser calls it."""
        return _scope(self.project, self.image, self.author)

    @property
    def changed_ns(self) -> int:
        """When it was changed last."""
        layout = self.project.layout.annotation(self.image.id, self.author)
        return max((path.stat().st_mtime_ns for path in (layout.snapshot, layout.journal) if path.is_file()), default=0)


class Drawings:
    """What there is in a person's projects of what an assignment asks for.

    Parameters
    ----------
    folder : WorkFolder
        Of the assignment.
    projects : Path
        The folder of the projects; what cannot be read in it is left out.

    Attributes
    ----------
    faults : dict of path to str
        What cannot be read, by the folder of its project: nobody knows what is drawn in it.
    """

    def __init__(self, folder: WorkFolder, projects: Path) -> None:
        self.faults: dict[Path, str] = {}
        self._every = [known for path in _folders_in(projects) if (known := self._opened(path)) is not None]
        self._chosen = _chosen(folder)
        try:
            self._given = folder.record().manifest
        except (NotFound, CorruptStore):
            self._given = Manifest()

    def of(self, task: AnnotationTask) -> tuple[list[_Picture], list[DrawnDocument]]:
        """Return the images that a task may be about, and the documents that may be meant: the person's own before those of others.

        A picture is known by the hash of the file that was handed out, in whichever project and whatever it is called by now; where no
        such one is annotated names count. Where a project was chosen, and has a document, only that counts; where somebody was chosen,
        too, theirs comes first.
        """
        first: list[_Picture] | None = None
        for pictures in self._tries(task):
            first = pictures if first is None else first
            found = [self._drawn(task, *picture) for picture in pictures]
            documents = [one for one in found if one is not None]
            if documents:
                own = [one for one in documents if one.author == resolve_author()]
                return pictures, [one for one in documents if self.is_chosen(task, one)] or own or documents
        return first or [], []

    def is_chosen(self, task: AnnotationTask, document: DrawnDocument) -> bool:
        """Whether it was said that this is to be handed in, by its author's name."""
        place, author = self._chosen.projects.get(task.id), self._chosen.authors.get(task.id)
        return (place, author) == (str(document.project.path), document.author)

    def _drawn(self, task: AnnotationTask, project: Project, image: ImageRecord) -> DrawnDocument | None:
        """Return the document of an image that may be meant: the chosen author's, else the person's own or the only one."""
        for author in (self._chosen.authors.get(task.id), None):
            with suppress(NotFound):
                document = DrawnDocument(project, image, document_author(project, image, author))
                if author is None or self.is_chosen(task, document):
                    return document
        return None

    def is_given(self, path: str) -> bool:
        """Whether a file was handed out with the assignment."""
        return self._given.entry(path) is not None

    def _opened(self, path: Path) -> tuple[Project, tuple[ImageRecord, ...]] | None:
        """Return a project with its images, which are many files: they are read once; None for what is none or cannot be read."""
        try:
            project = Project.open(path)
            images, faults = project.readable_images()
        except NotFound:
            return None
        except (LabKitError, OSError) as error:
            why = error.message if isinstance(error, LabKitError) else f"{error.strerror}."
            self.faults[path] = f"it cannot be read, so that nothing in it is handed in: {why}"
            return None
        if faults:
            self.faults[path] = f"{len(faults)} of its images cannot be read, so that nothing on them is handed in: {faults[0].message}"
        return project, images

    def _tries(self, task: AnnotationTask) -> Iterator[list[_Picture]]:
        """Yield images, one list after the other until one has documents; none is empty."""
        place, entry = self._chosen.projects.get(task.id), self._given.entry(task.image)
        chosen = self._opened(Path(place)) if place else None
        for known in ([chosen] if chosen else [], self._every):
            every = [(project, image) for project, images in known for image in images]
            if entry and (same := [(project, image) for project, image in every if image.sha256 == entry.sha256]):
                yield same
            if named := [(project, image) for project, image in every if is_named(image, task)]:
                yield named


def tasks_in(folder: WorkFolder) -> tuple[AnnotationTask, ...]:
    """Return the pictures that an assignment asks to annotate; none for most.

    Raises
    ------
    InvalidInput
        The file that names them is not as it was handed out.
    """
    path = folder.on_disk(TASKS_FILE)
    with explain_os_errors(path):
        return read_tasks(path.read_bytes()) if path.is_file() else ()


def collect_work(folder: WorkFolder, *, projects: Path | None = None, unsaved: Collection[str] = ()) -> tuple[Collected, Exported]:
    """Write the annotations of an assignment into its folder, then look through it as `collect` does.

    Raises
    ------
    Conflict, AlreadyExists, CorruptStore, NotWritable, StorageFull
        What the annotator has saved cannot be written, so that an older document would be sent; or it has not saved everything.
    InvalidInput
        As `collect`.
    """
    exported = export_annotations(folder, projects=projects, unsaved=unsaved)
    return collect(folder, said=exported.problems), exported


def look_at_annotations(
    folder: WorkFolder, *, projects: Path | None = None, unsaved: Collection[str] = ()
) -> tuple[dict[str, int], tuple[Problem, ...]]:
    """Write the annotations of an assignment into its folder; return the objects of each document, and what is to be said of them.

    Raises as `export_annotations`.
    """
    exported, tasks = export_annotations(folder, projects=projects, unsaved=unsaved), tasks_in(folder)
    places = {task.path: place for task in tasks if (place := folder.on_disk(task.path)).is_file()}
    entries = (FileEntry(path=path, sha256=file_sha256(place), size=place.stat().st_size) for path, place in places.items())
    manifest = Manifest(files=tuple(entries))
    objects, found = check_annotations(tasks, manifest, lambda entry: places[entry.path].read_bytes())
    return objects, tuple(with_reasons(exported.problems, found, manifest))


def export_annotations(folder: WorkFolder, *, projects: Path | None = None, unsaved: Collection[str] = ()) -> Exported:
    """Write the current document of each picture that is asked for to where a submission holds it.

    A picture is looked for in all projects of the person: by the hash of the file that was handed out, else by its name. Where none has
    it, a document that lies in the folder already is left as it is.

    Parameters
    ----------
    projects : Path, optional
        The folder of the projects; by default ``LABKIT_PROJECTS``.
    unsaved : collection of str
        Documents (project, image and author by ``/``) of which an annotator in a browser holds strokes that are not saved.

    Raises
    ------
    Conflict
        It would be one of those.
    AlreadyExists, CorruptStore, NotWritable, StorageFull
        The document cannot be read or written: what lies in the folder would be older than what is seen.
    """
    tasks = tasks_in(folder)
    if not tasks:
        return Exported()
    drawings = Drawings(folder, projects_dir() if projects is None else projects)
    written: list[str] = []
    problems: list[Problem] = []
    for task in tasks:
        pictures, documents = drawings.of(task)
        _refuse_unsaved(pictures, documents, unsaved)
        if documents:
            newest = max(documents, key=lambda document: document.changed_ns)
            _write(newest, task, folder)
            written.append(task.path)
            problems += _doubts(task, newest, documents, is_chosen=drawings.is_chosen(task, newest))
        else:
            problems.append(_missing(task, folder, pictures, drawings))
    problems += [_unread(path, text) for path, text in drawings.faults.items()]
    return Exported(tuple(written), tuple(problems))


def asked_scopes(folder: WorkFolder, *, projects: Path | None = None) -> tuple[str, ...]:
    """Return what the annotator in a browser calls the documents that an assignment may mean, those that are not there yet included."""
    tasks = tasks_in(folder)
    if not tasks:
        return ()
    drawings = Drawings(folder, projects_dir() if projects is None else projects)
    return tuple(sorted({scope for task in tasks for scope in _scopes(*drawings.of(task))}))


def choose_project(folder: WorkFolder, tasks: Collection[str], project: Project, author: str | None = None) -> None:
    """Note from which project the annotations of these tasks are taken from now on, and whose (None: one's own, or the only ones).

    Where that cannot be written, nothing is noted.
    """
    known = _chosen(folder)
    projects = {**known.projects, **dict.fromkeys(tasks, str(project.path))}
    authors = {task: name for task, name in known.authors.items() if task not in tasks}
    authors |= dict.fromkeys(tasks, resolve_author(author)) if author is not None else {}
    try:
        save_record(folder.layout.chosen_projects, ChosenProjects(projects=projects, authors=authors))
    except (NotWritable, StorageFull):
        return


def _chosen(folder: WorkFolder) -> ChosenProjects:
    try:
        return load_record(folder.layout.chosen_projects, ChosenProjects)
    except (NotFound, CorruptStore):
        return ChosenProjects()


def _folders_in(root: Path) -> list[Path]:
    with explain_os_errors(root):
        return sorted(path for path in root.iterdir() if not path.name.startswith(".")) if root.is_dir() else []


def _scope(project: Project, image: ImageRecord, author: str) -> str:
    return f"{project.id}/{image.id}/{author}"


def _scopes(pictures: Iterable[_Picture], documents: Iterable[DrawnDocument]) -> dict[str, ImageRecord]:
    """Return the images that may be meant by the names of their documents; the person's own first one is not there yet."""
    mine = resolve_author()
    first = {_scope(project, image, mine): image for project, image in pictures}
    return first | {document.scope: document.image for document in documents}


def _refuse_unsaved(pictures: Iterable[_Picture], documents: Iterable[DrawnDocument], unsaved: Collection[str]) -> None:
    """Raise where strokes wait of what may be meant."""
    waiting = _scopes(pictures, documents)
    if (image := next((waiting[scope] for scope in unsaved if scope in waiting), None)) is not None:
        raise Conflict(
            f"The annotator holds strokes on {image.name} that are not saved yet: what is on the disk is older than what you see.",
            hint="Nothing is sent. Open the picture, wait until the annotator says that it is saved, then try again.",
        )


def _doubts(task: AnnotationTask, taken: DrawnDocument, documents: Collection[DrawnDocument], *, is_chosen: bool) -> Iterator[Problem]:
    """Say which of several is taken, and that it is nobody's own."""
    if len(documents) > 1:
        names = ", ".join(sorted({f"{one.image.name} in {one.project.title}" for one in documents}))
        text = f"{len(documents)} documents could be meant ({names}). That of {taken.project.title} is taken, the last changed."
        hint = "To hand in another one: labkit course annotations --project FOLDER, once; or remove what you do not need."
        yield Problem(severity="warning", where=task.path, text=f"{_named(task)}: {text}", hint=hint)
    if taken.author != resolve_author():
        text = f"you have not annotated {taken.image.name}; what {taken.author} drew in your project {taken.project.title} is taken."
        hint = "Open it in the annotator and draw, then submit again, if that is not your work."
        if is_chosen:
            text = f"what {taken.author} drew on {taken.image.name} in {taken.project.title} is taken, as you said."
            hint = "To hand in your own: labkit course annotations --project FOLDER, once."
        yield Problem(severity="warning", where=task.path, text=f"{_named(task)}: {text}", hint=hint)


def _unread(project: Path, text: str) -> Problem:
    hint = "If you drew there for this assignment, let somebody look at it: that is not in what is sent."
    return Problem(severity="warning", where=f"project {project.name}", text=text, hint=hint)


def _missing(task: AnnotationTask, folder: WorkFolder, pictures: list[_Picture], drawings: Drawings) -> Problem:
    """Say why there is no document, and what to do."""
    if pictures:
        project, image = pictures[-1]
        text = f"you have not annotated {image.name} in your project {project.title} yet."
        hint = "Open it in the annotator and draw, then submit again."
    else:
        text = f"none of your projects has the picture {task.image}{', as far as they can be read' if drawings.faults else ''}."
        hint = f"Import {task.image} of this folder into a project and annotate it, then submit again."
        if not drawings.is_given(task.image):
            hint = "Open the project that was handed out with it, and annotate it there, then submit again."
    if folder.on_disk(task.path).is_file():
        text += f" The file {task.path} is sent as it lies in the folder."
    return Problem(severity="warning", where=task.path, text=f"{_named(task)}: {text}", hint=hint)


def _write(source: DrawnDocument, task: AnnotationTask, folder: WorkFolder) -> None:
    data, place = submitted_document(source.project, source.image, source.author), folder.on_disk(task.path)
    if place.is_dir() or (place.parent.exists() and not place.parent.is_dir()):
        raise AlreadyExists(f"{task.path} cannot be written: something else has its name.", hint="Rename that, then try again.")
    with explain_os_errors(place):
        is_same = place.is_file() and not place.is_symlink() and place.read_bytes() == data
    if not is_same:
        write_bytes(place, data)


def _named(task: AnnotationTask) -> str:
    return task.title or task.id
