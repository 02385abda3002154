"""A student's annotations out of a project, as they are handed in: what the annotator has acknowledged, journal included."""

from __future__ import annotations

from pathlib import Path

from labkit.annotations.document import Document
from labkit.annotations.records import document_bytes
from labkit.annotations.review import load_review
from labkit.annotations.store import document_author, open_document
from labkit.courses.records import AnnotationTask
from labkit.errors import NotFound
from labkit.formats.geojson import Collection, read_geojson, write_geojson
from labkit.project import ImageRecord, Project
from labkit.storage import write_bytes

__all__ = ["export_document", "image_of", "is_named", "submitted_document"]


def is_named(image: ImageRecord, task: AnnotationTask) -> bool:
    """Return whether an image is called as a task calls it, or as the picture file that the task names."""
    return image.name in (task.image, task.image.rsplit("/", 1)[-1]) or image.id == task.image


def image_of(project: Project, task: AnnotationTask, sha256: str = "") -> ImageRecord:
    """Return the image of a project that a task is about.

    Parameters
    ----------
    sha256 : str
        Of the picture file that was handed out: what was imported from it is meant, whatever it is called by now. Where nothing was,
        names count: that of the task, or of its picture file.

    Raises
    ------
    NotFound
        The project has none, or several.
    """
    images = project.images()
    found = [image for image in images if sha256 and image.sha256 == sha256] or [image for image in images if is_named(image, task)]
    if len(found) == 1:
        return found[0]
    if found:
        raise NotFound(f"{len(found)} images of the project are called {task.image}.", hint="Leave one of them.")
    names = ", ".join(image.name for image in images[:5]) or "none"
    raise NotFound(f"The project has no image {task.image}.", hint=f"Import the picture into it; its images: {names}.")


def submitted_document(project: Project, image: ImageRecord, author: str | None = None) -> bytes:
    """Return an author's document as it is handed in: accepted objects, with who drew them, and the review with its comments.

    It says the size of the image, for who has the document alone.
    How long somebody looked at it is left out: it is nobody's business, and would make another file of the same annotations.

    Raises
    ------
    NotFound
        The author has none.
    """
    name = document_author(project, image, author)
    document = open_document(project, image.id, name)
    accepted = [item for item in document.objects if item.status == "accepted"]
    data = document_bytes(Document(image.id, name, document.revision, document.completed_tasks, tuple(accepted)), project.classes)
    review = load_review(project, image.id, name)
    facts = review.model_dump(mode="json", exclude={"time_spent"})
    collection = read_geojson(data)
    more = {"shape": [image.height_px, image.width_px], "review": facts}
    return write_geojson(Collection(collection.features, {**collection.labkit, **more}))


def export_document(project: Project, task: AnnotationTask, folder: Path, author: str | None = None, *, sha256: str = "") -> Path:
    """Write the document of a task to where a submission in `folder` holds it, and return the file; `sha256` is as in `image_of`.

    Raises
    ------
    NotFound
        The project lacks the image, or the author's annotations of it.
    """
    path = folder / task.path
    data = submitted_document(project, image_of(project, task, sha256), author)
    write_bytes(path, data)
    return path
