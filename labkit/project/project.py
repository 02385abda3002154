"""A project: a folder that a person can read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from labkit.errors import AlreadyExists, InvalidInput, LabKitError, NotFound
from labkit.project.groups import load_groups, save_group
from labkit.project.records import ClassRecord, ImageRecord, ProjectRecord, ProjectSummary, classes_from_names
from labkit.storage import (
    INCOMING_PREFIX,
    ProjectLayout,
    check_name,
    explain_os_errors,
    hold_lock,
    load_record,
    new_folder,
    new_id,
    save_record,
    utc_now,
)

__all__ = ["Project", "list_projects"]


@dataclass(frozen=True, slots=True)
class Project:
    """An open project: where it lies and what its manifest said when it was opened."""

    layout: ProjectLayout
    record: ProjectRecord

    @classmethod
    def create(
        cls, parent: Path | str, name: str, *, title: str = "", classes: Sequence[str] = (), images_url: str | None = None
    ) -> Project:
        """Make the folder `name` in `parent` and return the new project.

        Parameters
        ----------
        parent : path
            The folder to make it in; made if missing.
        name : str
            Name of the folder, and the title unless `title` is given.
        classes : sequence of str
            Names of classes; ids count from 1 in this order.
        images_url : str, optional
            ``s3://`` address below which the images live; by default the project's own folder.

        Raises
        ------
        InvalidInput
            The name cannot be one of a folder, or the class names repeat.
        AlreadyExists
            There is something of that name.
        NotWritable, StorageFull
            The folder cannot be made.
        """
        name = check_name(name, what="project name")
        _check_class_names(classes)
        if images_url is not None and not re.match(r"s3://[^/]+", images_url):
            raise InvalidInput(f"{images_url!r} is no address of an object store.", hint="Give one such as s3://bucket/folder.")
        record = ProjectRecord(
            id=new_id(),
            title=title or name,
            classes=classes_from_names(list(classes)),
            next_class_id=len(classes) + 1,
            images_url=images_url,
            created=utc_now(),
        )
        target = Path(parent).expanduser().absolute() / name
        try:
            with new_folder(target) as folder:
                save_record(ProjectLayout(folder).record, record)
        except AlreadyExists as error:
            raise AlreadyExists(
                f"A project or folder {name!r} is there already.",
                hint="Choose another name, or open the one that is there.",
                path=str(target),
            ) from error
        return cls(ProjectLayout(target), record)

    @classmethod
    def open(cls, path: Path | str) -> Project:
        """Open the project in the folder `path`.

        Raises
        ------
        NotFound
            The folder has no ``project.json``.
        CorruptStore
            The ``project.json`` cannot be read.
        """
        layout = ProjectLayout(Path(path).expanduser().absolute())
        with explain_os_errors(layout.root):
            if not layout.record.is_file():
                raise NotFound(
                    f"{path} is not a project.", hint="Make one with 'labkit project create NAME', or check the path.", path=str(path)
                )
        return cls(layout, load_record(layout.record, ProjectRecord))

    @classmethod
    def find(cls, start: Path | str = ".") -> Project:
        """Open the project that `start` or its nearest parent folder is."""
        here = Path(start).expanduser().absolute()
        for folder in (here, *here.parents):
            with explain_os_errors(folder):
                if ProjectLayout(folder).record.is_file():
                    return cls.open(folder)
        raise NotFound(
            f"No project in {here} or above it.", hint="Go into a project's folder, or name one with --project PATH.", path=str(here)
        )

    @property
    def path(self) -> Path:
        """The project's folder."""
        return self.layout.root

    @property
    def id(self) -> str:
        """The project's id, which survives renaming the folder."""
        return self.record.id

    @property
    def title(self) -> str:
        """The title that people see."""
        return self.record.title

    @property
    def classes(self) -> tuple[ClassRecord, ...]:
        """The classes, in order of definition."""
        return self.record.classes

    def class_named(self, name: str) -> ClassRecord:
        """Return the class of this name.

        Raises
        ------
        NotFound
            The project has no such class.
        """
        for item in self.classes:
            if item.name == name:
                return item
        known = ", ".join(c.name for c in self.classes) or "none"
        raise NotFound(f"The project has no class {name!r}.", hint=f"Known classes: {known}.", name=name)

    def add_classes(self, names: Sequence[str]) -> Project:
        """Return the project with those of `names` added that it lacks; ids are never used again."""
        with hold_lock(self.layout.lock, what="the project"):
            current = load_record(self.layout.record, ProjectRecord)
            known = {c.name for c in current.classes}
            missing = [name for name in dict.fromkeys(names) if name not in known]
            _check_class_names(missing)
            if missing:
                added = classes_from_names(missing, current.next_class_id)
                current = current.model_copy(
                    update={"classes": current.classes + added, "next_class_id": current.next_class_id + len(added)}
                )
                save_record(self.layout.record, current)
        return Project(self.layout, current)

    def images(self) -> tuple[ImageRecord, ...]:
        """Return the images whose import has finished, oldest first."""
        records, faults = self.readable_images()
        if faults:
            raise faults[0]
        return records

    def readable_images(self) -> tuple[tuple[ImageRecord, ...], tuple[LabKitError, ...]]:
        """Return `images` without those of which the record cannot be read, and what is wrong with these."""
        if not self.layout.images.is_dir():
            return (), ()
        records: list[ImageRecord] = []
        faults: list[LabKitError] = []
        ids = [place.name for place in self.layout.images.iterdir() if not place.name.startswith(".")]
        for place in (self.layout.image(image_id).record for image_id in ids):
            try:
                records += [load_record(place, ImageRecord)] if place.is_file() else []
            except LabKitError as error:
                faults.append(error)
        return tuple(sorted(records, key=lambda r: (r.imported, r.id))), tuple(faults)

    def image(self, key: str) -> ImageRecord:
        """Return the image of this id, or of this name if only one has it.

        Raises
        ------
        NotFound
            No image is called so.
        InvalidInput
            Several images have this name.
        """
        images = self.images()
        for record in images:
            if record.id == key:
                return record
        named = [r for r in images if r.name == key]
        if len(named) > 1:
            raise InvalidInput(f"{len(named)} images are called {key!r}.", hint="Give an id: " + ", ".join(r.id for r in named))
        if not named:
            names = ", ".join(r.name for r in images[:10]) or "none"
            raise NotFound(f"The project has no image {key!r}.", hint=f"Its images: {names}.", key=key)
        return named[0]

    def groups(self) -> dict[str, dict[str, str]]:
        """Return what each image belongs to: values ("A12") by key ("slide") by the image's id; images without any are left out."""
        return load_groups(self.layout)

    def set_group(self, image_key: str, key: str, value: str | None) -> dict[str, str]:
        """Say what an image belongs to, or (with None) that it belongs to nothing of the kind.

        Parameters
        ----------
        image_key : str
            Id or name of the image.
        key : str
            The kind of group: "slide", "animal", ...
        value : str or None
            Which one of them.

        Returns
        -------
        dict
            All values of the image, by key.

        Raises
        ------
        NotFound
            There is no such image.
        InvalidInput
            Key or value are empty or too long, or several images have this name.
        """
        return save_group(self.layout, self.image(image_key).id, key, value)

    def summary(self) -> ProjectSummary:
        """Count what is in the project."""
        lay = self.layout
        images = self.images()
        return ProjectSummary(
            id=self.id,
            title=self.title,
            path=str(self.path),
            images=len(images),
            annotated_images=sum(lay.is_annotated(r.id) for r in images),
            training_sets=_count(lay.training_sets, "*"),
            runs=_count(lay.runs, "*"),
            models=_count(lay.models, "*/*"),
            predictions=_count(lay.predictions, "*/*"),
            classes=tuple(c.name for c in self.classes),
            cover_image=images[0].id if images else None,
            created=self.record.created,
            modified=_modified(lay),
        )


def list_projects(folder: Path | str) -> tuple[ProjectSummary, ...]:
    """Return the projects that lie directly in `folder`, the last modified first; unreadable ones are left out."""
    root = Path(folder).expanduser()
    with explain_os_errors(root):
        if not root.is_dir():
            return ()
        paths = [path for path in root.iterdir() if not path.name.startswith(".")]
    found = []
    for path in paths:
        try:
            with explain_os_errors(path):
                found.append(Project.open(path).summary())
        except LabKitError:
            continue
    return tuple(sorted(found, key=lambda s: s.modified, reverse=True))


def _check_class_names(names: Sequence[str]) -> None:
    if len(set(names)) < len(names):
        raise InvalidInput("A class name is given twice.", hint="Give each class once.")
    if any(not name.strip() or len(name) > 200 for name in names):
        raise InvalidInput("A class name is empty or longer than 200 characters.", hint="Give each class a short name.")


def _count(folder: Path, pattern: str) -> int:
    return sum(not p.name.startswith(INCOMING_PREFIX) and p.is_dir() for p in folder.glob(pattern)) if folder.is_dir() else 0


def _modified(layout: ProjectLayout) -> datetime:
    folders = (layout.record, layout.images, layout.annotations, layout.training_sets, layout.runs, layout.models, layout.predictions)
    newest = max(p.stat().st_mtime for p in folders if p.exists())
    return datetime.fromtimestamp(newest, UTC)
