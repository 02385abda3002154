"""Brings the annotations that an assignment asks for into its folder, out of the projects in which they were drawn, and collects all."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from labkit.annotations.store import document_author
from labkit.client.handing_in import Collected, collect, with_reasons
from labkit.client.workfolder import WorkFolder
from labkit.config import projects_dir
from labkit.courses.annotation_documents import images_of, submitted_document
from labkit.courses.annotation_files import TASKS_FILE, check_annotations, read_tasks
from labkit.courses.records import AnnotationTask, FileEntry, Manifest, Problem
from labkit.errors import AlreadyExists, Conflict, CorruptStore, LabKitError, NotFound, NotWritable, StorageFull
from labkit.project import ImageRecord, Project
from labkit.storage import Record, explain_os_errors, file_sha256, load_record, save_record, write_bytes

__all__ = ["ChosenProjects", "Exported", "choose_project", "collect_work", "export_annotations", "look_at_annotations", "tasks_in"]


class ChosenProjects(Record):
    """``.labkit/projects.json``: the folder of the project from which the annotations of each task are taken, by the task's id."""

    projects: dict[str, str] = {}


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
class _Source:
    """One author's document of one image."""

    project: Project
    image: ImageRecord
    author: str

    @property
    def scope(self) -> str:
        """What the annotator in a browser calls it."""
        return f"{self.project.id}/{self.image.id}/{self.author}"

    @property
    def changed_ns(self) -> int:
        """When it was changed last."""
        layout = self.project.layout.annotation(self.image.id, self.author)
        return max((path.stat().st_mtime_ns for path in (layout.snapshot, layout.journal) if path.is_file()), default=0)


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
    every, chosen = list(_projects(projects_dir() if projects is None else projects)), _chosen(folder)
    written, problems = [], []
    for task in tasks:
        source, problem = _find(task, folder, every, chosen)
        if source is not None:
            _write(source, task, folder, unsaved)
            written.append(task.path)
        problems += [problem] if problem else []
    return Exported(tuple(written), tuple(problems))


def choose_project(folder: WorkFolder, tasks: Collection[str], project: Project) -> None:
    """Note from which project the annotations of these tasks are taken from now on; where that cannot be written, nothing is noted."""
    known = _chosen(folder).projects
    try:
        save_record(folder.layout.chosen_projects, ChosenProjects(projects={**known, **dict.fromkeys(tasks, str(project.path))}))
    except (NotWritable, StorageFull):
        return


def _chosen(folder: WorkFolder) -> ChosenProjects:
    try:
        return load_record(folder.layout.chosen_projects, ChosenProjects)
    except (NotFound, CorruptStore):
        return ChosenProjects()


def _projects(root: Path) -> Iterator[Project]:
    with explain_os_errors(root):
        paths = sorted(path for path in root.iterdir() if not path.name.startswith(".")) if root.is_dir() else []
    for path in paths:
        if (project := _opened(path)) is not None:
            yield project


def _opened(path: Path) -> Project | None:
    try:
        return Project.open(path) if path.is_dir() else None
    except LabKitError:
        return None  # no project, or one that cannot be read


def _find(task: AnnotationTask, folder: WorkFolder, every: list[Project], chosen: ChosenProjects) -> tuple[_Source | None, Problem | None]:
    """Return whose document is meant, or what is missing; and what should be said where several could be."""
    entry = folder.record().manifest.entry(task.image)
    sha256 = entry.sha256 if entry else ""
    if (place := chosen.projects.get(task.id)) and (project := _opened(Path(place))):
        every = [project] if any(_sources(project, task, sha256)) else every
    sources = [source for project in every for source in _sources(project, task, sha256)]
    if not sources:
        return None, _missing(task, folder, every, sha256)
    newest = max(sources, key=lambda source: source.changed_ns)
    if len(sources) == 1:
        return newest, None
    names = ", ".join(sorted({f"{source.image.name} in {source.project.title}" for source in sources}))
    text = f"{_named(task)}: {len(sources)} documents could be meant ({names}). That of {newest.project.title} is taken, the last changed."
    hint = "To hand in another one: labkit course annotations --project FOLDER, once; or remove what you do not need."
    return newest, Problem(severity="warning", where=task.path, text=text, hint=hint)


def _sources(project: Project, task: AnnotationTask, sha256: str) -> Iterator[_Source]:
    try:
        images = images_of(project, task, sha256)
    except LabKitError:
        return  # a project of which a part is broken; another may be meant
    for image in images:
        try:
            yield _Source(project, image, document_author(project, image))
        except NotFound:
            continue


def _missing(task: AnnotationTask, folder: WorkFolder, every: list[Project], sha256: str) -> Problem:
    """Say why there is no document, and what to do."""
    imported = [(project, image) for project in every for image in _images(project, task, sha256)]
    if imported:
        project, image = imported[-1]
        text = f"you have not annotated {image.name} in your project {project.title} yet."
        hint = "Open it in the annotator and draw, then submit again."
    else:
        text = f"none of your projects has the picture {task.image}."
        hint = f"Import {task.image} of this folder into a project and annotate it, then submit again."
        if folder.record().manifest.entry(task.image) is None:
            hint = "Open the project that was handed out with it, and annotate it there, then submit again."
    if folder.on_disk(task.path).is_file():
        text += f" The file {task.path} is sent as it lies in the folder."
    return Problem(severity="warning", where=task.path, text=f"{_named(task)}: {text}", hint=hint)


def _images(project: Project, task: AnnotationTask, sha256: str) -> tuple[ImageRecord, ...]:
    try:
        return images_of(project, task, sha256)
    except LabKitError:
        return ()


def _write(source: _Source, task: AnnotationTask, folder: WorkFolder, unsaved: Collection[str]) -> None:
    if source.scope in unsaved:
        raise Conflict(
            f"The annotator holds strokes on {source.image.name} that are not saved yet: what is on the disk is older than what you see.",
            hint="Nothing is sent. Open the picture, wait until the annotator says that it is saved, then try again.",
        )
    data, place = submitted_document(source.project, source.image, source.author), folder.on_disk(task.path)
    if place.is_dir() or (place.parent.exists() and not place.parent.is_dir()):
        raise AlreadyExists(f"{task.path} cannot be written: something else has its name.", hint="Rename that, then try again.")
    with explain_os_errors(place):
        is_same = place.is_file() and not place.is_symlink() and place.read_bytes() == data
    if not is_same:
        write_bytes(place, data)


def _named(task: AnnotationTask) -> str:
    return task.title or task.id
